"""The services over memory, with a HubSpot of lists: for tests of one handler at its ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from tests.unit.hubspot.fake_clock import FakeClock

from hubspot_hitl.botpress.memory import MemoryRuntime
from hubspot_hitl.errors import VendorConflict, VendorError, VendorNotFound, VendorRefused
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.readiness import parse_configuration
from hubspot_hitl.ledger.memory import MemoryEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.hubspot import HubSpot, Priority
from hubspot_hitl.ports.hubspot_records import (
    Actor,
    Channel,
    ChannelAccount,
    ChannelMessage,
    DeliveryIdentifier,
    Inbox,
    PortalInfo,
    Published,
    ThreadMessage,
)
from hubspot_hitl.ports.services import Policy, Services
from hubspot_hitl.store.memory import MemoryHandoffs, MemoryInstallations, MemoryPeople

SECRET = "client-secret-of-the-app"


@dataclass(slots=True)
class FakePortal:
    """A portal in lists. `visible_at_s`: when a new channel is listed, on the clock's monotonic."""

    clock: FakeClock
    inbox_list: list[Inbox] = field(
        default_factory=lambda: [Inbox("1", "Sales", "INBOX"), Inbox("2", "Desk", "HELP_DESK")]
    )
    all_channels: list[Channel] = field(default_factory=list[Channel])
    accounts: list[ChannelAccount] = field(default_factory=list[ChannelAccount])
    history: list[ThreadMessage] = field(default_factory=list[ThreadMessage])
    visible_at_s: float = 0.0
    portal_id: str = "341"
    hangs: bool = False
    """Whether the list of channels is never answered."""
    raced: bool = False
    """Whether somebody else connects an inbox just before we do."""
    keeps: bool = True
    """Whether what is published shows in the thread."""
    failing: dict[str, VendorError] = field(default_factory=dict[str, VendorError])
    calls: list[str] = field(default_factory=list[str])
    comments: list[str] = field(default_factory=list[str])

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise self.failing[name]

    async def portal(self) -> PortalInfo:
        return PortalInfo(self.portal_id, None, None, None, (), None)

    async def inboxes(self) -> Sequence[Inbox]:
        self._called("inboxes")
        return self.inbox_list

    async def channels(self) -> Sequence[Channel]:
        self._called("channels")
        if self.hangs:
            await asyncio.Event().wait()
        return self.all_channels if self.clock.monotonic() >= self.visible_at_s else []

    async def create_channel(
        self,
        name: str,
        webhook_url: str,
        capabilities: Mapping[str, object],
        *,
        description: str | None = None,
    ) -> Channel:
        self._called("create_channel")
        number = str(100 + len(self.all_channels))
        made = Channel(number, name, webhook_url, capabilities, description)
        self.all_channels.append(made)
        return made

    async def update_channel(
        self, channel_id: str, *, webhook_url: str | None = None, **_more: object
    ) -> Channel:
        self._called(f"update_channel {channel_id}")
        (at,) = [n for n, one in enumerate(self.all_channels) if one.id == channel_id]
        self.all_channels[at] = replace(self.all_channels[at], webhook_url=webhook_url)
        return self.all_channels[at]

    async def delete_channel(self, channel_id: str) -> None:
        self._called(f"delete_channel {channel_id}")

    async def channel_accounts(self, channel_id: str) -> Sequence[ChannelAccount]:
        self._called("channel_accounts")
        return [account for account in self.accounts if account.channel_id == channel_id]

    async def connect_channel(
        self, channel_id: str, inbox_id: str, name: str, identifier: DeliveryIdentifier
    ) -> ChannelAccount:
        self._called("connect_channel")
        if all(inbox.id != inbox_id for inbox in self.inbox_list):
            raise VendorRefused("no such inbox", vendor="hubspot", operation="x", status=400)
        made = ChannelAccount(
            str(200 + len(self.accounts)), channel_id, inbox_id, name, True, identifier=identifier
        )
        self.accounts.append(made)
        if self.raced:
            raise VendorConflict("exists", vendor="hubspot", operation="x", status=409)
        return made

    async def update_channel_account(
        self,
        channel_id: str,
        account_id: str,
        *,
        name: str | None = None,
        authorized: bool | None = None,
    ) -> ChannelAccount:
        self._called("update_channel_account")
        (at,) = [n for n, account in enumerate(self.accounts) if account.id == account_id]
        self.accounts[at] = replace(self.accounts[at], authorized=bool(authorized))
        return self.accounts[at]

    async def set_message_status(
        self, channel_id: str, message_id: str, status: str, error_message: str | None = None
    ) -> None:
        self._called(f"set_message_status {channel_id} {message_id} {status}")

    async def publish(self, message: ChannelMessage) -> Published:
        self._called("publish")
        if self.keeps:
            self.history.append(
                ThreadMessage(
                    message.idempotency_id, "MESSAGE", message.timestamp_ms, text=message.text
                )
            )
        return Published("m-1", "9")

    async def write_as_agent(self, thread_id: str, *, actor_id: str, **_more: object) -> str:
        self._called(f"write_as_agent {thread_id} {actor_id}")
        return "m-2"

    async def comment(self, thread_id: str, text: str, *, rich_text: str | None = None) -> str:
        self._called(f"comment {thread_id}")
        self.comments.append(text)
        return "c-1"

    async def actor(self, actor_id: str) -> Actor:
        self._called(f"actor {actor_id}")
        raise VendorNotFound("no such actor", vendor="hubspot", operation="x", status=404)

    async def archive_thread(self, thread_id: str) -> None:
        self._called(f"archive_thread {thread_id}")

    async def thread_messages(
        self,
        thread_id: str,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        priority: Priority = Priority.LIVE_CHAT,
    ) -> Sequence[ThreadMessage]:
        self._called(f"thread_messages {limit}")
        ordered = sorted(self.history, key=lambda one: one.created_ms)
        return ordered[::-1][:limit] if newest_first else ordered[:limit]

    async def thread_messages_since(
        self,
        thread_id: str,
        since_ms: int,
        *,
        looks: Sequence[int],
        priority: Priority = Priority.LIVE_CHAT,
    ) -> Sequence[ThreadMessage]:
        found: Sequence[ThreadMessage] = ()
        for limit in looks:
            found = await self.thread_messages(
                thread_id, newest_first=True, limit=limit, priority=priority
            )
            if len(found) < limit or found[-1].created_ms <= since_ms:
                break
        return [one for one in found if one.created_ms >= since_ms]


