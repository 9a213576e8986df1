from __future__ import annotations

from scripts.build_reference import outputs


def test_the_reference_and_the_example_file_are_up_to_date() -> None:
    stale = [path.name for path, text in outputs().items() if path.read_text() != text]

    assert stale == [], "run python scripts/build_reference.py"
