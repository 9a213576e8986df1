"""The reference of messages names tests that exist, and misses none of theirs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "messages.md").read_text(encoding="utf-8")


def names_in(*names: str) -> set[str]:
    texts = [(ROOT / "tests" / "flows" / name).read_text(encoding="utf-8") for name in names]
    return {found for text in texts for found in re.findall(r"def (test_\w+)", text)}


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    known = names_in("test_user_to_agent.py", "test_agent_to_user.py", "test_actions.py")
    assert named <= known


def test_every_message_test_is_on_the_page() -> None:
    proved = names_in("test_user_to_agent.py", "test_agent_to_user.py")
    assert proved <= set(re.findall(r"`(test_\w+)`", PAGE))
