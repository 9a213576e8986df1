"""Inboxes, threads, their history, their actors.

Source: https://developers.hubspot.com/docs/api-reference/latest/conversations/guide
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from cachetools import TTLCache

from hubspot_hitl.errors import VendorNotFound
from hubspot_hitl.hubspot import paths, records
from hubspot_hitl.hubspot.fields import Fields, iso_time
from hubspot_hitl.hubspot.rest import AppAuth, Rest
from hubspot_hitl.hubspot.transport import Call, Transport, query_of
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.ports.hubspot_records import (
    Actor,
    DeliveryIdentifier,
    Inbox,
    Thread,
    ThreadMessage,
)

ACTOR_CACHE_S = 600.0
ACTOR_CACHE_SIZE = 10_000
_PAGE_OF_HISTORY = 100
_PAGE_OF_THREADS = 500


class Conversations(Rest):
    """The conversations part of the client. Actors are remembered for ten minutes."""

    def __init__(self, transport: Transport, app_auth: AppAuth, clock: Clock) -> None:
        super().__init__(transport, app_auth)
        self._actors: TTLCache[str, Actor] = TTLCache(
            ACTOR_CACHE_SIZE, ACTOR_CACHE_S, timer=clock.monotonic
        )

    async def inboxes(self) -> Sequence[Inbox]:
        """List all inboxes and help desks, every page."""
        call = Call(
            "inboxes.list",
            "GET",
            paths.INBOXES,
            query=(("limit", "100"),),
            priority=Priority.SETUP,
        )
        return await self.pages(call, records.inbox)

    async def thread(self, thread_id: str) -> Thread:
        """Read a thread, archived or not, with its ticket.

        Archived threads are asked for when the first answer is 404 (unverified: HubSpot may tell
        them without being asked).
        """
        call = Call(
            "threads.read", "GET", paths.thread(thread_id), query=(("association", "TICKET"),)
        )
        try:
            return await self.read(call, records.thread)
        except VendorNotFound:
            archived = replace(call, query=(*call.query, ("archived", "true")))
        return await self.read(archived, records.thread)

    async def threads(
        self, *, inbox_id: str | None = None, latest_message_after_ms: int | None = None
    ) -> Sequence[Thread]:
        """List threads by inbox and latest message, every page."""
        after = None if latest_message_after_ms is None else iso_time(latest_message_after_ms)
        query = query_of(
            {
                "inboxId": inbox_id,
                "latestMessageTimestampAfter": after,
                "sort": None if after is None else "latestMessageTimestamp",
                "limit": _PAGE_OF_THREADS,
            }
        )
        call = Call("threads.list", "GET", paths.THREADS, query=query, priority=Priority.BACKGROUND)
        return await self.pages(call, records.thread)

    async def set_thread_status(self, thread_id: str, status: Literal["OPEN", "CLOSED"]) -> None:
        """Close or open a thread. HubSpot tells it back as an event."""
        await self.send(
            Call("threads.set_status", "PATCH", paths.thread(thread_id), body={"status": status})
        )

    async def archive_thread(self, thread_id: str) -> None:
        """Archive a thread; HubSpot deletes it for good after 30 days and tells it as an event."""
        await self.send(
            Call("threads.archive", "DELETE", paths.thread(thread_id), priority=Priority.BACKGROUND)
        )

    async def assign_thread(self, thread_id: str, actor_id: str | None) -> None:
        """Assign a thread to an agent (`A-<userId>`), or to nobody. See :func:`paths.assignee`."""
        path = paths.assignee(thread_id)
        if actor_id is None:
            await self.send(Call("threads.unassign", "DELETE", path))
        else:
            await self.send(Call("threads.assign", "PUT", path, body={"actorId": actor_id}))

    async def thread_messages(
        self,
        thread_id: str,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        priority: Priority = Priority.LIVE_CHAT,
    ) -> Sequence[ThreadMessage]:
        """Read a thread's history, every page up to `limit`."""
        call = _history(thread_id, limit, priority, newest_first=newest_first)
        return await self.pages(call, records.thread_message, limit=limit)

    async def thread_messages_since(
        self,
        thread_id: str,
        since_ms: int,
        *,
        looks: Sequence[int],
        priority: Priority = Priority.LIVE_CHAT,
    ) -> Sequence[ThreadMessage]:
        """Read the entries of `since_ms` or later, newest first.

        `looks` are how many entries are asked for, until those go back so far. Of elder ones only
        the time is read: an agent's message has one new entry beside nine that are known.
        """
        found: Sequence[ThreadMessage | None] = ()
        for limit in looks:
            call = _history(thread_id, limit, priority, newest_first=True)
            found = await self.pages(
                call, lambda raw: records.thread_message_since(raw, since_ms), limit=limit
            )
            last = found[-1] if found else None
            if len(found) < limit or last is None or last.created_ms <= since_ms:
                break
        return [entry for entry in found if entry is not None]

    async def thread_message(self, thread_id: str, message_id: str) -> ThreadMessage:
        """Read one entry of a thread."""
        call = Call("thread_messages.read", "GET", paths.thread_message(thread_id, message_id))
        return await self.read(call, records.thread_message)

    async def original_content(self, thread_id: str, message_id: str) -> tuple[str, str | None]:
        """Read the full text and rich text of a truncated message."""
        call = Call(
            "thread_messages.read_original", "GET", paths.original_content(thread_id, message_id)
        )
        return await self.read(
            call, lambda raw: (raw.text("text") or "", raw.text("richText") or None)
        )

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
        body: dict[str, object] = {
            "type": "MESSAGE",
            "senderActorId": actor_id,
            "channelId": channel_id,
            "channelAccountId": channel_account_id,
            "recipients": [{"deliveryIdentifiers": [records.identifier_json(to)]}],
            "text": text,
            "attachments": [],
        }
        call = Call("thread_messages.write", "POST", paths.thread_messages(thread_id), body=body)
        return await self.read(call, _id)

    async def comment(
        self, thread_id: str, text: str, *, rich_text: str | None = None
    ) -> str | None:
        """Add an internal comment, seen by agents only; returns its text as HubSpot has it."""
        body: dict[str, object] = {"type": "COMMENT", "text": text, "attachments": []}
        if rich_text is not None:
            body["richText"] = rich_text
        call = Call("thread_messages.comment", "POST", paths.thread_messages(thread_id), body=body)
        return await self.read(call, lambda raw: raw.text("text"))

    async def actor(self, actor_id: str) -> Actor:
        """Read an actor; a repeated read within ten minutes costs no call."""
        known = self._actors.get(actor_id)
        if known is None:
            call = Call("actors.read", "GET", paths.actor(actor_id))
            known = self._actors[actor_id] = await self.read(call, records.actor)
        return known


def _history(thread_id: str, limit: int | None, priority: Priority, *, newest_first: bool) -> Call:
    page = _PAGE_OF_HISTORY if limit is None else max(1, min(limit, _PAGE_OF_HISTORY))
    return Call(
        "thread_messages.list",
        "GET",
        paths.thread_messages(thread_id),
        query=query_of({"sort": "-createdAt" if newest_first else "createdAt", "limit": page}),
        priority=priority,
    )


def _id(raw: Fields) -> str:
    return raw.require_id("id")
