"""Card numbers, IBANs and own patterns, masked before a text goes to the other side. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hubspot_hitl.errors import BadConfiguration

LONGEST_PATTERN = 200
MOST_PATTERNS = 20
MASK = "[•••]"

_DIGIT_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ \u00a0.\-]?[0-9]){12,}(?![0-9A-Za-z])")
_IBAN_LIKE = re.compile(
    r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?:[ \u00a0\-]?[0-9A-Za-z]){11,36}", re.ASCII
)
# https://www.swift.com/standards/data-standards/iban-international-bank-account-number
_IBAN_LENGTHS: Mapping[str, int] = MappingProxyType(
    dict(
        pair
        for length, countries in {
            15: "NO",
            16: "BE",
            18: "DK FI FO GL NL SD",
            19: "MK SI",
            20: "AT BA EE KZ LT LU MN XK",
            21: "CH HR LI LV",
            22: "BG BH CR DE GB GE IE ME RS VA",
            23: "AE GI IL IQ OM SO TL",
            24: "AD CZ DJ ES MD PK RO SA SE SK TN VG",
            25: "LY PT ST",
            26: "IS TR",
            27: "BI FR GR IT MC MR SM",
            28: "AL AZ BY CY DO GT HU LB NI PL SV",
            29: "BR EG PS QA UA",
            30: "JO KW MU YE",
            31: "MT SC",
            32: "LC",
            33: "RU",
        }.items()
        for pair in ((country, length) for country in countries.split())
    )
)
_NESTED_REPEAT = re.compile(r"[*+}][^()]*\)\s*[*+{]|\|[^()]*\)\s*[*+{]")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Masks what must not pass. `patterns` come from :func:`compile_patterns`.

    >>> Redactor().mask("card 4111 1111 1111 1111, order 1234567890123")
    'card [•••• 1111], order 1234567890123'
    """

    patterns: tuple[re.Pattern[str], ...] = ()

    def mask(self, text: str) -> str:
        """The text with every finding masked. Card numbers and IBANs keep their last four signs."""
        masked = _DIGIT_RUN.sub(_mask_cards, _IBAN_LIKE.sub(_mask_iban, text))
        for pattern in self.patterns:
            masked = pattern.sub(MASK, masked)
        return masked


def compile_patterns(sources: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """The operator's own patterns, ready to use.

    Raises :class:`~hubspot_hitl.errors.BadConfiguration` that says which one cannot be used: not a
    regular expression, too long, matching the empty text, or repeating a repetition, which can take
    forever on some texts.
    """
    compiled: list[re.Pattern[str]] = []
    for number, source in enumerate(sources, start=1):
        if number > MOST_PATTERNS:
            raise BadConfiguration(f"There are more than {MOST_PATTERNS} redaction patterns.")
        compiled.append(_compiled(source, number))
    return tuple(compiled)


def _compiled(source: str, number: int) -> re.Pattern[str]:
    where = f"Redaction pattern {number}"
    if len(source) > LONGEST_PATTERN:
        raise BadConfiguration(f"{where} is longer than {LONGEST_PATTERN} characters.")
    if _NESTED_REPEAT.search(source) or re.search(r"\\[1-9]|\(\?P=", source):
        raise BadConfiguration(
            f"{where} repeats a group that repeats or branches, or refers back to a group; that can"
            " take forever. Write it without."
        )
    try:
        pattern = re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        reason = error.msg if isinstance(error, re.error) else "too complex"
        raise BadConfiguration(f"{where} is not a regular expression: {reason}.") from error
    if pattern.search("") is not None:
        raise BadConfiguration(f"{where} matches the empty text and would mask everything.")
    return pattern


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_valid(iban: str) -> bool:
    """Whether length and check digits are right (ISO 13616); capitals, no spaces."""
    if _IBAN_LENGTHS.get(iban[:2]) != len(iban):
        return False
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def _mask_cards(match: re.Match[str]) -> str:
    """The run of digit groups, with every card number in it masked.

    A card number starts and ends at a group, so an expiry date behind it does not hide it.
    """
    run = match[0]
    out: list[str] = []
    at = 0
    while at < len(run):
        end = _card_end(run, at) if at == 0 or not run[at - 1].isdigit() else None
        if end is None:
            out.append(run[at])
            at += 1
        else:
            out.append(f"[•••• {_digits(run[at:end])[-4:]}]")
            at = end
    return "".join(out)


def _card_end(run: str, start: int) -> int | None:
    best = None
    digits = ""
    for at in range(start, min(len(run), start + 38)):
        if not run[at].isdigit():
            continue
        digits += run[at]
        at_group_end = at + 1 == len(run) or not run[at + 1].isdigit()
        if at_group_end and 13 <= len(digits) <= 19 and digits.strip("0") and luhn(digits):
            best = at + 1
    return best


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _mask_iban(match: re.Match[str]) -> str:
    text = match[0]
    length = _IBAN_LENGTHS.get(text[:2].upper())
    if length is None:
        return text
    signs = 0
    for at, sign in enumerate(text):
        signs += sign.isalnum()
        if signs == length:
            iban = "".join(char for char in text[: at + 1] if char.isalnum()).upper()
            behind = text[at + 1 : at + 2]
            if behind.isalnum() or not iban_valid(iban):
                return text
            return f"[IBAN •••• {iban[-4:]}]{text[at + 1 :]}"
    return text
