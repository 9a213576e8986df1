from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.rooms import SECRET, Rooms, handoff, installation, open_rooms

from hubspot_hitl.errors import BadSignature, InvalidPayload, UnknownInstallation
from hubspot_hitl.hubspot.signature import signed_headers_v3
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter
from hubspot_hitl.privacy.later import ERASE_CONTACT
from hubspot_hitl.web.webhooks import HubSpotDoor, WebhookCall

URL = "https://public.example/hubspot/webhooks"
Json = dict[str, Any]  # events of any shape


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms() as rooms:
        yield rooms


def assigned(thread_id: int = 9, portal_id: int = 11, **more: object) -> Json:
    return {
        "eventId": 1,
        "subscriptionId": 5,
        "portalId": portal_id,
        "appId": 77,
        "occurredAt": 1_760_000_000_000,
        "subscriptionType": "conversation.propertyChange",
        "objectId": thread_id,
        "propertyName": "assignedTo",
        "propertyValue": "A-1",
        **more,
    }


def call(
    rooms: Rooms,
    events: object,
    *,
    secret: str = SECRET,
    url: str = URL,
    urls: tuple[str, ...] = (),
) -> WebhookCall:
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    headers = signed_headers_v3("POST", url, body, rooms.clock.now_ms(), secret)
    return WebhookCall("POST", urls or (url,), headers, body)


async def accepted(rooms: Rooms) -> list[Delivery]:
    return list(await rooms.services.ledger.find(DeliveryFilter(newest_first=False)))


async def move_in(rooms: Rooms, *installs: Mapping[str, Any]) -> HubSpotDoor:
    """These installations, each with a handoff in thread 9."""
    for values in installs:
        known = await rooms.services.installations.remember(installation(**values))
        own = handoff(id=f"handoff-{known.id}", installation_id=known.id)
        await rooms.services.handoffs.open(own)
    return HubSpotDoor(rooms.services)


async def test_an_event_of_our_thread_becomes_a_delivery_in_its_lane(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    await door.receive(await door.installation("hook"), call(rooms, [assigned()]))
    (delivery,) = await accepted(rooms)
    assert (delivery.lane, delivery.kind) == ("handoff-hook", "hubspot.assigned")
    assert delivery.body["value"] == "A-1"


async def test_the_same_event_again_changes_nothing(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    ours = await door.installation("hook")
    await door.receive(ours, call(rooms, [assigned(), assigned(eventId=2)]))
    await door.receive(ours, call(rooms, [assigned(eventId=3)]))
    assert len(await accepted(rooms)) == 1


async def test_threads_that_are_not_ours_leave_no_trace(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    await door.receive(await door.installation("hook"), call(rooms, [assigned(8)]))
    assert await accepted(rooms) == []


async def test_events_of_another_portal_are_passed_over(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    batch = [assigned(portal_id=12), assigned(propertyValue="A-2")]
    await door.receive(await door.installation("hook"), call(rooms, batch))
    assert [one.body["value"] for one in await accepted(rooms)] == ["A-2"]


@pytest.mark.parametrize(("portal_id", "erased"), [("11", 1), ("12", 0), (None, 0)])
async def test_a_contact_is_erased_only_where_its_portal_is_known_to_be_ours(
    rooms: Rooms, portal_id: str | None, erased: int
) -> None:
    door = await move_in(rooms, {"portal_id": portal_id})
    event = {**assigned(), "subscriptionType": "contact.privacyDeletion", "objectId": 7}
    with capture_logs() as lines:
        await door.receive(await door.installation("hook"), call(rooms, [event]))
    assert [one.kind for one in await accepted(rooms)] == [ERASE_CONTACT] * erased
    warned = [one["event"] for one in lines if one["log_level"] == "warning"]
    assert warned == (["contact_erasure_of_unknown_portal"] if portal_id is None else [])


async def test_while_the_portal_is_unknown_its_events_are_taken(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": None})
    await door.receive(await door.installation("hook"), call(rooms, [assigned()]))
    assert len(await accepted(rooms)) == 1


async def test_a_wrong_signature_writes_nothing_down(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    with pytest.raises(BadSignature):
        await door.receive(
            await door.installation("hook"), call(rooms, [assigned()], secret="another")
        )
    assert await accepted(rooms) == []


async def test_without_a_client_secret_nobody_is_believed(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11", "secret": ""})
    with pytest.raises(BadSignature, match="no client secret"):
        await door.receive(await door.installation("hook"), call(rooms, [assigned()], secret=""))


async def test_any_of_the_public_addresses_may_be_the_signed_one(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    urls = ("https://old.example/hook", URL, "https://other.example")
    await door.receive(await door.installation("hook"), call(rooms, [assigned()], urls=urls))
    assert len(await accepted(rooms)) == 1


async def test_a_signed_body_that_is_no_json_is_the_callers_fault(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    with pytest.raises(InvalidPayload):
        await door.receive(await door.installation("hook"), call(rooms, b"{"))


async def test_an_address_of_nobody_is_unknown(rooms: Rooms) -> None:
    with pytest.raises(UnknownInstallation):
        await (await move_in(rooms)).installation("nobody")


async def test_an_unaddressed_webhook_goes_to_the_installation_of_its_portal(rooms: Rooms) -> None:
    door = await move_in(
        rooms, {"name": "one", "portal_id": "11"}, {"name": "two", "portal_id": "12"}
    )
    await door.receive_unaddressed(call(rooms, [assigned(portal_id=12)]))
    assert [one.installation_id for one in await accepted(rooms)] == ["two"]


async def test_one_call_may_carry_events_of_two_portals(rooms: Rooms) -> None:
    door = await move_in(
        rooms, {"name": "one", "portal_id": "11"}, {"name": "two", "portal_id": "12"}
    )
    await door.receive_unaddressed(call(rooms, [assigned(portal_id=12), assigned(portal_id=11)]))
    assert sorted(one.installation_id for one in await accepted(rooms)) == ["one", "two"]


async def test_two_installations_of_one_portal_both_hear_of_it(rooms: Rooms) -> None:
    door = await move_in(
        rooms, {"name": "one", "portal_id": "11"}, {"name": "two", "portal_id": "11"}
    )
    await door.receive_unaddressed(call(rooms, [assigned()]))
    assert sorted(one.lane for one in await accepted(rooms)) == ["handoff-one", "handoff-two"]


async def test_an_app_of_another_secret_hears_nothing(rooms: Rooms) -> None:
    door = await move_in(
        rooms,
        {"name": "one", "portal_id": "11"},
        {"name": "two", "portal_id": "11", "secret": "another"},
    )
    await door.receive_unaddressed(call(rooms, [assigned()]))
    assert [one.installation_id for one in await accepted(rooms)] == ["one"]


async def test_an_unaddressed_webhook_that_nobody_signed_is_refused(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    with pytest.raises(BadSignature, match="no installation's client secret"):
        await door.receive_unaddressed(call(rooms, [assigned()], secret="another"))


async def test_an_unaddressed_webhook_for_a_portal_of_nobody_is_refused(rooms: Rooms) -> None:
    door = await move_in(rooms, {"portal_id": "11"})
    with pytest.raises(BadSignature):
        await door.receive_unaddressed(call(rooms, [assigned(portal_id=99)]))
    assert await accepted(rooms) == []
