#!/usr/bin/env python3
"""Make the pictures of README and docs again: docs/images/*.png, from the demo in a real browser.

Needs the development requirements and Chromium (`--chromium` says where). Nothing leaves this
machine: the demo's own twins play both vendors.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright, expect

from hubspot_hitl.cli.bridge_process import BridgeProcess
from hubspot_hitl.cli.demo import server_values
from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.pages.page import DemoPage
from hubspot_hitl.twins.pages.server import PageServer
from hubspot_hitl.twins.stage import Stage, Tally

IMAGES = Path(__file__).parents[1] / "docs" / "images"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE = ViewportSize(width=1400, height=960)
HANDOFFS = 12


async def main(chromium: str) -> None:
    """Play some handoffs, walk through the pages, write the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    stage = Stage(
        HubSpotOptions(rate_limit=None),
        BotpressOptions(rate_limit_per_s=None),
        definition=load_definition(),
    )
    token = secrets.token_urlsafe(12)
    with tempfile.TemporaryDirectory() as folder:
        await stage.start()
        values = {**server_values(stage, Path(folder), None), "console_token": token}
        bridge = BridgeProcess(values, f"/console/login#token={token}")
        await bridge.start()
        server = PageServer(DemoPage(stage, bridge, pace=0.4))
        try:
            await stage.install(bridge.url)
            tally = Tally()
            for number in range(1, HANDOFFS + 1):
                await stage.play(number, 3, tally, within_s=30)
            await _photograph(await server.start(), bridge, stage, chromium)
        finally:
            await server.stop()
            await bridge.stop()
            await stage.stop()


async def _photograph(url: str, bridge: BridgeProcess, stage: Stage, chromium: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport=SIZE)
        await page.goto(url)
        await page.click("#play")
        await expect(page.locator("#choices button").first).to_be_visible(timeout=30_000)
        await _shot(page, "demo")
        over = "The play is over. Now it is your turn."
        await expect(page.locator("#caption")).to_have_text(over, timeout=60_000)
        await page.emulate_media(color_scheme="dark")
        await _shot(page, "demo-dark", full=True)
        await page.emulate_media(color_scheme="light")

        await page.goto(bridge.console_url or "")
        await page.get_by_role("link", name="Connections").click()
        await expect(page.get_by_text("connected").first).to_be_visible()
        await _shot(page, "console-connections")
        await _dead_letter(stage)
        await page.goto(f"{bridge.url}/console/")
        await expect(page.locator(".tile.bad b")).to_have_text("1", timeout=30_000)
        await _shot(page, "console-overview")
        for name in ("figures?span=hour", "deliveries?state=dead"):
            await page.goto(f"{bridge.url}/console/{name}")
            await _shot(page, f"console-{name.partition('?')[0]}")
        await page.goto(f"{bridge.url}/console/doctor")
        await page.get_by_role("button", name="Run the checks").click()
        await expect(page.locator("tbody tr").first).to_be_visible(timeout=60_000)
        await _shot(page, "console-doctor")
        await page.goto(f"{bridge.url}/console/handoffs?q=Ada+Visitor")
        await page.locator("tbody a").first.click()
        await expect(page.get_by_text("What was said")).to_be_visible()
        await _shot(page, "console-flight-recorder")
        await browser.close()


async def _dead_letter(stage: Stage) -> None:
    """A message that HubSpot refuses, since an admin has switched the channel account off."""
    chat, thread_id = await stage.open(HANDOFFS + 1)
    account = stage.hubspot.world.thread(thread_id).account_id
    stage.hubspot.agents.update_account(account, authorized=False)
    stage.botpress.plugin.say(chat, "Is anybody there?")


async def _shot(page: Page, name: str, *, full: bool = False) -> None:
    path = IMAGES / f"{name}.png"
    await page.screenshot(path=path, full_page=full)
    print(path.relative_to(IMAGES.parents[1]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser's program")
    asyncio.run(main(parser.parse_args().chromium))
    sys.exit(0)
