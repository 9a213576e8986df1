from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.rooms import Rooms, installation, open_rooms

from hubspot_hitl.botpress.memory import MemoryRuntime
from hubspot_hitl.errors import VendorRefused
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.hubspot_records import PortalInfo
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.setup.doctor.portal_checks import Patient
from hubspot_hitl.setup.doctor.round_trip import WITHIN_S, round_trip, write_to_bot


@pytest.fixture
async def patient() -> AsyncIterator[tuple[Rooms, Patient]]:
    async with open_rooms() as rooms:
        one = await rooms.services.installations.remember(installation())
        info = PortalInfo("77", None, None, None, (), None, user_id="1111")
        yield rooms, Patient(rooms.services, one, (), info=info)


async def bound(rooms: Rooms) -> None:
    binding = ChannelBinding("100", "200", "1", "botpress-1", default=True)
    await rooms.services.installations.set_bindings("hook", [binding])


async def test_without_a_connected_inbox_nothing_is_sent(patient: tuple[Rooms, Patient]) -> None:
    rooms, one = patient
    assert [found.code for found in await round_trip(one)] == ["account_missing"]
    assert rooms.portal.calls == []


async def test_at_the_bot_a_user_is_made_and_nothing_of_it_is_left(
    patient: tuple[Rooms, Patient],
) -> None:
    rooms, one = patient
    assert (await write_to_bot(one)).code == "round_trip_bot"
    assert rooms.bot.users == {}
    assert (rooms.bot.messages, rooms.bot.events) == ({}, [])


@pytest.mark.parametrize("call", ["get_or_create_user", "delete_user"])
async def test_a_bot_that_takes_no_write_is_found(
    patient: tuple[Rooms, Patient], call: str
) -> None:
    rooms, one = patient

    class ReadOnly(MemoryRuntime):
        def of(self, installation: Installation) -> BotRuntime:
            return self

    async def refuse(*_: object, **__: object) -> None:
        raise VendorRefused("no", vendor="botpress", operation=call, status=403)

    reading = type("Reading", (ReadOnly,), {call: refuse})(clock=rooms.clock)
    one = replace(one, services=replace(rooms.services, bots=reading))
    assert (await write_to_bot(one)).code == "round_trip_bot_failed"


async def test_a_message_that_the_inbox_does_not_show_is_found(
    patient: tuple[Rooms, Patient],
) -> None:
    rooms, one = patient
    await bound(rooms)
    rooms.portal.keeps = False
    assert [found.code for found in await round_trip(one)] == ["round_trip_out_failed"]
    assert rooms.portal.calls[-1] == "archive_thread 9"


async def test_a_way_back_that_is_closed_is_given_up_after_a_while(
    patient: tuple[Rooms, Patient],
) -> None:
    rooms, one = patient
    await bound(rooms)
    codes = [found.code for found in await round_trip(one)]
    assert codes == ["round_trip_out", "round_trip_back_failed"]
    assert WITHIN_S <= sum(rooms.clock.slept) < WITHIN_S + 2
    assert "write_as_agent 9 A-1111" in rooms.portal.calls


async def test_an_answer_that_the_server_wrote_down_has_come_back(
    patient: tuple[Rooms, Patient],
) -> None:
    rooms, one = patient
    await bound(rooms)
    came = NewDelivery("key", "thread:hook:9", "hubspot.orphan", "hook", {})
    await rooms.services.ledger.accept([came])
    assert [found.code for found in await round_trip(one)] == ["round_trip_out", "round_trip_back"]
