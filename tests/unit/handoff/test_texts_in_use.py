"""No text is offered to bot owners that nobody ever reads."""

from __future__ import annotations

import re
from pathlib import Path

from hubspot_hitl.handoff.texts import TextKey

PACKAGE = Path(__file__).parents[3] / "src" / "hubspot_hitl"


def test_every_text_is_said_somewhere() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "wording"
    )
    named = set(re.findall(r"TextKey\.([A-Z_]+)", code))
    families = tuple(re.findall(r'TextKey\(f"([a-z-]+-)\{', code))
    assert families
    silent = [
        key.name for key in TextKey if key.name not in named and not key.value.startswith(families)
    ]
    assert silent == []
