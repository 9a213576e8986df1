from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff.texts import TEXTS, TextKey, Texts
from hubspot_hitl.handoff.to_user import ToUserOptions, to_user
from hubspot_hitl.ports.hubspot_records import QuickReply, ThreadAttachment, ThreadMessage

FILE = "https://files.test/f/a.bin"
ANYTHING = st.text(st.characters(), max_size=30)
MAYBE = st.none() | ANYTHING
ATTACHMENTS = st.builds(
    ThreadAttachment,
    type=st.sampled_from(
        ["FILE", "LOCATION", "CONTACT", "QUICK_REPLIES", "UNSUPPORTED_CONTENT", "?"]
    ),
    file_id=MAYBE,
    usage=st.sampled_from([None, "IMAGE", "AUDIO", "VOICE_RECORDING", "STICKER", "OTHER", "NEW"]),
    name=MAYBE,
    url=st.none() | st.just(FILE) | ANYTHING,
    replies=st.lists(
        st.builds(QuickReply, ANYTHING, MAYBE, st.sampled_from(["TEXT", "URL"])), max_size=3
    ).map(tuple),
    latitude=st.none() | st.floats(),
    longitude=st.none() | st.floats(),
    address=MAYBE,
)
MESSAGES = st.builds(
    ThreadMessage,
    id=st.just("m1"),
    type=st.just("MESSAGE"),
    created_ms=st.just(0),
    direction=st.just("OUTGOING"),
    text=ANYTHING,
    rich_text=MAYBE | st.just("<p>a <b>b</b><img src='https://a.test/1.png'> c</p>"),
    attachments=st.lists(ATTACHMENTS, max_size=4).map(tuple),
    truncated=st.booleans(),
)


def a_message(text: str = "", **fields: object) -> ThreadMessage:
    base = ThreadMessage(id="m1", type="MESSAGE", created_ms=0, direction="OUTGOING", text=text)
    return replace(base, **fields)  # type: ignore[arg-type]  # the test names the fields


def sent(message: ThreadMessage, options: ToUserOptions | None = None) -> list[tuple[str, object]]:
    return [(out.type, dict(out.payload)) for out in to_user(message, options)]


def test_plain_text_arrives_as_written() -> None:
    assert sent(a_message("snake_case *x*")) == [("text", {"text": "snake_case *x*"})]


def test_rich_text_arrives_as_markdown() -> None:
    message = a_message("Hi you", rich_text="<p>Hi <strong>you</strong></p>")
    assert sent(message) == [("text", {"text": "Hi **you**"})]


def test_inline_images_arrive_between_their_words() -> None:
    html = '<p>see</p><img src="https://a.test/1.png" alt="One"><p>and that</p>'
    assert sent(a_message("see and that", rich_text=html)) == [
        ("text", {"text": "see"}),
        ("image", {"imageUrl": "https://a.test/1.png", "title": "One"}),
        ("text", {"text": "and that"}),
    ]


@pytest.mark.parametrize(
    ("usage", "name", "kind", "field"),
    [
        ("IMAGE", "a.bin", "image", "imageUrl"),
        ("STICKER", None, "image", "imageUrl"),
        ("AUDIO", "a", "audio", "audioUrl"),
        ("VOICE_RECORDING", None, "audio", "audioUrl"),
        ("OTHER", "Film.MP4", "video", "videoUrl"),
        (None, "photo.jpeg", "image", "imageUrl"),
        ("OTHER", "contract.pdf", "file", "fileUrl"),
    ],
)
def test_a_file_arrives_as_its_kind(usage: str, name: str | None, kind: str, field: str) -> None:
    file = ThreadAttachment("FILE", file_id="7", usage=usage, name=name, url=FILE)
    payload = {field: FILE, "title": name} if name else {field: FILE}
    assert sent(a_message(attachments=(file,))) == [(kind, payload)]


def test_an_address_that_works_later_wins_over_the_private_one() -> None:
    file = ThreadAttachment("FILE", file_id="7", name="a.pdf", url=FILE)
    options = ToUserOptions(urls={"7": "https://ours.test/7"})
    assert sent(a_message(attachments=(file,)), options) == [
        ("file", {"fileUrl": "https://ours.test/7", "title": "a.pdf"})
    ]


