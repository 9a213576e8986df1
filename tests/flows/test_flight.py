"""What the flight recorder, the traces and the metrics tell of one handoff."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext
from pydantic import SecretStr
from tests.flows.conftest import House
from tests.flows.console_desk import log_in

from hubspot_hitl.app import create_app
from hubspot_hitl.cli.serve import start_server
from hubspot_hitl.settings import Settings
from hubspot_hitl.twins.faults import STATUS_OF, Fault, FaultKind
from hubspot_hitl.twins.stage import Stage


@pytest.fixture
def http(browser_session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    return browser_session


async def play(desk: House) -> str:
    """One message each way; returns the thread."""
    chat, thread_id = await desk.handoff()
    desk.stage.botpress.plugin.say(chat, "Hello, agent")
    await desk.until(chat, thread_id, user=1)
    agents = desk.stage.hubspot.agents
    agents.assign(thread_id, agents.list()[0].actor_id)
    agents.reply(thread_id, agents.list()[0].actor_id, "Hello, user")
    await desk.until(chat, thread_id, agent=1)
    return thread_id


async def test_the_recorder_shows_attempts_calls_and_hubspots_correlation_ids(
    desk: House, http: aiohttp.ClientSession
) -> None:
    desk.stage.hubspot.faults.add(
        Fault(FaultKind.ERROR_503, ("messages.publish",), skip=1, times=1)
    )
    thread_id = await play(desk)
    await log_in(http, desk)
    page = await (await http.get(f"{desk.url}/console/handoffs/{thread_id}")).text()
    assert "messages.publish" in page
    assert "vendor_fault" in page  # the refused call is there beside the one that worked
    correlation = re.search(r'<code class="soft">([0-9a-f-]{36})</code>', page)
    assert correlation
    assert "pending -&gt; assigned" in page
    answer = await http.get(f"{desk.url}/console/handoffs/{thread_id}/bundle.zip")
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as bundle:
        attempts = json.loads(bundle.read("attempts.json"))
    assert correlation[1] in str(attempts)
    assert "Hello" not in str(attempts)


@pytest.mark.parametrize(
    "kind", [FaultKind.RATE_LIMIT, FaultKind.ERROR_500, FaultKind.ERROR_502, FaultKind.ERROR_503]
)
async def test_a_failed_call_shows_the_vendors_own_id_of_the_failure(
    desk: House, http: aiohttp.ClientSession, kind: FaultKind
) -> None:
    stage = desk.stage
    stage.hubspot.faults.add(
        Fault(kind, ("messages.publish",), skip=1, times=1, retry_after_s=0, seconds=0)
    )
    stage.botpress.faults.add(Fault(kind, ("messages.*",), times=1, retry_after_s=0))
    thread_id = await play(desk)
    await log_in(http, desk)
    page = await (await http.get(f"{desk.url}/console/handoffs/{thread_id}")).text()
    ids = {
        vendor: re.search(
            rf'{vendor} <code>[\w.]+</code> <span class="bad">{STATUS_OF[kind]} [^<]+</span>'
            rf' <code class="soft">([\w-]+)</code>',
            page,
        )
        for vendor in ("hubspot", "botpress")
    }
    assert ids["hubspot"] is not None
    assert re.fullmatch(r"[0-9a-f-]{36}", ids["hubspot"][1])
    assert ids["botpress"] is not None
    assert re.fullmatch(r"err_\d{14}x[0-9A-F]{8}", ids["botpress"][1])


async def test_the_recorder_keeps_what_the_rules_decided(
    desk: House, http: aiohttp.ClientSession
) -> None:
    rules = '[{"name": "Refunds", "when": {"handoff.title": "Help"}, "then": {"priority": "high"}}]'
    installed = await desk.stage.install(desk.url, routingRules=rules)
    chat = desk.stage.botpress.plugin.open_chat("Ada", webhook_id=installed.webhook_id)
    await desk.stage.botpress.plugin.start_hitl(chat, title="Help")
    await log_in(http, desk)
    thread_id = desk.stage.thread_of(chat)
    page = await (await http.get(f"{desk.url}/console/handoffs/{thread_id}")).text()
    assert "Rule <b>Refunds</b> counted" in page


async def test_time_to_the_first_agent_and_the_tokens_age_are_measured(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await play(desk)
    text = await (await http.get(f"{desk.url}/metrics")).text()
    assert "hitl_first_agent_seconds_count 1.0" in text
    assert re.search(r"hitl_token_age_seconds \d", text)


def ids(span: ReadableSpan) -> SpanContext:
    """The span's trace and own id."""
    found = span.get_span_context()
    assert found is not None
    return found


async def traced(stage: Stage, folder: Path) -> tuple[list[ReadableSpan], str]:
    """The spans of one handoff, and its thread."""
    spans = InMemorySpanExporter()
    house = House(stage, folder)
    settings = Settings(
        host="127.0.0.1",
        port=house.port,
        data_dir=folder,
        database_url=f"sqlite:///{folder}/house.db",
        start_margin_ms=50,
        botpress_api_url=stage.botpress.url,
        botpress_webhook_url=stage.botpress.url,
        botpress_token=SecretStr(stage.botpress.options.token),
        hubspot_api_url=stage.hubspot.url,
    )
    runner = await start_server(create_app(settings, spans=spans), settings)
    await stage.install(house.url)
    thread_id = await play(house)
    await runner.cleanup()
    return list(spans.get_finished_spans()), thread_id


async def test_one_trace_leads_from_the_users_words_to_the_agent_and_back(
    stage: Stage, tmp_path: Path
) -> None:
    spans, _ = await traced(stage, tmp_path)
    root = next(one for one in spans if one.name == "action startHitl")
    assert root.attributes
    assert ids(root).trace_id == UUID(str(root.attributes["hitl.handoff.id"])).int
    same = [one for one in spans if ids(one).trace_id == ids(root).trace_id]
    names = {one.name for one in same}
    assert {
        "action startHitl",
        "message_created",
        "bot.message",
        "hubspot messages.publish",
        "hubspot.message",
        "botpress getOrCreateMessage",
    } <= names
    by_id = {ids(one).span_id: one for one in same}
    for one in same:
        if one is not root:
            assert one.parent
            assert one.parent.span_id in by_id


async def test_spans_hold_nobodys_words_or_names(stage: Stage, tmp_path: Path) -> None:
    spans, _ = await traced(stage, tmp_path)
    told = " ".join(one.to_json() for one in spans)
    for word in ("Hello, agent", "Hello, user", "example.com", stage.botpress.options.token):
        assert word not in told
