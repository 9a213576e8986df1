"""In which order an agent's messages are passed on, whatever order the webhooks came in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import permutations
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.errors import NoTurn, StoreUnavailable, VendorFault
from hubspot_hitl.intake.codec import message_from_json
from hubspot_hitl.intake.hubspot_events import agent_message, delivery
from hubspot_hitl.intake.ordering import CHECK_ATTEMPTS, UNREAD_MS, after_those_before, to_move
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState

HANDOFF = handoff()


@asynccontextmanager
async def furnished() -> AsyncGenerator[Rooms]:
    async with open_rooms() as rooms:
        await rooms.services.installations.remember(installation())
        await rooms.services.handoffs.open(HANDOFF)
        yield rooms


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with furnished() as rooms:
        yield rooms


def message(number: int) -> ThreadMessage:
    """The agent's message of this number; they are written a millisecond apart."""
    return ThreadMessage(
        id=str(number),
        type="MESSAGE",
        created_ms=HANDOFF.created_ms + number,
        created_by="A-1",
        direction="OUTGOING",
        text=str(number),
    )


async def webhooks(rooms: Rooms, *numbers: int) -> None:
    """Webhooks of these messages come in, in this order."""
    for number in numbers:
        event = agent_message(message(number), "9", (), "100")
        await rooms.services.ledger.accept([delivery("hook", HANDOFF.id, event)])


async def waiting(rooms: Rooms) -> Sequence[Delivery]:
    wanted = DeliveryFilter(states=[DeliveryState.READY], newest_first=False)
    return await rooms.services.ledger.find(wanted)


async def passed_on(rooms: Rooms, steps: int = 1_000) -> list[int]:
    """Run the lane as the worker does; returns the messages in the order of their turn."""
    order: list[int] = []
    for _ in range(steps):
        if not (left := await waiting(rooms)):
            break
        it = left[0]
        told = message_from_json(cast("Mapping[str, object]", it.body["message"]))
        behind = await after_those_before(rooms.services, told, it)
        if behind is not None:
            await rooms.services.ledger.accept(behind.then)
            await rooms.services.ledger.cancel(behind.cancel)
        else:
            order.append(int(told.id))
        await rooms.services.ledger.discard([it.seq])
    return order


@pytest.mark.parametrize("order", list(permutations(range(1, 5))), ids=str)
async def test_webhooks_in_any_order_are_passed_on_as_written(
    rooms: Rooms, order: tuple[int, ...]
) -> None:
    rooms.portal.history = [message(number) for number in range(1, 5)]
    await webhooks(rooms, *order)
    assert await passed_on(rooms) == [1, 2, 3, 4]


@pytest.mark.parametrize("order", list(permutations(range(1, 5), 2)), ids=str)
async def test_webhooks_that_never_came_are_made_up_for(
    rooms: Rooms, order: tuple[int, ...]
) -> None:
    rooms.portal.history = [message(number) for number in range(1, 5)]
    await webhooks(rooms, *order)
    assert await passed_on(rooms) == [1, 2, 3, 4]


@given(
    arrivals=st.permutations(range(1, 8)),
    written=st.lists(st.integers(0, 3), min_size=7, max_size=7),
    steps=st.lists(st.integers(0, 3), min_size=7, max_size=7),
)
async def test_whatever_comes_between_they_are_passed_on_as_written(
    arrivals: list[int], written: list[int], steps: list[int]
) -> None:
    """Webhooks come while the lane runs and while the agent goes on writing."""
    async with furnished() as rooms:
        order: list[int] = []
        newest = 0
        for number, more, run in zip(arrivals, written, steps, strict=True):
            newest = max(newest, number) + more
            rooms.portal.history = [message(one) for one in range(1, min(newest, 7) + 1)]
            await webhooks(rooms, number)
            order += await passed_on(rooms, run)
        order += await passed_on(rooms)
    assert order == list(range(1, 8))


@given(arrivals=st.permutations(range(1, 13)))
async def test_a_lane_in_disorder_is_put_in_order_at_once(arrivals: list[int]) -> None:
    """However many messages stand in the wrong place, only one has its turn in vain."""
    async with furnished() as rooms:
        rooms.portal.history = [message(number) for number in range(1, 13)]
        await webhooks(rooms, *arrivals)
        assert await passed_on(rooms, 13) == list(range(1, 13))


async def test_messages_that_stand_in_order_do_not_follow_one_that_does_not(rooms: Rooms) -> None:
    await webhooks(rooms, 6, 1, 2, 3, 4, 5, 7)
    it, *others = await waiting(rooms)
    assert to_move(it, others, {}) == [it, others[-1]]


async def test_what_was_tried_keeps_its_place_and_what_is_known_of_it(rooms: Rooms) -> None:
    await webhooks(rooms, 2, 3, 1)
    it, tried, eldest = await waiting(rooms)
    assert to_move(it, [tried, eldest], {}) == [it, tried]
    assert to_move(it, [replace(tried, error_code="timeout"), eldest], {}) == [it]


async def test_a_burst_costs_one_look_at_the_history(rooms: Rooms) -> None:
    rooms.portal.history = [message(number) for number in range(1, 30)]
    await webhooks(rooms, *range(1, 30))
    assert await passed_on(rooms) == list(range(1, 30))
    assert len(rooms.portal.calls) == 1


async def test_a_later_look_reads_little_unless_much_was_said(rooms: Rooms) -> None:
    rooms.portal.history = [message(1)]
    await webhooks(rooms, 1)
    await passed_on(rooms)
    rooms.portal.history = [message(number) for number in (1, 2)]
    await webhooks(rooms, 2)
    await passed_on(rooms)
    rooms.portal.history = [message(number) for number in range(1, 30)]
    await webhooks(rooms, 29)
    assert await passed_on(rooms) == list(range(3, 30))
    looks = [call.split()[1] for call in rooms.portal.calls if call.startswith("thread_messages")]
    assert looks == ["50", "10", "10", "50"]


