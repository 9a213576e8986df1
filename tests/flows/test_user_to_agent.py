"""Every kind of message on its way to the agent. The table: docs/reference/messages.md."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import (
    MP3,
    PDF,
    PNG,
    WebSite,
    agent,
    arrived,
    entries,
    furnished,
    said,
    stored,
)

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json


async def sent(home: House, kind: str, payload: Json, count: int = 1) -> list[Json]:
    """What arrives when the user sends this."""
    chat, thread_id = await home.handoff()
    home.stage.botpress.plugin.send(chat, kind, payload)
    return await arrived(home, thread_id, count)


async def test_text_arrives_as_text(home: House) -> None:
    (got,) = await sent(home, "text", {"text": "Hello\nthere"})
    assert (got["text"], got["attachments"]) == ("Hello\nthere", [])


async def test_an_image_arrives_as_a_private_image_file(home: House, site: WebSite) -> None:
    payload = {"imageUrl": site.url("cat.png"), "title": "My cat"}
    (got,) = await sent(home, "image", payload)
    (attachment,) = got["attachments"]
    file = stored(home, attachment)
    assert (got["text"], attachment["fileUsageType"]) == ("[Image] My cat", "IMAGE")
    assert (file.content, file.access, file.content_type) == (PNG, "PRIVATE", "image/png")


async def test_audio_arrives_as_an_audio_file(home: House, site: WebSite) -> None:
    (got,) = await sent(home, "audio", {"audioUrl": site.url("talk.mp3")})
    assert got["attachments"][0]["fileUsageType"] == "AUDIO"
    assert stored(home, got["attachments"][0]).content == MP3


async def test_video_arrives_as_a_file(home: House, site: WebSite) -> None:
    (got,) = await sent(home, "video", {"videoUrl": site.url("film.mp4")})
    assert got["attachments"][0]["fileUsageType"] == "OTHER"
    assert stored(home, got["attachments"][0]).content_type == "video/mp4"


async def test_a_file_arrives_as_a_file_with_its_name(home: House, site: WebSite) -> None:
    (got,) = await sent(home, "file", {"fileUrl": site.url("plan.pdf"), "title": "The plan"})
    file = stored(home, got["attachments"][0])
    assert (got["text"], file.name, file.content) == ("[File] The plan", "plan.pdf", PDF)


async def test_a_bloc_arrives_as_one_message_with_everything_in_order(
    home: House, site: WebSite
) -> None:
    items = [
        {"type": "text", "payload": {"text": "one"}},
        {"type": "image", "payload": {"imageUrl": site.url("cat.png")}},
        {"type": "markdown", "payload": {"markdown": "**two**"}},
        {"type": "location", "payload": {"latitude": 52.5, "longitude": 13.4, "title": "Here"}},
        {"type": "file", "payload": {"fileUrl": site.url("plan.pdf")}},
    ]
    (got,) = await sent(home, "bloc", {"items": items})
    assert [line[:10] for line in got["text"].splitlines()] == [
        "one", "[Image]", "**two**", "[Location]", "[File]",
    ]  # fmt: skip
    assert [one["type"] for one in got["attachments"]] == ["FILE", "FILE", "LOCATION"]
    assert "<strong>two</strong>" in got["richText"]


async def test_a_location_arrives_as_a_location(home: House) -> None:
    items = [{"type": "location", "payload": {"latitude": 52.5, "longitude": 13.4}}]
    (got,) = await sent(home, "bloc", {"items": items})
    assert got["text"] == "[Location] (52.5, 13.4)"
    (place,) = got["attachments"]
    assert (place["type"], place["latitude"], place["longitude"]) == ("LOCATION", 52.5, 13.4)


async def test_markdown_arrives_as_text_and_sanitised_html(home: House) -> None:
    source = "Look: **here** <script>alert(1)</script>"
    items = [{"type": "markdown", "payload": {"markdown": source}}]
    (got,) = await sent(home, "bloc", {"items": items})
    assert "<strong>here</strong>" in got["richText"]
    assert "<script" not in got["richText"]


async def test_a_long_text_arrives_in_numbered_parts(home: House) -> None:
    parts = await sent(home, "text", {"text": "word " * 20_000}, count=11)
    assert [part["text"].split(" ")[0] for part in parts] == [f"({n}/11)" for n in range(1, 12)]
    assert "".join(part["text"].split(" ", 1)[1] for part in parts) == "word " * 20_000


async def test_right_to_left_and_combining_characters_arrive_as_they_are(home: House) -> None:
    text = "שלום \u202eabc\u202c e\u0301 👩‍👩‍👧 \u0645\u0631\u062d\u0628\u0627"
    (got,) = await sent(home, "text", {"text": text})
    assert got["text"] == text


async def test_an_empty_text_arrives_as_a_placeholder(home: House) -> None:
    (got,) = await sent(home, "text", {"text": " "})
    assert got["text"] == "[Empty message]"


CARD: Json = {
    "title": "Bike",
    "subtitle": "7 gears",
    "actions": [
        {"action": "url", "label": "Look", "value": "https://example.com/bike"},
        {"action": "say", "label": "Take it", "value": "bike"},
    ],
}
OPTIONS: list[Json] = [{"label": "Red", "value": "r"}, {"label": "Blue", "value": "b"}]


async def sent_by_action(home: House, kind: str, payload: Json) -> Json:
    """What arrives of a kind that the HITL plugin holds back and `sendMessage` carries."""
    chat, thread_id = await home.handoff()
    installation = home.stage.installation
    assert installation is not None
    body = {
        "conversationId": chat.downstream,
        "userId": chat.person.downstream,
        "message": {"type": kind, "payload": payload},
    }
    answer = await home.stage.botpress.operations.action(installation, "sendMessage", body)
    assert answer.accepted, answer.message
    return (await arrived(home, thread_id))[0]


async def test_a_card_arrives_as_its_words_and_buttons(home: House) -> None:
    got = await sent_by_action(home, "card", CARD)
    assert got["text"].splitlines() == [
        "[Card] Bike", "7 gears", "- Look: https://example.com/bike", "- Take it",
    ]  # fmt: skip


async def test_a_carousel_arrives_as_its_cards_in_order(home: House) -> None:
    got = await sent_by_action(home, "carousel", {"items": [CARD, {**CARD, "title": "Boat"}]})
    assert [line for line in got["text"].splitlines() if "[Card]" in line] == [
        "[Card] Bike", "[Card] Boat",
    ]  # fmt: skip


async def test_signs_without_width_arrive_within_words_and_alone_as_a_placeholder(
    home: House,
) -> None:
    """Joiners belong to Persian and to emoji; a message of nothing else shows nothing."""
    text = "\u06cc\u200c\u062e \U0001f469\u200d\U0001f527"
    chat, thread_id = await home.handoff()
    for told in (text, "\u200b\u2060"):
        home.stage.botpress.plugin.send(chat, "text", {"text": told})
    got = await arrived(home, thread_id, 2)
    assert [one["text"] for one in got] == [text, "[Empty message]"]


@pytest.mark.parametrize("kind", ["choice", "dropdown"])
async def test_a_choice_or_dropdown_arrives_as_a_list_with_quick_replies(
    home: House, kind: str
) -> None:
    got = await sent_by_action(home, kind, {"text": "Colour?", "options": OPTIONS})
    assert got["text"] == "Colour?\n1. Red\n2. Blue"
    (replies,) = got["attachments"]
    assert [(one["label"], one["value"]) for one in replies["quickReplies"]] == [
        ("Red", "r"), ("Blue", "b"),
    ]  # fmt: skip


async def changed(home: House, chat: Chat, before: str, after: str, at: str = "1") -> None:
    """Botpress tells that a message of the chat was changed."""
    installation = home.stage.installation
    assert installation is not None
    body: Json = {
        "type": "text",
        "payload": {"text": after, "userId": chat.person.downstream},
        "conversation": {"id": chat.downstream, "channel": "hitl", "tags": {}},
        "currentMessage": {"id": "m-1", "payload": {"text": after}, "updatedAt": at},
        "previousMessage": {
            "id": "m-1",
            "payload": {"text": before, "userId": chat.person.downstream},
        },
    }
    answer = await home.stage.botpress.operations.send(installation, "message_updated", body)
    assert answer.accepted, answer.message


async def test_a_changed_message_arrives_anew_and_says_so(home: House) -> None:
    chat, thread_id = await home.handoff()
    for at in ("1", "1", "2"):
        await changed(home, chat, "Mondey", "Monday", at)
    await changed(home, chat, "tags only", "tags only")
    home.stage.botpress.plugin.say(chat, "Thanks")
    got = await arrived(home, thread_id, 3)
    assert [one["text"] for one in got] == ["[Edited] Monday", "[Edited] Monday", "Thanks"]
    assert got[0]["name"] == got[2]["name"]


async def test_a_hundred_files_arrive_in_messages_of_ten(home: House, site: WebSite) -> None:
    chat, thread_id = await home.handoff()
    items = [{"type": "file", "payload": {"fileUrl": site.url("plan.pdf")}} for _ in range(100)]
    home.stage.botpress.plugin.send(chat, "bloc", {"items": items})
    got = await arrived(home, thread_id, 10)
    assert [len(one["attachments"]) for one in got] == [10] * 10
    assert [one["text"] for one in got[1:]] == ["[More files]"] * 9


async def test_an_unknown_kind_is_refused_with_a_reason_that_the_bot_sees(home: House) -> None:
    chat, thread_id = await home.handoff()
    installation = home.stage.installation
    assert installation is not None
    body = {
        "conversationId": chat.downstream,
        "message": {"type": "hologram", "payload": {"x": 1}},
    }
    answer = await home.stage.botpress.operations.action(installation, "sendMessage", body)
    assert (answer.status, "hologram" in answer.message) == (400, True), answer.message
    assert len(entries(home, thread_id)) == 1


async def test_an_empty_text_beside_a_file_leaves_the_file(home: House, site: WebSite) -> None:
    items = [
        {"type": "text", "payload": {"text": ""}},
        {"type": "image", "payload": {"imageUrl": site.url("cat.png")}},
    ]
    (got,) = await sent(home, "bloc", {"items": items})
    assert [one["type"] for one in got["attachments"]] == ["FILE"]
    assert got["text"].strip()


async def test_the_number_of_a_quick_reply_arrives_with_its_words(home: House) -> None:
    chat, thread_id = await home.handoff()
    home.stage.hubspot.agents.reply(
        thread_id, agent(home), "Which?", quick_replies=["Repair", "New one"]
    )
    assert await reached(lambda: bool(said(chat)), WITHIN_S)
    for text in ("2.", "3"):
        home.stage.botpress.plugin.say(chat, text)
    assert [one["text"] for one in await heard_incoming(home, thread_id, 2)] == [
        "2. (New one)",
        "3",
    ]


async def heard_incoming(home: House, thread_id: str, count: int) -> list[Json]:
    """The user's messages behind the opening."""

    def found() -> list[Json]:
        return [one for one in entries(home, thread_id) if one["direction"] == "INCOMING"][1:]

    assert await reached(lambda: len(found()) >= count, WITHIN_S)
    return found()


