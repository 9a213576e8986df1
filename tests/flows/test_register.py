"""`register` and `unregister` against the twins: what stands at HubSpot, and who is told what."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.twins.botpress.chat import StartFailedError
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.records import Channel, Portal
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json
from hubspot_hitl.web import keys


@pytest.fixture
async def bare(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """The server runs; nothing is installed."""
    house = House(stage, tmp_path)
    await house.open()
    yield house
    await house.close()


def portal(stage: Stage) -> Portal:
    return stage.hubspot.world.portals[stage.hubspot.options.portal_id]


def inboxes(stage: Stage) -> list[str]:
    return list(portal(stage).inboxes)


def living_channels(stage: Stage) -> list[Channel]:
    return [one for one in stage.hubspot.world.channels.values() if not one.archived]


async def again(house: House, **configuration: str) -> Json:
    """The owner saves the settings again, perhaps changed; returns the answer."""
    installation = house.stage.installation
    assert installation is not None
    installation.configuration = {**installation.configuration, **configuration}
    answer = await house.stage.botpress.register(installation)
    return {"status": answer.status, "message": answer.message}


async def refusal(house: House, configuration: Json) -> str:
    """Why an installation with this configuration cannot be registered."""
    with pytest.raises(RuntimeError) as caught:
        await house.stage.install(house.url, **configuration)
    return str(caught.value)


async def test_registering_twice_makes_one_channel_and_one_account(house: House) -> None:
    assert (await again(house))["status"] == 200
    assert (await again(house))["status"] == 200
    (channel,) = living_channels(house.stage)
    (account,) = portal(house.stage).accounts.values()
    assert (account.channel_id, account.authorized) == (channel.id, True)
    assert account.inbox_id == inboxes(house.stage)[0]


async def test_the_channel_calls_the_installations_webhook_url(house: House) -> None:
    (channel,) = living_channels(house.stage)
    installation = house.stage.installation
    assert installation is not None
    assert channel.fields["webhookUrl"] == house.stage.botpress.webhook_url(installation)


async def test_another_server_on_an_empty_database_finds_the_channel_again(
    house: House, tmp_path: Path
) -> None:
    await house.close()
    house.changes["database_url"] = f"sqlite:///{tmp_path}/another.db"
    await house.open()
    assert (await again(house))["status"] == 200
    assert len(living_channels(house.stage)) == 1
    assert len(portal(house.stage).accounts) == 1


async def test_a_channel_that_is_listed_late_is_waited_for(bare: House) -> None:
    bare.stage.hubspot.options.channel_visible_after_s = 0.4
    await bare.stage.install(bare.url)
    assert len(living_channels(bare.stage)) == len(portal(bare.stage).accounts) == 1
    await bare.handoff()


async def test_what_register_had_no_time_for_is_finished_behind_its_answer(bare: House) -> None:
    await bare.close()
    bare.changes["register_timeout_s"] = 0.05
    await bare.open()
    stage = bare.stage
    stage.hubspot.options.channel_visible_after_s = 1e9
    await stage.install(bare.url)
    (channel,) = living_channels(stage)
    assert portal(stage).accounts == {}
    with pytest.raises(StartFailedError, match="still being set up"):
        await bare.handoff()
    assert (await again(bare))["status"] == 200  # saved once more, and nothing is made twice

    channel.visible_at = 0.0
    assert await reached(lambda: bool(portal(stage).accounts), WITHIN_S)
    assert living_channels(stage) == [channel]
    chat, thread_id = await bare.handoff(2)
    stage.botpress.plugin.say(chat, "at last")
    await bare.until(chat, thread_id, user=1)


async def test_two_inboxes_get_an_account_each_and_the_first_is_the_default(bare: House) -> None:
    first, second = inboxes(bare.stage)
    await bare.stage.install(bare.url, inboxId=f"{first}, {second}")
    assert [one.inbox_id for one in portal(bare.stage).accounts.values()] == [first, second]
    _, thread_id = await bare.handoff()
    assert bare.stage.hubspot.world.thread(thread_id).inbox_id == first


async def test_an_inbox_that_is_added_later_gets_its_account(house: House) -> None:
    first, second = inboxes(house.stage)
    assert (await again(house, inboxId=f"{first},{second}"))["status"] == 200
    assert len(living_channels(house.stage)) == 1
    assert [one.inbox_id for one in portal(house.stage).accounts.values()] == [first, second]


@pytest.mark.parametrize(
    "form",
    [
        "https://app-na3.hubspot.com/live-messages-settings/{portal}/inboxes/{inbox}/channels",
        "app.hubspot.com/live-messages-settings/{portal}/inboxes/{inbox}",
        "  {inbox}\n",
    ],
)
async def test_the_inbox_may_be_the_address_of_its_settings_page(bare: House, form: str) -> None:
    inbox = inboxes(bare.stage)[0]
    value = form.format(portal=bare.stage.hubspot.options.portal_id, inbox=inbox)
    await bare.stage.install(bare.url, inboxId=value)
    assert [one.inbox_id for one in portal(bare.stage).accounts.values()] == [inbox]


async def test_a_session_may_ask_for_another_configured_inbox(bare: House) -> None:
    stage = bare.stage
    first, second = inboxes(stage)
    await stage.install(bare.url, inboxId=f"{first},{second}")
    chat = stage.botpress.plugin.open_chat("Ada", "ada@example.com")
    await stage.botpress.plugin.start_hitl(chat, session={"inboxId": second})
    assert stage.hubspot.world.thread(stage.thread_of(chat)).inbox_id == second


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("99", "Inbox '99' is not connected"), ("my inbox", "hitlSession.inboxId")],
)
async def test_a_session_that_asks_for_a_strange_inbox_is_refused(
    house: House, wanted: str, words: str
) -> None:
    chat = house.stage.botpress.plugin.open_chat("Ada", "ada@example.com")
    with pytest.raises(StartFailedError) as caught:
        await house.stage.botpress.plugin.start_hitl(chat, session={"inboxId": wanted})
    assert caught.value.status == 400
    assert words in caught.value.message
    assert not house.stage.hubspot.world.threads


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"inboxId": "99"}, ["Inbox ID (inboxId)", "'99'", "1263703960 (Inbox 1)"]),
        ({"inboxId": "somewhere"}, ["Inbox ID (inboxId)"]),
        ({"inboxId": ""}, ["Inbox ID (inboxId) is missing"]),
        ({"refreshToken": "another"}, ["Refresh token (refreshToken)"]),
        ({"clientSecret": "another"}, ["Client ID (clientId)", "Client secret (clientSecret)"]),
        ({"developerApiKey": "another"}, ["Developer API key (developerApiKey)"]),
        ({"appId": "7"}, ["App ID (appId)"]),
    ],
)
async def test_a_wrong_setting_is_named(bare: House, configuration: Json, words: list[str]) -> None:
    told = await refusal(bare, configuration)
    assert not [word for word in words if word not in told], told
    for secret in ("twin-client-secret", "twin-refresh-token", "twin-developer-key"):
        assert secret not in told


async def test_an_empty_configuration_names_every_field_at_once(bare: House) -> None:
    names = ("developerApiKey", "appId", "clientId", "clientSecret", "refreshToken", "inboxId")
    told = await refusal(bare, dict.fromkeys(names, ""))
    assert not [name for name in names if f"({name}) is missing" not in told], told


async def test_a_missing_scope_is_named(bare: House) -> None:
    for grant in bare.stage.hubspot.world.grants.values():
        grant.scopes = frozenset({"oauth"})
    told = await refusal(bare, {})
    assert "lacks a scope" in told
    assert "Refresh token (refreshToken)" in told


async def test_a_revoked_grant_asks_for_a_new_refresh_token(house: House) -> None:
    house.stage.hubspot.world.revoke_grants()
    answer = await again(house)
    assert answer["status"] == 400
    assert "Refresh token (refreshToken)" in answer["message"]


async def test_an_ailing_hubspot_asks_to_save_again(bare: House) -> None:
    bare.stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("channels.*",)))
    assert "save the configuration again" in await refusal(bare, {})


async def test_an_account_that_was_switched_off_is_switched_on_again(house: House) -> None:
    (account,) = portal(house.stage).accounts.values()
    account.authorized = False
    assert (await again(house))["status"] == 200
    assert account.authorized


async def test_a_channel_that_somebody_deleted_is_made_anew(house: House) -> None:
    (channel,) = living_channels(house.stage)
    channel.archived = True
    assert (await again(house))["status"] == 200
    (new,) = living_channels(house.stage)
    assert new.id != channel.id
    await house.handoff()


async def test_unregistering_deletes_our_channel_and_no_other(house: House) -> None:
    world = house.stage.hubspot.world
    (ours,) = living_channels(house.stage)
    for name in ("Botpress", "Another"):
        id_ = world.new_id("channel")
        fields: Json = {"name": name, "webhookUrl": "https://example.com/other"}
        world.channels[id_] = Channel(id_, fields, 0.0, 0.0)
    installation = house.stage.installation
    assert installation is not None
    answer = await house.stage.botpress.operations.unregister(installation)
    assert answer.accepted
    assert ours.archived
    assert [one.fields["name"] for one in living_channels(house.stage)] == ["Botpress", "Another"]


async def test_unregistering_ends_the_chats_for_both_sides(house: House) -> None:
    chat, thread_id = await house.handoff()
    installation = house.stage.installation
    assert installation is not None
    assert (await house.stage.botpress.operations.unregister(installation)).accepted
    assert await reached(lambda: not chat.active, WITHIN_S)
    assert chat.counts["hitlStopped"] == 1
    assert house.stage.hubspot.world.thread(thread_id).status == "CLOSED"
    entries = house.stage.hubspot.transcript(thread_id)
    assert any("disconnected from this inbox" in one.get("text", "") for one in entries)


async def test_what_was_on_its_way_to_a_removed_installation_brings_it_not_back(
    house: House,
) -> None:
    _, thread_id = await house.handoff()
    installation = house.stage.installation
    assert installation is not None
    assert (await house.stage.botpress.operations.unregister(installation)).accepted
    house.stage.hubspot.agents.assign(thread_id, house.stage.hubspot.agents.list()[0].actor_id)
    await house.stage.hubspot.settled()
    assert house.runner is not None
    assert await house.runner.app[keys.SERVICES].installations.all() == []


async def test_an_agent_of_an_installation_that_a_new_database_lacks_sees_the_message_fail(
    house: House, tmp_path: Path
) -> None:
    """Nothing says that it was removed, so what its agents write must not vanish unanswered."""
    _, thread_id = await house.handoff()
    agents, hubspot = house.stage.hubspot.agents, house.stage.hubspot
    await house.close()
    house.changes["database_url"] = f"sqlite:///{tmp_path}/another.db"
    await house.open()
    agents.reply(thread_id, agents.list()[0].actor_id, "Are you there?")
    assert await reached(lambda: hubspot.transcript(thread_id)[-1]["status"] == "FAILED", WITHIN_S)


async def test_words_arrive_though_the_key_of_the_stored_configuration_is_lost(
    house: House,
) -> None:
    """Botpress tells the configuration with each webhook: it is stored again."""
    chat, thread_id = await house.handoff()
    agents = house.stage.hubspot.agents
    await house.close()
    house.changes["secret_keys"] = SecretStr(f"new:{b64encode(bytes(32)).decode()}")
    await house.open()
    agents.reply(thread_id, agents.list()[0].actor_id, "Still here")
    assert await reached(lambda: house.stage.heard_by_user(chat) == ["Still here"], WITHIN_S)


async def test_unregistering_succeeds_though_hubspot_does_not_answer(house: House) -> None:
    await house.handoff()
    for vendor in (house.stage.hubspot, house.stage.botpress):
        vendor.faults.add(Fault(FaultKind.ERROR_500))
    installation = house.stage.installation
    assert installation is not None
    assert (await house.stage.botpress.operations.unregister(installation)).accepted
    assert (await house.stage.botpress.operations.unregister(installation)).accepted


async def test_after_unregistering_a_new_registration_works(house: House) -> None:
    installation = house.stage.installation
    assert installation is not None
    await house.stage.botpress.operations.unregister(installation)
    assert (await again(house))["status"] == 200
    await house.handoff()
