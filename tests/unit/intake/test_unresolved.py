"""Events of threads that nobody knew when they came (the race a start must win)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.intake import DELIVERIES
from hubspot_hitl.intake.batch import take_in
from hubspot_hitl.intake.hubspot_events import (
    ASSIGNED,
    MESSAGE,
    ORPHAN,
    UNRESOLVED,
    HubSpotEvent,
    agent_message,
)
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, Done, Later
from hubspot_hitl.ports.store import Handoffs

SAID = ThreadMessage(
    id="m1", type="MESSAGE", created_ms=1, created_by="A-1", direction="OUTGOING", text="Hi"
)
STARTING = handoff(
    state=HandoffState.STARTING, thread_id=None, conversation_id=None, created_ms=1_760_000_000_000
)


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms() as rooms:
        await rooms.services.installations.remember(installation())
        yield rooms


def spoken() -> HubSpotEvent:
    return agent_message(SAID, "9", (), "100")


def assigned() -> HubSpotEvent:
    return HubSpotEvent(ASSIGNED, "a1", "9", 1, {"value": "A-1"})


async def taken(rooms: Rooms, *events: HubSpotEvent) -> list[Delivery]:
    """What the ledger holds after these events came in."""
    intake = await take_in(rooms.services, installation(), events)
    await rooms.services.ledger.accept(intake.deliveries)
    wanted = DeliveryFilter(states=[DeliveryState.READY], newest_first=False)
    return list(await rooms.services.ledger.find(wanted))


async def test_while_a_handoff_starts_unknown_threads_are_kept(rooms: Rooms) -> None:
    await rooms.services.handoffs.open(STARTING)
    first, second = await taken(rooms, assigned(), spoken())
    assert (first.kind, second.kind) == (UNRESOLVED, UNRESOLVED)
    assert first.lane == second.lane == "thread:hook:9"


async def test_without_a_start_only_words_to_nobody_are_kept(rooms: Rooms) -> None:
    (kept,) = await taken(rooms, assigned(), spoken())
    assert (kept.kind, kept.lane) == (ORPHAN, "thread:hook:9")


async def test_an_event_waits_until_the_start_knows_its_thread(rooms: Rooms) -> None:
    stored = await rooms.services.handoffs.open(STARTING)
    (kept,) = await taken(rooms, assigned())
    assert isinstance(await DELIVERIES[UNRESOLVED](rooms.services, kept), Later)
    await rooms.services.handoffs.save(handoff(state=HandoffState.PENDING, version=stored.version))
    outcome = await DELIVERIES[UNRESOLVED](rooms.services, kept)
    assert isinstance(outcome, Done)
    (then,) = outcome.then
    assert (then.lane, then.kind, then.dedup_key) == ("handoff", ASSIGNED, "hs:hook:a1")


async def test_a_message_knows_its_handoff_by_our_own_thread_id(rooms: Rooms) -> None:
    await rooms.services.handoffs.open(STARTING)
    event = agent_message(SAID, "9", ("own-thread",), "100")
    (kept,) = await taken(rooms, event)
    assert (kept.lane, kept.kind) == ("handoff", MESSAGE)


async def test_the_same_event_from_both_roads_is_one_delivery(rooms: Rooms) -> None:
    stored = await rooms.services.handoffs.open(STARTING)
    (kept,) = await taken(rooms, spoken())
    await rooms.services.handoffs.save(handoff(state=HandoffState.PENDING, version=stored.version))
    (_, direct) = await taken(rooms, spoken())
    outcome = await DELIVERIES[UNRESOLVED](rooms.services, kept)
    assert isinstance(outcome, Done)
    assert [then.dedup_key for then in outcome.then] == [direct.dedup_key]
    assert await rooms.services.ledger.accept(outcome.then) == 0


async def test_an_event_does_not_wait_for_starts_that_began_after_it(rooms: Rooms) -> None:
    """Else a portal in which somebody always starts would keep all its traffic waiting."""
    await rooms.services.handoffs.open(STARTING)
    (kept,) = await taken(rooms, assigned())
    await rooms.services.handoffs.save(replace(STARTING, state=HandoffState.FAILED))
    rooms.clock.advance(60)
    later = replace(STARTING, id="later", start_key="k", created_ms=rooms.clock.now_ms())
    await rooms.services.handoffs.open(later)
    assert await DELIVERIES[UNRESOLVED](rooms.services, kept) == Done(note="not our thread")


@dataclass(frozen=True, slots=True)
class EndsMeanwhile:
    """A store in which the start ends just after a thread was looked up."""

    handoffs: Handoffs

    def __getattr__(self, name: str) -> object:
        return getattr(self.handoffs, name)

    async def by_threads(self, installation_id: str, ids: Sequence[str]) -> Mapping[str, Handoff]:
        found = await self.handoffs.by_threads(installation_id, ids)
        if not found:
            await self.handoffs.save(replace(STARTING, state=HandoffState.PENDING, thread_id="9"))
        return found


async def test_an_event_of_a_start_that_ends_while_it_is_taken_in_is_ours(rooms: Rooms) -> None:
    await rooms.services.handoffs.open(STARTING)
    ending = cast("Handoffs", EndsMeanwhile(rooms.services.handoffs))
    services = replace(rooms.services, handoffs=ending)
    intake = await take_in(services, installation(), [spoken()])
    assert [(one.lane, one.kind) for one in intake.deliveries] == [("handoff", MESSAGE)]


async def test_an_event_of_a_start_that_failed_is_nobodys(rooms: Rooms) -> None:
    stored = await rooms.services.handoffs.open(STARTING)
    (kept,) = await taken(rooms, assigned())
    failed = handoff(state=HandoffState.FAILED, thread_id=None, version=stored.version)
    await rooms.services.handoffs.save(failed)
    assert await DELIVERIES[UNRESOLVED](rooms.services, kept) == Done(note="not our thread")


@pytest.mark.parametrize("kind", [UNRESOLVED, ORPHAN])
async def test_words_to_nobody_are_marked_as_failed(rooms: Rooms, kind: str) -> None:
    (kept,) = await taken(rooms, spoken())
    assert isinstance(await DELIVERIES[kind](rooms.services, kept), Done)
    assert rooms.portal.calls == ["set_message_status 100 m1 FAILED"]
