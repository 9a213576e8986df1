#!/usr/bin/env python3
"""Write integration.definition.json from the models, or check that it is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hubspot_hitl.integration.definition import FILE_NAME, as_text, build_definition
from hubspot_hitl.integration.limits import definition_problems

ROOT = Path(__file__).parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when the file is right, 1 when `--check` finds it old, or Botpress would refuse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is old")
    parser.add_argument("--out", type=Path, default=ROOT / FILE_NAME, help="the file to write")
    options = parser.parse_args(arguments)
    target: Path = options.out
    definition = build_definition()
    problems = definition_problems(definition)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    text = as_text(definition)
    if options.check:
        if target.is_file() and target.read_text(encoding="utf-8") == text:
            print(f"{target.name} is up to date")
            return 0
        print(f"{target.name} is not up to date: run scripts/build_definition.py", file=sys.stderr)
        return 1
    target.write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {target.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
