"""What the end of a chat does in the CRM: rules, read from the text the bot owner saved. Pure."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.handoff.records import ACTIVE_STATES, EndReason, Handoff, HandoffState
from hubspot_hitl.integration.wire import number_as_text, problems_of
from hubspot_hitl.json_values import is_list

MOST: Final = 100
_WHERE: Final = "Outcome rules (outcomeRules)"


class _Strict(BaseModel):
    """Unknown keys are refused: a misspelt one would do nothing."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
        defer_build=True,
    )


Text = Annotated[str, BeforeValidator(number_as_text), Field(min_length=1, max_length=200)]


class Place(_Strict):
    """A stage, and the pipeline where its name is not enough; names or ids."""

    stage: Text
    pipeline: Text | None = None


class When(_Strict):
    """What must be so; what is not given is not looked at."""

    state: tuple[HandoffState, ...] = Field(
        default=(), description="`resolved`, `rejected`, `expired`, `failed`, `cancelled`; a list."
    )
    reason: tuple[EndReason, ...] = Field(
        default=(), description="Why it ended, as the tag `endReason` says; a list."
    )
    inbox: tuple[Text, ...] = Field(default=(), description="Ids of inboxes; a list.")
    answered: bool | None = Field(default=None, description="Whether a person had answered.")

    def fits(self, handoff: Handoff) -> bool:
        """Whether a handoff that has ended is meant."""
        return (
            handoff.state not in ACTIVE_STATES
            and (not self.state or handoff.state in self.state)
            and (not self.reason or handoff.end_reason in self.reason)
            and (not self.inbox or handoff.inbox_id in self.inbox)
            and self.answered in (None, handoff.first_reply_ms is not None)
        )


class Then(_Strict):
    """What is set: the contact's newest open deal, the thread's ticket, the lifecycle stage."""

    deal: Place | None = Field(
        default=None, description="`{stage, pipeline}` of the contact's newest open deal."
    )
    ticket: Place | None = Field(
        default=None, description="`{stage, pipeline}` of the thread's ticket."
    )
    lifecycle_stage: Text | None = Field(
        default=None,
        alias="lifecycleStage",
        description="The contact's; HubSpot moves it forward only.",
    )


class OutcomeRule(_Strict):
    """One rule."""

    name: Text
    when: When = When()
    then: Then


_ADAPTER: Final = TypeAdapter(tuple[OutcomeRule, ...], config=ConfigDict(defer_build=True))


@lru_cache(maxsize=256)
def outcome_rules_of(text: str) -> tuple[OutcomeRule, ...]:
    """The rules in a text. Raises BadConfiguration, which names the place.

    >>> outcome_rules_of('[{"name": "won", "then": {"deal": {"stage": "Closed Won"}}}]')[0].name
    'won'
    """
    if not text.strip():
        return ()
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError):
        raise BadConfiguration(f"{_WHERE} is not valid JSON.") from None
    if not is_list(raw) or len(raw) > MOST:
        raise BadConfiguration(f"{_WHERE} must be a JSON list of at most {MOST} rules.")
    try:
        return _ADAPTER.validate_python(raw)
    except ValidationError as error:
        raise BadConfiguration(f"{_WHERE}: {problems_of(error)}.") from None


def rule_for(rules: tuple[OutcomeRule, ...], handoff: Handoff) -> OutcomeRule | None:
    """The first rule that fits."""
    return next((rule for rule in rules if rule.when.fits(handoff)), None)