async def test_a_zip_bomb_is_carried_and_never_unpacked(home: House, site: WebSite) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    site.files["bomb.zip"] = packed.getvalue()
    (got,) = await sent(home, "file", {"fileUrl": site.url("bomb.zip")})
    file = stored(home, got["attachments"][0])
    assert (file.content, file.content_type) == (packed.getvalue(), "application/zip")


async def test_a_host_that_drips_bytes_holds_the_words_back_for_a_moment_only(
    stage: Stage, tmp_path: Path, site: WebSite
) -> None:
    changes: dict[str, object] = {"fetch_timeout_s": 0.2}
    home = await furnished(House(stage, tmp_path, changes=changes))
    try:
        chat, thread_id = await home.handoff()
        home.stage.botpress.plugin.send(chat, "image", {"imageUrl": site.url("drip")})
        home.stage.botpress.plugin.say(chat, "my cat")
        got = await arrived(home, thread_id, 2)
    finally:
        site.over.set()
        await home.close()
    assert site.url("drip") in got[0]["text"]
    assert (got[0]["attachments"], got[1]["text"]) == ([], "my cat")


async def test_an_html_bomb_in_markdown_arrives_as_text(home: House) -> None:
    bomb = "> " * 2_000 + "boom " + "<div>" * 2_000
    items = [{"type": "markdown", "payload": {"markdown": bomb}}]
    chat, thread_id = await home.handoff()
    home.stage.botpress.plugin.send(chat, "bloc", {"items": items})
    got = await arrived(home, thread_id, 2)
    assert "boom" in "".join(one["text"] for one in got)


