"""An event whose delivery was cut off is emitted by the next run, unless Botpress has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.botpress.memory import MemoryRuntime
from hubspot_hitl.effects.carry_out import NEXT_NOTE, Stage, carry_out
from hubspot_hitl.effects.reopened import open_question
from hubspot_hitl.errors import VendorFault, VendorUnreachable
from hubspot_hitl.handoff.records import EndReason
from hubspot_hitl.handoff.thread_effects import AskToResume, Effect, EmitAssigned, EmitStopped
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.clock import CLOCKS_APART_MS
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, Ledger

EFFECTS: list[Effect] = [EmitAssigned("A-1"), EmitStopped(EndReason.AGENT_CLOSED), AskToResume()]


@dataclass(frozen=True, slots=True)
class Same:
    """One bot for every installation."""

    runtime: BotRuntime

    def of(self, installation: Installation) -> BotRuntime:
        return self.runtime


@dataclass(frozen=True, slots=True)
class Unworked:
    """The ledger of the rooms, whose worker does not run: nothing is marked as begun.

    `done` is what was done before.
    """

    ledger: Ledger
    done: tuple[Delivery, ...] = ()

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)

    async def mark_started(self, delivery: Delivery) -> None:
        return None

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        found = [one for one in self.done if one.state in filter_.states]
        return [*found, *await self.ledger.find(filter_)]


def stage(rooms: Rooms, *, started: bool, error_code: str | None = None, seq: int = 1) -> Stage:
    it = Delivery(
        seq=seq,
        dedup_key=f"d{seq}",
        lane="handoff",
        kind="any",
        installation_id="hook",
        handoff_id="handoff",
        body={},
        state=DeliveryState.READY,
        attempts=1,
        due_ms=0,
        timer=False,
        accepted_ms=rooms.clock.now_ms(),
        started=started,
        error_code=error_code,
    )
    services = replace(rooms.services, ledger=cast("Ledger", Unworked(rooms.services.ledger)))
    return Stage(services, installation(), handoff(), it)


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda one: type(one).__name__)
async def test_the_event_of_an_earlier_session_is_not_taken_for_this_ones(effect: Effect) -> None:
    async with open_rooms() as rooms:
        await carry_out(stage(rooms, started=False), effect)
        rooms.clock.advance(2 * CLOCKS_APART_MS / 1000)
        await carry_out(stage(rooms, started=True), effect)
    assert len(rooms.bot.events) == 2


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda one: type(one).__name__)
async def test_the_event_of_a_session_that_ended_a_moment_ago_is_not_taken_for_this_ones(
    effect: Effect,
) -> None:
    async with open_rooms() as rooms:
        before = stage(rooms, started=False)
        await carry_out(before, effect)
        note = NEXT_NOTE.join(before.notes)
        done = replace(before.it, state=DeliveryState.DONE, note=note)
        again = stage(rooms, started=True)
        ledger = cast("Ledger", Unworked(rooms.services.ledger, (done,)))
        again.services = replace(again.services, ledger=ledger)
        await carry_out(again, effect)
    assert len(rooms.bot.events) == 2


@pytest.mark.parametrize("error_code", [None, VendorUnreachable.code, VendorFault.code])
@pytest.mark.parametrize("effect", EFFECTS, ids=lambda one: type(one).__name__)
async def test_a_delivery_that_failed_behind_its_event_emits_it_once(
    effect: Effect, error_code: str | None
) -> None:
    async with open_rooms() as rooms:
        await carry_out(stage(rooms, started=False), effect)
        await carry_out(stage(rooms, started=True, error_code=error_code), effect)
    assert len(rooms.bot.events) == 1


async def test_a_bot_that_answers_while_it_is_told_of_the_reopening_finds_the_question() -> None:
    async with open_rooms() as rooms:
        on = stage(rooms, started=False)
        found: list[object] = []

        class Quick(MemoryRuntime):
            async def create_event(self, *args: Any, **named: Any) -> str:
                found.append(await open_question(on.services, on.handoff))
                return await super().create_event(*args, **named)

        on.services = replace(on.services, bots=Same(Quick(clock=rooms.clock)))
        await carry_out(on, AskToResume())
    assert len(found) == 1
    assert None not in found
