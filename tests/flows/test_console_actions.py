from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.console_desk import READER, dead_letter, form_of, log_in

from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import reached


@pytest.fixture
def http(browser_session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    return browser_session


async def handoff_address(http: aiohttp.ClientSession, desk: House, thread_id: str) -> str:
    """The page of a handoff by its own id."""
    text = await (await http.get(f"{desk.url}/console/handoffs?q={thread_id}")).text()
    found = re.search(r'href="(/console/handoffs/[^"/]+)"', text)
    assert found
    return f"{desk.url}{found[1]}"


async def delivery_number(http: aiohttp.ClientSession, desk: House, state: str, kind: str) -> int:
    """The newest delivery of a kind, as soon as there is one in this state."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            answer = await http.get(f"{desk.url}/console/deliveries?state={state}")
            rows = re.findall(
                r'/console/deliveries/(\d+)".*?<code>([\w.]+)</code>',
                await answer.text(),
                re.DOTALL,
            )
            for seq, found in rows:
                if found == kind:
                    return int(seq)


async def test_an_operator_ends_a_handoff_and_the_audit_trail_says_so(
    desk: House, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await desk.handoff()
    await log_in(http, desk)
    address = f"{await handoff_address(http, desk, thread_id)}/end"
    form = await form_of(http, address)
    assert (await http.post(address, data=form)).status == 200
    assert await reached(
        lambda: desk.stage.hubspot.world.thread(thread_id).status == "CLOSED", WITHIN_S
    )
    assert await reached(lambda: not chat.active, WITHIN_S)
    stale = await http.post(address, data=form)
    assert stale.status == 409
    assert "handoff.end" in await (await http.get(f"{desk.url}/console/audit?verify=1")).text()


async def test_a_message_is_sent_again_without_being_doubled(
    desk: House, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await desk.handoff()
    desk.stage.botpress.plugin.say(chat, "Only once, please")
    await desk.until(chat, thread_id, user=1)
    await log_in(http, desk)
    seq = await delivery_number(http, desk, "done", "bot.message")
    address = f"{desk.url}/console/deliveries/{seq}/resend"
    form = await form_of(http, address)
    assert (await http.post(address, data=form)).status == 200
    assert (await http.post(address, data=form)).status == 409  # the same form does it once
    again = await delivery_number(http, desk, "done", "repair.resend")
    assert again > seq
    assert desk.stage.heard_by_agent(thread_id) == ["Only once, please"]


async def test_what_waits_for_its_next_attempt_is_tried_at_once(
    desk: House, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await desk.handoff()
    stage = desk.stage
    agent = stage.hubspot.agents.list()[0].actor_id
    stage.botpress.faults.set(Fault(FaultKind.RATE_LIMIT, ("messages.*",), retry_after_s=3600))
    stage.hubspot.agents.reply(thread_id, agent, "Hello")
    await log_in(http, desk)
    page = ""
    async with asyncio.timeout(WITHIN_S):
        while not re.search(r"<code>hubspot.message</code>(?:(?!</tr>).)*due in \d+", page, re.S):
            answer = await http.get(f"{desk.url}/console/deliveries?state=ready")
            page = await answer.text()
    stage.botpress.faults.clear()
    seq = await delivery_number(http, desk, "ready", "hubspot.message")
    address = f"{desk.url}/console/deliveries/{seq}/retry"
    assert (await http.post(address, data=await form_of(http, address))).status == 200
    await desk.until(chat, thread_id, agent=1)


async def test_reconciling_compares_the_installation_with_its_portal(
    desk: House, http: aiohttp.ClientSession
) -> None:
    _, thread_id = await desk.handoff()
    await log_in(http, desk)
    address = f"{await handoff_address(http, desk, thread_id)}/reconcile"
    form = await form_of(http, address)
    assert (await http.post(address, data=form)).status == 200
    assert (await http.post(address, data=form)).status == 409  # a double click does it once
    seq = await delivery_number(http, desk, "done", "repair.compare")
    done = await (await http.get(f"{desk.url}/console/deliveries/{seq}")).text()
    assert "checked 1 handoff(s)" in done
    assert "handoff.reconcile" in await (await http.get(f"{desk.url}/console/audit")).text()


async def test_a_reader_and_another_site_may_do_nothing_to_a_handoff(
    desk: House, http: aiohttp.ClientSession
) -> None:
    _, thread_id = await desk.handoff()
    await log_in(http, desk)
    address = await handoff_address(http, desk, thread_id)
    form = await form_of(http, f"{address}/end")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await http.post(f"{address}/end", data=form, headers=headers)).status == 403
    assert (await http.post(f"{address}/end", data=form | {"csrf": "x"})).status == 403
    http.cookie_jar.clear()
    assert (await http.post(f"{address}/end", data=form)).status == 401
    await log_in(http, desk, READER)
    assert "You may look" in await (await http.get(f"{address}/end")).text()
    assert (await http.post(f"{address}/end", data=form)).status == 403
    assert desk.stage.hubspot.world.thread(thread_id).status == "OPEN"


async def test_the_buttons_fit_the_delivery(desk: House, http: aiohttp.ClientSession) -> None:
    seq, _ = await dead_letter(desk)
    await log_in(http, desk)
    page = await (await http.get(f"{desk.url}/console/deliveries/{seq}")).text()
    offered = re.findall(rf"/console/deliveries/{seq}/(\w+)", page)
    assert offered == ["replay", "discard"]
    address = f"{desk.url}/console/deliveries/{seq}/retry"
    asked = await http.get(address)
    assert asked.status == 409
    assert "it is dead now" in await asked.text()
    form = await form_of(http, f"{desk.url}/console/deliveries/{seq}/discard")
    assert (await http.post(address, data=form)).status == 409
