from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.rooms import Rooms, open_rooms

from hubspot_hitl.actions.persist import LONGEST_WAIT_S, persist
from hubspot_hitl.errors import VendorError, VendorFault, VendorRefused, VendorThrottled


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms() as rooms:
        yield rooms


def fault(status: int = 500) -> VendorError:
    return VendorFault("down", vendor="hubspot", operation="x", status=status)


def failing(*errors: VendorError) -> Callable[[], Awaitable[str]]:
    """A call that raises these, one at a time, and then succeeds."""
    left = list(errors)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


def within(rooms: Rooms, seconds: float) -> float:
    return rooms.clock.monotonic() + seconds


async def test_what_works_at_once_waits_for_nothing(rooms: Rooms) -> None:
    assert await persist(rooms.services, within(rooms, 0), failing()) == "done"
    assert rooms.clock.slept == []


async def test_what_may_pass_is_repeated_with_growing_pauses(rooms: Rooms) -> None:
    call = failing(*[fault() for _ in range(6)])
    assert await persist(rooms.services, within(rooms, 60), call) == "done"
    assert rooms.clock.slept == [0.5, 1, 2, 4, LONGEST_WAIT_S, LONGEST_WAIT_S]


async def test_the_vendors_own_pause_counts_when_it_is_longer(rooms: Rooms) -> None:
    wait = VendorThrottled("slow", vendor="hubspot", operation="x", retry_after_s=7)
    assert await persist(rooms.services, within(rooms, 60), failing(wait)) == "done"
    assert rooms.clock.slept == [7]


async def test_what_is_refused_is_not_repeated(rooms: Rooms) -> None:
    refused = VendorRefused("no", vendor="hubspot", operation="x", status=400)
    with pytest.raises(VendorRefused):
        await persist(rooms.services, within(rooms, 60), failing(refused))
    assert rooms.clock.slept == []


async def test_no_pause_goes_beyond_the_deadline(rooms: Rooms) -> None:
    until = within(rooms, 3)
    with pytest.raises(VendorFault) as caught:
        await persist(rooms.services, until, failing(fault(500), fault(501), fault(502), fault()))
    assert caught.value.status == 502
    assert rooms.clock.slept == [0.5, 1]
    assert rooms.clock.monotonic() < until
