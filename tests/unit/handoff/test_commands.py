from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff.commands import (
    LONGEST_WAIT_MS,
    Command,
    command_of,
    wait_ms_of,
)
from hubspot_hitl.handoff.stop_words import is_stop_word
from hubspot_hitl.handoff.texts import TEXTS, TextKey, filled_lines


@pytest.mark.parametrize(
    ("comment", "command"),
    [
        ("/bot", Command("bot")),
        ("  /BOT \n and a second line", Command("bot")),
        ("/transfer\u00a0Second line", Command("transfer", "Second line")),
        ("/wait   10m", Command("wait", "10m")),
        ("/shout", Command("unknown", "shout")),
        ("a note", None),
        ("/", None),
        ("//bot", None),
        ("/home/user", None),
        ("see /bot", None),
        ("", None),
    ],
)
def test_a_command_is_a_slash_and_a_word_at_the_very_beginning(
    comment: str, command: Command | None
) -> None:
    assert command_of(comment) == command


@given(st.text(max_size=300))
def test_any_comment_can_be_read(comment: str) -> None:
    found = command_of(comment)
    assert found is None or comment.strip().startswith("/")


@given(st.text(max_size=20))
def test_any_waiting_time_is_bounded(argument: str) -> None:
    wait_ms = wait_ms_of(argument)
    assert wait_ms is None or 0 < wait_ms <= LONGEST_WAIT_MS


@pytest.mark.parametrize(
    ("argument", "wait_ms"),
    [("", 600_000), ("5", 300_000), ("90s", 90_000), ("0m", None), ("8d", None), ("-1m", None)],
)
def test_a_waiting_time_is_in_minutes_unless_it_says_so(argument: str, wait_ms: int | None) -> None:
    assert wait_ms_of(argument) == wait_ms


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_the_help_names_every_command(language: str) -> None:
    help_ = TEXTS[language][TextKey.ANSWER_HELP]
    found = [line.split()[0] for line in help_.splitlines()[1:]]
    assert found == ["/bot", "/end", "/transfer", "/wait", "/reask", "/who", "/help"]
    assert all(command_of(word) for word in found)


def test_lines_of_nothing_known_are_left_out() -> None:
    form = "Who\nName: {name}\nMail: {email}"
    assert filled_lines(form, {"name": "{email}", "email": None}) == "Who\nName: {email}"


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("stop", True),
        (" STOP! ", True),
        ("Au  Revoir.", True),
        ("\uff33\uff34\uff2f\uff30", True),
        ("stop it", False),
        ("fr", False),
        ("", False),
        ("stop" * 100, False),
    ],
)
def test_a_stop_word_ends_only_when_it_is_the_whole_message(text: str, ends: bool) -> None:
    assert is_stop_word(text, "stop, end chat\nfr: au revoir, fin\n\n,,") is ends


@given(st.text(max_size=120), st.text(max_size=120))
def test_any_message_is_held_against_any_setting(text: str, setting: str) -> None:
    assert is_stop_word(text, setting) in (True, False)
    assert not is_stop_word("", setting)
