"""A small, repeatable part of `make fuzz`, and the proof that it can find something."""

from __future__ import annotations

from random import Random

import pytest
import structlog
from tests.fuzz.attack import fault_of
from tests.fuzz.doors import doors
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_damaged_input_is_refused_in_order(name: str) -> None:
    target, random = TARGETS[name], Random(7)
    for _ in range(300):
        data = mutated(random, random.choice(target.seeds))
        assert fault_of(target, data) is None, data


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"hubspot signature v1"}))
def test_the_examples_are_read_without_complaint(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].run(seed)


def test_a_reader_that_fails_is_found() -> None:
    assert fault_of(Target(lambda data: data.decode("ascii"), ()), b"\xff") is not None


def test_damaged_requests_are_refused_in_order_by_every_door() -> None:
    with doors() as (_, outer):
        for target in outer.values():
            random = Random(7)
            for seed in target.seeds:
                assert fault_of(target, seed) is None, seed
            for _ in range(100):
                data = mutated(random, random.choice(target.seeds))
                assert fault_of(target, data) is None, data


def test_a_door_that_fails_is_found() -> None:
    with doors() as (it, outer):
        structlog.get_logger().error("operation_failed", where=["x.py:1 f"])
        assert fault_of(outer["door webhook"], b"[]") is not None
        assert it.crashes == []
