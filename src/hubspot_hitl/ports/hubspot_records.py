"""Channels, threads, messages and people of HubSpot, as the rest of the house sees them. Pure.

Frozen values without behaviour, so that the domain may translate them. HubSpot's names are spelled
as in its custom channels and conversations guides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class IdentifierType(StrEnum):
    """How a person or account is named on a channel (custom channels guide)."""

    EMAIL = "HS_EMAIL_ADDRESS"
    PHONE = "HS_PHONE_NUMBER"
    OPAQUE = "CHANNEL_SPECIFIC_OPAQUE_ID"


@dataclass(frozen=True, slots=True)
class DeliveryIdentifier:
    """A person's or account's address on a channel."""

    type: IdentifierType
    value: str


@dataclass(frozen=True, slots=True)
class Party:
    """Sender or recipient of a channel message."""

    identifier: DeliveryIdentifier
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """A conversations inbox or help desk of the portal."""

    id: str
    name: str
    type: Literal["INBOX", "HELP_DESK"]
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """A custom channel of the app."""

    id: str
    name: str
    webhook_url: str | None = None
    capabilities: Mapping[str, object] | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelAccount:
    """A custom channel connected to one inbox or help desk."""

    id: str
    channel_id: str
    inbox_id: str
    name: str
    authorized: bool
    active: bool = True
    archived: bool = False
    identifier: DeliveryIdentifier | None = None


@dataclass(frozen=True, slots=True)
class FileAttachment:
    """A file of HubSpot's file manager, attached to a message."""

    file_id: str
    usage: Literal["AUDIO", "IMAGE", "OTHER", "STICKER", "VOICE_RECORDING"] = "OTHER"


@dataclass(frozen=True, slots=True)
class LocationAttachment:
    """A place, in degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class QuickReply:
    """One button of a quick-reply attachment."""

    value: str
    label: str | None = None
    value_type: Literal["TEXT", "URL"] = "TEXT"


@dataclass(frozen=True, slots=True)
class QuickRepliesAttachment:
    """Buttons under a message."""

    replies: tuple[QuickReply, ...]


Attachment = FileAttachment | LocationAttachment | QuickRepliesAttachment


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message to publish into a thread of our custom channel.

    `idempotency_id` is unique per channel account: repeating it makes no second message.
    `timestamp_ms` is epoch milliseconds. `contact_id` links the thread to a CRM contact.
    """

    channel_id: str
    channel_account_id: str
    integration_thread_id: str
    idempotency_id: str
    text: str
    sender: Party
    recipients: tuple[Party, ...]
    timestamp_ms: int
    rich_text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    direction: Literal["INCOMING", "OUTGOING"] = "INCOMING"
    contact_id: str | None = None
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """Where a published message landed. `thread_id` is HubSpot's `conversationsThreadId`."""

    message_id: str
    thread_id: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a thread: agent `A-<userId>`, visitor `V-`, system `S-`, bot `B-`, and so on."""

    id: str
    type: str
    name: str | None = None
    email: str | None = None
    avatar_url: str | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """State of a conversation thread. Times are epoch milliseconds."""

    id: str
    status: Literal["OPEN", "CLOSED"]
    inbox_id: str | None = None
    assigned_to: str | None = None
    contact_id: str | None = None
    ticket_id: str | None = None
    channel_account_id: str | None = None
    archived: bool = False
    spam: bool = False
    latest_message_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadAttachment:
    """An attachment as HubSpot tells it; fields that do not fit the kind are None."""

    type: str
    file_id: str | None = None
    usage: str | None = None
    name: str | None = None
    url: str | None = None
    replies: tuple[QuickReply, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """One entry of a thread's history.

    `type` is MESSAGE, COMMENT, WELCOME_MESSAGE, ASSIGNMENT, THREAD_STATUS_CHANGE,
    THREAD_INBOX_CHANGE, or one that HubSpot adds later.
    """

    id: str
    type: str
    created_ms: int
    created_by: str | None = None
    direction: str | None = None
    text: str = ""
    rich_text: str | None = None
    attachments: tuple[ThreadAttachment, ...] = ()
    truncated: bool = False
    integration_app_id: str | None = None
    sender_actor_ids: tuple[str, ...] = ()
    in_reply_to: str | None = None
    new_status: str | None = None
    assigned_to: str | None = None
    inbox_to: str | None = None
    status_type: str | None = None
    sender_name: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A CRM contact, with the properties that were asked for."""

    id: str
    properties: Mapping[str, str | None]

    @property
    def email(self) -> str | None:
        """The contact's email address, if the property was asked for and is set."""
        return self.properties.get("email") or None


@dataclass(frozen=True, slots=True)
class PortalInfo:
    """What the token says about itself (introspection). `expires_ms` is epoch milliseconds.

    `user_id` is who connected the portal: as an agent, actor `A-<user_id>`.
    """

    portal_id: str
    portal_domain: str | None
    app_id: str | None
    user: str | None
    scopes: tuple[str, ...]
    expires_ms: int | None
    user_id: str | None = None
