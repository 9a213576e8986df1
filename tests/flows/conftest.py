from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr
from tests.databases import lay_tables
from tests.ports import own_port

from hubspot_hitl.app import create_app
from hubspot_hitl.cli.serve import start_server
from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.settings import Settings
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage, reached

if TYPE_CHECKING:
    from tests.flows.conversation import WebSite

DEFINITION = load_definition()
WITHIN_S = 60.0
"""What is waited for comes at once; the limit is for machines with other things to do."""


@dataclass(slots=True)
class House:
    """The real server between both twins, over real HTTP."""

    stage: Stage
    folder: Path
    changes: dict[str, object] = field(default_factory=dict[str, object])
    port: int = field(default_factory=own_port)
    runner: web.AppRunner | None = None
    clock: Clock | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Start the server; after `close` again on the same port."""
        settings = Settings(
            host="127.0.0.1",
            port=self.port,
            data_dir=self.folder,
            database_url=f"sqlite:///{self.folder}/house.db",
            start_margin_ms=50,
            botpress_api_url=self.stage.botpress.url,
            botpress_webhook_url=self.stage.botpress.url,
            botpress_token=SecretStr(self.stage.botpress.options.token),
            hubspot_api_url=self.stage.hubspot.url,
        ).model_copy(update=self.changes)
        house = self.folder / "house.db"
        if not house.exists():
            await lay_tables(house)
        self.runner = await start_server(create_app(settings, clock=self.clock), settings)

    async def close(self) -> None:
        """Stop the server, as SIGTERM does."""
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    def environment(self) -> dict[str, str]:
        """What a command beside the server is told."""
        return {
            **self.stage.environment(),
            "HITL_DATA_DIR": str(self.folder),
            "HITL_DATABASE_URL": f"sqlite:///{self.folder}/house.db",
        }

    async def handoff(self, number: int = 1) -> tuple[Chat, str]:
        """A started handoff: the user's chat and the agent's thread."""
        return await self.stage.open(number)

    async def until(self, chat: Chat, thread_id: str, *, user: int = 0, agent: int = 0) -> None:
        """Wait until so many messages of each side have arrived at the other."""
        assert await reached(
            lambda: (
                len(self.stage.heard_by_agent(thread_id)) >= user
                and len(self.stage.heard_by_user(chat)) >= agent
            ),
            WITHIN_S,
        ), (self.stage.heard_by_agent(thread_id), self.stage.heard_by_user(chat))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage(
        HubSpotOptions(rate_limit=None, hook_retry_base_s=0.05),
        BotpressOptions(rate_limit_per_s=None),
        definition=DEFINITION,
    )
    await stage.start()
    yield stage
    await stage.stop()


@pytest.fixture
async def bare(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """Not installed yet, so that a test may choose the configuration."""
    house = House(stage, tmp_path)
    yield house
    await house.close()


@pytest.fixture
async def site() -> AsyncIterator[WebSite]:
    """Where users' files lie."""
    from tests.flows.conversation import open_site  # it is made of the houses of this module

    site = await open_site()
    yield site
    await site.server.close()


@pytest.fixture
async def home(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """Installed, and it fetches files from this machine."""
    from tests.flows.conversation import furnished

    home = await furnished(House(stage, tmp_path))
    yield home
    await home.close()


@pytest.fixture
async def house(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """Installed and registered."""
    house = House(stage, tmp_path)
    await house.open()
    await stage.install(house.url)
    yield house
    await house.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def desk(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """A server with a console, for an operator and for a reader."""
    tokens = {
        "console_token": SecretStr("operator-token"),
        "console_readonly_token": SecretStr("reader-token"),
    }
    house = House(stage, tmp_path, dict(tokens))
    await house.open()
    await stage.install(house.url)
    yield house
    await house.close()


@pytest.fixture
async def browser_session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps cookies also of an address without a name."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as opened:
        yield opened
