"""A page whose stream is lost says so, comes back by itself, and shows each line once."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import Scene, Watched
from tests.chaos.gate import Gate, gate_to

from hubspot_hitl.twins.pages.page import DemoPage
from hubspot_hitl.twins.pages.server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def at(url: str) -> tuple[str, int]:
    """Host and port of an address."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def through(gate: Gate, url: str) -> str:
    """The same address behind the gate."""
    return url.replace(f":{at(url)[1]}", f":{gate.port}", 1)


async def same_page(page: Page) -> bool:
    """Whether the page was not loaded again since it was marked with `kept`."""
    return bool(await page.evaluate("window.kept === true"))


async def test_the_console_catches_up_after_its_stream_was_cut(scene: Scene, tab: Watched) -> None:
    page, house = tab.page, scene.house
    tab.lossy = True
    chat, thread_id = await house.handoff()
    async with gate_to(at(house.url)) as gate:
        await page.goto(through(gate, scene.console_url))
        await page.wait_for_url("**/console/")
        await page.goto(f"{through(gate, house.url)}/console/handoffs/{thread_id}")
        await page.evaluate("window.kept = true")
        mine = page.locator(".sides tbody tr", has_text="Still there?")
        house.stage.botpress.plugin.say(chat, "Still there? 1")
        await expect(mine).to_have_count(1)
        gate.cut()
        await expect(page.locator("#recorder")).to_have_class("stale")
        house.stage.botpress.plugin.say(chat, "Still there? 2")
        await house.until(chat, thread_id, user=2)
        gate.mend()
        await expect(mine).to_have_count(2)
        await expect(page.locator("#recorder:not(.stale)")).to_be_visible()
        house.stage.botpress.plugin.say(chat, "Still there? 3")
        await expect(mine).to_have_count(3)
        assert await same_page(page)


async def test_the_console_goes_on_with_a_server_that_was_started_again(
    scene: Scene, tab: Watched
) -> None:
    page, house = tab.page, scene.house
    tab.lossy = True
    _, thread_id = await house.handoff()
    async with gate_to(at(house.url)) as gate:
        await page.goto(through(gate, scene.console_url))
        await page.wait_for_url("**/console/")
        await page.evaluate("window.kept = true")
        with_agent = page.locator(".tile", has_text="with an agent").locator("b")
        await expect(with_agent).to_have_text("0")
        await scene.crash_and_restart()
        gate.targets = (at(house.url),)
        stage = house.stage
        stage.hubspot.agents.assign(thread_id, stage.hubspot.agents.list()[0].actor_id)
        await expect(with_agent).to_have_text("1")
        assert await same_page(page)


async def test_a_session_that_is_over_leads_to_the_log_in(scene: Scene, tab: Watched) -> None:
    page, house = tab.page, scene.house
    tab.lossy = True
    await page.goto(scene.console_url)
    await page.wait_for_url("**/console/")
    await page.goto(f"{house.url}/console/handoffs?which=open")
    await page.context.clear_cookies()
    await house.handoff()
    await page.wait_for_url("**/console/login?next=*which%3Dopen")


async def test_the_demo_page_catches_up_after_its_stream_was_cut(
    scene: Scene, tab: Watched
) -> None:
    page, plugin = tab.page, scene.house.stage.botpress.plugin
    tab.lossy = True
    async with gate_to(at(await scene.open_page())) as gate:
        await page.goto(f"http://127.0.0.1:{gate.port}")
        await page.evaluate("window.kept = true")
        chat = plugin.open_chat("Ada")
        lines = page.locator("#timeline tr", has_text="Line ")
        plugin.say(chat, "Line 1")
        await expect(lines).to_have_count(1)
        gate.cut()
        await expect(page.locator("#bridge")).to_have_text("page lost")
        plugin.say(chat, "Line 2")
        gate.mend()
        await expect(lines).to_have_count(2)
        plugin.say(chat, "Line 3")
        await expect(lines).to_have_count(3)
        await expect(page.locator("#chat .mine")).to_have_count(3)
        assert await same_page(page)


async def test_the_demo_page_goes_on_with_a_demo_that_was_started_again(
    scene: Scene, tab: Watched
) -> None:
    page, stage = tab.page, scene.house.stage
    tab.lossy = True
    async with gate_to(at(await scene.open_page())) as gate:
        await page.goto(f"http://127.0.0.1:{gate.port}")
        lines = page.locator("#timeline tr", has_text="Line ")
        chat = stage.botpress.plugin.open_chat("Ada")
        for number in range(5):
            stage.botpress.plugin.say(chat, f"Line {number}")
        await expect(lines).to_have_count(5)
        await scene.pages[-1].stop()
        server = PageServer(DemoPage(stage, scene))
        scene.pages.append(server)
        gate.targets = (at(await server.start()),)
        stage.botpress.plugin.say(chat, "Line of the new one")
        await expect(lines).to_have_count(1)
        await expect(lines).to_contain_text("Line of the new one")
