from __future__ import annotations

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff import to_agent as module
from hubspot_hitl.handoff.texts import TextKey, Texts, Words
from hubspot_hitl.handoff.to_agent import Choice, FileRef, Place, as_text, to_agent

KINDS = [
    "text", "markdown", "image", "audio", "video", "voice", "file", "bloc", "location", "card",
    "carousel", "choice", "dropdown", "", "brand-new",
]  # fmt: skip
FIELDS = "text items type payload imageUrl title latitude longitude options label actions x".split()  # noqa: SIM905
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)
CAT = "https://files.test/cat.png"


def test_text_stays_as_it_was_typed() -> None:
    message = to_agent("text", {"text": "2 * 3 <b>", "userId": "u", "type": "text"})
    assert (message.text, message.rich_text) == ("2 * 3 <b>", None)


def test_markdown_comes_as_text_and_as_html() -> None:
    message = to_agent("markdown", {"markdown": "**Hi** [x](javascript:alert)"})
    assert message.text == "**Hi** [x](javascript:alert)"
    assert message.rich_text == "<p><strong>Hi</strong> [x](javascript:alert)</p>"


@pytest.mark.parametrize(
    ("kind", "field", "word"),
    [("image", "imageUrl", "Image"), ("audio", "audioUrl", "Audio"), ("video", "videoUrl", "Video"),
     ("file", "fileUrl", "File"), ("voice", "audioUrl", "Voice message")],
)  # fmt: skip
def test_a_file_is_named_and_carried(kind: str, field: str, word: str) -> None:
    message = to_agent(kind, {field: CAT, "title": "Cat"})
    assert message.text == f"[{word}] Cat"
    assert [(file.url, file.kind, file.title) for file in message.files] == [(CAT, kind, "Cat")]
    assert as_text(message) == f"[{word}] Cat: {CAT}"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/local", "data:image/png;base64,AA", None, 5]
)
def test_a_file_without_a_usable_address_is_told_not_fetched(url: object) -> None:
    message = to_agent("image", {"imageUrl": url, "title": "Cat"})
    assert message.files == ()
    assert message.text.startswith("[Image] Cat (")


def test_a_location_is_words_and_degrees() -> None:
    message = to_agent(
        "location",
        {"latitude": 48.137, "longitude": "11.575", "title": "Office", "address": "Tal 1"},
    )
    assert message.text == "[Location] Office, Tal 1 (48.137, 11.575)"
    assert message.location == Place(48.137, 11.575, "Office", "Tal 1")


@pytest.mark.parametrize("latitude", [91, float("nan"), "north", None, True, 10**400])
def test_a_place_that_is_on_no_map_stays_text(latitude: object) -> None:
    message = to_agent("location", {"latitude": latitude, "longitude": 1, "title": "Here"})
    assert message.location is None
    assert "Here" in message.text


def test_every_item_of_a_bloc_arrives_in_order() -> None:
    items = [
        {"type": "text", "payload": {"text": "one"}},
        {"type": "image", "payload": {"imageUrl": CAT}},
        {"type": "markdown", "payload": {"markdown": "*two*"}},
        {"type": "location", "payload": {"latitude": 1, "longitude": 2}},
        {"type": "file", "payload": {"fileUrl": "https://files.test/a.pdf", "title": "A"}},
    ]
    message = to_agent("bloc", {"items": items})
    assert message.text == "one\n[Image]\n*two*\n[Location] (1.0, 2.0)\n[File] A"
    assert message.rich_text is not None
    assert message.rich_text.startswith("one<br>[Image]<br><p><em>two</em></p>")
    assert [file.kind for file in message.files] == ["image", "file"]
    assert f"one\n[Image]: {CAT}\n*two*" in as_text(message)


def test_a_choice_is_a_question_with_numbered_answers() -> None:
    options = [{"label": "Yes", "value": "y"}, {"label": "No", "value": "n"}]
    for kind in ("choice", "dropdown"):
        message = to_agent(kind, {"text": "Sure?", "options": options})
        assert message.text == "Sure?\n1. Yes\n2. No"
        assert message.choices == (Choice("Yes", "y"), Choice("No", "n"))


def test_a_carousel_shows_each_card_with_its_buttons() -> None:
    card = {
        "title": "Bike",
        "subtitle": "Fast",
        "imageUrl": CAT,
        "actions": [
            {"action": "url", "label": "Shop", "value": "https://shop.test"},
            {"action": "postback", "label": "Buy", "value": "BUY_1"},
        ],
    }
    message = to_agent("carousel", {"items": [card, {"title": "Car"}]})
    assert message.text == (
        "[Card] Bike\nFast\n[Image]\n- Shop: https://shop.test\n- Buy\n[Card] Car"
    )
    assert message.files == (FileRef(CAT, "image", "Bike"),)


def test_an_unknown_kind_is_named_and_outlined_without_json() -> None:
    message = to_agent("poll", {"question": "Tea?", "votes": [{"n": 1}, {"n": 2}], "open": True})
    assert message.text == (
        "[Message of kind poll]\nquestion: Tea?\nvotes 1 > n: 1\nvotes 2 > n: 2\nopen: yes"
    )


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("text", {"text": " "}),
        ("text", {}),
        ("text", None),
        ("bloc", {"items": []}),
        ("markdown", {}),
    ],
)
def test_an_empty_message_is_visible(kind: str, payload: object) -> None:
    assert to_agent(kind, payload).text == "[Empty message]"


@given(st.sampled_from(KINDS), JSON)
def test_any_payload_gives_readable_text(kind: str, payload: object) -> None:
    message = to_agent(kind, payload)
    assert message.text.strip()
    assert as_text(message).strip()
    (message.text + as_text(message) + (message.rich_text or "")).encode()
    assert "\x00" not in message.text
    assert all(file.url.startswith("http") for file in message.files)


WORDLESS = st.recursive(
    st.none() | st.booleans() | st.integers(-200, 200) | st.text("0 \u200b", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.sampled_from(KINDS), WORDLESS)
def test_every_word_but_the_payloads_comes_from_the_texts(kind: str, payload: object) -> None:
    words = Words(Texts(dict.fromkeys(TextKey, "§")))
    message = to_agent(kind, payload, words)
    for told in (message.text, as_text(message)):
        for name in (*FIELDS, kind):
            told = told.replace(name, "") if name else told
        assert not re.search(r"[a-zA-Z]", told)


@pytest.mark.parametrize("blank", ["", " \n", "\u200b\u2060", "\ufeff", "\u3164", "\u2800 "])
def test_a_text_without_ink_arrives_as_a_placeholder(blank: str) -> None:
    for kind in ("text", "markdown"):
        assert to_agent(kind, {kind: blank}).text == "[Empty message]"


def test_blocs_in_blocs_without_end_are_still_answered() -> None:
    payload: dict[str, object] = {"items": []}
    for _ in range(200):
        payload = {"items": [{"type": "bloc", "payload": payload}]}
    assert to_agent("bloc", payload).text.strip()


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0
