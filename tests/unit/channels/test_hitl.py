"""A message of the bot's side on its way to the agent: what follows it, whatever fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.botpress.memory import MemoryRuntime
from hubspot_hitl.channels import hitl
from hubspot_hitl.errors import (
    ActionRefused,
    VendorConflict,
    VendorError,
    VendorFault,
    VendorRefused,
)
from hubspot_hitl.handoff.marks import has_mark
from hubspot_hitl.handoff.records import EndReason, HandoffState
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, Done, Ledger
from hubspot_hitl.ports.services import Services

HOOK = installation()
FAULT = VendorFault("Botpress answered 500", vendor="botpress", operation="updateMessage")
GONE = VendorRefused(
    "Botpress answered 400", vendor="botpress", operation="updateMessage", status=400
)


@dataclass(slots=True)
class Bot(MemoryRuntime):
    """A bot whose messages can be tagged, or not."""

    failing: VendorError | None = None
    tagged: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    async def update_message(self, message_id: str, tags: Mapping[str, str]) -> None:
        if self.failing is not None:
            raise self.failing
        self.tagged[message_id] = dict(tags)


@dataclass(frozen=True, slots=True)
class Same:
    """One bot for every installation."""

    runtime: BotRuntime

    def of(self, installation: Installation) -> BotRuntime:
        return self.runtime


@dataclass(frozen=True, slots=True)
class Unworked:
    """The ledger of the rooms, whose worker does not run: nothing is marked as begun."""

    ledger: Ledger

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)

    async def mark_started(self, delivery: Delivery) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Desk:
    """The rooms with a bot that may fail."""

    rooms: Rooms
    services: Services
    bot: Bot

    async def message(self, **changes: Any) -> Delivery:
        """A text of the user, written down."""
        values: dict[str, Any] = {
            "message_id": "m1",
            "conversation_id": "conversation",
            "type_": "text",
            "payload": {"text": "Hello?"},
            "created_at": "2026-01-01T00:00:00Z",
            "user_id": "user",
        }
        await hitl.accept_message(self.services, HOOK, **{**values, **changes})
        (found,) = await self.services.ledger.find(DeliveryFilter(handoff_id="handoff"))
        return found

    async def end(self) -> None:
        """The handoff is over."""
        one = await self.services.handoffs.get("handoff")
        assert one is not None
        over = {"state": HandoffState.RESOLVED, "end_reason": EndReason.AGENT_CLOSED}
        await self.services.handoffs.save(replace(one, **over))  # type: ignore[arg-type]


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with open_rooms() as rooms:
        bot = Bot(clock=rooms.clock)
        ledger = cast("Ledger", Unworked(rooms.services.ledger))
        services = replace(rooms.services, bots=Same(bot), ledger=ledger)
        await services.installations.remember(HOOK)
        await services.handoffs.open(handoff())
        yield Desk(rooms, services, bot)


async def done(outcome: object) -> Done:
    assert isinstance(outcome, Done)
    return outcome


async def test_what_arrived_is_tagged_with_hubspots_id(desk: Desk) -> None:
    it = await desk.message()
    outcome = await done(await hitl.deliver_message(desk.services, it))
    assert (outcome.note, outcome.then) == ("published as m-1", [])
    assert desk.bot.tagged == {"m1": {"id": "m-1"}}


async def test_a_tag_that_cannot_be_set_now_is_set_later_and_holds_nobody(desk: Desk) -> None:
    it = await desk.message()
    desk.bot.failing = FAULT
    outcome = await done(await hitl.deliver_message(desk.services, it))
    (later,) = outcome.then
    assert later.kind == hitl.ACKNOWLEDGE
    assert later.lane != it.lane
    desk.bot.failing = None
    await desk.services.ledger.accept([later])
    (again,) = [
        one
        for one in await desk.services.ledger.find(DeliveryFilter(handoff_id="handoff"))
        if one.kind == hitl.ACKNOWLEDGE
    ]
    assert await hitl.acknowledge(desk.services, again) == Done(note="tagged")
    assert desk.bot.tagged == {"m1": {"id": "m-1"}}


async def test_a_message_that_is_gone_at_botpress_was_delivered_all_the_same(desk: Desk) -> None:
    it = await desk.message()
    desk.bot.failing = GONE
    outcome = await done(await hitl.deliver_message(desk.services, it))
    assert outcome.note == "published as m-1; not tagged: vendor_refused"
    assert not outcome.then


async def test_what_hubspot_has_but_does_not_show_was_delivered(desk: Desk) -> None:
    it = await desk.message()
    known = VendorConflict("known", vendor="hubspot", operation="publish", status=409)
    desk.rooms.portal.failing["publish"] = known
    outcome = await done(await hitl.deliver_message(desk.services, it))
    assert outcome.note == "published where HubSpot does not say"
    assert desk.bot.tagged == {"m1": {"status": "delivered"}}


async def test_what_is_no_botpress_message_is_not_tagged(desk: Desk) -> None:
    it = await desk.message(acknowledge=False)
    outcome = await done(await hitl.deliver_message(desk.services, it))
    assert outcome.note == "published as m-1"
    assert not desk.bot.tagged


async def test_a_refusal_is_raised_also_when_the_user_cannot_be_told(desk: Desk) -> None:
    it = await desk.message()
    desk.bot.failing = FAULT
    refused = VendorRefused("no", vendor="hubspot", operation="publish", status=400)
    desk.rooms.portal.failing["publish"] = refused
    with pytest.raises(VendorRefused) as raised:
        await hitl.deliver_message(desk.services, it)
    assert raised.value is refused


async def test_words_after_the_end_are_written_into_the_thread_once(desk: Desk) -> None:
    it = await desk.message()
    await desk.end()
    outcome = await done(await hitl.deliver_message(desk.services, it))
    assert outcome.note == "the handoff is resolved; put into the thread as a comment"
    (comment,) = desk.rooms.portal.comments
    assert "Hello?" in comment
    assert has_mark(comment, "m1")
    desk.rooms.portal.history.append(ThreadMessage("c-1", "COMMENT", 1, text=comment))
    again = await done(await hitl.deliver_message(desk.services, replace(it, attempts=1)))
    assert again.note == "already commented"
    assert len(desk.rooms.portal.comments) == 1


async def test_without_a_thread_there_is_nowhere_to_write(desk: Desk) -> None:
    one = await desk.services.handoffs.get("handoff")
    assert one is not None
    await desk.services.handoffs.save(replace(one, thread_id=None))
    it = await desk.message()
    await desk.end()
    outcome = await done(await hitl.deliver_message(desk.services, it))
    assert outcome.note == "the handoff is resolved; there is no thread to write into"


@pytest.mark.parametrize("created_at", [None, "soon", "", "2026-13-01T00:00:00Z"])
async def test_an_unreadable_time_is_the_time_at_which_it_came(
    created_at: str | None, desk: Desk
) -> None:
    it = await desk.message(created_at=created_at)
    await hitl.deliver_message(desk.services, it)
    assert desk.rooms.portal.history[0].created_ms == it.accepted_ms


async def test_a_conversation_of_somebody_else_carries_nothing(desk: Desk) -> None:
    with pytest.raises(ActionRefused, match="Start a handoff first"):
        await desk.message(conversation_id="another")
