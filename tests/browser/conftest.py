"""A real browser on the real pages. Screenshots land in artifacts/, which git does not keep.

One browser serves all tests, and one server all tests of the console: starting them is what costs.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright
from pydantic import SecretStr
from tests.flows.conftest import DEFINITION, House

from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.pages.page import DemoPage
from hubspot_hitl.twins.pages.server import PageServer
from hubspot_hitl.twins.stage import Stage

CHROMIUM = Path("/usr/bin/chromium")
INSTALLED = CHROMIUM.exists()
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OF_A_LOSS = re.compile(
    r"net::ERR_|status of 401|^htmx:(?:sendError|responseError|afterRequest)|^\[object Event\]"
)
ARTIFACTS = Path(__file__).parents[2] / "artifacts"


@dataclass(slots=True)
class Scene:
    """Twins, server and demo page, with the console's token. Also the page's bridge."""

    house: House
    token: str
    page_url: str = ""
    pages: list[PageServer] = field(default_factory=list[PageServer])
    _down: bool = False

    @property
    def running(self) -> bool:
        return not self._down

    @property
    def console_url(self) -> str:
        return f"{self.house.url}/console/login#token={self.token}"

    async def crash_and_restart(self) -> None:
        """As abrupt as it gets inside one process; the demo kills a process of its own."""
        self._down = True
        await self.house.close()
        await self.house.open()
        self._down = False

    async def open_page(self, pace: float = 0.0) -> str:
        """Serve the demo page."""
        server = PageServer(DemoPage(self.house.stage, self, pace=pace))
        self.pages.append(server)
        self.page_url = await server.start()
        return self.page_url


@asynccontextmanager
async def open_scene(folder: Path) -> AsyncGenerator[Scene]:
    stage = Stage(
        HubSpotOptions(rate_limit=None, hook_retry_base_s=0.05),
        BotpressOptions(rate_limit_per_s=None),
        definition=DEFINITION,
    )
    await stage.start()
    token = secrets.token_urlsafe(8)
    changes: dict[str, object] = {
        "console_token": SecretStr(token),
        "fetch_allow_private": True,
        "shutdown_grace_s": 0.5,
    }
    house = House(stage, folder, changes)
    await house.open()
    await stage.install(house.url)
    scene = Scene(house, token)
    yield scene
    for server in scene.pages:
        await server.stop()
    await house.close()
    await stage.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A stage for one test."""
    async with open_scene(tmp_path) as scene:
        yield scene


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A stage for all tests of a module: each looks at handoffs of its own."""
    async with open_scene(tmp_path_factory.mktemp("house")) as scene:
        yield scene


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not INSTALLED:
        pytest.skip(f"no browser at {CHROMIUM}: install the package chromium")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        await opened.close()


@dataclass(slots=True)
class Watched:
    """A page, and what its console complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list[str])
    expected: list[str] = field(default_factory=list[str])
    lossy: bool = False
    """The test cuts connections: browsers and htmx complain of each, as often as they try."""

    def expect_complaint(self, part: str) -> None:
        """One complaint that holds `part` is what the test provokes."""
        self.expected.append(part)

    @property
    def surprises(self) -> list[str]:
        """The complaints that nobody expected; each expectation covers one."""
        left = [one for one in self.complaints if not (self.lossy and OF_A_LOSS.search(one))]
        for part in self.expected:
            found = next((one for one in left if part in one), None)
            if found is not None:
                left.remove(found)
        return left

    async def shot(self, name: str) -> None:
        """A screenshot, kept."""
        ARTIFACTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Browser) -> AsyncIterator[Watched]:
    """A tab; the test fails when its console holds an error at the end."""
    context = await browser.new_context(viewport={"width": 1300, "height": 900})
    context.set_default_timeout(15_000)
    watched = Watched(await context.new_page())
    watched.page.on(
        "console",
        lambda said: watched.complaints.append(said.text) if said.type == "error" else None,
    )
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    yield watched
    await context.close()
    assert watched.surprises == []
