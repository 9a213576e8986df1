"""Everything an agent can send, as it arrives in the user's chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import MP3, MP4, PDF, PNG, agent, furnished, said

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json


@pytest.fixture
async def home(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    home = await furnished(House(stage, tmp_path))
    yield home
    await home.close()


async def heard(home: House, chat: Chat, count: int = 1) -> list[Json]:
    assert await reached(lambda: len(said(chat)) >= count, WITHIN_S), said(chat)
    return said(chat)


async def replied(home: House, text: str, count: int = 1, **more: object) -> list[Json]:
    """What arrives when the agent sends this."""
    chat, thread_id = await home.handoff()
    home.stage.hubspot.agents.reply(thread_id, agent(home), text, **more)  # type: ignore[arg-type]
    return await heard(home, chat, count)


async def attached(home: House, name: str, content: bytes, type_: str, usage: str) -> Json:
    """What arrives when the agent sends a file."""
    chat, thread_id = await home.handoff()
    agents = home.stage.hubspot.agents
    file = agents.attach(thread_id, name, content, type_, usage)
    agents.reply(thread_id, agent(home), " ", attachments=[file])
    return (await heard(home, chat))[-1]


async def test_plain_text_arrives_as_it_is(home: House) -> None:
    (got,) = await replied(home, "Hello 5 * 3 = 15 _really_")
    assert (got["type"], got["text"]) == ("text", "Hello 5 * 3 = 15 _really_")


async def test_rich_text_arrives_as_markdown(home: House) -> None:
    rich = '<p>See <b>this</b> and <a href="https://example.com/x">that</a></p>'
    (got,) = await replied(home, "See this and that", rich_text=rich)
    assert got["text"] == "See **this** and [that](https://example.com/x)"


async def test_script_in_rich_text_never_arrives(home: House) -> None:
    rich = '<p>Hi<script>alert(1)</script><img src="x" onerror="alert(2)"></p>'
    got = await replied(home, "Hi", rich_text=rich)
    assert "alert" not in str([one["payload"] for one in got])


async def test_an_inline_image_arrives_as_an_image_in_its_place(home: House) -> None:
    rich = '<p>before</p><p><img src="https://example.com/a.png" alt="a"></p><p>after</p>'
    got = await replied(home, "before after", 3, rich_text=rich)
    assert [one["type"] for one in got] == ["text", "image", "text"]


@pytest.mark.parametrize(
    ("name", "content", "type_", "usage", "kind"),
    [
        ("cat.png", PNG, "image/png", "IMAGE", "image"),
        ("talk.mp3", MP3, "audio/mpeg", "AUDIO", "audio"),
        ("voice.ogg", MP3, "audio/ogg", "VOICE_RECORDING", "audio"),
        ("film.mp4", MP4, "video/mp4", "OTHER", "video"),
        ("plan.pdf", PDF, "application/pdf", "OTHER", "file"),
    ],
)
async def test_a_file_arrives_by_its_kind(
    home: House, name: str, content: bytes, type_: str, usage: str, kind: str
) -> None:
    got = await attached(home, name, content, type_, usage)
    assert got["type"] == kind
    assert got["payload"][f"{kind}Url"].startswith("http")


async def test_quick_replies_arrive_as_a_numbered_list(home: House) -> None:
    (got,) = await replied(home, "Which one?", quick_replies=["Red", "Blue"])
    assert got["text"].splitlines()[0] == "Which one?"
    assert "1. Red" in got["text"]
    assert "2. Blue" in got["text"]


async def test_a_reply_to_a_message_quotes_it(home: House) -> None:
    chat, thread_id = await home.handoff()
    agents = home.stage.hubspot.agents
    first = agents.reply(thread_id, agent(home), "Is it red?")
    await heard(home, chat)
    agents.reply(thread_id, agent(home), "I mean this", in_reply_to=first)
    got = await heard(home, chat, 2)
    assert got[1]["text"] == "> Is it red?\n\nI mean this"


async def test_a_truncated_message_arrives_whole(home: House) -> None:
    home.stage.hubspot.options.truncate_after = 50
    (got,) = await replied(home, "word " * 40)
    assert got["text"].split() == ["word"] * 40


async def test_a_comment_never_arrives(home: House) -> None:
    chat, thread_id = await home.handoff()
    agents = home.stage.hubspot.agents
    agents.comment(thread_id, agent(home), "the user is difficult")
    agents.reply(thread_id, agent(home), "Hello")
    await heard(home, chat)
    await home.stage.hubspot.settled()
    assert "difficult" not in str(chat.lines)
    assert "difficult" not in str(home.stage.botpress.journal.entries)
