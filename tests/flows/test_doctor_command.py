"""`doctor` beside the running server: a healthy house, and each thing broken in turn."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.flows.conftest import House
from tests.flows.test_deliveries_command import a_dead_letter
from tests.flows.test_plan_command import run

from hubspot_hitl.twins.hubspot.records import Account
from hubspot_hitl.twins.wire import Json


async def examined(house: House, **more: str) -> tuple[int, dict[str, str]]:
    """The exit status, and the severity of each code that was found."""
    token = house.stage.botpress.options.token
    status, out = await run(house, "doctor", "--json", **{"HITL_BOTPRESS_TOKEN": token} | more)
    told: Json = json.loads(out)
    assert told["ok"] == (status == 0), out
    return status, {one["code"]: one["severity"] for one in told["findings"]}


def account(house: House) -> Account:
    return next(iter(house.stage.hubspot.world.portals["1234567"].accounts.values()))


def errors(found: dict[str, str]) -> list[str]:
    return [code for code, severity in found.items() if severity == "error"]


async def test_a_healthy_house_has_no_error(house: House) -> None:
    status, found = await examined(house)

    assert (status, errors(found)) == (0, [])
    fine = {code for code, severity in found.items() if severity == "ok"}
    assert {"token", "botpress", "inbox", "channel", "account", "subscriptions", "clock"} <= fine
    assert {"schema", "ledger", "fields", "keys", "calendar"} <= fine


async def test_no_signing_secret_is_a_warning(house: House) -> None:
    status, found = await examined(house)
    assert (status, found["no_signing_secret"]) == (0, "warning")

    _, found = await examined(house, HITL_BOTPRESS_SIGNING_SECRETS="a-secret-of-the-test")
    assert "no_signing_secret" not in found


async def test_direct_webhooks_need_an_https_address(house: House) -> None:
    _, found = await examined(
        house, HITL_HUBSPOT_WEBHOOK_ROUTE="direct", HITL_PUBLIC_URL="http://bot.example"
    )
    assert "public_url_not_https" in errors(found)
    assert "channel_missing" in errors(found), "the channel still has the other address"


async def test_a_dead_letter_is_a_warning(house: House) -> None:
    await a_dead_letter(house)
    status, found = await examined(house)
    assert (status, found["dead_letters"]) == (0, "warning")


async def test_a_revoked_grant_is_a_failed_connection(house: House) -> None:
    house.stage.hubspot.world.revoke_grants()
    status, found = await examined(house)
    assert (status, errors(found)) == (1, ["connection_failed"])


async def test_a_missing_scope_is_named_by_what_it_breaks(house: House) -> None:
    for grant in house.stage.hubspot.world.grants.values():
        grant.scopes = grant.scopes - {"crm.objects.contacts.read", "files"}
    _, found = await examined(house)
    assert found["missing_scope"] == "error"
    assert found["missing_optional_scope"] == found["scope_gap"] == "warning"


async def test_an_inbox_that_is_gone_is_found(house: House) -> None:
    world = house.stage.hubspot.world
    del world.portals["1234567"].inboxes[account(house).inbox_id]
    _, found = await examined(house)
    assert "inbox_missing" in errors(found)


async def test_an_account_that_was_disabled_or_removed_is_found(house: House) -> None:
    account(house).authorized = False
    assert errors((await examined(house))[1]) == ["account_unauthorized"]

    account(house).archived = True
    assert errors((await examined(house))[1]) == ["account_missing"]


async def test_a_channel_that_was_deleted_is_found(house: House) -> None:
    next(iter(house.stage.hubspot.world.channels.values())).archived = True
    assert errors((await examined(house))[1]) == ["channel_missing"]


async def test_a_second_channel_of_ours_and_foreign_capabilities_are_warned_of(
    house: House,
) -> None:
    channels = house.stage.hubspot.world.channels
    ours = next(iter(channels.values()))
    channels["9999977"] = replace(ours, id="9999977")
    ours.fields["capabilities"]["maxFileAttachmentCount"] = 1
    status, found = await examined(house)
    assert status == 0
    assert found["channel_duplicated"] == found["channel_outdated"] == "warning"


async def test_a_wrong_developer_key_is_told_from_a_wrong_token(house: House) -> None:
    house.stage.hubspot.options.developer_api_key = "another-key"
    assert "developer_key_refused" in errors((await examined(house))[1])


async def test_a_botpress_token_that_is_refused_is_found(house: House) -> None:
    _, found = await examined(house, HITL_BOTPRESS_TOKEN="bp_pat_of-somebody-else")
    assert errors(found) == ["botpress_token_refused"]


async def test_paused_subscriptions_are_found(house: House) -> None:
    for one in house.stage.hubspot.world.subscriptions.values():
        one.active = False
    assert errors((await examined(house))[1]) == ["subscriptions_missing"]


async def test_without_any_installation_the_process_is_looked_at(
    house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    _, found = await examined(
        house, HITL_DATA_DIR=str(folder), HITL_DATABASE_URL=f"sqlite:///{folder}/new.db"
    )
    assert found["no_installation"] == "warning"
    assert "clock" in found


async def test_an_unknown_installation_is_wrong_use(house: House) -> None:
    assert (await run(house, "doctor", "--installation", "nobody"))[0] == 2


async def test_contact_facts_that_the_portal_has_not_are_warned_of(house: House) -> None:
    await house.stage.install(house.url, contactFacts="email, no_such_property")
    status, found = await examined(house)
    assert (status, found.get("fields_not_showing")) == (0, "warning")