async def test_what_was_written_in_one_moment_keeps_the_order_of_its_webhooks(rooms: Rooms) -> None:
    at_ms = HANDOFF.created_ms + 5
    burst = [replace(message(number), created_ms=at_ms) for number in range(4)]
    rooms.portal.history = burst
    order: list[int] = []
    for one in (burst[2], burst[0], burst[3], burst[1]):
        await rooms.services.ledger.accept(
            [delivery("hook", HANDOFF.id, agent_message(one, "9", (), "100"))]
        )
        order += await passed_on(rooms)
    assert order == [2, 0, 3, 1]


@given(
    arrivals=st.permutations(range(2, 8)),
    moments=st.lists(st.integers(0, 2), min_size=6, max_size=6),
    steps=st.lists(st.integers(0, 3), min_size=6, max_size=6),
)
async def test_what_shares_a_time_is_passed_on_as_the_thread_lists_it(
    arrivals: list[int], moments: list[int], steps: list[int]
) -> None:
    """Six messages in few milliseconds; everything is written before the first webhook comes."""
    times = [HANDOFF.created_ms + 5 + sum(moments[: at + 1]) for at in range(6)]
    said = {n: replace(message(n), created_ms=at) for n, at in zip(range(2, 8), times, strict=True)}
    async with furnished() as rooms:
        rooms.portal.history = [message(1), *said.values()]
        order: list[int] = []
        for number, run in zip(arrivals, steps, strict=True):
            event = agent_message(said[number], "9", (), "100")
            await rooms.services.ledger.accept([delivery("hook", HANDOFF.id, event)])
            order += await passed_on(rooms, run)
        order += await passed_on(rooms)
    assert [number for number in order if number != 1] == list(range(2, 8))


async def test_a_moment_that_is_over_is_made_up_for_in_the_order_of_the_history(
    rooms: Rooms,
) -> None:
    at_ms = HANDOFF.created_ms + 5
    burst = [replace(message(number), created_ms=at_ms) for number in (3, 1, 2)]
    rooms.portal.history = [*burst, message(9)]
    await webhooks(rooms, 9)
    assert await passed_on(rooms) == [3, 1, 2, 9]


async def test_what_comes_after_a_look_is_looked_at_anew(rooms: Rooms) -> None:
    rooms.portal.history = [message(1)]
    await webhooks(rooms, 1)
    assert await passed_on(rooms) == [1]
    rooms.portal.history = [message(number) for number in range(1, 5)]
    await webhooks(rooms, 4, 2)
    assert await passed_on(rooms) == [2, 3, 4]


async def test_what_was_purged_meanwhile_is_not_passed_on_again(rooms: Rooms) -> None:
    rooms.portal.history = [message(1)]
    await webhooks(rooms, 1)
    assert await passed_on(rooms) == [1]
    rooms.clock.advance(1)
    assert await rooms.services.ledger.purge(rooms.clock.now_ms()) == 1
    rooms.portal.history = [message(1), message(2)]
    await webhooks(rooms, 2)
    assert await passed_on(rooms) == [2]


async def test_a_history_that_cannot_be_read_is_tried_for_a_while(rooms: Rooms) -> None:
    fault = VendorFault("away", vendor="hubspot", operation="x", status=503)
    rooms.portal.failing["thread_messages 50"] = fault
    await webhooks(rooms, 1)
    with pytest.raises(VendorFault):
        await passed_on(rooms)
    (it,) = await waiting(rooms)
    tired = replace(it, attempts=CHECK_ATTEMPTS)
    assert await after_those_before(rooms.services, message(1), tired) is None
    assert await passed_on(rooms) == [1]  # once given up, no message waits for it for a while


async def test_the_patience_with_a_history_comes_back(rooms: Rooms) -> None:
    fault = VendorFault("away", vendor="hubspot", operation="x", status=503)
    rooms.portal.failing["thread_messages 50"] = fault
    await webhooks(rooms, 1)
    (it,) = await waiting(rooms)
    await after_those_before(rooms.services, message(1), replace(it, attempts=CHECK_ATTEMPTS))
    rooms.clock.advance(UNREAD_MS / 1000 + 1)
    with pytest.raises(VendorFault):
        await passed_on(rooms)


@pytest.mark.parametrize(("soon_s", "waited_s"), [(0.3, 11.0), (3_600.0, 0.0)])
async def test_a_message_does_not_wait_for_a_turn_to_read_the_history(
    rooms: Rooms, soon_s: float, waited_s: float
) -> None:
    rooms.portal.failing["thread_messages 50"] = NoTurn(
        "no room", vendor="hubspot", operation="x", retry_after_s=soon_s
    )
    await webhooks(rooms, 1)
    rooms.clock.advance(waited_s)
    assert await passed_on(rooms) == [1]


async def test_a_comparison_that_broke_off_is_made_again(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.portal.history = [message(1), message(2)]
    await webhooks(rooms, 2, 1)
    it = (await waiting(rooms))[0]

    async def away(*_: object) -> Sequence[Delivery]:
        raise StoreUnavailable("away")

    with monkeypatch.context() as broken:
        for name in ("find", "beside"):
            broken.setattr(type(rooms.services.ledger), name, away)
        with pytest.raises(StoreUnavailable):
            await after_those_before(rooms.services, message(2), it)
    assert await passed_on(rooms) == [1, 2]
