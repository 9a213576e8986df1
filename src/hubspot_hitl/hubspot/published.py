"""Finds a message that HubSpot says exists already but does not show.

Only for a publish that was answered 409 without the message (unverified whether that happens).
Conversations cannot be searched by idempotency id or integration thread id, so the recent threads
of the account's inbox are read.
"""

from __future__ import annotations

from typing import Final

from hubspot_hitl.errors import MissingScope, VendorRefused
from hubspot_hitl.hubspot import paths
from hubspot_hitl.hubspot.fields import Fields, iso_time
from hubspot_hitl.hubspot.rest import Rest
from hubspot_hitl.hubspot.transport import Call
from hubspot_hitl.ports.hubspot_records import ChannelMessage, Published

_THREADS: Final = 50
_MESSAGES: Final = 100
_BEFORE_MS: Final = 60_000


async def find_published(rest: Rest, message: ChannelMessage) -> Published | None:
    """The published message with this sender and text, the one with this very time first.

    None when the recent threads do not have it, or HubSpot does not let them be read.
    """
    try:
        return await _find(rest, message)
    except (MissingScope, VendorRefused):
        return None


async def _find(rest: Rest, message: ChannelMessage) -> Published | None:
    account = Call(
        "channel_accounts.read",
        "GET",
        paths.channel_account(message.channel_id, message.channel_account_id),
    )
    inbox_id = await rest.read(account, lambda raw: raw.require_id("inboxId"))
    since = iso_time(max(0, message.timestamp_ms - _BEFORE_MS))
    recent = Call(
        "threads.list",
        "GET",
        paths.THREADS,
        query=(
            ("inboxId", inbox_id),
            ("sort", "latestMessageTimestamp"),
            ("latestMessageTimestampAfter", since),
            ("limit", str(_THREADS)),
        ),
    )
    candidates: list[tuple[bool, int, Published]] = []
    for thread in await rest.pages(recent, _as_it_is, limit=_THREADS):
        if thread.id("originalChannelAccountId") != message.channel_account_id:
            continue
        candidates += await _matches(rest, message, thread.require_id("id"))
    return max(candidates, key=lambda one: one[:2])[2] if candidates else None


async def _matches(
    rest: Rest, message: ChannelMessage, thread_id: str
) -> list[tuple[bool, int, Published]]:
    history = Call(
        "thread_messages.list",
        "GET",
        paths.thread_messages(thread_id),
        query=(("sort", "-createdAt"), ("limit", str(_MESSAGES))),
    )
    found: list[tuple[bool, int, Published]] = []
    for raw in await rest.pages(history, _as_it_is, limit=_MESSAGES):
        if raw.text("text") == (message.text or " ") and _from_sender(raw, message):
            created_ms = raw.time_ms("createdAt") or 0
            place = Published(raw.require_id("id"), thread_id)
            found.append((created_ms == message.timestamp_ms, created_ms, place))
    return found


def _from_sender(raw: Fields, message: ChannelMessage) -> bool:
    wanted = message.sender.identifier.value
    return any(
        sender.child("deliveryIdentifier").text("value") == wanted
        for sender in raw.children("senders")
    )


def _as_it_is(raw: Fields) -> Fields:
    return raw
