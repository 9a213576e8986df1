from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.handoff import redaction
from hubspot_hitl.handoff.redaction import Redactor, compile_patterns, luhn

MASK = Redactor().mask


@pytest.mark.parametrize(
    "card", ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "3782 822463 10005"]
)
def test_a_card_number_is_masked_however_it_is_grouped(card: str) -> None:
    masked = MASK(f"My card is {card}.")
    assert masked == f"My card is [•••• {card[-4:]}]."


def test_an_expiry_date_behind_a_card_number_does_not_hide_it() -> None:
    assert MASK("4111 1111 1111 1111 12/29 123") == "[•••• 1111] 12/29 123"


@pytest.mark.parametrize(
    "number", ["4111111111111112", "+49 30 901820", "1760000000000", "order-4111111111111111x"]
)
def test_other_numbers_stay(number: str) -> None:
    assert MASK(number) == number


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DE89370400440532013000", "[IBAN •••• 3000]"),
        ("DE89 3704 0044 0532 0130 00 please", "[IBAN •••• 3000] please"),
        ("iban fr14 2004 1010 0505 0001 3m02 606", "iban [IBAN •••• 2606]"),
        ("DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"),
    ],
)
def test_an_iban_is_masked_when_its_check_digits_are_right(text: str, masked: str) -> None:
    assert MASK(text) == masked


def test_own_patterns_mask_too() -> None:
    redactor = Redactor(compile_patterns([r"\bEMP-\d{4}\b"]))
    assert redactor.mask("I am EMP-1234.") == "I am [•••]."


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("(", "not a regular"),
        ("x" * 201, "longer"),
        ("a*", "empty"),
        ("(a+)+b", "forever"),
        (r"(a)\1", "forever"),
        ("(a|a)*b", "forever"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named(pattern: str, word: str) -> None:
    with pytest.raises(BadConfiguration, match=f"pattern 2 .*{word}"):
        compile_patterns(["ok", pattern])


@given(st.integers(10**12, 10**18 - 1), st.sampled_from(["", " ", "-"]))
def test_every_valid_card_number_is_masked(stem: int, separator: str) -> None:
    digits = next(f"{stem}{last}" for last in range(10) if luhn(f"{stem}{last}"))
    grouped = separator.join(digits[at : at + 4] for at in range(0, len(digits), 4))
    assert digits[:8] not in MASK(f"x {grouped} y").replace(separator or "\0", "")


@given(st.text())
def test_masking_any_text_twice_is_masking_it_once(text: str) -> None:
    assert MASK(MASK(text)) == MASK(text)


@pytest.mark.parametrize("flood", ["4" * 100_000, "4 " * 50_000, "DE89" * 25_000, "DE89 " * 20_000])
def test_a_flood_of_digits_is_read_in_one_pass(flood: str) -> None:
    assert MASK(flood)


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(redaction).failed == 0
