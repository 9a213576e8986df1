"""The changelog keeps its form, also after merges that put lines of two versions together."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
KEPT_FORM = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def test_each_heading_of_a_version_comes_once_and_in_the_usual_order() -> None:
    for version in TEXT.split("\n## ")[1:]:
        headings = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert headings == [one for one in KEPT_FORM if one in headings], "put them together"


def test_nothing_is_told_as_fixed_that_was_never_released() -> None:
    released = re.findall(r"^## \[\d", TEXT, re.MULTILINE)
    headings = set(re.findall(r"^### (.+)$", TEXT, re.MULTILINE))
    assert released or headings <= {"Added", "Security"}, "only what the first release has"
