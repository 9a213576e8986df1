"""`doctor` beside the running server: a healthy house, and each thing broken in turn."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.flows.conftest import House
from tests.flows.test_deliveries_command import a_dead_letter
from tests.flows.test_plan_command import run

from hubspot_hitl.cli.doctor import surroundings
from hubspot_hitl.house import open_house
from hubspot_hitl.settings import from_environment
from hubspot_hitl.setup.doctor.examine import examine
from hubspot_hitl.twins.hubspot.records import Account
from hubspot_hitl.twins.wire import Json


async def examined(house: House, *, trip: bool = False, **more: str) -> dict[str, str]:
    """The severity of each code that is found beside the running server."""
    settings = from_environment(
        {
            **house.stage.environment(),
            "HITL_DATA_DIR": str(house.folder),
            "HITL_DATABASE_URL": f"sqlite:///{house.folder}/house.db",
            **more,
        },
        env_file=None,
    )
    async with open_house(settings, work=False) as opened:
        every = await opened.services.installations.all()
        around = await surroundings(settings, opened)
        found = await examine(opened.services, around, every, trip=trip)
    return {one.code: one.severity.value for one in found}


def account(house: House) -> Account:
    return next(iter(house.stage.hubspot.world.portals["1234567"].accounts.values()))


def errors(found: dict[str, str]) -> list[str]:
    return [code for code, severity in found.items() if severity == "error"]


async def test_the_command_tells_a_healthy_house_and_a_broken_one(house: House) -> None:
    status, out = await run(house, "doctor", "--json")
    told: Json = json.loads(out)
    assert (status, told["ok"]) == (0, True), out

    house.stage.hubspot.world.revoke_grants()
    status, out = await run(house, "doctor")
    assert (status, "error    connection_failed" in out) == (1, True), out


async def test_a_healthy_house_has_no_error(house: House) -> None:
    found = await examined(house)

    assert errors(found) == []
    fine = {code for code, severity in found.items() if severity == "ok"}
    assert {"token", "botpress", "inbox", "channel", "account", "subscriptions", "clock"} <= fine
    assert {"ledger", "fields", "keys", "calendar", "tier", "webhook", "public_url"} <= fine


async def test_no_signing_secret_is_a_warning(house: House) -> None:
    found = await examined(house)
    assert found["no_signing_secret"] == "warning"

    found = await examined(house, HITL_BOTPRESS_SIGNING_SECRETS="a-secret-of-the-test")
    assert "no_signing_secret" not in found


async def test_direct_webhooks_need_an_https_address(house: House) -> None:
    found = await examined(
        house, HITL_HUBSPOT_WEBHOOK_ROUTE="direct", HITL_PUBLIC_URL="http://bot.example"
    )
    assert "public_url_not_https" in errors(found)
    assert "channel_missing" in errors(found), "the channel still has the other address"


async def test_a_dead_letter_is_a_warning(house: House) -> None:
    await a_dead_letter(house)
    assert (await examined(house))["dead_letters"] == "warning"


async def test_a_revoked_grant_is_a_failed_connection(house: House) -> None:
    house.stage.hubspot.world.revoke_grants()
    assert errors(await examined(house)) == ["connection_failed"]


async def test_a_missing_scope_is_named_by_what_it_breaks(house: House) -> None:
    for grant in house.stage.hubspot.world.grants.values():
        grant.scopes = grant.scopes - {
            "conversations.visitor_identification.tokens.create",
            "crm.objects.contacts.read",
            "files",
        }
    found = await examined(house)
    assert found["missing_scope"] == "error"
    assert found["missing_optional_scope"] == found["scope_gap"] == "warning"


async def test_an_inbox_that_is_gone_is_found(house: House) -> None:
    world = house.stage.hubspot.world
    del world.portals["1234567"].inboxes[account(house).inbox_id]
    found = await examined(house)
    assert "inbox_missing" in errors(found)


async def test_an_account_that_was_disabled_or_removed_is_found(house: House) -> None:
    account(house).authorized = False
    assert errors(await examined(house)) == ["account_unauthorized"]

    account(house).archived = True
    assert errors(await examined(house)) == ["account_missing"]


async def test_a_channel_that_was_deleted_is_found(house: House) -> None:
    next(iter(house.stage.hubspot.world.channels.values())).archived = True
    assert errors(await examined(house)) == ["channel_missing"]


async def test_a_second_channel_of_ours_and_foreign_capabilities_are_warned_of(
    house: House,
) -> None:
    channels = house.stage.hubspot.world.channels
    ours = next(iter(channels.values()))
    channels["9999977"] = replace(ours, id="9999977")
    ours.fields["capabilities"]["maxFileAttachmentCount"] = 1
    found = await examined(house)
    assert found["channel_duplicated"] == found["channel_outdated"] == "warning"


async def test_a_wrong_developer_key_is_told_from_a_wrong_token(house: House) -> None:
    house.stage.hubspot.options.developer_api_key = "another-key"
    assert "developer_key_refused" in errors(await examined(house))


async def test_a_botpress_token_that_is_refused_is_found(house: House) -> None:
    found = await examined(house, HITL_BOTPRESS_TOKEN="bp_pat_of-somebody-else")
    assert errors(found) == ["botpress_token_refused"]


async def test_paused_subscriptions_are_found(house: House) -> None:
    for one in house.stage.hubspot.world.subscriptions.values():
        one.active = False
    assert errors(await examined(house)) == ["subscriptions_missing"]


async def test_without_any_installation_the_process_is_looked_at(
    house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    found = await examined(
        house, HITL_DATA_DIR=str(folder), HITL_DATABASE_URL=f"sqlite:///{folder}/new.db"
    )
    assert found["no_installation"] == "warning"
    assert "clock" in found


async def test_an_unknown_installation_is_wrong_use(house: House) -> None:
    assert (await run(house, "doctor", "--installation", "nobody"))[0] == 2


async def test_contact_facts_that_the_portal_has_not_are_warned_of(house: House) -> None:
    await house.stage.install(house.url, contactFacts="email, no_such_property")
    assert (await examined(house)).get("fields_not_showing") == "warning"