@dataclass(frozen=True, slots=True)
class _Same:
    """The same client for every installation."""

    client: object

    def of(self, installation: Installation) -> HubSpot:
        return cast("HubSpot", self.client)


@dataclass(frozen=True, slots=True)
class _SameBot:
    runtime: BotRuntime

    def of(self, installation: Installation) -> BotRuntime:
        return self.runtime


@dataclass(frozen=True, slots=True)
class Rooms:
    """Services and what stands behind their ports."""

    services: Services
    portal: FakePortal
    bot: MemoryRuntime
    clock: FakeClock


@asynccontextmanager
async def open_rooms(policy: Policy | None = None) -> AsyncGenerator[Rooms]:
    """Everything in memory; deliveries are accepted and stay where they are."""
    clock = FakeClock(auto=True)
    portal, bot = FakePortal(clock), MemoryRuntime(clock=clock)
    ledger = LaneLedger(MemoryEngine(), {}, clock)
    await ledger.start(work=False)
    services = Services(
        hubspot=_Same(portal),
        bots=_SameBot(bot),
        handoffs=MemoryHandoffs(),
        people=MemoryPeople(),
        installations=MemoryInstallations(),
        ledger=ledger,
        clock=clock,
        policy=policy or Policy(),
    )
    yield Rooms(services, portal, bot, clock)
    await ledger.stop(0)


def installation(
    name: str = "hook", *, portal_id: str | None = None, secret: str = SECRET, **values: object
) -> Installation:
    """An installation whose configuration is complete unless told otherwise."""
    configuration: dict[str, object] = {
        "developerApiKey": "developer-key",
        "appId": "77",
        "clientId": "client",
        "clientSecret": secret,
        "refreshToken": "refresh-token",
        "inboxId": "1",
        **values,
    }
    parsed = parse_configuration(configuration)
    return Installation(name, "bot", "integration", "alias", parsed, portal_id=portal_id)


def handoff(**values: object) -> Handoff:
    """A handoff that somebody answers."""
    plain = Handoff(
        id="handoff",
        installation_id="hook",
        user_id="user",
        start_key="start",
        integration_thread_id="own-thread",
        state=HandoffState.ASSIGNED,
        created_ms=1_760_000_000_000,
        inbox_id="1",
        channel_id="100",
        channel_account_id="200",
        conversation_id="conversation",
        thread_id="9",
    )
    return replace(plain, **values)  # type: ignore[arg-type]  # any field
