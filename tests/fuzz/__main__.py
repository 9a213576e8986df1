"""`python -m tests.fuzz`: a million damaged inputs over all targets, or as many as time allows.

With atheris installed (Linux, Python 3.11 or 3.12) `--atheris NAME` lets coverage guide one target.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from random import Random

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import ALLOWED, TARGETS, Target

_SLOW_S = 2.0


def main() -> int:
    """Exit status 1 when a target raised something it must not, or took very long."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="over all targets")
    parser.add_argument("--seconds", type=float, default=600, help="stop after this time")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--atheris", choices=sorted(TARGETS), metavar="NAME")
    chosen = parser.parse_args()
    if chosen.atheris:
        return _guided(TARGETS[chosen.atheris], chosen.seconds)
    names: list[str] = chosen.target or list(TARGETS)
    _say(f"seed {chosen.seed}")
    findings = 0
    for name in names:
        share = chosen.inputs // len(names)
        findings += attack(name, Random(chosen.seed), share, chosen.seconds / len(names))
    _say(f"{findings} findings")
    return 1 if findings else 0


def attack(name: str, random: Random, inputs: int, seconds: float) -> int:
    """Throw `inputs` at one target; prints what it did and returns the number of findings."""
    target, findings, done = TARGETS[name], 0, 0
    began = time.monotonic()
    pool = list(target.seeds)
    while done < inputs and time.monotonic() - began < seconds and findings < 3:
        data = mutated(random, random.choice(pool))
        fault = fault_of(target, data)
        done += 1
        if fault is not None:
            findings += 1
            path = Path("artifacts") / f"fuzz-{name.replace(' ', '-')}-{findings}.bin"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            _say(f"{name}: {fault}\n  the input is in {path}")
        elif len(pool) < 200 and random.random() < 0.01:
            pool.append(data[:5_000])
    _say(f"{name:24} {done:9,} inputs {time.monotonic() - began:7.1f} s {findings} findings")
    return findings


def fault_of(target: Target, data: bytes) -> str | None:
    """What is wrong with how the target took the input; None when nothing is."""
    began = time.perf_counter()
    try:
        target.run(data)
    except ALLOWED:
        pass
    except Exception:
        return traceback.format_exc()
    took_s = time.perf_counter() - began
    return f"took {took_s:.1f} s" if took_s > _SLOW_S else None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _guided(target: Target, seconds: float) -> int:
    try:
        atheris = import_module("atheris")
    except ImportError:
        _say("atheris is not installed: pip install atheris (Linux, Python 3.11 or 3.12)")
        return 2

    def one(data: bytes) -> None:
        fault = fault_of(target, data)
        if fault is not None:
            raise AssertionError(fault)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}"], one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
