"""What the bot is told: the two events of the `hitl` interface. A literal table."""

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


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One event as the definition declares it."""

    title: str
    description: str
    payload: type[WireModel]
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


HITL_ASSIGNED = "hitlAssigned"
HITL_STOPPED = "hitlStopped"

EVENTS: Mapping[str, EventSpec] = {
    HITL_ASSIGNED: EventSpec(
        "Agent assigned", "A HubSpot agent has taken the handoff.", HitlAssigned, HIDDEN_IN_STUDIO
    ),
    HITL_STOPPED: EventSpec(
        "Handoff ended", "The handoff has ended in HubSpot.", HitlStopped, HIDDEN_IN_STUDIO
    ),
}
