from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.rooms import Rooms, installation, open_rooms

from hubspot_hitl.errors import ActionRefused, VendorFault, VendorRefused, VendorUnreachable
from hubspot_hitl.integration.installation import STANDALONE, ChannelBinding
from hubspot_hitl.ports.hubspot_records import Channel, ChannelAccount
from hubspot_hitl.ports.ledger import DeliveryFilter, Done, Later
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.setup.channel import UNANSWERED_MS, UNLISTED_MS, binding_for, ensure_bindings
from hubspot_hitl.setup.doctor.findings import Severity
from hubspot_hitl.setup.doctor.portal_checks import Patient, check_channel
from hubspot_hitl.setup.finish import handle
from hubspot_hitl.setup.progress import FINISH, pending
from hubspot_hitl.setup.register import register
from hubspot_hitl.setup.unregister import unregister
from hubspot_hitl.store.memory import MemoryInstallations, MemoryLeases

URL = "https://webhook.example/hook"


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms(Policy(botpress_webhook_url="https://webhook.example")) as rooms:
        yield rooms


async def registered(rooms: Rooms, **values: object) -> list[ChannelBinding]:
    """Register, however long HubSpot takes; returns the bindings."""
    await register(rooms.services, installation(**values), URL)  # type: ignore[arg-type]  # any field
    return list(await rooms.services.installations.bindings("hook"))


async def test_a_channel_is_made_and_each_inbox_connected(rooms: Rooms) -> None:
    first, second = await registered(rooms, inboxId="2, 1")
    assert (first.inbox_id, first.default) == ("2", True)
    assert (second.inbox_id, second.default) == ("1", False)
    assert first.identifier == "botpress-2"
    assert [channel.webhook_url for channel in rooms.portal.all_channels] == [URL]


async def test_deployments_without_botpress_leave_each_others_channels_alone(
    rooms: Rooms,
) -> None:
    alone = installation(STANDALONE)
    bindings: list[list[str]] = []
    for url in ("https://one.example", "https://two.example", "https://one.example"):
        policy = replace(rooms.services.policy, webhook_route="direct", public_url=url)
        services = replace(
            rooms.services, policy=policy, installations=MemoryInstallations()
        )  # another deployment, with another database
        await services.installations.remember(alone)
        found = await ensure_bindings(services, alone, deadline=rooms.clock.monotonic() + 60)
        bindings.append([one.channel_id for one in found])
    assert bindings == [["100"], ["101"], ["100"]]
    assert len({one.webhook_url for one in rooms.portal.all_channels}) == 2


