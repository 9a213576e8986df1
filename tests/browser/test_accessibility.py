"""axe on every page, in light and in dark: nothing serious."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

import pytest
from playwright.async_api import Browser, Page
from tests.browser.conftest import Scene

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RUN = """axe.run(document, OPTIONS).then((found) => [
  found.passes.length,
  ...found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes[0].html}`),
])"""
PAGES = (
    "/login", "/", "/handoffs", "/handoffs/{thread}", "/deliveries?state=done", "/deliveries/3",
    "/figures?span=hour", "/connections", "/plan", "/fields", "/rules?explain=1", "/doctor",
    "/audit?verify=1",
)  # fmt: skip


async def wrong_with(page: Page) -> list[str]:
    """What axe finds serious: everything in the light, the colours also in the dark."""
    await page.evaluate(AXE)
    wrong: list[str] = []
    schemes: tuple[tuple[Literal["light", "dark"], str], ...] = (
        ("light", "{}"),
        ("dark", "{runOnly: ['color-contrast']}"),
    )
    for scheme, options in schemes:
        await page.emulate_media(color_scheme=scheme)
        checked, *found = await page.evaluate(RUN.replace("OPTIONS", options))
        assert checked
        wrong += [f"{page.url} {scheme}: {one}" for one in found]
    return wrong


async def test_axe_finds_nothing_serious_and_a_phone_shows_every_page(
    shared: Scene, browser: Browser
) -> None:
    chat, thread_id = await shared.house.handoff()
    shared.house.stage.botpress.plugin.say(chat, "Hello")
    await shared.house.until(chat, thread_id, user=1)
    demo = await shared.open_page()
    # the console's policy lets no foreign script in, axe's neither
    context = await browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(shared.console_url)
    await page.wait_for_url("**/console/")
    base = f"{shared.house.url}/console"
    wrong: list[str] = []
    for address in (*(base + path.format(thread=thread_id) for path in PAGES), demo):
        await page.set_viewport_size({"width": 1280, "height": 800})
        await page.goto(address)
        wrong += await wrong_with(page)
        await page.set_viewport_size({"width": 400, "height": 800})
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{address} scrolls sideways")
    await context.close()
    assert wrong == []
