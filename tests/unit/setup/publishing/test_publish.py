from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from tests.fakes import FakeClock
from tests.unit.setup.memory_vault import MemoryVault

from hubspot_hitl.botpress.admin import AdminClient
from hubspot_hitl.errors import (
    BadSettings,
    CallerError,
    StoreUnavailable,
    UnexpectedAnswer,
    VendorFault,
)
from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.setup.publishing.botpress_credentials import read_credentials, stored_credentials
from hubspot_hitl.setup.publishing.publish import PublishRequest, publish, publish_dev, validate
from hubspot_hitl.twins.botpress.admin import BotpressAdminTwin, Entry
from hubspot_hitl.twins.botpress.errors import ApiError

REQUEST = PublishRequest(url="https://hitl.example.com/botpress/path-secret")
INTEGRATIONS = "/v1/admin/integrations"


@pytest.fixture
async def twin() -> AsyncIterator[BotpressAdminTwin]:
    twin = BotpressAdminTwin()
    await twin.start()
    yield twin
    await twin.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def admin(twin: BotpressAdminTwin, session: aiohttp.ClientSession) -> AdminClient:
    return _admin(twin, session)


def _admin(
    twin: BotpressAdminTwin,
    session: aiohttp.ClientSession,
    *,
    token: str = "bp_pat_twin",
    workspace_id: str = "wkspace_0000000000000000000000001",
) -> AdminClient:
    return AdminClient(
        session, base_url=twin.url, token=token, workspace_id=workspace_id, clock=FakeClock()
    )


def _only(twin: BotpressAdminTwin) -> Entry:
    (entry,) = twin.integrations.values()
    return entry


