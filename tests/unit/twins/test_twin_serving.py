"""The functions behind `twin hubspot|botpress` serve until they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from tests.ports import own_port

from hubspot_hitl.twins import botpress, hubspot


@pytest.mark.parametrize("serve", [hubspot.serve, botpress.serve])
async def test_a_twin_serves_until_it_is_cancelled(serve: Callable[..., Awaitable[None]]) -> None:
    port = own_port()
    status = 0
    running = asyncio.ensure_future(serve("127.0.0.1", port))
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while not status:
            try:
                async with session.get(f"http://127.0.0.1:{port}/_twin/faults") as response:
                    status = response.status
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0)
    running.cancel()
    await running
    assert status == 200
    with pytest.raises(OSError, match=str(port)):
        await asyncio.open_connection("127.0.0.1", port)
