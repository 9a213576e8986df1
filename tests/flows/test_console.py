from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from tests.flows.conftest import WITHIN_S, House
from tests.flows.console_desk import READER, SCRIPT, TOKEN, dead_letter, form_of, log_in

from hubspot_hitl.twins.stage import Stage, reached


@pytest.fixture
def http(browser_session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    return browser_session


async def test_without_a_token_there_is_no_console(
    house: House, http: aiohttp.ClientSession
) -> None:
    for path in ("", "/", "/login", "/handoffs", "/events", "/static/console.css"):
        assert (await http.get(f"{house.url}/console{path}")).status == 404


async def test_a_stranger_is_sent_to_the_log_in(desk: House, http: aiohttp.ClientSession) -> None:
    page = await http.get(f"{desk.url}/console/handoffs?q=x")
    assert page.url.path == "/console/login"
    assert page.url.query["next"] == "/console/handoffs?q=x"
    assert (await http.get(f"{desk.url}/console/events", headers={"Accept": "text/event-stream"})
            ).status == 401  # fmt: skip


async def test_a_wrong_token_is_refused_and_guessing_is_slowed_down(
    desk: House, http: aiohttp.ClientSession
) -> None:
    for _ in range(10):
        answer = await http.post(f"{desk.url}/console/login", data={"token": "wrong"})
        assert answer.status == 401
        assert "Set-Cookie" not in answer.headers
    answer = await http.post(f"{desk.url}/console/login", data={"token": TOKEN})
    assert answer.status == 429


@pytest.mark.parametrize(
    "cookie", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcGVyYXRvciJ9."]
)
async def test_a_forged_cookie_is_a_stranger(
    desk: House, http: aiohttp.ClientSession, cookie: str
) -> None:
    headers = {"Cookie": f"hitl_console={cookie}"}
    page = await http.get(f"{desk.url}/console/", headers=headers, allow_redirects=False)
    assert page.status == 303


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (b"--y\r\n", "multipart/form-data; boundary=x"),
        (b"token=%ff", "application/x-www-form-urlencoded"),
        (b"token=\xff", "application/x-www-form-urlencoded"),
        (b"token=x", "application/x-www-form-urlencoded; charset=utf-99"),
        (b"token=x", "multipart/form-data"),
    ],
)
async def test_what_is_no_form_is_no_fault_of_ours(
    desk: House, http: aiohttp.ClientSession, body: bytes, type_: str
) -> None:
    headers = {"Content-Type": type_}
    for path in ("login", "logout", "doctor"):
        answer = await http.post(f"{desk.url}/console/{path}", data=body, headers=headers)
        assert 400 <= answer.status < 500
    headers = {"Origin": "http://[::1"}
    answer = await http.post(f"{desk.url}/console/login", data={"token": TOKEN}, headers=headers)
    assert answer.status == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/console//e",
        "/x",
        "/console/\r\nSet-Cookie: a=b",
        "/console/\x00",
        "/console/\u2028",
    ],
)
async def test_the_log_in_leads_nowhere_else(
    desk: House, http: aiohttp.ClientSession, target: str
) -> None:
    form = {"token": TOKEN, "next": target}
    answer = await http.post(f"{desk.url}/console/login", data=form, allow_redirects=False)
    assert answer.headers["Location"] == "/console/"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_every_page_has_a_strict_policy(desk: House, http: aiohttp.ClientSession) -> None:
    await log_in(http, desk)
    await desk.handoff()
    pages = (
        "/",
        "/handoffs",
        "/deliveries",
        "/figures?span=week",
        "/connections",
        "/plan",
        "/fields",
        "/rules?explain=1",
        "/doctor",
        "/audit?verify=1",
    )
    for path in pages:
        page = await http.get(f"{desk.url}/console{path}")
        text = await page.text()
        assert page.status == 200, (path, text)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?! src=)|\s(?:style|on\w+)=", text), path


async def test_scripts_and_style_are_kept_by_browsers_until_they_change(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await log_in(http, desk)
    page = await (await http.get(f"{desk.url}/console/")).text()
    addresses = re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page)
    assert [re.sub(r".*/|[?].*", "", one) for one in addresses] == [
        "console.css", "htmx.js", "sse.js", "idiomorph.js", "console.js",
    ]  # fmt: skip
    for address in addresses:
        kept = await http.get(f"{desk.url}{address}")
        assert "immutable" in kept.headers["Cache-Control"]
        assert kept.headers["Content-Encoding"] in ("deflate", "gzip", "br")
        bare = await http.get(f"{desk.url}{address.partition('?')[0]}")
        assert bare.headers["Cache-Control"] == "no-store"


async def test_a_page_that_refreshes_itself_is_told_to_log_in_as_a_whole(
    desk: House, http: aiohttp.ClientSession
) -> None:
    address = f"{desk.url}/console/handoffs?which=open"
    answer = await http.get(address, headers={"HX-Request": "true"}, allow_redirects=False)
    assert answer.status == 401
    assert answer.headers["HX-Redirect"].startswith("/console/login?next=%2Fconsole%2Fhandoffs")


async def test_a_dead_letter_is_replayed_once_and_the_audit_trail_says_by_whom(
    desk: House, http: aiohttp.ClientSession
) -> None:
    seq, thread_id = await dead_letter(desk)
    await log_in(http, desk)
    address = f"{desk.url}/console/deliveries/{seq}/replay"
    form = await form_of(http, address)
    assert (await http.post(address, data=form)).status == 200
    assert await reached(lambda: len(desk.stage.heard_by_agent(thread_id)) == 1, WITHIN_S)
    stale = await http.post(address, data=form)
    assert stale.status == 409
    audit = await (await http.get(f"{desk.url}/console/audit?verify=1")).text()
    assert "delivery.replay" in audit
    assert "fit together" in audit


