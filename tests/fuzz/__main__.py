"""`python -m tests.fuzz`: a million damaged inputs over all readers and doors, or as time allows.

`python -m tests.fuzz.guided NAME` lets coverage guide the inputs of one reader.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

from tests.fuzz.attack import fault_of
from tests.fuzz.doors import doors
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, Target

# Of the inputs, in comparison with one reader: a request over a socket costs far more than a call.
_SHARE_OF_DOORS = 0.5


def main() -> int:
    """Exit status 1 when a target raised something it must not, or took very long."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="over all targets")
    parser.add_argument("--seconds", type=float, default=600, help="stop after this time")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--target", help="this one alone")
    chosen = parser.parse_args()
    _say(f"seed {chosen.seed}")
    ends = time.monotonic() + chosen.seconds
    with doors() as (_, outer):
        known: dict[str, Target] = {**TARGETS, **outer}
        if chosen.target and chosen.target not in known:
            _say(f"there is no target {chosen.target!r}; there are: {', '.join(known)}")
            return 2
        wanted = {chosen.target: known[chosen.target]} if chosen.target else known
        shares = _shares(wanted, outer, chosen.inputs)
        done = findings = 0
        for place, (name, target) in enumerate(wanted.items()):
            left = ends - time.monotonic()
            seconds = max(left / (len(wanted) - place), left / 2)
            made, found = attack(name, target, Random(chosen.seed), shares[name], seconds)
            done, findings = done + made, findings + found
    _say(f"{done:,} inputs, {findings} findings")
    return 1 if findings else 0


def _shares(
    wanted: Mapping[str, Target], outer: Mapping[str, Target], inputs: int
) -> Mapping[str, int]:
    """How many inputs each target gets; together `inputs`."""
    weights = {name: _SHARE_OF_DOORS if name in outer else 1.0 for name in wanted}
    total = sum(weights.values())
    return {name: -int(-inputs * weight // total) for name, weight in weights.items()}


def attack(
    name: str, target: Target, random: Random, inputs: int, seconds: float
) -> tuple[int, int]:
    """Throw `inputs` at one target, print what came of it; the numbers of inputs and findings."""
    findings = done = 0
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
    return done, findings


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
