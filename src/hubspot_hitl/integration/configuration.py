"""The installation's configuration: what the bot owner fills in, in Botpress's Studio.

Botpress sends it, base64 JSON, with every operation. Names are part of the published contract.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

_INBOX_URL = re.compile(
    r"^https?://app(?:-(?P<region>[a-z0-9]+))?\.hubspot(?:qa)?\.com/[a-z-]+/(?P<portal>\d+)/"
    r"inbox(?:es)?/(?P<inbox>\d+)(?:[/?#].*)?$"
)


def inbox_id_of(value: str) -> str:
    """The inbox id in an id or a pasted inbox-settings URL.

    >>> inbox_id_of(" 1263703960 ")
    '1263703960'
    >>> inbox_id_of("https://app-na3.hubspot.com/live-messages-settings/341/inboxes/126/channels")
    '126'
    """
    text = value.strip()
    match = _INBOX_URL.match(text)
    if match:
        return match["inbox"]
    if not text or re.search(r"[\s/?#&]", text):
        raise ValueError(f"{text!r} is neither an inbox id nor the URL of an inbox's settings")
    return text


def _split(value: object) -> object:
    if isinstance(value, int):
        return str(value)
    return value


class Configuration(BaseModel):
    """What the bot owner fills in. Frozen; unknown fields are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )

    developer_api_key: SecretStr | None = Field(
        default=None,
        title="Developer API key",
        description="The developer API key of your HubSpot developer account (Development > Keys).",
    )
    app_id: Annotated[str, BeforeValidator(_split)] = Field(
        default="",
        title="App ID",
        description="The id of your HubSpot app, from the app's Auth tab.",
    )
    client_id: str = Field(
        default="", title="Client ID", description="The app's client id, from its Auth tab."
    )
    client_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Client secret",
        description="The app's client secret, from its Auth tab. It also verifies webhooks.",
    )
    inbox_id: Annotated[str, BeforeValidator(_split)] = Field(
        default="",
        title="Inbox ID",
        description=(
            "The inbox or help desk that receives conversations: its id or the URL of its settings"
            " page. Several are separated by commas; the first one is the default."
        ),
    )
    refresh_token: SecretStr = Field(
        default=SecretStr(""),
        title="Refresh token",
        description="The refresh token that `get_refresh_token` printed when you connected.",
    )
    history_mode: Literal["comment", "messages", "off"] = Field(
        default="comment",
        title="History",
        description="How the conversation before the handoff is shown to the agent.",
    )
    create_contacts: bool = Field(
        default=True,
        title="Create contacts",
        description="Create a HubSpot contact when the user has an email or phone and none exists.",
    )

    @property
    def inbox_ids(self) -> tuple[str, ...]:
        """All configured inboxes, the default first. Raises ValueError when one is not readable."""
        parts = [part for part in re.split(r"[,\n]", self.inbox_id) if part.strip()]
        return tuple(dict.fromkeys(inbox_id_of(part) for part in parts))
