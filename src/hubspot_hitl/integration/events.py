"""What the bot is told: the events of the `hitl` interface, and one of ours. A literal table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from hubspot_hitl.integration.wire import WireModel

HIDDEN_IN_STUDIO: Mapping[str, str] = {"bpActionHiddenInStudio": "true"}
"""The attribute by which the interface keeps its parts out of the Studio's card list."""


class HitlAssigned(WireModel):
    """An agent has taken the handoff."""

    conversation_id: str = Field(
        title="HITL session ID", description="The Botpress conversation of the handoff."
    )
    user_id: str = Field(
        title="Human agent user ID", description="The Botpress user that stands for the agent."
    )


class HitlStopped(WireModel):
    """The handoff has ended on HubSpot's side."""

    conversation_id: str = Field(
        title="HITL session ID", description="The Botpress conversation of the handoff."
    )


class HandoffReopened(WireModel):
    """An agent has opened the thread of an ended handoff again."""

    conversation_id: str = Field(
        title="HITL session ID",
        description=(
            "The Botpress conversation of the handoff; the HITL plugin's tag upstream names the"
            " user's chat."
        ),
    )
    user_id: str | None = Field(
        default=None,
        title="Human agent user ID",
        description="The Botpress user that stands for the agent, if there was one.",
    )


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One event as the definition declares it."""

    title: str
    description: str
    payload: type[WireModel]
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


HITL_ASSIGNED = "hitlAssigned"
HITL_STOPPED = "hitlStopped"
HANDOFF_REOPENED = "handoffReopened"

EVENTS: Mapping[str, EventSpec] = {
    HITL_ASSIGNED: EventSpec(
        "Agent assigned", "A HubSpot agent has taken the handoff.", HitlAssigned, HIDDEN_IN_STUDIO
    ),
    HITL_STOPPED: EventSpec(
        "Handoff ended", "The handoff has ended in HubSpot.", HitlStopped, HIDDEN_IN_STUDIO
    ),
    HANDOFF_REOPENED: EventSpec(
        "Handoff reopened",
        "An agent opened an ended conversation again: start HITL for the user to bring them back.",
        HandoffReopened,
    ),
}
