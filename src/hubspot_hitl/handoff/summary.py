"""A summary of a chat without a language model: its own first and last words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from hubspot_hitl.handoff.plain_text import one_line
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey, Words

_ENGLISH: Final = Words()
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message of a chat. `at_ms` is epoch milliseconds."""

    by: Literal["user", "agent", "bot"]
    name: str
    at_ms: int
    text: str


class Summariser(Protocol):
    """Makes a summary. Others come by the entry point group `hubspot_hitl.summarisers`."""

    async def summarise(self, handoff: Handoff, spoken: Sequence[Spoken]) -> str:
        """A few sentences about what was said, oldest first; plain text."""
        ...


class Extract:
    """Quotes instead of inventing: the first question, how much was said, the last words."""

    async def summarise(self, handoff: Handoff, spoken: Sequence[Spoken]) -> str:
        """What the user asked first, how many messages each side wrote, who had the last word."""
        return extract(spoken)


def extract(spoken: Sequence[Spoken], words: Words = _ENGLISH) -> str:
    """The quotes, one to a line.

    >>> print(extract([Spoken("user", "Ada", 0, "It broke"), Spoken("agent", "Bo", 1, "Mended")]))
    The user began: It broke
    Messages: 1 of the user, 1 of agents
    The last word, by Bo: Mended
    """
    said = [one for one in spoken if one.text.strip()]
    people = [one for one in said if one.by != "bot"]
    if not people:
        return words(TextKey.SUMMARY_NOTHING)
    first = next((one for one in people if one.by == "user"), None)
    by_user = sum(one.by == "user" for one in people)
    begun = one_line(first.text, _LONGEST) if first else ""
    lines = [words(TextKey.SUMMARY_FIRST, text=begun)] if first else []
    by_agents = str(len(people) - by_user)
    lines.append(words(TextKey.SUMMARY_COUNTS, user=str(by_user), agent=by_agents))
    last = people[-1]
    if last is not first:
        said_last = one_line(last.text, _LONGEST)
        lines.append(words(TextKey.SUMMARY_LAST, name=last.name, text=said_last))
    return "\n".join(lines)
