"""The installation's configuration: what the bot owner fills in, in Botpress's Studio.

Botpress sends it, base64 JSON, with every operation. Names are part of the published contract.
Reading is lenient, so that a running handoff outlives a slip of the owner; `require_ready` is what
`register` and `startHitl` ask before they rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeGuard

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.inboxes import (
    InboxReference,
    inbox_id_of,
    inbox_reference,
    inbox_references,
)
from hubspot_hitl.integration.wire import WireModel, number_as_text, studio

MAX_SECRET = 4_000
MAX_ID = 100


__all__ = [
    "Configuration",
    "InboxReference",
    "inbox_id_of",
    "inbox_reference",
    "parse_configuration",
    "require_ready",
]


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

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object) -> object:
        """Pasted values come with blanks and line ends around them; empty ones take the default."""
        if not _is_mapping(value):
            return value
        trimmed = {k: v.strip() if isinstance(v, str) else v for k, v in value.items()}
        return {k: v for k, v in trimmed.items() if v is not None and v != ""}

    @property
    def inboxes(self) -> tuple[InboxReference, ...]:
        """All configured inboxes, the default first. Raises ValueError when one is unreadable."""
        return inbox_references(self.inbox_id)

    @property
    def inbox_ids(self) -> tuple[str, ...]:
        """The ids of all configured inboxes, the default first. Raises ValueError likewise."""
        return tuple(inbox.inbox_id for inbox in self.inboxes)


def parse_configuration(raw: object) -> Configuration:
    """The configuration in a JSON object that Botpress or an operator sent.

    Raises BadConfiguration that names each wrong field, what is wrong and how to mend it, and
    repeats no value.
    """
    if not _is_mapping(raw):
        raise BadConfiguration("The configuration is no JSON object. Save it in the Studio again.")
    try:
        return Configuration.model_validate(dict(raw))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise BadConfiguration(
            "The configuration cannot be read. " + " ".join(_in_plain_words(d) for d in details)
        ) from None


def require_ready(configuration: Configuration) -> None:
    """Check that everything is there that opening a conversation in HubSpot needs.

    Raises BadConfiguration that names every field to fill in or to mend, so that one round is
    enough. Nothing is asked of HubSpot.
    """
    wrong = [f"{_named(name)} is missing. {cure}" for name, cure in _missing(configuration)]
    if configuration.app_id and not re.fullmatch(r"[0-9]+", configuration.app_id):
        wrong.append(f"{_named('app_id')} must be the app's number. {_CURES['app_id']}")
    wrong += _inbox_problems(configuration)
    if wrong:
        raise BadConfiguration("The integration is not set up yet. " + " ".join(wrong))


_CURES: Mapping[str, str] = {
    "developer_api_key": "Copy it from Development > Keys in your HubSpot developer account.",
    "app_id": "Copy it from the app's Auth tab in HubSpot.",
    "client_id": "Copy it from the app's Auth tab in HubSpot.",
    "client_secret": "Copy it from the app's Auth tab in HubSpot.",
    "inbox_id": "Copy it, or the whole address, from the inbox's settings in HubSpot.",
    "refresh_token": "Connect the portal with scripts/get_refresh_token.py and paste its answer.",
}


def _missing(configuration: Configuration) -> list[tuple[str, str]]:
    values: Mapping[str, str] = {
        "developer_api_key": _reveal(configuration.developer_api_key),
        "app_id": configuration.app_id,
        "client_id": configuration.client_id,
        "client_secret": _reveal(configuration.client_secret),
        "inbox_id": configuration.inbox_id,
        "refresh_token": _reveal(configuration.refresh_token),
    }
    return [(name, _CURES[name]) for name, value in values.items() if not value.strip()]


def _inbox_problems(configuration: Configuration) -> list[str]:
    if not configuration.inbox_id.strip():
        return []
    try:
        inboxes = configuration.inboxes
    except ValueError as error:
        return [f"{_named('inbox_id')} cannot be used: {error}"]
    if not inboxes:
        return [f"{_named('inbox_id')} is missing. {_CURES['inbox_id']}"]
    portals = sorted({inbox.portal_id for inbox in inboxes if inbox.portal_id})
    if len(portals) > 1:
        return [
            f"{_named('inbox_id')} names inboxes of the portals {', '.join(portals)}; one"
            " installation serves one portal. Install the integration once more for the other."
        ]
    return []


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _named(name: str) -> str:
    """A field as the Studio titles it, with its published name."""
    info = Configuration.model_fields[name]
    return f"{info.title} ({info.alias})"


_BY_ALIAS: Mapping[str, str] = {
    info.alias: name for name, info in Configuration.model_fields.items() if info.alias
}


def _in_plain_words(detail: ErrorDetails) -> str:
    key = str(detail["loc"][0]) if detail["loc"] else ""
    name = _BY_ALIAS.get(key, key)
    if name not in Configuration.model_fields:
        return "It has a shape that is not understood. Save it in the Studio again."
    context = detail.get("ctx", {})
    match detail["type"]:
        case "string_type":
            problem = "must be text."
        case "string_too_long" | "too_long":
            problem = f"is longer than {context.get('max_length')} characters."
        case "bool_type" | "bool_parsing":
            problem = "must be true or false."
        case "literal_error":
            problem = f"must be {context.get('expected')}."
        case _:
            problem = "is not readable."
    cure = _CURES.get(name, "Leave it empty for the default.")
    return f"{_named(name)} {problem} {cure}"


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)
