"""Nothing that this integration writes by itself is in another language than its reader's."""

from __future__ import annotations

import re

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import (
    WebSite,
    agent,
    arrived,
    commented,
    comments,
    entries,
    furnished,
    said,
)

from hubspot_hitl.handoff.texts import TEXTS, TextKey
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import reached
from hubspot_hitl.twins.wire import Json

LANGUAGES = sorted(set(TEXTS) - {"en"})
USER: Json = {"type": "user", "userId": "u"}


@pytest.fixture
def house(bare: House) -> House:
    return bare


def english_in(told: str, language: str) -> set[str]:
    """The fixed parts of English texts that another language words otherwise."""
    own = " ".join(TEXTS[language].values()).casefold()
    parts = {
        part.strip(" ()[].:\n").casefold()
        for text in TEXTS["en"].values()
        for part in re.split(r"\{[a-z]+\}|\n", text)
    }
    foreign = {part for part in parts if len(part) > 3 and part not in own}
    return {part for part in foreign if re.search(rf"(?<!\w){re.escape(part)}(?!\w)", told)}


def history(url: str) -> list[Json]:
    """Entries of each kind whose words are all of the integration's making."""
    kinds: list[tuple[str, Json]] = [
        ("text", {"text": ""}),
        ("image", {"imageUrl": url}),
        ("audio", {"audioUrl": "nowhere"}),
        ("video", {"videoUrl": url}),
        ("file", {"fileUrl": url}),
        ("location", {"latitude": 100, "longitude": 7}),
        ("card", {"title": "", "actions": [{"action": "say", "label": "", "value": ""}]}),
        ("choice", {"text": "", "options": [{"label": "", "value": ""}]}),
    ]
    return [
        {"source": source, "type": kind, "payload": it}
        for kind, it in kinds
        for source in (USER, {"type": "bot"})
    ]


async def started(house: House, language: str, told: list[Json]) -> tuple[Chat, str]:
    plugin = house.stage.botpress.plugin
    chat = plugin.open_chat("Ada", "ada@example.com")
    plugin.say(chat, "?")
    session = {"language": language, "priority": "high", "pageUrl": "https://x.test/"}
    session |= dict.fromkeys(("subject", "reason", "intent", "sentiment"), "2")
    await plugin.start_hitl(chat, title="1", session=session, history=told)
    return chat, house.stage.thread_of(chat)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_agents_read_no_english_in_a_handoff_of_another_language(
    house: House, site: WebSite, language: str
) -> None:
    await furnished(house)
    chat, thread_id = await started(house, language, history(site.url("cat.png")))
    house.stage.hubspot.agents.assign(thread_id, agent(house))
    send = house.stage.botpress.plugin.send
    send(chat, "image", {"imageUrl": site.url("gone.png")})
    send(chat, "text", {"text": " "})
    many = [{"type": "image", "payload": {"imageUrl": site.url("cat.png")}} for _ in range(11)]
    send(chat, "bloc", {"items": many})
    await arrived(house, thread_id, 4)
    house.stage.hubspot.agents.comment(thread_id, agent(house), "/who")
    await commented(house, thread_id, TEXTS[language][TextKey.STATE_ASSIGNED])
    house.stage.hubspot.agents.comment(thread_id, agent(house), "/x")
    await commented(house, thread_id, "/reask")
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    installation = house.stage.installation
    assert installation is not None
    late = {
        "conversationId": chat.downstream,
        "message": {"type": "text", "payload": {"text": "?"}},
    }
    await house.stage.botpress.operations.action(installation, "sendMessage", late)
    await commented(house, thread_id, TEXTS[language][TextKey.END_AGENT_CLOSED])
    told = "\n".join([*(e["text"] for e in entries(house, thread_id)), *comments(house, thread_id)])
    assert english_in(told.casefold(), language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_users_read_no_english_in_a_handoff_of_another_language(
    house: House, language: str
) -> None:
    await furnished(house)
    chat, thread_id = await started(house, language, [])
    agents = house.stage.hubspot.agents
    agents.assign(thread_id, agent(house))
    agents.reply(thread_id, agent(house), " ")
    agents.reply(thread_id, agent(house), "", rich_text='<img src="data:x"> <b>1</b>')
    agents.reply(
        thread_id,
        agent(house),
        "",
        attachments=[{"type": "FILE", "fileId": "404"}],
    )
    agents.comment(thread_id, agent(house), "/wait 5m")
    agents.assign(thread_id, agent(house, 1))
    assert await reached(lambda: len(said(chat)) >= 6, WITHIN_S), said(chat)
    told = "\n".join(str(line["text"]) for line in said(chat))
    assert english_in(told.casefold(), language) == set()