async def test_a_vanished_file_arrives_as_its_address_and_the_reason(
    home: House, site: WebSite
) -> None:
    url = site.url("gone.png")
    (got,) = await sent(home, "image", {"imageUrl": url, "title": "My cat"})
    assert got["attachments"] == []
    assert got["text"] == (
        f"[Image] My cat\nNot attached: My cat: {url} (it does not exist any more)"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "empty"), (b"x" * 1_000_001, "larger"), (b"<!doctype html><p>", "web page")],
    ids=["zero-byte", "huge", "lying"],
)
async def test_an_unfit_file_arrives_as_its_address_and_the_reason(
    stage: Stage, tmp_path: Path, site: WebSite, content: bytes, why: str
) -> None:
    site.files["odd.png"] = content
    home = await furnished(House(stage, tmp_path, changes={"fetch_max_bytes": 1_000_000}))
    (got,) = await sent(home, "image", {"imageUrl": site.url("odd.png")})
    await home.close()
    assert got["attachments"] == []
    assert site.url("odd.png") in got["text"]
    assert why in got["text"]


async def test_an_address_inside_our_own_network_is_told_and_not_asked(
    stage: Stage, tmp_path: Path, site: WebSite
) -> None:
    home = await furnished(House(stage, tmp_path, changes={"fetch_allow_private": False}))
    (got,) = await sent(home, "image", {"imageUrl": site.url("cat.png")})
    await home.close()
    assert got["attachments"] == []
    assert "its address may not be opened from here" in got["text"]


