"""An operator's browser, as far as HTTP goes."""

from __future__ import annotations

import asyncio
import re

import aiohttp
from tests.flows.conftest import WITHIN_S, House

TOKEN, READER = "operator-token", "reader-token"  # they open nothing but these tests' servers
SCRIPT = "<script>alert(1)</script>"


def session() -> aiohttp.ClientSession:
    """A client that keeps cookies also of an address without a name."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def log_in(http: aiohttp.ClientSession, house: House, token: str = TOKEN) -> None:
    answer = await http.post(f"{house.url}/console/login", data={"token": token})
    assert answer.status == 200
    assert answer.url.path == "/console/"


async def dead_letter(house: House) -> tuple[int, str]:
    """A message that HubSpot refuses for good; its number and the thread it was for."""
    chat, thread_id = await house.handoff()
    account = house.stage.hubspot.world.thread(thread_id).account_id
    house.stage.hubspot.agents.update_account(account, authorized=False)
    house.stage.botpress.plugin.say(chat, "Is anybody there?")
    async with session() as http, asyncio.timeout(WITHIN_S):
        while not (await (await http.get(f"{house.url}/readyz")).json())["dead"]:  # noqa: ASYNC110 - told by HTTP
            await asyncio.sleep(0.02)
    house.stage.hubspot.agents.update_account(account, authorized=True)
    return await _number(house), thread_id


async def _number(house: House) -> int:
    async with session() as http:
        await log_in(http, house)
        text = await (await http.get(f"{house.url}/console/deliveries?state=dead")).text()
    found = re.search(r"/console/deliveries/(\d+)\"", text)
    assert found
    return int(found[1])


async def form_of(http: aiohttp.ClientSession, address: str) -> dict[str, str]:
    text = await (await http.get(address)).text()
    return dict(re.findall(r'name="(csrf|seen|once)" value="([^"]+)"', text))
