from __future__ import annotations

import pytest

from hubspot_hitl.cli.telling import SHOWN, harmless


@pytest.mark.parametrize(
    "text", ["plain", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "می\u200cروم", "Zoë 漢"]
)
def test_what_scripts_and_emoji_are_made_of_stays(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize("code", ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\ufeff", "\x7f"])
def test_what_a_terminal_obeys_or_a_reader_is_misled_by_is_shown(code: str) -> None:
    assert harmless(f"a{code}b") == f"a{SHOWN}b"