async def test_a_file_that_hubspot_does_not_take_for_a_moment_is_attached_after_all(
    home: House, site: WebSite
) -> None:
    fault = Fault(FaultKind.ERROR_503, ("files.upload",), times=1)
    home.stage.hubspot.faults.add(fault)
    (got,) = await sent(home, "image", {"imageUrl": site.url("cat.png")})
    assert len(got["attachments"]) == 1


async def test_words_behind_a_file_stay_behind_it(home: House, site: WebSite) -> None:
    chat, thread_id = await home.handoff()
    home.stage.botpress.plugin.send(chat, "image", {"imageUrl": site.url("cat.png")})
    home.stage.botpress.plugin.say(chat, "my cat")
    got = await arrived(home, thread_id, 2)
    assert [one["text"] for one in got] == ["[Image]", "my cat"]


async def test_a_refused_message_is_told_to_the_user(home: House) -> None:
    chat, thread_id = await home.handoff()
    home.stage.hubspot.agents.assign(thread_id, agent(home))
    home.stage.hubspot.options.closed_thread_publish = "refuse"
    home.stage.hubspot.world.thread(thread_id).status = "CLOSED"
    home.stage.botpress.plugin.say(chat, "lost?")
    assert await reached(lambda: bool(said(chat)), WITHIN_S)
    assert said(chat)[0]["text"].startswith("Your message could not be delivered")
    assert len(entries(home, thread_id)) == 1
