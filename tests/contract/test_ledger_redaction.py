"""What every engine promises when content is to go and the figures are to stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.ledger_fixtures import WORLDS, World, new, open_world

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.ports.ledger import (
    ERASED,
    Delivery,
    DeliveryState,
    Done,
    Outcome,
    Redaction,
)


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(request.param, tmp_path) as world:
        yield world
        await world.close()


async def noted(delivery: Delivery) -> Outcome:
    return Done(note="what was said")


async def refused(delivery: Delivery) -> Outcome:
    raise InvalidPayload("what was said")


async def test_a_redaction_blanks_what_ended_of_one_handoff_only(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["mine"] = noted
    await ledger.accept([new("mine", handoff_id="h1"), new("other", "b", handoff_id="h2")])
    await world.settle()
    assert await ledger.redact(Redaction(handoff_id="h1")) == 1
    mine, other = await world.row(ledger, "mine"), await world.row(ledger, "other")
    assert (mine.body, mine.note, mine.state) == (ERASED, None, DeliveryState.DONE)
    assert other.body == {"key": "other"}
    assert await ledger.redact(Redaction(handoff_id="h1")) == 0


async def test_a_redacted_delivery_still_counts_as_known(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept([new("1", handoff_id="h")])
    await world.settle()
    await ledger.redact(Redaction(handoff_id="h"))
    assert await ledger.accept([new("1", handoff_id="h")]) == 0


async def test_a_redacted_dead_letter_stays_and_is_never_replayed(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = refused
    await ledger.accept([new("1", handoff_id="h")])
    await world.settle()
    assert await ledger.redact(Redaction(handoff_id="h")) == 1
    row = await world.row(ledger, "1")
    assert (row.state, row.error) == (DeliveryState.DEAD, None)
    assert row.error_code == InvalidPayload.code
    assert await ledger.replay([row.seq]) == 0
    assert await ledger.discard([row.seq]) == 1


async def test_a_redaction_leaves_what_waits(world: World) -> None:
    ledger = await world.ledger(work=False)
    await ledger.accept([new("1", handoff_id="h")])
    assert await ledger.redact(Redaction(handoff_id="h")) == 0
    assert (await world.row(ledger, "1")).body == {"key": "1"}


async def test_a_redaction_by_lane_or_age_takes_what_matches(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept([new("1", "a"), new("2", "b")])
    await world.settle()
    before = Redaction(finished_before_ms=world.clock.now_ms())
    assert await ledger.redact(before) == 0
    assert await ledger.redact(Redaction(lane="a")) == 1
    later = replace(before, finished_before_ms=world.clock.now_ms() + 1)
    assert await ledger.redact(later) == 1


async def test_a_redaction_comes_to_an_end_with_many_rows(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept([new(str(n), f"lane {n % 50}", handoff_id="h") for n in range(1_200)])
    await world.settle()
    assert await ledger.redact(Redaction(handoff_id="h")) == 1_200


def test_a_redaction_of_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="names a handoff"):
        Redaction()
