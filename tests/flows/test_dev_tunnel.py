from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from hubspot_hitl.cli.dev import STATE_FILE, DevOptions, DevState, develop
from hubspot_hitl.errors import CallerError
from hubspot_hitl.settings import Settings
from hubspot_hitl.twins.botpress.admin import BotpressAdminTwin
from hubspot_hitl.twins.tunnel_server import TunnelServer

PING = {
    "x-bot-id": "bot_1",
    "x-bot-user-id": "user_bot",
    "x-integration-id": "intver_1",
    "x-integration-alias": "hubspot-hitl",
    "x-webhook-id": "wh_1",
    "x-bp-operation": "ping",
    "x-bp-configuration": "e30=",
}


@pytest.fixture
async def admin() -> AsyncIterator[BotpressAdminTwin]:
    twin = BotpressAdminTwin()
    await twin.start()
    yield twin
    await twin.stop()


@pytest.fixture
async def tunnel() -> AsyncIterator[TunnelServer]:
    server = TunnelServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def settings(admin: BotpressAdminTwin, tunnel: TunnelServer, tmp_path: Path) -> Settings:
    return Settings(
        botpress_api_url=admin.url,
        botpress_token=SecretStr(admin.options.token),
        botpress_workspace_id=admin.options.workspace_id,
        botpress_tunnel_url=tunnel.socket_url,
        data_dir=tmp_path,
        shutdown_grace_s=0,
    )


@asynccontextmanager
async def _developing(settings: Settings, options: DevOptions | None = None) -> AsyncGenerator[str]:
    """`dev` until the end of the block; gives the public address."""
    stop, said = asyncio.Event(), asyncio.Queue[str]()
    task = asyncio.create_task(develop(settings, options or DevOptions(), stop, said.put_nowait))
    talk = asyncio.create_task(said.get())
    await asyncio.wait({task, talk}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if task.done():
            talk.cancel()
            await task
        line = await said.get()
        yield line.split()[2].rstrip(".")
    finally:
        stop.set()
        if not task.done():
            await task


async def _ping(url: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json={}, headers=PING) as response,
    ):
        return response.status


async def test_botpress_reaches_a_server_without_a_public_address(
    settings: Settings, admin: BotpressAdminTwin
) -> None:
    async with _developing(settings) as url:
        assert await _ping(url) == 200

    (entry,) = admin.integrations.values()
    assert (entry.body["dev"], entry.body["url"]) == (True, url)


async def test_the_next_run_takes_up_the_tunnel_and_the_integration(
    settings: Settings, admin: BotpressAdminTwin, tmp_path: Path
) -> None:
    async with _developing(settings) as first:
        pass
    async with _developing(settings) as second:
        assert await _ping(second) == 200

    assert first == second
    assert len(admin.integrations) == 1
    place = tmp_path / "dev" / STATE_FILE
    state = DevState.model_validate_json(place.read_bytes())
    assert state.integration_id in admin.integrations
    assert place.stat().st_mode & 0o077 == 0


async def test_a_tunnel_in_use_changes_nothing(
    settings: Settings, admin: BotpressAdminTwin, tmp_path: Path
) -> None:
    options = DevOptions(tunnel_id="mine")
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})
    async with _developing(settings, options) as url:
        with pytest.raises(CallerError, match="in use"):
            async with _developing(other, options):
                pass

        assert await _ping(url) == 200
    assert len(admin.integrations) == 1


async def test_unsigned_operations_are_refused_when_wanted(
    settings: Settings, admin: BotpressAdminTwin
) -> None:
    async with _developing(settings, DevOptions(require_signature=True)) as url:
        assert await _ping(url) == 401
    async with _developing(settings) as url:
        assert await _ping(url) == 200
