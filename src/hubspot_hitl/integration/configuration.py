"""The installation's configuration: what the bot owner fills in, in Botpress's Studio.

Botpress sends it, base64 JSON, with every operation. Names are part of the published contract.
Nothing is required, so that a running handoff outlives a slip of the owner; what is needed to go on
is asked by :mod:`hubspot_hitl.integration.readiness`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from hubspot_hitl.integration.inboxes import InboxReference, inbox_references
from hubspot_hitl.integration.subscribers import confidential
from hubspot_hitl.integration.wire import WireModel, json_as_text, number_as_text, studio
from hubspot_hitl.json_values import is_object

MAX_SECRET = 4_000
MAX_ID = 100
MAX_WAIT_S = 2_592_000
# The whole configuration travels in one header of 64 KiB.
MAX_JSON = 20_000
MAX_TEXT = 2_000
MAX_TEXTS = 500


class Configuration(WireModel):
    """What the bot owner fills in. Frozen; unknown fields are ignored, blank ones count as unset.

    Nothing is required here: a saved but incomplete configuration must not stop what runs.
    """

    developer_api_key: SecretStr | None = Field(
        default=None,
        max_length=MAX_SECRET,
        title="Developer API key",
        description="The developer API key of your HubSpot developer account (Development > Keys).",
        json_schema_extra=studio(placeholder="xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    )
    app_id: Annotated[str, BeforeValidator(number_as_text)] = Field(
        default="",
        max_length=MAX_ID,
        title="App ID",
        description="The id of your HubSpot app, from the app's Auth tab.",
        json_schema_extra=studio(placeholder="1160452"),
    )
    client_id: str = Field(
        default="",
        max_length=MAX_ID,
        title="Client ID",
        description="The app's client id, from its Auth tab.",
        json_schema_extra=studio(placeholder="xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    )
    client_secret: SecretStr = Field(
        default=SecretStr(""),
        max_length=MAX_SECRET,
        title="Client secret",
        description="The app's client secret, from its Auth tab. It also verifies webhooks.",
        json_schema_extra=studio(placeholder="xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    )
    inbox_id: Annotated[str, BeforeValidator(number_as_text)] = Field(
        default="",
        max_length=MAX_SECRET,
        title="Inbox ID",
        description=(
            "The inbox or help desk that receives conversations: its id or the URL of its settings"
            " page. Several are separated by commas; the first one is the default."
        ),
        json_schema_extra=studio(placeholder="1263703960"),
    )
    refresh_token: SecretStr = Field(
        default=SecretStr(""),
        max_length=MAX_SECRET,
        title="Refresh token",
        description="The refresh token that `get_refresh_token` printed when you connected.",
        json_schema_extra=studio(placeholder="xxxx-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    )
    history_mode: Literal["comment", "messages", "off"] = Field(
        default="comment",
        title="History",
        description=(
            "How the conversation before the handoff is shown to the agent: as one internal"
            " comment, as messages with their own times, or not at all."
        ),
    )
    create_contacts: bool = Field(
        default=True,
        title="Create contacts",
        description="Create a HubSpot contact when the user has an email or phone and none exists.",
    )

    contact_facts: str = Field(
        default="",
        max_length=MAX_SECRET,
        title="Contact facts",
        description=(
            "Contact properties that the agent sees above the history, by their internal names,"
            " separated by commas."
        ),
        json_schema_extra=studio(placeholder="company, lifecyclestage"),
    )
    agent_name: bool = Field(
        default=True,
        title="Show the agent's name",
        description="Tell the user the agent's name. Without it, the agent is called Agent.",
    )
    agent_photo: bool = Field(
        default=True, title="Show the agent's photo", description="Show the user the agent's photo."
    )
    agent_email: bool = Field(
        default=True,
        title="Keep the agent's email",
        description="Put the agent's email into the tags of the agent's Botpress user.",
    )
    agent_files: Literal["copy", "link"] = Field(
        default="copy",
        title="Files of agents",
        description=(
            "How the user gets an agent's file: copied into the bot's files, where its address"
            " keeps working, or by HubSpot's own link, which expires."
        ),
    )
    quick_replies: Literal["list", "choice"] = Field(
        default="list",
        title="Quick replies",
        description=(
            "How the user gets an agent's quick replies: as a numbered list, or as a Botpress"
            " choice. The HITL plugin passes no choices on."
        ),
    )
    agent_commands: bool = Field(
        default=True,
        title="Commands in comments",
        description="Agents steer the chat by internal comments such as /bot or /help.",
    )
    receipts: bool = Field(
        default=True,
        title="Receipts",
        description="Mark each message of an agent in HubSpot as sent or failed.",
    )
    read_receipts: Literal["off", "told", "reply"] = Field(
        default="told",
        title="Read receipts",
        description=(
            "When an agent's message is marked as read: never, when the bot tells by markRead, or"
            " also when the user writes after it. Botpress itself does not report reading."
        ),
    )
    late_replies: Literal["note", "hold"] = Field(
        default="note",
        title="Replies after the end",
        description=(
            "What becomes of an agent's message after the chat has ended: a note tells the agent,"
            " or the message is held until the user comes back to an agent."
        ),
    )
    reopen: Literal["explain", "resume"] = Field(
        default="explain",
        title="Reopened conversations",
        description=(
            "What happens when an agent opens a closed conversation again: a note explains that the"
            " bot answers now, or the bot is asked by the event handoffReopened to start HITL for"
            " the user, and the conversation goes on when it does."
        ),
    )
    reopen_hours: int = Field(
        default=24,
        ge=0,
        le=720,
        title="Reopening window",
        description="For how many hours after its end a conversation can be reopened.",
    )
    no_agent_seconds: int = Field(
        default=0,
        ge=0,
        le=MAX_WAIT_S,
        title="No agent (seconds)",
        description="Give the chat back to the bot if no agent has taken it by then. 0: never.",
    )
    agent_nudge_seconds: int = Field(
        default=0,
        ge=0,
        le=MAX_WAIT_S,
        title="Agent reminder (seconds)",
        description="Remind the agents by a comment when a user has waited this long. 0: never.",
    )
    agent_silent_seconds: int = Field(
        default=0,
        ge=0,
        le=MAX_WAIT_S,
        title="Agent silent (seconds)",
        description="Give the chat back to the bot when its agent is silent this long. 0: never.",
    )
    user_nudge_seconds: int = Field(
        default=0,
        ge=0,
        le=MAX_WAIT_S,
        title="User reminder (seconds)",
        description="Ask a silent user whether they are still there. 0: never.",
    )
    user_silent_seconds: int = Field(
        default=0,
        ge=0,
        le=MAX_WAIT_S,
        title="User silent (seconds)",
        description="End the chat when the user is silent this long. 0: never.",
    )
    stop_words: str = Field(
        default="",
        max_length=MAX_SECRET,
        title="Stop words",
        description=(
            "Messages by which the user ends the chat with the agent, separated by commas. A line"
            " may begin with a language: `fr: au revoir, fin`."
        ),
        json_schema_extra=studio(placeholder="end chat, bye", display="paragraph"),
    )
    texts: dict[str, Annotated[str, Field(max_length=MAX_TEXT)]] = Field(
        default_factory=dict[str, str],
        max_length=MAX_TEXTS,
        title="Texts",
        description=(
            "Replaces texts that the user or the agent reads, by key or by key and language"
            " (`agent-left`, `agent-left.fr`). The value NULL switches a text off."
        ),
    )
    agent_language: str = Field(
        default="",
        max_length=MAX_ID,
        title="Language of the agents",
        description=(
            "The language of notes and answers to agents, as a BCP 47 tag. Blank: the user's. Texts"
            " exist in English, French, Spanish, German and Portuguese."
        ),
        json_schema_extra=studio(placeholder="en"),
    )
    contact_matching: str = Field(
        default="email, phone, mobilephone",
        max_length=MAX_SECRET,
        title="Contact matching",
        description=(
            "The contact properties by which the user's contact is looked up, in this order. A"
            " custom one needs a value in Contact properties."
        ),
        json_schema_extra=studio(placeholder="email, phone, mobilephone"),
    )
    contact_properties: str = Field(
        default="",
        max_length=MAX_JSON,
        title="Contact properties",
        description=(
            "A JSON object that fills further contact properties which are still empty: internal"
            " name to source, such as user.language or session.pageUrl."
        ),
        json_schema_extra=studio(
            placeholder='{"hs_language": "user.language"}', display="paragraph"
        ),
    )
    routing_rules: str = Field(
        default="",
        max_length=MAX_JSON,
        title="Routing rules",
        description=(
            "A JSON list of rules that choose inbox, priority, agent and ticket by what the CRM"
            " knows of the user. The first rule that fits counts."
        ),
        json_schema_extra=studio(
            placeholder='[{"name": "VIP", "when": {"contact.tier": "gold"}, "then": {}}]',
            display="paragraph",
        ),
    )
    business_hours: str = Field(
        default="",
        max_length=MAX_JSON,
        title="Business hours",
        description=(
            "A JSON object with the hours of all inboxes, and of single ones: zone, weekly spans"
            " and holidays. Routing rules ask for clock.open."
        ),
        json_schema_extra=studio(
            placeholder='{"default": {"zone": "Europe/Berlin", "weekly": {}}}',
            display="paragraph",
        ),
    )
    transcript_mode: Literal["off", "at-close", "per-message"] = Field(
        default="off",
        title="Transcript on the contact",
        description=(
            "Whether what is said is kept in the contact's property chat_transcript: at the end of"
            " a chat, with each message, or not at all."
        ),
    )
    end_note: bool = Field(
        default=False,
        title="Note at the end",
        description="Leave a note with outcome and summary on the contact when a chat ends.",
    )
    timeline_event: Annotated[str, BeforeValidator(number_as_text)] = Field(
        default="",
        max_length=MAX_ID,
        title="Timeline event at the end",
        description=(
            "An event type of your app's project by name, or an event template by number, to add to"
            " the contact's timeline when a chat ends. Apps without access leave a note instead."
        ),
        json_schema_extra=studio(placeholder="chat_ended"),
    )
    outcome_rules: str = Field(
        default="",
        max_length=MAX_JSON,
        title="Outcome rules",
        description=(
            "A JSON list of rules that move deal, ticket or lifecycle stage when a chat ends. The"
            " first rule that fits counts."
        ),
        json_schema_extra=studio(
            placeholder='[{"name": "won", "when": {}, "then": {"deal": {"stage": "Closed Won"}}}]',
            display="paragraph",
        ),
    )
    events_webhook: Annotated[SecretStr, BeforeValidator(json_as_text)] = Field(
        default=SecretStr(""),
        max_length=MAX_JSON,
        title="Events webhook",
        description=(
            "A JSON object, or a list of them, with url, headers and secret: where to send what"
            " happens to handoffs."
        ),
        json_schema_extra=studio(placeholder='{"url": "https://example.com/hook"}'),
    )
    agent_session_minutes: int = Field(
        default=0,
        ge=0,
        le=1_440,
        title="Agent session (minutes)",
        description=(
            "Report an agent as offline to the events webhook after so many minutes without a"
            " message. 0: never, because HubSpot does not tell who is online."
        ),
    )

    redaction: Literal["off", "mask"] = Field(
        default="off",
        title="Redaction",
        description=(
            "Whether card numbers, IBANs and your own patterns are masked in what passes between"
            " user and agent, in both directions and in the history."
        ),
    )
    redaction_patterns: list[Annotated[str, Field(max_length=MAX_SECRET)]] = Field(
        default_factory=list[str],
        max_length=MAX_TEXTS,
        title="Redaction patterns",
        description=(
            "Regular expressions for what else to mask, such as customer numbers. At most 20, of"
            " 200 characters each."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object) -> object:
        """Pasted values come with blanks and line ends around them; empty ones take the default."""
        if not is_object(value):
            return value
        trimmed = {k: v.strip() if isinstance(v, str) else v for k, v in value.items()}
        return {k: v for k, v in trimmed.items() if v is not None and v != ""}

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """Every secret in it, for the log's redaction."""
        values = (
            self.developer_api_key,
            self.client_secret,
            self.refresh_token,
            self.events_webhook,
        )
        parts = confidential(self.events_webhook.get_secret_value()) if self.events_webhook else ()
        known = (value for value in values if value is not None)
        return (*known, *(SecretStr(part) for part in parts))

    @property
    def inboxes(self) -> tuple[InboxReference, ...]:
        """All configured inboxes, the default first. Raises ValueError when one is unreadable."""
        return inbox_references(self.inbox_id)

    @property
    def inbox_ids(self) -> tuple[str, ...]:
        """The ids of all configured inboxes, the default first. Raises ValueError likewise."""
        return tuple(inbox.inbox_id for inbox in self.inboxes)
