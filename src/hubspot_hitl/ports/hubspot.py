"""What the rest of the house needs of HubSpot, for one portal.

An implementation speaks HTTP, refreshes tokens, waits for the rate limit and maps every failure to
:class:`hubspot_hitl.errors.VendorError`. It knows nothing of handoffs. What goes in and comes out
are the values of :mod:`hubspot_hitl.ports.hubspot_records`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Literal, Protocol

from hubspot_hitl.ports.hubspot_records import (
    Actor,
    Channel,
    ChannelAccount,
    ChannelMessage,
    Contact,
    DeliveryIdentifier,
    Inbox,
    PortalInfo,
    Published,
    Thread,
    ThreadMessage,
)


class Priority(IntEnum):
    """Who goes first when the rate limit is short. Lower goes first."""

    LIVE_CHAT = 0
    SETUP = 1
    CRM = 2
    BACKGROUND = 3


class HubSpot(Protocol):
    """One portal, reached with one installation's credentials.

    Every method may raise any :class:`~hubspot_hitl.errors.VendorError`.
    """

    # -- the portal
    async def portal(self) -> PortalInfo:
        """Introspect the current token."""
        ...

    async def inboxes(self) -> Sequence[Inbox]:
        """List all inboxes and help desks, every page."""
        ...

    # -- custom channels (app-level authentication)
    async def channels(self) -> Sequence[Channel]:
        """List all custom channels of the app, every page."""
        ...

    async def create_channel(
        self,
        name: str,
        webhook_url: str,
        capabilities: Mapping[str, object],
        *,
        description: str | None = None,
    ) -> Channel:
        """Create a channel; it becomes usable only some seconds later."""
        ...

    async def update_channel(
        self,
        channel_id: str,
        *,
        name: str | None = None,
        webhook_url: str | None = None,
        capabilities: Mapping[str, object] | None = None,
        description: str | None = None,
    ) -> Channel:
        """Change what is given."""
        ...

    async def delete_channel(self, channel_id: str) -> None:
        """Archive a channel."""
        ...

    async def channel_accounts(self, channel_id: str) -> Sequence[ChannelAccount]:
        """List the accounts of a channel, every page."""
        ...

    async def connect_channel(
        self, channel_id: str, inbox_id: str, name: str, identifier: DeliveryIdentifier
    ) -> ChannelAccount:
        """Bind the channel to an inbox or help desk, authorized."""
        ...

    async def update_channel_account(
        self,
        channel_id: str,
        account_id: str,
        *,
        name: str | None = None,
        authorized: bool | None = None,
    ) -> ChannelAccount:
        """Rename, authorize or disable an account."""
        ...

    # -- messages
    async def publish(self, message: ChannelMessage) -> Published:
        """Put a message into a thread; the same idempotency id twice is one message.

        Raises VendorConflict when it was published before and HubSpot does not tell where it is.
        """
        ...

    async def set_message_status(
        self,
        channel_id: str,
        message_id: str,
        status: Literal["SENT", "READ", "FAILED"],
        error_message: str | None = None,
    ) -> None:
        """Tell the agent what became of a message."""
        ...

    # -- conversations
    async def thread(self, thread_id: str) -> Thread:
        """Read a thread."""
        ...

    async def threads(
        self, *, inbox_id: str | None = None, latest_message_after_ms: int | None = None
    ) -> Sequence[Thread]:
        """List threads by inbox and latest message, every page."""
        ...

    async def set_thread_status(self, thread_id: str, status: Literal["OPEN", "CLOSED"]) -> None:
        """Close or open a thread."""
        ...

    async def archive_thread(self, thread_id: str) -> None:
        """Archive a thread; HubSpot deletes it for good after 30 days.

        Raises VendorNotFound when it is gone already.
        """
        ...

    async def assign_thread(self, thread_id: str, actor_id: str | None) -> None:
        """Assign a thread to an agent, or to nobody."""
        ...

    async def thread_messages(
        self,
        thread_id: str,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        priority: Priority = Priority.LIVE_CHAT,
    ) -> Sequence[ThreadMessage]:
        """Read a thread's history, every page up to `limit`."""
        ...

    async def thread_messages_since(
        self,
        thread_id: str,
        since_ms: int,
        *,
        looks: Sequence[int],
        priority: Priority = Priority.LIVE_CHAT,
    ) -> Sequence[ThreadMessage]:
        """Read the entries of `since_ms` or later, newest first; one call unless there are many.

        `looks` are how many entries are asked for, until those go back so far.
        """
        ...

    async def thread_message(self, thread_id: str, message_id: str) -> ThreadMessage:
        """Read one entry of a thread."""
        ...

    async def original_content(self, thread_id: str, message_id: str) -> tuple[str, str | None]:
        """Read the full text and rich text of a truncated message."""
        ...

    async def write_as_agent(
        self,
        thread_id: str,
        *,
        actor_id: str,
        channel_id: str,
        channel_account_id: str,
        to: DeliveryIdentifier,
        text: str,
    ) -> str:
        """Answer a thread in an agent's name; returns the message's id. Not idempotent."""
        ...

    async def comment(
        self, thread_id: str, text: str, *, rich_text: str | None = None
    ) -> str | None:
        """Add an internal comment, seen by agents only. Not idempotent.

        Returns its text as HubSpot has kept it; None when the answer does not tell.
        """
        ...

    async def actor(self, actor_id: str) -> Actor:
        """Read an actor."""
        ...

    # -- contacts
    async def contact(
        self, key: str, *, by: Literal["id", "email"], properties: Sequence[str] = ()
    ) -> Contact | None:
        """Read a contact; None when there is none."""
        ...

    async def search_contacts(
        self, property_name: str, value: str, properties: Sequence[str] = ()
    ) -> Sequence[Contact]:
        """Find contacts whose property equals `value`. Lags behind writes by moments."""
        ...

    async def create_contact(self, properties: Mapping[str, str]) -> Contact:
        """Create a contact. Raises VendorConflict when the email is taken."""
        ...

    async def update_contact(self, contact_id: str, properties: Mapping[str, str]) -> Contact:
        """Change properties of a contact."""
        ...

    async def erase_contact(self, contact_id: str) -> None:
        """Delete a contact for good, with what HubSpot keeps of them (its GDPR deletion)."""
        ...

    # -- files
    async def upload_file(
        self, content: bytes | Path, *, name: str, content_type: str, folder: str
    ) -> str:
        """Store a private file, given as bytes or as a file of ours; returns its id.

        Not idempotent: a repeat whose first answer was lost leaves a file that nothing refers to.
        """
        ...

    async def file_url(self, file_id: str, *, expires_s: int = 3600) -> str:
        """A signed URL of a private file."""
        ...

    async def erase_file(self, file_id: str) -> None:
        """Delete a file for good. Raises VendorNotFound when it is gone already."""
        ...