async def test_the_first_run_creates_and_keeps_both_secrets(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    published = await publish(admin, vault, FakeClock(), REQUEST)

    entry = _only(twin)
    assert (published.did, published.signing, published.key) == ("created", "kept", "made")
    assert (entry.body["name"], entry.body["url"]) == ("acme/hubspot-hitl", REQUEST.url)
    stored = await stored_credentials(vault, FakeClock())
    assert stored.signing_secrets == (entry.secrets[0],)
    assert stored.token in twin.access_keys


async def test_the_second_run_updates_and_makes_no_second_key(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    first = await publish(admin, vault, FakeClock(), REQUEST)
    twin.calls.clear()

    second = await publish(admin, vault, FakeClock(), replace(REQUEST, visibility="unlisted"))

    assert (second.did, second.signing, second.key) == ("updated", "held", "held")
    writes = [call for call in twin.calls if not call.startswith("GET")]
    assert writes == [f"PUT {INTEGRATIONS}/{first.integration.id}"]
    assert _only(twin).body["visibility"] == "unlisted"
    assert len(_only(twin).keys) == 1


async def test_what_the_new_version_lost_is_gone_after_an_update(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await publish(admin, vault, FakeClock(), REQUEST)
    _only(twin).body["states"]["stale"] = {"type": "user", "schema": {}}
    _only(twin).body["user"]["tags"]["stale"] = {}

    await publish(admin, vault, FakeClock(), REQUEST)

    assert _only(twin).body["states"] == load_definition()["states"]
    assert "stale" not in _only(twin).body["user"]["tags"]


async def test_validating_writes_nothing(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await validate(admin, REQUEST)
    assert twin.integrations == {}
    await publish(admin, vault, FakeClock(), REQUEST)
    before = dict(_only(twin).body)

    planned = await validate(admin, replace(REQUEST, visibility="public"))

    assert planned.existing is not None
    assert twin.calls[-1] == f"POST {INTEGRATIONS}/{_only(twin).id}/validate"
    assert _only(twin).body == before


async def test_a_lost_signing_secret_is_asked_for_and_rotation_brings_one(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await publish(admin, MemoryVault(), FakeClock(), REQUEST)
    assert (await publish(admin, vault, FakeClock(), REQUEST)).signing == "missing"

    published = await publish(
        admin, vault, FakeClock(), replace(REQUEST, rotate_signing_secret=True)
    )

    assert published.signing == "rotated"
    stored = await stored_credentials(vault, FakeClock())
    assert stored.signing_secrets == (_only(twin).secrets[0],)


async def test_an_access_key_in_the_settings_is_enough(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    published = await publish(admin, vault, FakeClock(), replace(REQUEST, key_given=True))

    assert published.key == "given"
    assert _only(twin).keys == {}


async def test_a_run_that_was_broken_off_is_completed_by_the_next(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await publish(admin, vault, FakeClock(), replace(REQUEST, key_given=True))

    published = await publish(admin, vault, FakeClock(), REQUEST)

    assert (published.signing, published.key) == ("held", "made")
    assert (await read_credentials(vault)).access_key(_only(twin).id) in twin.access_keys


async def test_a_full_disk_is_reported_with_the_way_out(
    admin: AdminClient, vault: MemoryVault
) -> None:
    vault.full = True

    with pytest.raises(StoreUnavailable, match="--rotate-signing-secret"):
        await publish(admin, vault, FakeClock(), REQUEST)


async def test_a_key_that_cannot_be_kept_is_revoked(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await publish(admin, vault, FakeClock(), replace(REQUEST, key_given=True))
    vault.full = True

    with pytest.raises(StoreUnavailable, match="access key"):
        await publish(admin, vault, FakeClock(), REQUEST)

    assert _only(twin).keys == {}


async def test_breaking_changes_are_explained(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await publish(admin, vault, FakeClock(), REQUEST)
    _only(twin).body["actions"]["olderAction"] = {"input": {}, "output": {}}

    with pytest.raises(CallerError, match=r"BreakingChanges.*olderAction.*new version"):
        await publish(admin, vault, FakeClock(), REQUEST)

    assert "olderAction" in _only(twin).body["actions"]


async def test_a_public_version_is_not_touched(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await publish(admin, vault, FakeClock(), replace(REQUEST, visibility="public"))
    twin.calls.clear()

    with pytest.raises(CallerError, match="new version"):
        await publish(admin, vault, FakeClock(), REQUEST)

    assert all(call.startswith("GET") for call in twin.calls)


async def test_a_full_workspace_is_explained(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    twin.options.most_integrations = 0

    with pytest.raises(CallerError, match=r"QuotaExceeded.*20 integrations"):
        await publish(admin, vault, FakeClock(), REQUEST)


async def test_a_wrong_token_or_workspace_is_explained(
    twin: BotpressAdminTwin, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(CallerError, match="HITL_BOTPRESS_ADMIN_TOKEN"):
        await validate(_admin(twin, session, token="bp_pat_other"), REQUEST)
    with pytest.raises(CallerError, match="workspace id"):
        await validate(_admin(twin, session, workspace_id="wkspace_2"), REQUEST)


async def test_a_hub_without_the_interface_is_explained(
    admin: AdminClient, twin: BotpressAdminTwin
) -> None:
    twin.options.interfaces.clear()

    with pytest.raises(CallerError, match=r"2\.1\.0"):
        await validate(admin, REQUEST)


async def test_a_workspace_without_a_handle_is_explained(
    admin: AdminClient, twin: BotpressAdminTwin
) -> None:
    twin.options.handle = None

    with pytest.raises(BadSettings, match="handle"):
        await validate(admin, REQUEST)


async def test_a_creation_without_a_certain_outcome_is_not_repeated(
    admin: AdminClient, twin: BotpressAdminTwin, vault: MemoryVault
) -> None:
    await validate(admin, REQUEST)
    reads = len(twin.calls) - 1
    twin.calls.clear()
    twin.fail_next = [None] * reads + [ApiError(500, "Internal", "sorry")]

    with pytest.raises(VendorFault):
        await publish(admin, vault, FakeClock(), REQUEST)

    assert [call for call in twin.calls if call.startswith("POST")] == [f"POST {INTEGRATIONS}"]


async def test_no_secret_of_botpress_is_in_a_repr(admin: AdminClient, vault: MemoryVault) -> None:
    published = await publish(admin, vault, FakeClock(), REQUEST)

    text = repr(published) + repr(REQUEST)
    assert published.signing_secret is not None
    assert published.access_key is not None
    assert not any(
        secret in text for secret in (published.signing_secret, published.access_key, "path-secret")
    )


async def test_keys_are_listed_without_values_and_deleted_twice_without_harm(
    admin: AdminClient, vault: MemoryVault
) -> None:
    integration = (await publish(admin, vault, FakeClock(), REQUEST)).integration

    (key,) = await admin.access_keys(integration.id)
    await admin.delete_access_key(key.id)
    await admin.delete_access_key(key.id)

    assert key.value is None
    assert await admin.access_keys(integration.id) == []


async def test_the_development_integration_is_made_once_and_moved_afterwards(
    admin: AdminClient, twin: BotpressAdminTwin
) -> None:
    first = await publish_dev(admin, REQUEST, None)
    moved = await publish_dev(admin, replace(REQUEST, url="https://t.example.com/b"), first.id)
    again = await publish_dev(admin, REQUEST, "intver_gone")

    assert first.dev
    assert moved.id == first.id
    assert twin.integrations[first.id].body["url"] == "https://t.example.com/b"
    assert again.id != first.id


async def test_an_answer_that_is_no_integration_is_refused(
    session: aiohttp.ClientSession, twin: BotpressAdminTwin, admin: AdminClient
) -> None:
    twin.integrations["intver_x"] = Entry("intver_x", {"name": 5, "version": None}, [])

    with pytest.raises(UnexpectedAnswer):
        await admin.integration_by_id("intver_x")
