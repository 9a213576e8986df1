from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff import marks as module
from hubspot_hitl.handoff.marks import has_mark, marked


@given(st.text(), st.text(), st.booleans())
def test_a_comment_is_known_by_its_mark(text: str, mark: str, visibly: bool) -> None:
    assert has_mark(marked(text, mark, visibly=visibly), mark)


@given(st.text(), st.text(), st.text())
def test_other_marks_are_told_apart(text: str, mark: str, other: str) -> None:
    assert mark == other or not has_mark(marked(text, mark), other)


def test_an_unseen_mark_adds_nothing_that_a_reader_sees() -> None:
    assert marked("Hello", "a1:help").strip("\u200c\u200d") == "Hello"


def test_a_mark_survives_a_cut_text_and_lost_line_ends() -> None:
    told = marked("first\nlast" * 1_000, "m")
    assert has_mark(told[:200].replace("\n", " ").strip(), "m")


def test_a_user_who_writes_the_words_of_a_mark_is_not_taken_for_it() -> None:
    assert not has_mark("Look: [handoff h9, history 1 of 1] and more", "handoff h9, history 1 of 1")


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0
