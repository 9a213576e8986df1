from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff import opening
from hubspot_hitl.handoff import transcript as module
from hubspot_hitl.handoff.opening import opening_text
from hubspot_hitl.handoff.texts import Words
from hubspot_hitl.handoff.transcript import Facts, entries, transcript

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["source", "type", "payload", "text", "userId", "items"]), inner
        )
    ),
    max_leaves=20,
)
FACTS = Facts("h1", name="Ada", reason="asked", title="Order 7", language="de", origin="whatsapp")


def said(source: dict[str, str], text: str) -> dict[str, object]:
    return {"source": source, "type": "text", "payload": {"text": text}}


USER = {"type": "user", "userId": "u1"}
BOT = {"type": "bot"}


def test_the_opening_message_has_name_title_and_description() -> None:
    assert opening_text("Ada", "Order 7", "Late\nagain") == (
        "Name: Ada\nTitle: Order 7\nDescription: Late\nagain"
    )


def test_a_subject_comes_first_or_stands_in_for_the_title() -> None:
    assert opening_text("Ada", "Order 7", "Late", subject="Refund").splitlines()[:2] == [
        "Subject: Refund",
        "Name: Ada",
    ]
    assert opening_text("Ada", None, "Late", subject="Refund") == (
        "Name: Ada\nTitle: Refund\nDescription: Late"
    )


def test_the_header_has_what_the_flow_knows() -> None:
    facts = Facts("h1", subject="Refund", intent="cancel", sentiment="cross")
    (comment,) = transcript([], facts)
    assert "Subject: Refund\nIntent: cancel\nSentiment: cross\n" in f"{comment}\n".replace(
        "Title: New HITL conversation\n", ""
    )


def test_the_opening_message_never_says_none() -> None:
    assert opening_text("None", None, None) == (
        "Name: Visitor\nTitle: New HITL conversation\nDescription: No description available"
    )


def test_the_comment_says_who_said_what_below_the_facts() -> None:
    card = {"source": BOT, "type": "card", "payload": {"title": "Bike", "subtitle": "Fast"}}
    (comment,) = transcript([said(USER, "Hi"), said(BOT, "Hello"), card], FACTS)
    assert comment == (
        "Conversation before the handoff\nName: Ada\nReason: asked\nTitle: Order 7\nLanguage: de\n"
        "Page or channel: whatsapp\n\nAda: Hi\nBot: Hello\nBot: [Card] Bike\n    Fast"
    )


def test_other_users_have_their_own_names() -> None:
    facts = Facts("h1", name="Ada", names={"u2": "Bob"})
    other = {"type": "user", "userId": "u2"}
    (comment,) = transcript([said(USER, "a"), said(other, "b")], facts)
    assert comment.endswith("\nAda: a\nBob: b")


def test_a_long_history_comes_in_numbered_parts() -> None:
    history = [said(USER, f"message {number} " + "x" * 90) for number in range(100)]
    parts = transcript(history, FACTS, part_limit=2_000)
    total = len(parts)
    assert [part.split(" ")[0] for part in parts] == [f"({n}/{total})" for n in range(1, total + 1)]
    assert all(len(part) <= 2_000 for part in parts)
    assert all(f"message {number} " in "".join(parts) for number in range(100))


def test_the_oldest_messages_of_a_huge_history_are_left_out_and_counted() -> None:
    history = [said(USER, f"message {number} " + "x" * 900) for number in range(100)]
    parts = transcript(history, FACTS, part_limit=2_000, most_parts=5)
    assert 1 < len(parts) <= 5
    first, *_, last = parts
    assert "earlier messages" in first
    assert "message 99 " in last
    assert "message 0 " not in "".join(parts)


@given(st.lists(JSON, max_size=8) | JSON)
def test_any_history_gives_comments(history: object) -> None:
    parts = transcript(history, FACTS)
    assert parts == transcript(history, FACTS)
    assert all(part.strip() for part in parts)
    "".join(parts).encode()


@given(st.lists(JSON, max_size=8))
def test_no_entry_is_left_out(history: list[object]) -> None:
    assert len(entries(history, Words())) == len(history)


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(opening).failed == 0
