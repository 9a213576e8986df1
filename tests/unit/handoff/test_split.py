from __future__ import annotations

import doctest
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff import split
from hubspot_hitl.handoff.split import grapheme_ends, split_text

TRICKY = st.text(
    st.sampled_from("ab \n.é́🇫🇷👍🏽👩‍💻️각ᄀ가힣क्ष\r\u200f\u0627") | st.characters(), max_size=400
)


def bodies(parts: tuple[str, ...]) -> list[str]:
    if len(parts) == 1:
        return list(parts)
    return [re.sub(r"\A\(\d+/\d+\) ", "", part) for part in parts]


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301",
        "👍🏽",
        "👩‍👩‍👧‍👦",
        "🇫🇷",
        "각",
        "\u1100\u1161\u11a8",
        "क्षि",
        "❤️",
        "\r\n",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "z" + "\u0335" * 20,
    ],
)
def test_what_a_reader_sees_as_one_character_is_one_cluster(cluster: str) -> None:
    assert grapheme_ends("x" + cluster + "y") == [1, 1 + len(cluster), 2 + len(cluster)]


def test_three_flags_are_three_clusters() -> None:
    assert grapheme_ends("🇫🇷🇩🇪🇧🇷") == [2, 4, 6]


@given(TRICKY, st.integers(32, 80))
def test_parts_join_to_the_text_and_none_is_too_long(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert "".join(bodies(parts)) == text
    assert all(len(part) <= limit for part in parts)


@given(TRICKY, st.integers(32, 80))
def test_cuts_fall_between_graphemes(text: str, limit: int) -> None:
    ends = [0, *grapheme_ends(text)]
    if max((b - a for a, b in pairwise(ends)), default=0) > 16:
        return
    at = 0
    for body in bodies(split_text(text, limit)):
        at += len(body)
        assert at in ends


def test_parts_are_numbered_and_cut_at_paragraphs() -> None:
    text = "a" * 30 + "\n\n" + "b" * 30
    assert split_text(text, 50) == ("(1/2) " + "a" * 30 + "\n\n", "(2/2) " + "b" * 30)


def test_numbers_of_two_digits_still_fit() -> None:
    parts = split_text("x" * 1_000, 40)
    assert len(parts) > 9
    assert parts[0].startswith(f"(1/{len(parts)}) ")
    assert max(len(part) for part in parts) <= 40


def test_a_hundred_thousand_characters_are_split_whole() -> None:
    text = "Привет, мир! " * 8_000
    assert "".join(bodies(split_text(text, 10_000))) == text


def test_one_grapheme_longer_than_a_part_is_cut_rather_than_lost() -> None:
    text = "z" + "\u0335" * 200
    assert "".join(bodies(split_text(text, 40))) == text


def test_a_limit_without_room_for_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        split_text("x", 10)


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(split).failed == 0