async def test_a_channel_is_waited_for_with_growing_pauses(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 20
    await registered(rooms)
    assert [one for one in rooms.clock.slept if one] == [1, 2, 4, 8, 16]


async def test_the_wait_ends_before_botpress_gives_up_and_the_set_up_goes_on(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 1_000
    (binding,) = await registered(rooms)
    assert binding.unlisted_since_ms is not None
    assert sum(rooms.clock.slept) == rooms.services.policy.register_timeout_s < 60
    assert await pending(rooms.services, "hook") is not None


async def test_a_channel_that_was_not_listed_in_time_is_not_made_again(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 120
    await registered(rooms)
    await registered(rooms)
    (binding,) = await registered(rooms)
    assert rooms.portal.calls.count("create_channel") == 1
    assert (binding.channel_id, binding.unlisted_since_ms) == ("100", None)


async def test_the_background_finishes_what_register_began(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 80
    await registered(rooms)
    it = await pending(rooms.services, "hook")
    assert it is not None
    first, second = await handle(rooms.services, it), await handle(rooms.services, it)
    (binding,) = await rooms.services.installations.bindings("hook")
    assert isinstance(first, Later)
    assert second == Done(note="1 inbox(es) connected")
    assert binding.unlisted_since_ms is None


async def test_a_start_during_the_set_up_says_so_at_once(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 1_000
    await registered(rooms)
    slept = len(rooms.clock.slept)
    with pytest.raises(ActionRefused, match="still being set up"):
        await binding_for(rooms.services, installation(), None, deadline=1e9)
    assert len(rooms.clock.slept) == slept


async def test_the_doctor_says_that_a_set_up_goes_on(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 1_000
    await registered(rooms)
    known = await rooms.services.installations.get("hook")
    assert known is not None
    (found,) = await check_channel(Patient(rooms.services, known, ()))
    assert (found.code, found.severity) == ("setup_unfinished", Severity.WARNING)
    assert "for " in found.what


async def test_a_set_up_in_the_background_is_begun_once(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 1_000
    await registered(rooms)
    await registered(rooms)
    waiting = DeliveryFilter(kind=FINISH)
    assert len(await rooms.services.ledger.find(waiting)) == 1


async def test_a_set_up_of_a_removed_installation_ends(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 1_000
    await registered(rooms)
    it = await pending(rooms.services, "hook")
    assert it is not None
    await unregister(rooms.services, installation())
    assert await handle(rooms.services, it) == Done(note="the installation was removed")


async def test_two_replicas_make_one_channel(rooms: Rooms) -> None:
    leases = MemoryLeases()
    replica = replace(rooms.services, leases=leases)
    await replica.installations.remember(installation())
    both = (ensure_bindings(replica, installation(), deadline=1e9) for _ in range(2))
    one, other = await asyncio.gather(*both)
    assert list(one) == list(other)
    assert rooms.portal.calls.count("create_channel") == 1


async def test_a_replica_that_waits_too_long_says_that_another_is_at_it(rooms: Rooms) -> None:
    leases = MemoryLeases()
    replica = replace(rooms.services, leases=leases)
    await leases.acquire("setup:hook", rooms.clock.now_ms(), rooms.clock.now_ms() + 60_000)
    with pytest.raises(ActionRefused, match="at this moment"):
        await ensure_bindings(replica, installation(), deadline=rooms.clock.monotonic() + 5)


async def test_a_channel_that_is_never_listed_is_given_up_in_the_end(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 10_000
    await registered(rooms)
    await rooms.clock.sleep(UNLISTED_MS / 1000)
    await registered(rooms)
    assert rooms.portal.calls.count("create_channel") == 2


async def test_an_unanswered_creation_is_waited_for_before_another_is_made(rooms: Rooms) -> None:
    lost = VendorUnreachable("no answer", vendor="hubspot", operation="channels.create")
    rooms.portal.failing["create_channel"] = lost
    await registered(rooms)
    await registered(rooms)
    assert rooms.portal.calls.count("create_channel") == 1
    del rooms.portal.failing["create_channel"]

    await rooms.clock.sleep(UNANSWERED_MS / 1000)
    (binding,) = await registered(rooms)

    assert rooms.portal.calls.count("create_channel") == 2
    assert binding.unlisted_since_ms is None


async def test_a_creation_that_hubspot_refused_may_be_tried_again_at_once(rooms: Rooms) -> None:
    refused = VendorRefused("no", vendor="hubspot", operation="channels.create", status=400)
    rooms.portal.failing["create_channel"] = refused
    with pytest.raises(ActionRefused):
        await registered(rooms)
    assert list(await rooms.services.installations.bindings("hook")) == []
    del rooms.portal.failing["create_channel"]

    (binding,) = await registered(rooms)
    assert binding.unlisted_since_ms is None


async def test_an_unlisted_channel_is_deleted_with_the_installation(rooms: Rooms) -> None:
    rooms.portal.visible_at_s = rooms.clock.monotonic() + 1_000
    await registered(rooms)
    await unregister(rooms.services, installation())
    assert rooms.portal.calls[-1] == "delete_channel 100"
    assert await rooms.services.installations.get("hook") is None


async def test_of_two_channels_with_our_address_the_older_one_is_taken(rooms: Rooms) -> None:
    rooms.portal.all_channels = [Channel(one, "x", URL) for one in ("1001", "999", "1000")]
    (binding,) = await registered(rooms)
    assert binding.channel_id == "999"


async def test_an_authorized_account_goes_before_one_that_is_not(rooms: Rooms) -> None:
    rooms.portal.all_channels = [Channel("7", "x", URL)]
    off = ChannelAccount("1", "7", "1", "x", authorized=False)
    archived = ChannelAccount("0", "7", "1", "x", authorized=True, archived=True)
    rooms.portal.accounts = [off, archived, ChannelAccount("2", "7", "1", "x", authorized=True)]
    (binding,) = await registered(rooms)
    assert binding.channel_account_id == "2"


async def test_an_account_that_is_off_is_switched_on(rooms: Rooms) -> None:
    rooms.portal.all_channels = [Channel("7", "x", URL)]
    rooms.portal.accounts = [ChannelAccount("1", "7", "1", "x", authorized=False)]
    await registered(rooms)
    assert rooms.portal.accounts[0].authorized


async def test_an_unknown_inbox_is_answered_with_those_there_are(rooms: Rooms) -> None:
    with pytest.raises(ActionRefused, match=r"Inbox ID \(inboxId\): 1 \(Sales\), 2 \(Desk\)"):
        await registered(rooms, inboxId="3")


async def test_a_refusal_of_an_inbox_that_exists_keeps_hubspots_words(rooms: Rooms) -> None:
    refused = VendorRefused("too many accounts", vendor="hubspot", operation="x", status=400)
    rooms.portal.failing["connect_channel"] = refused
    with pytest.raises(ActionRefused, match="too many accounts"):
        await registered(rooms)


async def test_an_account_that_another_replica_made_meanwhile_is_taken(rooms: Rooms) -> None:
    rooms.portal.raced = True
    (binding,) = await registered(rooms)
    assert [account.id for account in rooms.portal.accounts] == [binding.channel_account_id]


async def test_a_start_sets_up_what_register_did_not_finish(rooms: Rooms) -> None:
    services = rooms.services
    known = await services.installations.remember(installation())
    binding = await binding_for(services, known, None, deadline=1e9)
    assert binding.inbox_id == "1"
    before = len(rooms.portal.calls)
    assert await binding_for(services, known, "1", deadline=1e9) == binding
    assert len(rooms.portal.calls) == before


async def test_a_start_in_an_inbox_that_is_not_configured_is_refused(rooms: Rooms) -> None:
    known = await rooms.services.installations.remember(installation())
    with pytest.raises(ActionRefused, match="'2' is not connected"):
        await binding_for(rooms.services, known, "2", deadline=1e9)
    assert rooms.portal.calls == []


async def test_uninstalling_ends_in_time_when_hubspot_never_answers(rooms: Rooms) -> None:
    await registered(rooms)
    rooms.portal.hangs = True
    impatient = replace(rooms.services.policy, register_timeout_s=0.05)
    await unregister(replace(rooms.services, policy=impatient), installation())
    assert await rooms.services.installations.get("hook") is None


async def test_uninstalling_goes_on_when_hubspot_does_not_answer(rooms: Rooms) -> None:
    await registered(rooms)
    fault = VendorFault("away", vendor="hubspot", operation="channels.delete", status=503)
    rooms.portal.failing["delete_channel 100"] = fault
    await unregister(rooms.services, replace(installation(), webhook_url=URL))
    assert await rooms.services.installations.get("hook") is None
