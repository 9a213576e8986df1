"""The console does what an operator asks with a form of its own, once; and nothing else."""

from __future__ import annotations

import asyncio
import re
import time

import aiohttp
import jwt
import pytest
from tests.flows.conftest import House
from tests.flows.console_desk import READER, dead_letter, form_of, log_in

from hubspot_hitl.web.console.routes import ROUTES

LOGIN, LOGOUT = "/console/login", "/console/logout"
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


@pytest.fixture
def http(browser_session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    return browser_session


def posts(desk: House, handoff_id: str, seq: int) -> list[str]:
    """An address for each thing that can be posted, but the log-in."""
    assert desk.stage.installation is not None
    values = {
        "handoff": handoff_id,
        "seq": str(seq),
        "installation": desk.stage.installation.webhook_id,
    }
    found: list[str] = []
    for route in ROUTES:
        if route.method != "POST" or route.path == LOGIN:
            continue
        names = re.search(r"{action:([^}]+)}", route.path)
        for name in names[1].split("|") if names else [""]:
            path = re.sub(r"{action:[^}]+}", name, route.path)
            path = re.sub(r"{(\w+)(?::[^}]*)?}", lambda match: values[match[1]], path)
            found.append(f"{desk.url}{path}")
    assert len(found) >= 10
    return found


async def handoff_id(http: aiohttp.ClientSession, desk: House, thread_id: str) -> str:
    text = await (await http.get(f"{desk.url}/console/handoffs?q={thread_id}")).text()
    found = re.search(r'href="/console/handoffs/([^"/]+)"', text)
    assert found
    return found[1]


async def test_no_post_does_anything_without_session_form_and_role(
    desk: House, http: aiohttp.ClientSession
) -> None:
    seq, thread_id = await dead_letter(desk)
    await log_in(http, desk)
    addresses = posts(desk, await handoff_id(http, desk, thread_id), seq)
    form = await form_of(http, f"{desk.url}/console/deliveries/{seq}/discard")
    before = await audited(http, desk)
    for address in addresses:
        for headers in FOREIGN:
            answer = await http.post(address, data=form, headers=headers)
            assert answer.status == 403, (address, headers)
        if address.endswith(LOGOUT):
            continue
        for wrong in ({}, {"csrf": ""}, {"csrf": form["csrf"][:-1]}, {"csrf": "\N{SNOWMAN}"}):
            sent = {name: value for name, value in form.items() if name != "csrf"} | wrong
            assert (await http.post(address, data=sent)).status == 403, (address, wrong)
    assert await audited(http, desk) == before
    http.cookie_jar.clear()
    for address in addresses:
        assert (await http.post(address, data=form)).status == 401, address
    await log_in(http, desk, READER)
    for address in addresses:
        if not address.endswith(LOGOUT):
            assert (await http.post(address, data=form)).status == 403, address


async def audited(http: aiohttp.ClientSession, desk: House) -> int:
    text = await (await http.get(f"{desk.url}/console/audit")).text()
    return text.count("<tr>")


def forged(**changes: object) -> str:
    """A cookie that is right but for the key, and `changes`."""
    claims = {
        "aud": "hubspot-hitl console",
        "sub": "operator",
        "jti": "x",
        "exp": int(time.time()) + 3600,
        **changes,
    }
    return jwt.encode(claims, "k" * 32, algorithm="HS256")


@pytest.mark.parametrize(
    "cookie",
    [
        forged(),
        forged(sub="reader"),
        forged(aud="another"),
        jwt.encode({"sub": "operator"}, "", algorithm="none"),
        "." * 2,
        "x" * 4_000,
    ],
    ids=["wrong key", "reader", "audience", "no signature", "dots", "long"],
)
async def test_a_forged_cookie_opens_no_page_and_no_stream(
    desk: House, http: aiohttp.ClientSession, cookie: str
) -> None:
    headers = {"Cookie": f"hitl_console={cookie}"}
    for path in ("/", "/audit", "/figures.csv"):
        page = await http.get(f"{desk.url}/console{path}", headers=headers, allow_redirects=False)
        assert page.status == 303
    stream = {**headers, "Accept": "text/event-stream"}
    assert (await http.get(f"{desk.url}/console/events", headers=stream)).status == 401


@pytest.mark.parametrize("action", ["replay", "discard"])
async def test_a_page_older_than_the_delivery_acts_on_nothing(
    desk: House, http: aiohttp.ClientSession, action: str
) -> None:
    seq, _ = await dead_letter(desk)
    await log_in(http, desk)
    old = await form_of(http, f"{desk.url}/console/deliveries/{seq}/{action}")
    address = f"{desk.url}/console/deliveries/{seq}/discard"
    assert (await http.post(address, data=await form_of(http, address))).status == 200
    stale = await http.post(f"{desk.url}/console/deliveries/{seq}/{action}", data=old)
    assert stale.status == 409
    assert "Nothing was done" in await stale.text()


@pytest.mark.parametrize("once", ["", "x", "0" * 15, "0" * 17, "ZZZZZZZZZZZZZZZZ"])
async def test_a_form_without_its_own_name_does_nothing(
    desk: House, http: aiohttp.ClientSession, once: str
) -> None:
    _, thread_id = await desk.handoff()
    await log_in(http, desk)
    one = await handoff_id(http, desk, thread_id)
    address = f"{desk.url}/console/handoffs/{one}/reconcile"
    form = await form_of(http, address)
    assert (await http.post(address, data=form | {"once": once})).status == 409


@pytest.mark.parametrize("action", ["reconcile", "end"])
async def test_a_double_click_on_a_handoffs_button_does_it_once(
    desk: House, http: aiohttp.ClientSession, action: str
) -> None:
    _, thread_id = await desk.handoff()
    await log_in(http, desk)
    one = await handoff_id(http, desk, thread_id)
    address = f"{desk.url}/console/handoffs/{one}/{action}"
    form = await form_of(http, address)
    answers = await asyncio.gather(*(http.post(address, data=form) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]


async def test_a_double_click_on_a_deliverys_button_does_it_once(
    desk: House, http: aiohttp.ClientSession
) -> None:
    seq, thread_id = await dead_letter(desk)
    await log_in(http, desk)
    address = f"{desk.url}/console/deliveries/{seq}/replay"
    form = await form_of(http, address)
    answers = await asyncio.gather(*(http.post(address, data=form) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert desk.stage.heard_by_agent(thread_id) in ([], ["Is anybody there?"])


def test_log_in_is_the_only_post_that_asks_for_no_session() -> None:
    open_to_all = {route.path for route in ROUTES if "login" in route.handler.__module__}
    assert open_to_all == {LOGIN}
