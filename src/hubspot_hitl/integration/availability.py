"""Input and output of `checkAvailability`. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hubspot_hitl.integration.crm.inputs import CrmInput, OptionalId
from hubspot_hitl.integration.wire import WireModel, studio


class CheckAvailabilityInput(CrmInput):
    """Input of `checkAvailability`."""

    inbox_id: OptionalId = Field(
        default=None,
        title="Inbox ID",
        description="The inbox or help desk, by id or address. Without one, the default.",
        json_schema_extra=studio(placeholder="1263703960"),
    )


class CheckAvailabilityOutput(WireModel):
    """Output of `checkAvailability`. What is not known is not there."""

    inbox_id: str = Field(title="Inbox ID", description="The inbox that is meant.")
    open: bool | None = Field(
        default=None,
        title="Open",
        description="Whether the inbox is within its business hours; absent where none are set.",
    )
    holiday: bool | None = Field(
        default=None, title="Holiday", description="Whether today is one of the inbox."
    )
    opens_at: str | None = Field(
        default=None,
        title="Opens at",
        description="When a closed inbox opens next, in its own zone; ISO 8601.",
    )
    agent_presence: Literal["unknown"] = Field(
        default="unknown",
        title="Agents present",
        description="Always unknown: HubSpot does not tell whether an agent is online.",
    )
    waiting: int = Field(title="Waiting", description="Users of this inbox who wait for an agent.")
    running: int = Field(title="Running", description="Handoffs of this inbox that go on.")
    wait_minutes: float | None = Field(
        default=None,
        title="Usual wait (minutes)",
        description=(
            "The median time to the first answer of the last handoffs of this inbox; absent until"
            " there were three within a week."
        ),
    )
    minutes_since_agent_reply: float | None = Field(
        default=None,
        title="Last answer (minutes ago)",
        description="How long ago an agent of this inbox last wrote; absent if none did lately.",
    )
