"""Both vendors answer 500, 429 or with a dead connection, again and again; nothing shows."""

from __future__ import annotations

import pytest
from tests.chaos.arena import (
    EVERYTHING_FAILS_SOMETIMES,
    LONG,
    SEED,
    Server,
    play_all,
    verdict,
)

from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage

pytestmark = pytest.mark.chaos

HANDOFFS, MESSAGES = (500, 20) if LONG else (12, 6)


async def test_failing_vendors_lose_double_and_reorder_nothing(
    stage: Stage, server: Server
) -> None:
    await server.open()
    await stage.install(server.url)
    stage.hubspot.faults.set(*EVERYTHING_FAILS_SOMETIMES, seed=SEED)
    stage.botpress.faults.set(*EVERYTHING_FAILS_SOMETIMES, seed=SEED + 1)
    tally = await play_all(stage, HANDOFFS, MESSAGES)
    verdict(tally, HANDOFFS, MESSAGES)
    for fault in EVERYTHING_FAILS_SOMETIMES:
        assert stage.hubspot.faults.struck[fault.kind.value]
        assert stage.botpress.faults.struck[fault.kind.value]


async def test_every_webhook_three_times_in_any_order_gives_the_same_transcript(
    stage: Stage, server: Server
) -> None:
    await server.open()
    await stage.install(server.url)
    stage.hubspot.faults.set(
        Fault(FaultKind.REDELIVER, ("webhook.*",), copies=2, seconds=0.3),
        Fault(FaultKind.REORDER, ("webhook.*",), seconds=0.3),
        seed=SEED,
    )
    tally = await play_all(stage, HANDOFFS, MESSAGES)
    await stage.hubspot.settled()
    verdict(tally, HANDOFFS, MESSAGES)
