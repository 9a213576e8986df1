"""`python -m tests.fuzz.guided NAME`: coverage guides the inputs of one target, by atheris.

Atheris is no dependency of this project: `pip install atheris` (Linux).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path


def main() -> int:
    """Ends the process: 0 when the time was up without a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("name", help="a target of tests/fuzz/targets.py")
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    try:
        atheris = import_module("atheris")
    except ImportError:
        sys.stderr.write("atheris is not installed: pip install atheris\n")
        return 2
    with atheris.instrument_imports(include=["hubspot_hitl"]):
        targets = import_module("tests.fuzz.targets").TARGETS
    fault_of = import_module("tests.fuzz.attack").fault_of
    target = targets[chosen.name]

    def one(data: bytes) -> None:
        fault = fault_of(target, data)
        if fault is not None:
            raise AssertionError(fault)

    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            Path(corpus, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], f"-max_total_time={chosen.seconds}", corpus], one)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
