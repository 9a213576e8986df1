"""Every switch of the demo page, and its promise seen to be kept: once each, and in order."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import Scene, Watched

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

USERS, AGENTS = ("user 1", "user 2"), ("agent 1", "agent 2")
SEEN_BY_USER = "#chat li.agent"
SEEN_BY_AGENT = "#thread li:not(.note):not(.event):not(.mine)"


async def begin(scene: Scene, page: Page) -> None:
    """A handoff with an agent, by hand."""
    await page.goto(await scene.open_page())
    await page.click("#new-chat")
    await page.click("#handoff:enabled")
    await page.click("#assign:enabled")
    await expect(page.locator("#user-sub")).to_have_text("with Agent 1")


async def write(page: Page, field: str, words: tuple[str, ...]) -> None:
    for one in words:
        await page.fill(field, one)
        await page.press(field, "Enter")
        await expect(page.locator(field)).to_have_value("")


async def texts(page: Page, where: str, words: tuple[str, ...]) -> list[str]:
    """What stands in a list, as soon as the last of `words` is there, without who said it."""
    await expect(page.locator(where).last).to_contain_text(words[-1])
    found = [text.split("\n")[-1] for text in await page.locator(where).all_inner_texts()]
    return [text for text in found if text in words]


@pytest.mark.parametrize("name", ["slow", "limit", "outage", "bot_outage", "doubled"])
async def test_with_a_fault_on_everything_arrives_once_and_in_order(
    shared: Scene, tab: Watched, name: str
) -> None:
    page = tab.page
    await begin(shared, page)
    switch = page.locator(f"#switches input[data-key={name}]")
    users, agents = (USERS[:1], AGENTS[:1]) if name == "slow" else (USERS, AGENTS)
    await switch.check()
    await write(page, "#say-text", users)
    await write(page, "#reply-text", agents)
    if name in ("outage", "bot_outage"):
        await expect(page.locator("#timeline tr.failed").first).to_be_visible()
        await switch.uncheck()
    assert await texts(page, SEEN_BY_AGENT, users) == [*users]
    assert await texts(page, SEEN_BY_USER, agents) == [*agents]
    await switch.uncheck()
    await expect(switch).not_to_be_checked()


async def test_an_answer_whose_webhook_is_lost_arrives_before_the_end(
    shared: Scene, tab: Watched
) -> None:
    page = tab.page
    await begin(shared, page)
    switch = page.locator("#switches input[data-key=lost]")
    await switch.check()
    await write(page, "#reply-text", AGENTS)
    await page.click("#close")
    assert await texts(page, SEEN_BY_USER, AGENTS) == [*AGENTS]
    await expect(page.locator("#user-sub")).to_have_text("with the bot again")
    await switch.uncheck()


async def test_a_killed_bridge_loses_nothing_and_says_that_it_is_back(
    scene: Scene, tab: Watched
) -> None:
    page = tab.page
    await begin(scene, page)
    await page.click("#crash")
    await write(page, "#say-text", USERS)
    await write(page, "#reply-text", AGENTS)
    assert await texts(page, SEEN_BY_AGENT, USERS) == [*USERS]
    assert await texts(page, SEEN_BY_USER, AGENTS) == [*AGENTS]
    await expect(page.locator("#timeline")).to_contain_text("The bridge serves again after")
    await expect(page.locator("#bridge")).to_have_text("bridge running")


async def test_an_agent_gives_back_takes_again_and_ends_by_a_comment(
    shared: Scene, tab: Watched
) -> None:
    page = tab.page
    await begin(shared, page)
    await page.click("#unassign:enabled")
    await expect(page.locator("#agent-sub")).to_contain_text("nobody's")
    await page.click("#assign:enabled")
    await expect(page.locator("#agent-sub")).to_contain_text("Agent 1")
    await page.click("#more summary")
    await page.fill("#reply-text", "/end")
    await page.click("#comment")
    await expect(page.locator("#user-sub")).to_have_text("with the bot again")
    await expect(page.locator("#chat")).not_to_contain_text("/end")
