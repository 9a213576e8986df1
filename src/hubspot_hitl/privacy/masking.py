"""Masks card numbers, IBANs and the owner's patterns in what goes to the other side. Pure.

It works on whole texts, before they are split into parts, and never across two messages or items:
digits that happen to stand next to each other are no card number. Addresses of files stay as they
are, or nobody could fetch them. What is stored here for delivery is not masked but erased by age.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import cast

import structlog

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.redaction import Redactor, compile_patterns
from hubspot_hitl.handoff.to_agent import Choice, FileRef, Place, ToAgent
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.json_values import is_list, is_object

log = structlog.get_logger(__name__)

_NOT_WORDS = frozenset({"id", "type", "userId", "conversationId", "botId", "kind"})
_DEEPEST = 20


def redactor_of(configuration: Configuration) -> Redactor | None:
    """What masks for this installation; None when masking is off.

    A pattern that `register` would refuse is left out: the others still count, and no message is
    held back for it.
    """
    if configuration.redaction == "off":
        return None
    return _redactor(tuple(configuration.redaction_patterns))


@lru_cache(maxsize=256)
def _redactor(sources: tuple[str, ...]) -> Redactor:
    try:
        return Redactor(compile_patterns(sources))
    except BadConfiguration as error:
        log.warning("redaction_pattern_left_out", reason=error.message)
    return Redactor(tuple(_usable(sources)))


def _usable(sources: Iterable[str]) -> Iterator[re.Pattern[str]]:
    for source in sources:
        try:
            yield from compile_patterns([source])
        except BadConfiguration:
            continue  # told of above, by its number


def mask_text(configuration: Configuration, text: str) -> str:
    """One text, masked if masking is on."""
    redactor = redactor_of(configuration)
    return redactor.mask(text) if redactor else text


def mask_optional(configuration: Configuration, text: str | None) -> str | None:
    """One text or none."""
    return None if text is None else mask_text(configuration, text)


def mask_content(configuration: Configuration, content: ToAgent) -> ToAgent:
    """A message for the agent.

    Formatting goes when something was found: tags may split a number.
    """
    redactor = redactor_of(configuration)
    if redactor is None:
        return content
    mask = redactor.mask
    text = mask(content.text)
    return dataclasses.replace(
        content,
        text=text,
        text_with_links=_around(redactor, content.text_with_links, content.files),
        rich_text=content.rich_text if text == content.text else None,
        files=tuple(
            dataclasses.replace(file, title=mask(file.title) if file.title else file.title)
            for file in content.files
        ),
        locations=tuple(_place(redactor, place) for place in content.locations),
        choices=tuple(Choice(mask(one.label), mask(one.value)) for one in content.choices),
    )


def mask_handoff(configuration: Configuration, handoff: Handoff) -> Handoff:
    """A handoff with title and description masked, to be shown and not to be saved."""
    return dataclasses.replace(
        handoff,
        title=mask_optional(configuration, handoff.title),
        description=mask_optional(configuration, handoff.description),
    )


def mask_payload(configuration: Configuration, payload: Mapping[str, object]) -> dict[str, object]:
    """A message of Botpress or an entry of the history: every text in it but ids and addresses."""
    redactor = redactor_of(configuration)
    if redactor is None:
        return dict(payload)
    return cast("dict[str, object]", _masked(redactor, dict(payload), 0))


def mask_history(configuration: Configuration, history: object) -> object:
    """A `messageHistory`, masked like a payload."""
    redactor = redactor_of(configuration)
    return history if redactor is None else _masked(redactor, history, 0)


def _masked(redactor: Redactor, value: object, depth: int) -> object:
    if isinstance(value, str):
        return redactor.mask(value)
    if depth >= _DEEPEST:
        return value
    if is_list(value):
        return [_masked(redactor, one, depth + 1) for one in value]
    if is_object(value):
        return {
            name: one if _is_no_word(name) else _masked(redactor, one, depth + 1)
            for name, one in value.items()
        }
    return value


def _is_no_word(name: str) -> bool:
    return name in _NOT_WORDS or name.lower().endswith("url")


def _place(redactor: Redactor, place: Place) -> Place:
    title = redactor.mask(place.title) if place.title else place.title
    address = redactor.mask(place.address) if place.address else place.address
    return dataclasses.replace(place, title=title, address=address)


def _around(redactor: Redactor, text: str, files: tuple[FileRef, ...]) -> str:
    """The text, masked between the addresses of the files."""
    for number, file in enumerate(files):
        before, address, behind = text.partition(file.url)
        if address:
            rest = _around(redactor, behind, files[number + 1 :])
            return f"{redactor.mask(before)}{address}{rest}"
    return redactor.mask(text)
