from __future__ import annotations

import doctest
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import FileProblem
from hubspot_hitl.handoff import texts as module
from hubspot_hitl.handoff.records import EndReason, HandoffState
from hubspot_hitl.handoff.texts import TEXTS, TextKey, Texts, Words
from hubspot_hitl.integration.actions import HitlSession


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_language_has_every_text_with_the_same_slots(language: str) -> None:
    for key in TextKey:
        slots = sorted(re.findall(r"\{[^}]*\}", TEXTS["en"][key]))
        assert sorted(re.findall(r"\{[^}]*\}", TEXTS[language][key])) == slots
        assert TEXTS[language][key].strip()


@pytest.mark.parametrize("language", sorted(set(TEXTS) - {"en"}))
def test_no_sentence_was_left_in_english(language: str) -> None:
    sentences = {key for key in TextKey if len(TEXTS["en"][key].split()) > 2}
    assert [key for key in sentences if TEXTS[language][key] == TEXTS["en"][key]] == []


def test_every_state_end_problem_and_priority_has_a_text() -> None:
    words = Words(language="de")
    assert all(words.state(state) for state in HandoffState)
    assert all(words.end(reason) for reason in EndReason)
    assert all(words(TextKey(f"agent-file-{problem}"), size="1") for problem in FileProblem)
    priorities = get_args(HitlSession.model_fields["priority"].annotation)[0]
    assert [words(TextKey(f"agent-priority-{one}")) for one in get_args(priorities)] == [
        "niedrig", "mittel", "hoch", "dringend",
    ]  # fmt: skip


def test_a_region_reads_its_language_and_an_unknown_one_english() -> None:
    assert Texts().get(TextKey.NUDGE, "pt-BR") == TEXTS["pt"][TextKey.NUDGE]
    assert Texts().get(TextKey.NUDGE, "xx") == TEXTS["en"][TextKey.NUDGE]


def test_the_override_of_a_language_wins_over_the_general_one() -> None:
    texts = Texts({"nudge": "Hello?", "nudge.fr": "Allô ?", "nudge.pt-br": "Alô?"})
    assert [texts.get(TextKey.NUDGE, lang) for lang in ("de", "fr-CA", "pt_BR", "pt")] == [
        "Hello?",
        "Allô ?",
        "Alô?",
        "Hello?",
    ]


def test_null_switches_a_text_off_but_never_a_placeholder() -> None:
    texts = Texts({"waiting": " NULL ", "empty-message": "NULL"})
    assert texts.get(TextKey.WAITING) is None
    assert texts.placeholder(TextKey.EMPTY_MESSAGE) == "[Empty message]"


@given(st.text(), st.text())
def test_any_braces_in_an_override_are_harmless(override: str, value: str) -> None:
    text = Texts({"unsupported": override}).get(TextKey.UNSUPPORTED, "en", kind=value)
    assert text is None or isinstance(text, str)


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0
