"""All twelve kinds of the history as the agent sees them, and the files of agents."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import (
    PDF,
    PNG,
    WebSite,
    agent,
    commented,
    entries,
    furnished,
    said,
    stored,
)

from hubspot_hitl.channels.history import HISTORY
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import reached
from hubspot_hitl.twins.wire import Json
from hubspot_hitl.web import keys

OPTIONS: list[Json] = [{"label": "Red", "value": "r"}, {"label": "Blue", "value": "b"}]
CARD: Json = {"title": "Bike", "subtitle": "Fast", "actions": []}


@pytest.fixture
def house(bare: House) -> House:
    return bare


def history(site: WebSite) -> list[Json]:
    """One entry of each kind; the user wrote the first one."""
    parts: list[tuple[str, Json]] = [
        ("text", {"text": "words"}),
        ("image", {"imageUrl": site.url("cat.png"), "title": "Cat"}),
        ("audio", {"audioUrl": site.url("talk.mp3")}),
        ("video", {"videoUrl": site.url("film.mp4")}),
        ("file", {"fileUrl": site.url("plan.pdf"), "title": "Plan"}),
        ("location", {"latitude": 52.5, "longitude": 13.4, "title": "Here"}),
        ("carousel", {"items": [CARD, {**CARD, "title": "Boat"}]}),
        ("card", CARD),
        ("dropdown", {"text": "Size?", "options": OPTIONS}),
        ("choice", {"text": "Colour?", "options": OPTIONS}),
        ("bloc", {"items": [{"type": "text", "payload": {"text": "in a bloc"}}]}),
        ("markdown", {"markdown": "**bold**"}),
    ]
    bot: Json = {"type": "bot"}
    return [
        {
            "source": {"type": "user", "userId": "u"} if number == 0 else bot,
            "type": kind,
            "payload": it,
        }
        for number, (kind, it) in enumerate(parts)
    ]


async def started(house: House, told: list[Json]) -> str:
    plugin = house.stage.botpress.plugin
    chat = plugin.open_chat("Ada", "ada@example.com")
    plugin.say(chat, "help")
    await plugin.start_hitl(chat, title="T", history=told)
    return house.stage.thread_of(chat)


async def test_a_chat_that_ends_while_its_history_is_published_gets_no_more_of_it(
    house: House,
) -> None:
    await furnished(house, historyMode="messages")
    hubspot, plugin = house.stage.hubspot, house.stage.botpress.plugin
    hubspot.faults.add(Fault(FaultKind.LATENCY, ("messages.publish",), skip=1, seconds=0.3))
    chat = plugin.open_chat("Ada", "ada@example.com")
    told: list[Json] = [
        {"source": {"type": "bot"}, "type": "text", "payload": {"text": f"line {number}"}}
        for number in range(40)
    ]
    await plugin.start_hitl(chat, title="T", history=told)
    thread_id = house.stage.thread_of(chat)
    assert await reached(lambda: "line 0" in str(hubspot.transcript(thread_id)), WITHIN_S)
    hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    assert house.runner is not None
    ledger = house.runner.app[keys.SERVICES].ledger
    waiting = DeliveryFilter(kind=HISTORY, states=(DeliveryState.READY,))
    async with asyncio.timeout(WITHIN_S):
        while await ledger.find(waiting):  # noqa: ASYNC110 - told by a read
            await asyncio.sleep(0.05)
    assert "line 39" not in str(hubspot.transcript(thread_id))


async def test_a_history_of_every_kind_arrives_as_one_comment(house: House, site: WebSite) -> None:
    await furnished(house)
    thread_id = await started(house, history(site))
    comment = await commented(house, thread_id, "Conversation before the handoff")
    words = (
        "words", "Cat", "[Audio]", "[Video]", "Plan", "Here", "Bike", "Boat", "Size?", "Colour?",
        "in a bloc", "**bold**",
    )  # fmt: skip
    places = [comment.index(word) for word in words]
    assert places == sorted(places)
    assert "1. Red" in comment


async def test_a_history_of_every_kind_arrives_as_messages(house: House, site: WebSite) -> None:
    await furnished(house, historyMode="messages")
    thread_id = await started(house, history(site))
    await commented(house, thread_id, "Conversation before the handoff")
    told = sorted(entries(house, thread_id), key=lambda one: str(one["createdAt"]))[:-1]
    assert len(told) == 12
    assert [one["text"].splitlines()[0] for one in told] == [
        "words", "[Image] Cat", "[Audio]", "[Video]", "[File] Plan", "[Location] Here (52.5, 13.4)",
        "[Card] Bike", "[Card] Bike", "Size?", "Colour?", "in a bloc", "**bold**",
    ]  # fmt: skip
    kinds = [[part["type"] for part in one["attachments"]] for one in told]
    assert kinds[1:6] == [["FILE"], ["FILE"], ["FILE"], ["FILE"], ["LOCATION"]]
    assert kinds[8:10] == [["QUICK_REPLIES"], ["QUICK_REPLIES"]]
    assert stored(house, told[4]["attachments"][0]).content == PDF


async def test_no_history_arrives_when_it_is_switched_off(house: House, site: WebSite) -> None:
    await furnished(house, historyMode="off")
    thread_id = await started(house, history(site))
    house.stage.hubspot.agents.comment(thread_id, agent(house), "/help")
    await commented(house, thread_id, "Commands, written as an internal comment")
    assert len(entries(house, thread_id)) == 1
    assert not any("before the handoff" in e["text"] for e in entries(house, thread_id, "COMMENT"))


async def sent_by_agent(house: House) -> str:
    """The address at which the user finds an agent's private picture."""
    chat, thread_id = await house.handoff()
    agents = house.stage.hubspot.agents
    file = agents.attach(thread_id, "cat.png", PNG, "image/png", "IMAGE", access="PRIVATE")
    agents.reply(thread_id, agent(house), "Look", attachments=[file])
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert [one["type"] for one in said(chat)] == ["text", "image"]
    return str(said(chat)[1]["payload"]["imageUrl"])


@pytest.mark.parametrize("way", ["copy", "link"])
async def test_an_agents_private_file_can_be_opened_by_the_user(
    house: House, http: aiohttp.ClientSession, way: str
) -> None:
    await furnished(house, agentFiles=way)
    url = await sent_by_agent(house)
    home = house.stage.botpress.url if way == "copy" else house.stage.hubspot.url
    assert url.startswith(home)
    async with http.get(url) as response:
        assert await response.read() == PNG


async def test_an_agents_file_that_cannot_be_copied_arrives_by_hubspots_link(
    house: House, http: aiohttp.ClientSession
) -> None:
    house.changes["fetch_allow_private"] = False
    await furnished(house)
    url = await sent_by_agent(house)
    assert url.startswith(house.stage.hubspot.url)
    async with http.get(url) as response:
        assert await response.read() == PNG
