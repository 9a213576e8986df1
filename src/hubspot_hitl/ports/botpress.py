"""What the rest of the house needs of a bot runtime.

The Botpress adapter implements it over the Runtime API; `botpress.memory` implements it in a
dictionary for other runtimes and tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BotUser:
    """A user of the bot: an end user or a mirrored agent."""

    id: str
    name: str | None = None
    picture_url: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class BotConversation:
    """A conversation of the bot."""

    id: str
    channel: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class BotFile:
    """A stored file: its id, and the address that opens it."""

    id: str
    url: str


class BotRuntime(Protocol):
    """One bot, reached as one installation of the integration.

    Every method may raise any :class:`~hubspot_hitl.errors.VendorError`. "Get or create" methods
    match on the tags named by `discriminate_by` only and return whether they created.
    """

    async def get_or_create_user(
        self,
        tags: Mapping[str, str],
        *,
        discriminate_by: Sequence[str],
        name: str | None = None,
        picture_url: str | None = None,
    ) -> tuple[BotUser, bool]:
        """Find a user by tags, or make one."""
        ...

    async def get_user(self, user_id: str) -> BotUser:
        """Read a user."""
        ...

    async def update_user(
        self,
        user_id: str,
        *,
        name: str | None = None,
        picture_url: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> BotUser:
        """Change what is given; the rest stays."""
        ...

    async def get_or_create_conversation(
        self, channel: str, tags: Mapping[str, str], *, discriminate_by: Sequence[str]
    ) -> tuple[BotConversation, bool]:
        """Find a conversation by tags, or make one."""
        ...

    async def get_conversation(self, conversation_id: str) -> BotConversation:
        """Read a conversation."""
        ...

    async def update_conversation(self, conversation_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; an empty value removes one."""
        ...

    async def get_or_create_message(
        self,
        conversation_id: str,
        user_id: str,
        type_: str,
        payload: JsonObject,
        tags: Mapping[str, str],
        *,
        discriminate_by: Sequence[str],
    ) -> tuple[str, bool]:
        """Send a message to the bot side, once per tags; returns its id."""
        ...

    async def update_message(self, message_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a message: the acknowledgement of a user's message."""
        ...

    async def message_ids(self, conversation_id: str) -> Sequence[str]:
        """The ids of all messages of a conversation, newest first."""
        ...

    async def delete_message(self, message_id: str) -> None:
        """Delete a message for good. Raises VendorNotFound when there is none."""
        ...

    async def delete_user(self, user_id: str) -> None:
        """Delete a user for good. Raises VendorNotFound when there is none."""
        ...

    async def create_event(
        self,
        type_: str,
        payload: JsonObject,
        *,
        conversation_id: str | None = None,
        user_id: str | None = None,
    ) -> str:
        """Emit an event to the bot; returns its id. Not idempotent: see `find_event`."""
        ...

    async def find_event(
        self,
        type_: str,
        conversation_id: str,
        payload: JsonObject | None = None,
        *,
        since_ms: int = 0,
    ) -> str | None:
        """The id of such an event with this payload, or None when there is none.

        Older ones than `since_ms` (epoch ms) do not count, where the runtime knows their age.
        Raises :class:`~hubspot_hitl.errors.VendorRefused` when the runtime cannot list events.
        """
        ...

    async def keep_file(self, key: str, path: Path, *, name: str, content_type: str) -> BotFile:
        """Store a file that whoever has its address can read.

        The same key replaces the file, so repeating it changes nothing.
        """
        ...

    async def delete_file(self, file_id: str) -> None:
        """Delete a stored file for good. Raises VendorNotFound when there is none."""
        ...

    async def get_state(self, type_: str, id_: str, name: str) -> JsonObject | None:
        """Read a state; None when it was never set."""
        ...

    async def set_state(self, type_: str, id_: str, name: str, payload: JsonObject | None) -> None:
        """Replace a state; None deletes it."""
        ...
