from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.hubspot.fake_clock import FakeClock
from tests.unit.hubspot.fake_hubspot import FakeHubSpot

from hubspot_hitl.hubspot.transport import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp
    from pytest_aiohttp.plugin import AiohttpServer


@pytest.fixture
def clock() -> FakeClock:
    """A clock that sleeps by moving on."""
    return FakeClock(auto=True)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def hubspot() -> FakeHubSpot:
    return FakeHubSpot()


@pytest.fixture
async def base_url(hubspot: FakeHubSpot, aiohttp_server: AiohttpServer) -> str:
    server = await aiohttp_server(hubspot.app())
    return str(server.make_url("")).rstrip("/")