async def test_a_reader_may_look_but_not_act(desk: House, http: aiohttp.ClientSession) -> None:
    seq, _ = await dead_letter(desk)
    await log_in(http, desk, READER)
    assert (await http.get(f"{desk.url}/console/deliveries/{seq}")).status == 200
    address = f"{desk.url}/console/deliveries/{seq}/discard"
    assert (await http.post(address, data=await form_of(http, address))).status == 403


@pytest.mark.parametrize(
    ("headers", "csrf"),
    [
        ({}, "wrong"),
        ({"Origin": "https://evil.example"}, None),
        ({"Sec-Fetch-Site": "cross-site"}, None),
    ],
)
async def test_a_post_from_elsewhere_does_nothing(
    desk: House, http: aiohttp.ClientSession, headers: dict[str, str], csrf: str | None
) -> None:
    seq, _ = await dead_letter(desk)
    await log_in(http, desk)
    address = f"{desk.url}/console/deliveries/{seq}/discard"
    form = await form_of(http, address)
    form["csrf"] = csrf or form["csrf"]
    assert (await http.post(address, data=form, headers=headers)).status == 403


async def test_the_recorder_finds_a_handoff_by_the_thread_and_shows_strangers_words_as_text(
    desk: House, http: aiohttp.ClientSession
) -> None:
    chat = desk.stage.botpress.plugin.open_chat(SCRIPT)
    await desk.stage.botpress.plugin.start_hitl(chat, title=SCRIPT, description=SCRIPT)
    thread_id = desk.stage.thread_of(chat)
    desk.stage.botpress.plugin.say(chat, SCRIPT)
    await desk.until(chat, thread_id, user=1)
    await log_in(http, desk)
    page = await (await http.get(f"{desk.url}/console/handoffs/{thread_id}?thread=1")).text()
    assert SCRIPT not in page
    assert page.count("&lt;script&gt;") > 5


async def test_the_support_bundle_tells_no_words_and_no_names(
    desk: House, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await desk.handoff()
    desk.stage.botpress.plugin.say(chat, "my secret words")
    await desk.until(chat, thread_id, user=1)
    await log_in(http, desk)
    raw = await (await http.get(f"{desk.url}/console/handoffs/{thread_id}/bundle.zip")).read()
    with zipfile.ZipFile(io.BytesIO(raw)) as bundle:
        every = "".join(bundle.read(name).decode() for name in bundle.namelist())
    assert thread_id in every
    for word in ("secret words", str(chat.person.name), str(chat.person.email), TOKEN):
        assert word not in every


async def test_figures_are_there_for_eyes_and_for_spreadsheets(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await desk.handoff()
    await log_in(http, desk)
    page = await (await http.get(f"{desk.url}/console/figures?span=hour")).text()
    assert "<svg" in page
    table = await (await http.get(f"{desk.url}/console/figures.csv?span=hour")).text()
    assert "handoffs pending" in table
    numbers = json.loads(await (await http.get(f"{desk.url}/console/figures.json")).text())
    assert sum(bucket.get("pending", 0) for bucket in numbers["outcomes"]) == 1
    portal = desk.stage.hubspot.options.portal_id
    (rate,) = numbers["rate"]
    assert (rate["portal"], 0 < max(one["share"] or 0 for one in rate["used"]) <= 1) == (
        portal,
        True,
    )
    assert f"Portal {portal}" in page
    assert f"in portal {portal}" in table


async def test_metrics_count_what_crossed_without_ids(
    house: House, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "Hello")
    await house.until(chat, thread_id, user=1)
    done = r'hitl_deliveries_total\{direction="to_agent",kind="bot.message",outcome="done"\} 1.0'
    text = ""
    for _ in range(2_000):  # the agent reads the message a moment before it is marked done
        text = await (await http.get(f"{house.url}/metrics")).text()
        if re.search(done, text):
            break
    assert re.search(done, text)
    assert 'hitl_handoffs{state="pending"} 1.0' in text
    assert re.search(r'hitl_vendor_call_seconds_count\{.*vendor="hubspot"\}', text)
    assert thread_id not in text
    assert house.stage.hubspot.options.portal_id not in text


async def test_the_api_describes_itself_and_its_errors(
    house: House, http: aiohttp.ClientSession
) -> None:
    described = await (await http.get(f"{house.url}/openapi.json")).json()
    assert described["openapi"] == "3.1.0"
    assert "/readyz" in described["paths"]
    refused = await http.post(f"{house.url}/hubspot/webhooks/unknown", data=b"{}")
    assert refused.content_type == "application/problem+json"
    assert (await refused.json())["status"] == refused.status == 404


async def test_a_trusted_proxy_says_who_people_are(
    stage: Stage, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    house = House(
        stage,
        tmp_path,
        {
            "console_token": SecretStr(TOKEN),
            "console_proxy_header": "X-Forwarded-User",
            "console_proxy_operators": ("ada",),
            "trusted_proxies": ("127.0.0.0/8",),
        },
    )
    await house.open()
    address = f"{house.url}/console/"
    nobody = await http.get(address)
    grace = await (await http.get(address, headers={"X-Forwarded-User": "grace"})).text()
    ada = await (await http.get(address, headers={"X-Forwarded-User": "ada"})).text()
    await house.close()
    assert nobody.status == 403
    assert "grace (may only look)" in grace
    assert "may only look" not in ada


async def test_an_open_live_page_does_not_hold_up_the_shutdown(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await log_in(http, desk)
    stream = await http.get(f"{desk.url}/console/events")
    assert await stream.content.readline() == b"retry: 1000\n"
    async with asyncio.timeout(10):  # without being told to end, it lasts as long as the grace
        await desk.close()
