"""Pages stay small, however much was said and however long it is."""

from __future__ import annotations

import re

import aiohttp
import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.console_desk import log_in

from hubspot_hitl.twins.stage import reached
from hubspot_hitl.web.console.recorder import PAGE

MANY = PAGE + 5
KIB = 1024


@pytest.fixture
def http(browser_session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    return browser_session


async def test_a_long_handoff_is_read_page_by_page_to_its_beginning(
    desk: House, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await desk.handoff()
    for number in range(MANY):
        desk.stage.botpress.plugin.say(chat, f"message {number}.")
    await desk.until(chat, thread_id, user=MANY)
    await log_in(http, desk)
    seen: set[str] = set()
    address = f"/console/handoffs/{thread_id}"
    pages = 0
    while address:
        text = await (await http.get(f"{desk.url}{address}")).text()
        assert len(text) < 200 * KIB
        seen |= set(re.findall(r"message \d+\.", text))
        found = re.search(r'<a href="([^"]+)">Show earlier ones', text)
        address, pages = (found[1] if found else ""), pages + 1
    assert seen == {f"message {number}." for number in range(MANY)}
    assert 2 <= pages <= 4


async def test_a_long_text_makes_no_page_long(desk: House, http: aiohttp.ClientSession) -> None:
    plugin, long = desk.stage.botpress.plugin, "word " * 50_000
    chat = plugin.open_chat("n" * 5_000)
    await plugin.start_hitl(chat, title="t" * 50_000, description=long)
    thread_id = desk.stage.thread_of(chat)
    plugin.say(chat, long)
    assert await reached(lambda: bool(desk.stage.heard_by_agent(thread_id)), WITHIN_S)
    await log_in(http, desk)
    text = await (await http.get(f"{desk.url}/console/deliveries?state=done")).text()
    numbers = re.findall(r"/console/deliveries/(\d+)", text)
    pages = (
        "/", "/handoffs", f"/handoffs/{thread_id}?thread=1",
        *(f"/deliveries/{number}" for number in numbers),
    )  # fmt: skip
    for path in pages:
        page = await (await http.get(f"{desk.url}/console{path}")).text()
        assert len(page) < (200 if "thread" in path else 64) * KIB, path
