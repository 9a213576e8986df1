"""In a real browser nothing that a stranger wrote runs, loads or leads elsewhere."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import Scene, Watched
from tests.haunting import evil, haunt, prepare

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ASKED = quote(evil("asked"), safe="")
PAGES = (
    "/", f"/handoffs?q={ASKED}", "/handoffs/{thread}?thread=1", "/deliveries?state=ready",
    "/deliveries?state=done", "/figures", "/connections", "/plan", f"/fields?q={ASKED}", "/fields",
    f"/rules?explain=1&title={ASKED}", "/doctor", "/audit",
)  # fmt: skip
FOREIGN = """() => [
  ...document.querySelectorAll("img:not([src^='/']), iframe, object, embed, script:not([src])"),
].map((one) => one.outerHTML)"""


async def foreign(page: Page) -> list[str]:
    """What is on the page that no template of ours puts there."""
    return [str(one) for one in await page.evaluate(FOREIGN)]


def watch(page: Page) -> list[str]:
    """Dialogs that open and requests to elsewhere, as they happen."""
    seen: list[str] = []
    page.on("dialog", lambda dialog: seen.append(dialog.message))
    page.on("request", lambda made: seen.append(made.url) if "127.0.0.1" not in made.url else None)
    return seen


async def test_no_stranger_runs_anything_in_the_console(scene: Scene, tab: Watched) -> None:
    page, house = tab.page, scene.house
    await house.stage.install(house.url, routingRules=prepare(house))
    thread_id = await haunt(house)
    seen = watch(page)
    await page.goto(scene.console_url)
    await page.wait_for_url("**/console/")
    found: list[str] = []
    for path in PAGES:
        await page.goto(f"{house.url}/console{path.replace('{thread}', thread_id)}")
        found += await foreign(page)
    await page.goto(f"{house.url}/console/handoffs/{thread_id}")
    await page.get_by_role("link", name="Read the thread at HubSpot").click()
    await expect(page.locator("ol.thread")).to_contain_text("alert('comment')")
    house.stage.botpress.plugin.say(
        next(iter(house.stage.botpress.plugin.chats.values())), evil("live")
    )  # comes in through the stream, not with the page
    await page.goto(f"{house.url}/console/")
    found += await foreign(page)
    assert (found, seen) == ([], [])


async def test_no_stranger_runs_anything_in_the_demo(scene: Scene, tab: Watched) -> None:
    page = tab.page
    tab.lossy = True  # the address of the stranger's file answers nobody
    seen = watch(page)
    await page.goto(await scene.open_page())
    await haunt(scene.house)
    await page.get_by_role("button", name="alert('user')").click()
    await expect(page.locator("#thread")).to_contain_text("alert('comment')")
    await expect(page.locator("#chat")).to_contain_text("alert('answer')")
    await expect(page.locator("#timeline")).to_contain_text("alert('words')")
    assert (await foreign(page), seen) == ([], [])
