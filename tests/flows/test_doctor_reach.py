"""The doctor's looks from outside and its round trip: right, and each broken in turn."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.flows.conftest import House
from tests.flows.test_doctor_command import errors, examined

from hubspot_hitl.cli.doctor import check_schema
from hubspot_hitl.settings import Settings
from hubspot_hitl.setup.doctor.findings import MEANINGS
from hubspot_hitl.store import migrations
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.twins.faults import Fault, FaultKind

TESTS = Path(__file__).parents[1]


def test_every_code_is_provoked_by_a_test() -> None:
    told = "".join(one.read_text() for one in TESTS.rglob("test_*.py"))
    assert [code for code in MEANINGS if f'"{code}"' not in told] == []


async def test_the_public_url_has_to_lead_to_this_server(house: House) -> None:
    async def elsewhere(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/login")

    other = web.Application()
    other.router.add_get("/livez", elsewhere)
    async with TestServer(other) as server:
        right = await examined(house, HITL_PUBLIC_URL=house.url)
        wrong = await examined(house, HITL_PUBLIC_URL=str(server.make_url("/")).rstrip("/"))
    nobody = await examined(house, HITL_PUBLIC_URL="http://127.0.0.1:9")

    assert right["public_url"] == "ok"
    assert wrong["public_url_wrong"] == nobody["public_url_unreachable"] == "error"


async def test_without_tokens_the_console_and_the_bot_are_closed(house: House) -> None:
    found = await examined(house, HITL_BOTPRESS_TOKEN="")
    assert (found["no_console_token"], found["no_botpress_token"]) == ("warning", "error")


async def test_a_server_that_does_not_run_is_found(house: House) -> None:
    await house.close()
    assert "webhook_unreachable" in errors(await examined(house))


async def test_a_webhook_signed_by_another_secret_than_the_server_knows_is_found(
    house: House,
) -> None:
    installation = house.stage.installation
    assert installation is not None
    other = f"sqlite:///{house.folder}/other.db"
    await house.close()
    house.changes["database_url"] = other
    await house.open()  # the same address, and another client secret behind it
    configuration = installation.configuration
    installation.configuration = configuration | {"clientSecret": "another"}
    await house.stage.botpress.register(installation)

    assert "webhook_signature_refused" in errors(await examined(house))


async def test_an_address_that_takes_or_refuses_everything_is_found(house: House) -> None:
    status = 200

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    other = web.Application()
    other.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(other) as server:
        url = str(server.make_url("/")).rstrip("/")
        everything = await examined(house, HITL_HUBSPOT_WEBHOOK_ROUTE="direct", HITL_PUBLIC_URL=url)
        status = 404
        nothing = await examined(house, HITL_HUBSPOT_WEBHOOK_ROUTE="direct", HITL_PUBLIC_URL=url)

    assert everything["webhook_unchecked"] == "warning"
    assert nothing["webhook_refused"] == "error"


async def test_an_integration_that_was_taken_out_of_the_bot_is_told_from_a_wrong_token(
    house: House,
) -> None:
    installation = house.stage.installation
    assert installation is not None
    installation.integration_id = "intver_of_another"
    assert "botpress_integration_mismatch" in errors(await examined(house))


async def test_a_botpress_that_does_not_answer_is_no_wrong_token(house: House) -> None:
    found = await examined(house, HITL_BOTPRESS_API_URL="http://127.0.0.1:9")
    assert found["botpress_unreachable"] == "error"


async def test_custom_channels_that_a_granted_scope_does_not_open_are_a_matter_of_the_edition(
    house: House,
) -> None:
    options = house.stage.hubspot.options
    options.custom_channels_edition = False
    found = await examined(house)
    assert found["tier_too_low"] == "error"


async def test_fields_that_may_not_be_read_are_a_warning(house: House) -> None:
    for grant in house.stage.hubspot.world.grants.values():
        readable = {"crm.schemas.contacts.read", "crm.objects.contacts.read"}
        grant.scopes = grant.scopes - readable
    assert (await examined(house))["field_discovery_failed"] == "warning"


async def test_webhooks_that_go_elsewhere_or_cannot_be_read_are_warned_of(house: House) -> None:
    hubspot = house.stage.hubspot
    assert hubspot.world.hook_settings is not None
    hubspot.world.hook_settings["targetUrl"] = "https://relay.example/hook"
    assert (await examined(house))["webhook_target_elsewhere"] == "warning"

    hubspot.world.hook_settings = None
    assert (await examined(house))["subscriptions_missing"] == "error"

    hubspot.options.webhooks_api = False
    assert (await examined(house))["subscriptions_unknown"] == "warning"


@pytest.mark.parametrize(
    ("operation", "kind", "code"),
    [
        ("inboxes.list", FaultKind.RATE_LIMIT, "rate_limited"),
        ("inboxes.list", FaultKind.ERROR_500, "hubspot_unreachable"),
    ],
)
async def test_a_hubspot_that_is_busy_or_ailing_is_named(
    house: House, operation: str, kind: FaultKind, code: str
) -> None:
    house.stage.hubspot.faults.add(Fault(kind, (operation,), retry_after_s=9))
    assert code in await examined(house)


async def test_an_old_schema_and_a_database_that_is_away_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    await migrate(url)
    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, "9999"))
    monkeypatch.setattr(migrations, "HEAD", "9999")  # as a later version would have it

    old = await check_schema(Settings(data_dir=tmp_path, database_url=url))
    away = await check_schema(Settings(database_url="postgresql://nobody@127.0.0.1:9/none"))

    assert (old.code, away.code) == ("schema_behind", "database_unavailable")


# -- the round trip


async def test_a_marked_message_goes_out_and_comes_back_and_nothing_is_left(house: House) -> None:
    found = await examined(house, trip=True)

    assert (found["round_trip_out"], found["round_trip_back"]) == ("ok", "ok")
    assert found["round_trip_bot"] == "ok"
    (thread,) = house.stage.hubspot.world.threads.values()
    assert thread.archived
    assert house.stage.botpress.world.bot(house.stage.botpress.options.bot_id).messages == {}


async def test_who_connected_the_portal_may_be_no_agent(house: House) -> None:
    house.stage.hubspot.world.portals["1234567"].agents.clear()
    assert (await examined(house, trip=True))["round_trip_unproven"] == "warning"


async def test_a_thread_that_cannot_be_archived_is_named(house: House) -> None:
    house.stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("threads.delete",)))
    assert (await examined(house, trip=True))["probe_left_behind"] == "warning"
