from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.intake.hubspot_events import MESSAGE
from hubspot_hitl.intake.thread_history import (
    LOOK_AGAIN,
    LOOK_BACK,
    LOOK_FAR_BACK,
    History,
    history_deliveries,
    is_agent_message,
)
from hubspot_hitl.ports.clock import CLOCKS_APART_MS
from hubspot_hitl.ports.hubspot_records import ThreadMessage

HANDOFF = handoff()
BEGAN = HANDOFF.created_ms


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms() as rooms:
        yield rooms


def entry(id_: str, at_ms: int, **values: object) -> ThreadMessage:
    plain: dict[str, object] = {"type": "MESSAGE", "direction": "OUTGOING", "created_by": "A-1"}
    return ThreadMessage(id=id_, created_ms=at_ms, **{**plain, **values})  # type: ignore[arg-type]  # any field


async def keys(rooms: Rooms, since_ms: int = 0) -> list[str]:
    history = await history_deliveries(rooms.services, installation(), HANDOFF, since_ms=since_ms)
    found = history.deliveries
    assert {(one.lane, one.kind, one.handoff_id) for one in found} <= {
        ("handoff", MESSAGE, "handoff")
    }
    return [one.dedup_key for one in found]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        ({"created_by": None, "sender_actor_ids": ("A-1",)}, True),
        ({"created_by": "L-1"}, True),
        ({"direction": "INCOMING"}, False),
        ({"type": "COMMENT"}, False),
        ({"type": "WELCOME_MESSAGE"}, False),
        ({"created_by": "I-1"}, False),
        ({"created_by": "S-1"}, False),
        ({"created_by": None, "sender_actor_ids": ("V-1",)}, False),
    ],
)
def test_only_what_an_agent_said_to_the_user_counts(
    values: dict[str, object], expected: bool
) -> None:
    assert is_agent_message(entry("1", BEGAN, **values)) is expected


async def test_messages_come_oldest_first_under_the_keys_of_webhooks(rooms: Rooms) -> None:
    rooms.portal.history = [entry("b", BEGAN + 2), entry("c", BEGAN + 2), entry("a", BEGAN + 1)]
    assert await keys(rooms) == [f"hs:hook:message:{id_}" for id_ in "abc"]


async def test_what_was_said_before_the_handoff_is_left_out(rooms: Rooms) -> None:
    edge = BEGAN - CLOCKS_APART_MS
    rooms.portal.history = [entry("old", edge - 1), entry("edge", edge), entry("new", BEGAN)]
    assert await keys(rooms) == ["hs:hook:message:edge", "hs:hook:message:new"]
    assert await keys(rooms, since_ms=BEGAN) == ["hs:hook:message:new"]


async def test_a_short_history_costs_one_call(rooms: Rooms) -> None:
    rooms.portal.history = [entry(str(n), BEGAN + n) for n in range(LOOK_BACK - 1)]
    assert len(await keys(rooms)) == LOOK_BACK - 1
    assert rooms.portal.calls == [f"thread_messages {LOOK_BACK}"]


async def test_a_long_history_is_read_further_back(rooms: Rooms) -> None:
    rooms.portal.history = [entry(str(n), BEGAN + n) for n in range(LOOK_BACK * 3)]
    assert len(await keys(rooms)) == LOOK_BACK * 3
    assert rooms.portal.calls[-1] == f"thread_messages {LOOK_FAR_BACK}"


async def test_a_long_history_is_not_read_further_than_needed(rooms: Rooms) -> None:
    rooms.portal.history = [entry(str(n), BEGAN + n) for n in range(LOOK_BACK * 3)]
    for looks in ([LOOK_AGAIN], [LOOK_AGAIN, LOOK_BACK]):
        rooms.portal.calls.clear()
        assert len(await keys(rooms, since_ms=BEGAN + LOOK_BACK * 3 - looks[-1])) == looks[-1]
        assert rooms.portal.calls == [f"thread_messages {limit}" for limit in looks]


async def test_a_handoff_without_a_thread_has_no_history(rooms: Rooms) -> None:
    nowhere = handoff(thread_id=None)
    assert await history_deliveries(rooms.services, installation(), nowhere) == History()
    assert rooms.portal.calls == []
