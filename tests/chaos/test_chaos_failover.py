"""The primary database dies or falls silent, and its stand-by takes over; nobody notices."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.chaos.arena import LONG, WITHIN_S, Server, figure, healthy, play_all, talk, verdict
from tests.chaos.standby import Pair, pair

from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.twins.stage import Stage, reached

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(not LONG, reason="makes two database servers: `make chaos` does"),
]

HANDOFFS, MESSAGES = 60, 20
BEFORE_S, AWAY_S = 4.0, 3.0


@pytest.fixture
async def servers() -> AsyncIterator[Pair]:
    async with pair() as both:
        await migrate(both.url())
        yield both


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_failover_under_load_loses_doubles_and_reorders_nothing(
    how: signal.Signals, stage: Stage, servers: Pair, tmp_path: Path
) -> None:
    """Killed, it refuses connections; stopped, it takes them and says nothing."""
    server = Server(stage, tmp_path, servers.url())
    await server.spawn()
    try:
        await stage.install(server.url)
        it = await talk(stage, 1)
        playing = asyncio.create_task(play_all(stage, HANDOFFS, MESSAGES, first=2, pause_s=0.2))
        await asyncio.sleep(BEFORE_S)
        assert not playing.done()
        servers.primary.strike(how)
        await asyncio.sleep(AWAY_S)
        await servers.promote()
        began = time.monotonic()
        while await healthy(server.url) != 200:
            assert time.monotonic() - began < WITHIN_S, "it did not come back"
            await asyncio.sleep(0.05)
        ready_s = time.monotonic() - began
        await it.exchange(stage, 1)
        assert await reached(lambda: it.arrived(stage), WITHIN_S)
        words_s = time.monotonic() - began
        tally = await playing
        figure(
            f"primary {'killed' if how is signal.SIGKILL else 'silent'}, stand-by promoted",
            f"ready in {ready_s:.1f} s, words both ways in {words_s:.1f} s",
        )
        assert await server.end(signal.SIGTERM) == 0
    finally:
        await server.end()
    verdict(tally, HANDOFFS, MESSAGES)
