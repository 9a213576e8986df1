"""What a flow can ask of us: the input and output of each action, and their literal table.

The table is the contract with Botpress; `hubspot_hitl.actions` holds the handlers under the same
names. To add an action: two models, and one row here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.integration.action_spec import ActionSpec
from hubspot_hitl.integration.availability import (
    CheckAvailabilityInput,
    CheckAvailabilityOutput,
)
from hubspot_hitl.integration.crm.actions import CRM_ACTIONS
from hubspot_hitl.integration.events import HIDDEN_IN_STUDIO
from hubspot_hitl.integration.history import HistoryEntry
from hubspot_hitl.integration.inboxes import inbox_id_of
from hubspot_hitl.integration.messages import AnyPart, Filled
from hubspot_hitl.integration.wire import WireModel, number_as_text, problems_of, studio
from hubspot_hitl.json_values import is_object

MAX_WAIT_S = 2_592_000
DEFAULT_TITLE = "New HITL conversation"
DEFAULT_DESCRIPTION = "No description available"


class CreateUserInput(WireModel):
    """Input of `createUser`. `email` may hold a phone number, or an address the plugin made up."""

    name: str = Field(
        title="Display name",
        description="How the agent sees the end user.",
        json_schema_extra=studio(placeholder="Ada Lovelace"),
    )
    picture_url: str | None = Field(
        default=None,
        title="Picture URL",
        description="Where the end user's picture can be fetched.",
        json_schema_extra=studio(placeholder="https://example.com/ada.png"),
    )
    email: str | None = Field(
        default=None,
        title="Email address",
        description=(
            "The email address, or the phone number with country code, by which HubSpot finds the"
            " contact."
        ),
        json_schema_extra=studio(placeholder="ada@example.com"),
    )


class CreateUserOutput(WireModel):
    """Output of `createUser`."""

    user_id: str = Field(
        title="Botpress user ID", description="The Botpress user that stands for the end user."
    )


class HitlSession(WireModel):
    """The entity `hitlSession`: what the Studio's "Start HITL" card asks beside the interface.

    The Studio sends fields left blank as empty texts; they count as not given.
    """

    inbox_id: (
        Annotated[str, BeforeValidator(number_as_text), AfterValidator(inbox_id_of)] | None
    ) = Field(
        default=None,
        title="Inbox ID",
        description=(
            "The inbox or help desk for this conversation: its id or the URL of its settings."
            " Without one, the integration's default inbox is used."
        ),
        json_schema_extra=studio(placeholder="1263703960"),
    )
    priority: Literal["low", "medium", "high", "urgent"] | None = Field(
        default=None, title="Priority", description="How urgent the conversation is."
    )
    language: str | None = Field(
        default=None,
        title="Language",
        description="The user's language as a BCP 47 tag. It chooses the texts the user reads.",
        json_schema_extra=studio(placeholder="en"),
    )
    subject: str | None = Field(
        default=None,
        title="Subject",
        description="One line that names the matter; the agent sees it first.",
        json_schema_extra=studio(placeholder="Question about an invoice", display="line"),
    )
    reason: str | None = Field(
        default=None,
        title="Reason",
        description="Why the bot hands over, for the agent and for reports.",
        json_schema_extra=studio(placeholder="The user asked for a person", display="paragraph"),
    )
    intent: str | None = Field(
        default=None,
        title="Intent",
        description="What the bot took the user to want, for the agent and for routing.",
        json_schema_extra=studio(placeholder="cancel-order"),
    )
    sentiment: str | None = Field(
        default=None,
        title="Sentiment",
        description="How the user seems to feel, for the agent and for routing.",
        json_schema_extra=studio(placeholder="frustrated"),
    )
    page_url: str | None = Field(
        default=None,
        title="Page URL",
        description="The page the user came from.",
        json_schema_extra=studio(placeholder="https://example.com/pricing"),
    )

    no_agent_seconds: int | None = Field(
        default=None,
        ge=0,
        le=MAX_WAIT_S,
        title="No agent (seconds)",
        description="Instead of the integration's own limit; 0: never.",
    )
    agent_nudge_seconds: int | None = Field(
        default=None,
        ge=0,
        le=MAX_WAIT_S,
        title="Agent reminder (seconds)",
        description="Instead of the integration's own limit; 0: never.",
    )
    agent_silent_seconds: int | None = Field(
        default=None,
        ge=0,
        le=MAX_WAIT_S,
        title="Agent silent (seconds)",
        description="Instead of the integration's own limit; 0: never.",
    )
    user_nudge_seconds: int | None = Field(
        default=None,
        ge=0,
        le=MAX_WAIT_S,
        title="User reminder (seconds)",
        description="Instead of the integration's own limit; 0: never.",
    )
    user_silent_seconds: int | None = Field(
        default=None,
        ge=0,
        le=MAX_WAIT_S,
        title="User silent (seconds)",
        description="Instead of the integration's own limit; 0: never.",
    )

    @model_validator(mode="before")
    @classmethod
    def _blank_is_not_given(cls, value: object) -> object:
        if not is_object(value):
            return value
        return {k: v for k, v in value.items() if not (isinstance(v, str) and not v.strip())}


class StartHitlInput(WireModel):
    """Input of `startHitl`."""

    user_id: str = Field(
        title="User ID", description="The Botpress user that stands for the end user."
    )
    title: str | None = Field(
        default=None,
        title="Title",
        description="The title the agent sees first.",
        json_schema_extra=studio(placeholder=DEFAULT_TITLE),
    )
    description: str | None = Field(
        default=None,
        title="Description",
        description="What the conversation is about, for the agent.",
        json_schema_extra=studio(placeholder=DEFAULT_DESCRIPTION, display="paragraph"),
    )
    hitl_session: HitlSession | None = Field(
        default=None,
        title="Extra configuration",
        description="Settings of this one handoff.",
    )
    message_history: tuple[HistoryEntry, ...] = Field(
        title="Conversation history",
        description="The conversation so far, oldest first. The agent gets to read it.",
    )


class StartHitlOutput(WireModel):
    """Output of `startHitl`."""

    conversation_id: str = Field(
        title="HITL session ID", description="The Botpress conversation of the handoff."
    )


class StopHitlInput(WireModel):
    """Input of `stopHitl`. Old plugins also send a `reason`; it is ignored."""

    conversation_id: str = Field(
        title="HITL session ID", description="The Botpress conversation of the handoff."
    )


class StopHitlOutput(WireModel):
    """Output of `stopHitl`: an empty object."""


class SendMessageInput(WireModel):
    """Input of `sendMessage`: either `text` or `message`."""

    conversation_id: str = Field(
        min_length=1,
        title="HITL session ID",
        description="The Botpress conversation of the handoff, as startHitl returned it.",
        json_schema_extra=studio(placeholder="conv_01J..."),
    )
    text: Filled | None = Field(
        default=None,
        title="Text",
        description="What the agent gets to read. Leave it empty when you give a message.",
        json_schema_extra=studio(placeholder="My order is 4711", display="paragraph"),
    )
    message: AnyPart | None = Field(
        default=None,
        title="Message",
        description="A message of any kind, as type and payload. Leave it empty if text is given.",
    )
    user_id: str | None = Field(
        default=None,
        title="User ID",
        description="The Botpress user who says it. Without one, the bot says it.",
        json_schema_extra=studio(placeholder="user_01J..."),
    )
    idempotency_key: str | None = Field(
        default=None,
        max_length=200,
        title="Idempotency key",
        description="Repeating the action with the same key in one conversation sends once.",
        json_schema_extra=studio(placeholder="order-4711-question"),
    )

    @model_validator(mode="before")
    @classmethod
    def _blank_is_not_given(cls, value: object) -> object:
        """The Studio sends fields left blank as empty texts."""
        return {k: v for k, v in value.items() if v != ""} if is_object(value) else value

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.text is None) == (self.message is None):
            raise ValueError("give either text or message, not both and not none")
        return self


class SendMessageOutput(WireModel):
    """Output of `sendMessage`."""

    message_id: str = Field(
        title="Message ID", description="The id under which the message is delivered."
    )


class MarkReadInput(WireModel):
    """Input of `markRead`."""

    conversation_id: str = Field(
        min_length=1,
        title="HITL session ID",
        description="The Botpress conversation of the handoff, as startHitl returned it.",
        json_schema_extra=studio(placeholder="conv_01J..."),
    )
    read_at: Filled | None = Field(
        default=None,
        title="Read at",
        description="ISO 8601. What reached the user later stays unread. Without one: now.",
        json_schema_extra=studio(placeholder="2026-05-31T09:00:00Z"),
    )

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object) -> object:
        """The Studio sends fields left blank as empty texts."""
        if not is_object(value):
            return value
        return {key: one for key, one in value.items() if one != ""}


class MarkReadOutput(WireModel):
    """Output of `markRead`."""

    marked: int = Field(
        title="Marked", description="How many messages were not marked as read before."
    )


ACTIONS: Mapping[str, ActionSpec] = {
    "createUser": ActionSpec(
        "Create external user",
        "Make or find the Botpress user that stands for the end user in HubSpot.",
        CreateUserInput,
        CreateUserOutput,
        HIDDEN_IN_STUDIO,
    ),
    "startHitl": ActionSpec(
        "Start new HITL session",
        "Open a HubSpot conversation for the user and return the Botpress side of it.",
        StartHitlInput,
        StartHitlOutput,
        HIDDEN_IN_STUDIO,
    ),
    "stopHitl": ActionSpec(
        "Stop HITL session",
        "End the handoff and close the HubSpot conversation.",
        StopHitlInput,
        StopHitlOutput,
        HIDDEN_IN_STUDIO,
    ),
    "sendMessage": ActionSpec(
        "Send message to agent",
        "Say something in a running handoff, as the bot or as the user.",
        SendMessageInput,
        SendMessageOutput,
    ),
    "markRead": ActionSpec(
        "Mark as read",
        "Tell the agents that the user has read their messages, where the bot's channel knows.",
        MarkReadInput,
        MarkReadOutput,
    ),
    "checkAvailability": ActionSpec(
        "Check availability",
        "Ask before a handoff: business hours, who waits, and for how long usually.",
        CheckAvailabilityInput,
        CheckAvailabilityOutput,
    ),
    **CRM_ACTIONS,
}


def parse_input(name: str, input_: object) -> WireModel:
    """The input of action `name` as its model. Raises InvalidPayload that repeats no value."""
    spec = ACTIONS.get(name)
    if spec is None:
        raise InvalidPayload(f"Action {name[:64]} not found")
    try:
        return spec.input.model_validate(input_)
    except ValidationError as error:
        raise InvalidPayload(f"The input of {name} is wrong: {problems_of(error)}") from None
