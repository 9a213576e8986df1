"""Routing rules: read from the text the bot owner saved, refused with the place named. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from hubspot_hitl.crm.routing.conditions import Problem, Schema, condition, is_short, mentions
from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.inboxes import inbox_id_of
from hubspot_hitl.integration.wire import number_as_text
from hubspot_hitl.json_values import is_list, is_object

MAX_RULES: Final = 200
MAX_TEXT: Final = 64_000

_ASSIGN: Final = (
    'is one of "contact-owner", {"team": name, "by": "round-robin" or "least-busy"}'
    ' and {"agent": email or owner id}'
)

PriorityName = Literal["low", "medium", "high", "urgent"]


class _Strict(BaseModel):
    """Unknown keys are refused: a misspelt one would do nothing."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )


class TeamChoice(_Strict):
    """A member of a team: the one whose turn it is, or the one with the fewest open threads."""

    team: Annotated[str, Field(min_length=1)]
    by: Literal["round-robin", "least-busy"] = "round-robin"


class AgentChoice(_Strict):
    """One agent, by email or owner id."""

    agent: Annotated[str, BeforeValidator(number_as_text), Field(min_length=1)]


class TicketChoice(_Strict):
    """The ticket of the handoff; made when HubSpot has made none. Names or ids."""

    pipeline: str | None = None
    stage: str | None = None
    subject: str | None = None


class Then(_Strict):
    """What a rule does. Every part is optional."""

    inbox: Annotated[str, BeforeValidator(number_as_text), AfterValidator(inbox_id_of)] | None = (
        Field(default=None, description="The inbox or help desk: an id or its settings' address.")
    )
    priority: PriorityName | None = Field(
        default=None, description="Stands in the first message the agent reads, and on the ticket."
    )
    assign: Literal["contact-owner"] | TeamChoice | AgentChoice | None = Field(
        default=None,
        description=(
            '`"contact-owner"`, `{team, by}` with `by` `round-robin` or `least-busy`, or'
            " `{agent}` with an email or owner id."
        ),
    )
    texts: Mapping[str, str] = Field(
        default_factory=dict[str, str],
        description="Replaces texts for this handoff, by key or key and language (`waiting.fr`).",
    )
    ticket: TicketChoice | None = Field(
        default=None,
        description=(
            "`{pipeline, stage, subject}`, by names or ids: made, or, when HubSpot made one, set."
        ),
    )
    stay: bool = Field(default=False, description="No handoff: the bot goes on.")
    say: str | None = Field(
        default=None,
        max_length=1_000,
        description="With `stay`: the text with which `startHitl` fails.",
    )

    @model_validator(mode="after")
    def _stays_or_goes(self) -> Then:
        if self.stay and (self.inbox or self.assign or self.ticket or self.priority):
            raise ValueError("'stay' keeps the user with the bot: nothing else goes with it")
        if self.say and not self.stay:
            raise ValueError("'say' is what the bot is told when 'stay' is true; use 'texts'")
        return self


class _Wire(_Strict):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    when: Mapping[str, object] = Field(default_factory=dict[str, object])
    then: Then
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to use. `needs` are the facts it looks at, as (root, name)."""

    name: str
    schema: Schema
    then: Then
    needs: frozenset[tuple[str, str]]
    place: str
    short: bool = False

    @property
    def roots(self) -> frozenset[str]:
        """The groups of facts it looks at."""
        return frozenset(root for root, _ in self.needs)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules that are switched on, in order: the first that fits counts."""

    rules: tuple[Rule, ...] = ()

    def names(self, root: str) -> tuple[str, ...]:
        """Every fact of a root that some rule looks at."""
        return tuple(sorted({n for rule in self.rules for r, n in rule.needs if r == root}))


@lru_cache(maxsize=256)
def read_rules(text: str) -> tuple[Rules, tuple[Problem, ...]]:
    """The rules in a JSON text, and everything that is wrong with them.

    With a problem that is no warning, the rules are empty: half of them would route otherwise than
    anybody meant.
    """
    if not text.strip():
        return Rules(), ()
    if len(text) > MAX_TEXT:
        return Rules(), (Problem("rules", f"is longer than {MAX_TEXT} characters"),)
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        return Rules(), (Problem("rules", f"is not valid JSON{where}"),)
    if is_object(raw) and is_list(raw.get("rules")):
        raw = raw["rules"]
    if not is_list(raw) or len(raw) > MAX_RULES:
        return Rules(), (Problem("rules", f"must be a list of at most {MAX_RULES} rules"),)
    return _read(raw)


def rules_of(text: str) -> Rules:
    """The rules in a text. Raises BadConfiguration with every problem and its place."""
    rules, problems = read_rules(text)
    wrong = [one for one in problems if not one.warning]
    if wrong:
        told = "; ".join(f"{one.place}: {one.message}" for one in wrong[:10])
        raise BadConfiguration(f"The routing rules cannot be used. {told}")
    return rules


def _read(raw: Sequence[object]) -> tuple[Rules, tuple[Problem, ...]]:
    problems: list[Problem] = []
    rules: list[Rule] = []
    seen: set[str] = set()
    before: list[_Wire] = []
    for number, item in enumerate(raw):
        place = f"rules[{number}]"
        try:
            wire = _Wire.model_validate(item)
        except ValidationError as error:
            problems += _in_place(error, place)
            continue
        if wire.name in seen:
            problems.append(Problem(f"{place}.name", f"another rule is called {wire.name!r}"))
        seen.add(wire.name)
        schema, wrong = condition(wire.when, f"{place}.when")
        problems += wrong
        if not wire.enabled:
            continue
        hider = next((one for one in before if _covers(one.when, wire.when)), None)
        if hider is not None:
            when = "whenever it does" if hider.when else "always"
            message = f"is never reached: {hider.name!r} before it fits {when}"
            problems.append(Problem(place, message, warning=True))
        before.append(wire)
        rules.append(_rule(wire, schema, place))
    if any(not one.warning for one in problems):
        return Rules(), tuple(problems)
    return Rules(tuple(rules)), tuple(problems)


def _covers(earlier: Mapping[str, object], later: Mapping[str, object]) -> bool:
    """Whether all that the earlier condition asks for is asked for by the later one too."""
    if not earlier or earlier == later:
        return True
    both_short = is_short(earlier) and is_short(later)
    return both_short and all(key in later and later[key] == earlier[key] for key in earlier)


def _rule(wire: _Wire, schema: Schema, place: str) -> Rule:
    needs = {(one.root, one.name) for one in mentions(schema, f"{place}.when")}
    short = is_short(wire.when)
    return Rule(wire.name, schema, wire.then, frozenset(needs), place, short)


def _in_place(error: ValidationError, place: str) -> list[Problem]:
    found: list[Problem] = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        if one["loc"][:2] == ("then", "assign"):
            # Each branch of the union reports its own failure; one sentence says more.
            found.append(Problem(f"{place}.then.assign", _ASSIGN))
            continue
        where = "".join(f".{part}" for part in one["loc"])
        message = "is no known key" if one["type"] == "extra_forbidden" else one["msg"]
        found.append(Problem(f"{place}{where}", message.removeprefix("Value error, ")))
    return list(dict.fromkeys(found))