def test_a_file_without_an_address_is_told_in_the_users_language() -> None:
    file = ThreadAttachment("FILE", file_id="7", name="a.pdf")
    (out,) = sent(a_message(attachments=(file,)), ToUserOptions(language="de"))
    assert out == (
        "text",
        {"text": TEXTS["de"][TextKey.FILE_UNAVAILABLE].replace("{name}", "a.pdf")},
    )


def test_a_location_is_words_without_anybodys_map() -> None:
    place = ThreadAttachment(
        "LOCATION", name="Office", address="Tal 1", latitude=48.1, longitude=11.5
    )
    assert sent(a_message(attachments=(place,))) == [
        ("text", {"text": "Location: Office, Tal 1 (48.1, 11.5)"})
    ]


REPLIES = ThreadAttachment(
    "QUICK_REPLIES",
    replies=(QuickReply("yes", "Yes"), QuickReply("https://a.test", "Site", "URL")),
)


def test_quick_replies_are_a_numbered_list_under_the_words() -> None:
    assert sent(a_message("Sure?", attachments=(REPLIES,))) == [
        ("text", {"text": "Sure?\n\n1. Yes\n2. Site: https://a.test"})
    ]


def test_quick_replies_are_a_choice_where_the_channel_has_it() -> None:
    options = ToUserOptions(quick_replies="choice")
    assert sent(a_message("Sure?", attachments=(REPLIES,)), options) == [
        (
            "choice",
            {
                "text": "Sure?\nSite: https://a.test",
                "options": [{"label": "Yes", "value": "yes"}],
            },
        )
    ]


def test_the_message_replied_to_is_quoted() -> None:
    options = ToUserOptions(quoted="Where is\nmy order?")
    assert sent(a_message("On its way"), options) == [
        ("text", {"text": "> Where is my order?\n\nOn its way"})
    ]


def test_what_cannot_be_shown_is_named() -> None:
    strange = ThreadAttachment("UNSUPPORTED_CONTENT")
    assert "unsupported content" in str(sent(a_message(attachments=(strange,))))


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\ufeff \u2060", "\u3164"])
def test_an_empty_message_is_visible(blank: str) -> None:
    empty = [("text", {"text": "[Empty message]"})]
    assert sent(a_message(blank)) == empty
    assert sent(a_message(blank, rich_text=f"<p>{blank}</p><p><b>&nbsp;</b><br></p>")) == empty


def test_a_truncated_message_says_so() -> None:
    last = to_user(a_message("half", truncated=True))[-1]
    assert last.payload == {"text": TEXTS["en"][TextKey.TRUNCATED]}


def test_long_text_is_split_and_every_part_has_its_own_key() -> None:
    out = to_user(a_message("word " * 10_000))
    assert [part.key for part in out] == ["m1", *(f"m1:{n}" for n in range(1, len(out)))]
    assert all(len(str(part.payload["text"])) <= 10_000 for part in out)


def test_the_users_own_message_does_not_come_back() -> None:
    assert to_user(a_message("mine", direction="INCOMING")) == ()


@given(
    MESSAGES,
    st.sampled_from(["COMMENT", "comment", "ASSIGNMENT", "NOTE", ""]) | st.text(max_size=9),
)
def test_no_comment_and_nothing_unknown_ever_leaves(message: ThreadMessage, type_: str) -> None:
    if type_ not in {"MESSAGE", "WELCOME_MESSAGE"}:
        assert to_user(replace(message, type=type_)) == ()


@given(MESSAGES, st.sampled_from(["list", "choice"]), MAYBE)
def test_any_message_arrives_in_some_readable_form(
    message: ThreadMessage, quick_replies: str, quoted: str | None
) -> None:
    options = ToUserOptions(
        quick_replies="choice" if quick_replies == "choice" else "list",
        quoted=quoted,
        texts=Texts({"unsupported": "NULL", "empty-message": ""}),
    )
    out = to_user(message, options)
    assert out
    assert len({part.key for part in out}) == len(out)
    assert out == to_user(message, options)
    for part in out:
        json.dumps(dict(part.payload), allow_nan=False, ensure_ascii=False).encode()
        assert part.type != "text" or str(part.payload["text"]).strip()
        assert len(json.dumps(dict(part.payload))) < 128_000
