from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.browser.conftest import Scene, Watched
from tests.flows.consent import CONSOLE, open_desk

from hubspot_hitl.twins.stage import reached

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SCRIPT = "<img src=x onerror=document.title='taken'>"


async def test_a_wrong_token_is_refused_and_the_right_one_opens(
    shared: Scene, tab: Watched
) -> None:
    page = tab.page
    tab.expect_complaint("401")  # the browser reports the status of the page itself
    await page.goto(f"{shared.house.url}/console/handoffs")
    await page.fill("#token", "wrong")
    await page.click("button[type=submit]")
    await expect(page.get_by_role("alert")).to_contain_text("not right")
    await page.fill("#token", shared.token)
    await page.press("#token", "Enter")
    await expect(page.locator("h1")).to_have_text("Handoffs")


async def test_a_dead_letter_is_replayed_with_the_keyboard(shared: Scene, tab: Watched) -> None:
    page, stage = tab.page, shared.house.stage
    chat, thread_id = await shared.house.handoff()
    account = stage.hubspot.world.thread(thread_id).account_id
    stage.hubspot.agents.update_account(account, authorized=False)
    stage.botpress.plugin.say(chat, "Is anybody there?")
    await page.goto(shared.console_url)
    await expect(page.locator(".tile.bad b")).to_have_text("1")  # without a reload
    await tab.shot("console-overview")
    stage.hubspot.agents.update_account(account, authorized=True)
    await page.click(".tile.bad")
    await page.locator("tbody a").first.focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Replay").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Replay").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text("Delivery")
    assert await reached(lambda: stage.heard_by_agent(thread_id) == ["Is anybody there?"], 60)
    await page.click("nav >> text=Audit")
    await expect(page.locator("tbody tr").first).to_contain_text("delivery.replay")


async def test_the_recorder_shows_both_sides_and_no_markup_of_strangers(
    shared: Scene, tab: Watched
) -> None:
    page, plugin = tab.page, shared.house.stage.botpress.plugin
    chat = plugin.open_chat(SCRIPT)
    await plugin.start_hitl(chat, title=SCRIPT, description=SCRIPT)
    thread_id = shared.house.stage.thread_of(chat)
    plugin.say(chat, SCRIPT)
    await shared.house.until(chat, thread_id, user=1)
    await page.goto(shared.console_url)
    await page.click("nav >> text=Handoffs")
    await page.fill("#q", thread_id)
    await page.press("#q", "Enter")
    await page.click(f"tbody a:has-text('{SCRIPT[:8]}')")
    await expect(page.locator(".sides")).to_contain_text(SCRIPT)
    await page.click("text=Read the thread at HubSpot")
    await expect(page.locator("ol.thread").last).to_contain_text(SCRIPT)
    assert await page.locator("img").count() == 0
    await page.emulate_media(color_scheme="dark")
    await tab.shot("console-recorder-dark")


async def test_pages_are_readable_without_javascript(shared: Scene, tab: Watched) -> None:
    await shared.house.handoff()
    browser = tab.page.context.browser
    assert browser is not None
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{shared.house.url}/console/")
    await page.fill("#token", shared.token)
    await page.press("#token", "Enter")
    for name in ("Handoffs", "Deliveries", "Figures", "Connections", "Audit"):
        await page.click(f"nav >> text={name}")
        await expect(page.locator("main h1")).to_have_text({"Audit": "Audit trail"}.get(name, name))
    await context.close()


async def test_a_portal_is_connected_over_hubspots_consent_page(
    tab: Watched, tmp_path: Path
) -> None:
    page = tab.page
    async with open_desk(tmp_path) as desk:
        await page.goto(f"{desk.house.url}/console/login#token={CONSOLE}")
        await page.click("nav >> text=Connections")
        await expect(page.locator("h2 .state")).to_have_text("not connected")
        await page.click("button:has-text('Connect')")
        await page.click("text=Go on to HubSpot")
        await expect(page.get_by_text("The app asks for")).to_be_visible()
        await page.click("button:has-text('Connect app')")
        await page.wait_for_url("**/console/connections*")
        await expect(page.locator("h2 .state")).to_have_text("connected")
        await tab.shot("console-connected")
