"""Everything an agent can send, as it arrives in the user's chat."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import MP3, MP4, PDF, PNG, agent, furnished, said

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json


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


async def test_quick_replies_arrive_as_a_choice_where_the_setting_says_so(
    stage: Stage, tmp_path: Path
) -> None:
    home = await furnished(House(stage, tmp_path), quickReplies="choice")
    try:
        chat, thread_id = await home.handoff()
        home.stage.hubspot.agents.reply(
            thread_id, agent(home), "Which one?", quick_replies=["Red", "Blue"]
        )
        assert await reached(lambda: chat.counts["incompatible"] == 1, WITHIN_S)
    finally:
        await home.close()
    bot = stage.botpress.world.bot(stage.botpress.options.bot_id)
    (choice,) = [one for one in bot.messages.values() if one.type == "choice"]
    options = [(one["label"], one["value"]) for one in choice.payload["options"]]
    assert (choice.payload["text"], options) == (
        "Which one?",
        [("Red", "Red"), ("Blue", "Blue")],
    )


async def carried(home: House, attachment: Json) -> str:
    """What arrives of a kind that our channel does not ask for, should HubSpot send it."""
    for channel in home.stage.hubspot.world.channels.values():
        channel.capabilities["outgoingAttachmentTypes"] = [attachment["type"]]
    (got,) = await replied(home, " ", attachments=[attachment])
    return str(got["text"])


async def test_a_location_arrives_as_words(home: House) -> None:
    place = {"type": "LOCATION", "latitude": 48.1, "longitude": 11.6, "name": "Workshop"}
    assert await carried(home, place) == "Location: Workshop (48.1, 11.6)"


async def test_a_contact_arrives_as_words(home: House) -> None:
    profile = {
        "name": {"formattedName": "Jo Smith", "firstName": "Jo"},
        "phones": [{"phone": "+49 89 1", "type": "WORK"}],
        "emails": [{"email": "jo@example.com"}],
    }
    told = await carried(home, {"type": "CONTACT", "contactProfile": profile})
    assert told == "Contact: Jo Smith, +49 89 1, jo@example.com"


@pytest.mark.parametrize("kind", ["UNSUPPORTED_CONTENT", "MESSAGE_HEADER"])
async def test_an_unknown_attachment_arrives_as_its_name(home: House, kind: str) -> None:
    told = await carried(home, {"type": kind})
    assert told == f"[The agent sent something that cannot be shown here: {_plain(kind)}]"


def _plain(kind: str) -> str:
    return kind.lower().replace("_", " ")


async def test_a_caption_arrives_before_its_file(home: House) -> None:
    chat, thread_id = await home.handoff()
    agents = home.stage.hubspot.agents
    file = agents.attach(thread_id, "cat.png", PNG, "image/png", "IMAGE")
    agents.reply(thread_id, agent(home), "My cat", attachments=[file])
    got = await heard(home, chat, 2)
    assert [(one["type"], one["text"]) for one in got] == [("text", "My cat"), ("image", None)]
    assert got[1]["payload"]["title"] == "cat.png"


async def test_many_files_arrive_each_once_and_in_order(home: House) -> None:
    chat, thread_id = await home.handoff()
    agents = home.stage.hubspot.agents
    names = [f"plan-{number}.pdf" for number in range(40)]
    files = [agents.attach(thread_id, name, PDF, "application/pdf", "OTHER") for name in names]
    agents.reply(thread_id, agent(home), "All of them", attachments=files)
    agents.reply(thread_id, agent(home), "Done")
    got = await heard(home, chat, 42)
    assert [one["text"] or one["payload"]["title"] for one in got] == [
        "All of them",
        *names,
        "Done",
    ]


async def test_a_signature_with_a_linked_logo_leaves_no_torn_signs(home: House) -> None:
    logo = f'<a href="https://shop.test/"><img src="{home.stage.hubspot.url}/_files/logo.png"></a>'
    table = f"<table><tr><td>{logo}</td><td><b>Jo</b><br></td></tr></table>"
    got = await replied(home, "Hello Jo", rich_text=f"<p>Hello<br></p>{table}", count=2)
    assert [one["type"] for one in got] == ["text", "image"]
    assert got[0]["text"] == "Hello\n\n**Jo**"


async def test_an_empty_message_arrives_as_a_placeholder(home: House) -> None:
    (got,) = await replied(home, " ")
    assert got["text"] == "[Empty message]"


async def test_a_file_without_words_arrives_alone(home: House) -> None:
    got = await attached(home, "plan.pdf", PDF, "application/pdf", "OTHER")
    assert got["type"] == "file"
    (chat,) = home.stage.botpress.plugin.chats.values()
    assert len(said(chat)) == 1


async def test_a_very_long_text_arrives_in_parts_and_whole(home: House) -> None:
    text = "word " * 20_000
    got = await replied(home, text, 11)
    assert "".join(one["text"].split(" ", 1)[1] for one in got).split() == text.split()
    assert [one["text"].split(" ")[0] for one in got] == [f"({n}/11)" for n in range(1, 12)]


async def test_right_to_left_and_combining_characters_arrive_unchanged(home: House) -> None:
    text = "שלום \u202eabc\u202c e\u0301 👩‍👩‍👧 \u0645\u0631"
    (got,) = await replied(home, text)
    assert got["text"] == text


async def test_an_html_bomb_arrives_as_its_words(home: House) -> None:
    (got,) = await replied(home, "boom", rich_text="<p>boom" + "<div><b>" * 20_000)
    assert got["text"] == "boom"


@pytest.mark.parametrize(
    "content", [b"", b"x" * 1_000_001, b"<!doctype html><p>"], ids=["zero-byte", "huge", "lying"]
)
async def test_an_unfit_file_arrives_as_hubspots_own_link(
    stage: Stage, tmp_path: Path, content: bytes
) -> None:
    home = await furnished(House(stage, tmp_path, changes={"fetch_max_bytes": 1_000_000}))
    try:
        got = await attached(home, "odd.png", content, "image/png", "IMAGE")
    finally:
        await home.close()
    assert got["payload"]["imageUrl"].startswith(f"{stage.hubspot.url}/_files/")


async def test_a_vanished_file_arrives_as_words(home: House) -> None:
    chat, thread_id = await home.handoff()
    agents = home.stage.hubspot.agents
    file = agents.attach(thread_id, "gone.pdf", PDF, "application/pdf")
    portal = home.stage.hubspot.world.portals[home.stage.hubspot.options.portal_id]
    del portal.files[file["fileId"]]
    agents.reply(thread_id, agent(home), "Here", attachments=[{**file, "url": None}])
    got = await heard(home, chat, 2)
    assert got[1]["text"] == "[A file was sent, but it cannot be opened: gone.pdf]"


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
