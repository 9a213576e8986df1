"""What a bot may know before it hands a user over."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.actions.availability import check_availability
from hubspot_hitl.crm.routing.hours import hours_of
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.integration.availability import CheckAvailabilityInput, CheckAvailabilityOutput

MINUTE_MS = 60_000
# Thursday 2025-10-09 08:53 UTC is 10:53 in Berlin and 04:53 in New York.
HOURS: dict[str, object] = {
    "default": {
        "zone": "Europe/Berlin",
        "weekly": {"thursday": ["09:00-12:00"], "friday": ["13:00-17:00", "09:00-12:00"]},
    },
    "inboxes": {
        "2": {"zone": "America/New_York", "weekly": {"thursday": ["09:00-17:00"]}},
        "3": {
            "zone": "Europe/Berlin",
            "weekly": {"thursday": ["09:00-18:00"], "friday": ["10:00-12:00"]},
            "holidays": ["2025-10-09"],
        },
        "4": {"weekly": {}},
    },
}


async def ask(rooms: Rooms, inbox: str | None = None, **settings: str) -> CheckAvailabilityOutput:
    one = installation(inboxId="1,2,3,4", **settings)
    return await check_availability(rooms.services, one, CheckAvailabilityInput(inbox_id=inbox))


@pytest.mark.parametrize(
    ("inbox", "is_open", "holiday", "opens_at"),
    [
        ("1", True, False, None),
        ("2", False, False, "2025-10-09T09:00-04:00"),
        ("3", False, True, "2025-10-10T10:00+02:00"),
        ("4", False, False, None),
    ],
)
async def test_each_inbox_has_hours_holidays_and_a_zone_of_its_own(
    inbox: str, is_open: bool, holiday: bool, opens_at: str | None
) -> None:
    async with open_rooms() as rooms:
        found = await ask(rooms, inbox, businessHours=json.dumps(HOURS))
        assert (found.open, found.holiday, found.opens_at) == (is_open, holiday, opens_at)


def test_the_next_opening_is_the_first_span_after_the_present_one() -> None:
    hours = hours_of(json.dumps(HOURS)).of("1")
    assert hours is not None
    thursday_noon_utc, friday_ten_thirty_utc = 1_760_011_200_000, 1_760_092_200_000
    assert str(hours.opens(thursday_noon_utc)) == "2025-10-10 09:00:00+02:00"
    assert str(hours.opens(friday_ten_thirty_utc)) == "2025-10-10 13:00:00+02:00"


async def test_presence_is_never_promised_and_what_is_not_known_is_absent() -> None:
    async with open_rooms() as rooms:
        found = await ask(rooms)
        shown = found.model_dump(by_alias=True, exclude_none=True)
        assert shown == {
            "inboxId": "1", "agentPresence": "unknown", "waiting": 0, "running": 0,
        }  # fmt: skip


async def saved(rooms: Rooms, number: int, inbox: str, **values: object) -> None:
    """A handoff of that inbox in the store."""
    state = values.pop("state", HandoffState.RESOLVED)
    one = handoff(
        id=f"h{number}", user_id=f"u{number}", start_key=f"s{number}", inbox_id=inbox,
        integration_thread_id=f"i{number}", thread_id=f"t{number}", state=HandoffState.STARTING,
        conversation_id=f"c{number}", **values,
    )  # fmt: skip
    opened: Handoff = await rooms.services.handoffs.open(one)
    await rooms.services.handoffs.save(replace(opened, state=state))  # type: ignore[arg-type]


async def test_the_wait_is_that_of_the_inbox_by_our_own_history() -> None:
    async with open_rooms() as rooms:
        now = rooms.clock.now_ms()
        began = now - 60 * MINUTE_MS
        for number, minutes in enumerate((2, 4, 30)):
            at = began + minutes * MINUTE_MS
            await saved(rooms, number, "1", created_ms=began, first_reply_ms=at, last_agent_ms=at)
        await saved(rooms, 8, "1", created_ms=began, state=HandoffState.PENDING)
        await saved(rooms, 9, "2", created_ms=began, state=HandoffState.ASSIGNED)
        first, second = await ask(rooms), await ask(rooms, "2")
        assert (first.wait_minutes, first.minutes_since_agent_reply) == (4.0, 30.0)
        assert (first.waiting, first.running) == (1, 1)
        assert (second.wait_minutes, second.waiting, second.running) == (None, 0, 1)


async def test_an_inbox_that_is_not_connected_is_refused() -> None:
    async with open_rooms() as rooms:
        with pytest.raises(ActionRefused, match="'9' is not connected"):
            await ask(rooms, "9")
