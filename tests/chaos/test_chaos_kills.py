"""The server is killed, at chosen and at random moments; what both sides read stays the same."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest
from tests.chaos.arena import LONG, SEED, WITHIN_S, Server, Talk, play_all, talk, verdict

from hubspot_hitl.twins.stage import Stage, Tally

pytestmark = pytest.mark.chaos

POINTS = 1_000 if LONG else 4
KILLS = 40 if LONG else 3


async def conversation(stage: Stage, number: int) -> Tally:
    """One short handoff, from the start to the end."""
    tally = Tally()
    it = await talk(stage, number)
    await it.exchange(stage, 2)
    await it.finish(stage, tally)
    return tally


async def journalled(stage: Stage, server: Server, journal: Path) -> list[str]:
    """The calls of ports that one conversation makes."""
    await server.spawn("--journal", str(journal))
    await stage.install(server.url)
    await conversation(stage, 1)  # the first one makes people that later ones find
    assert server.process is not None
    server.process.send_signal(signal.SIGUSR1)
    await conversation(stage, 2)
    await server.end(signal.SIGTERM)
    return await asyncio.to_thread(lambda: journal.read_text().splitlines())


async def test_a_kill_before_or_after_any_port_call_changes_no_transcript(
    stage: Stage, server: Server, tmp_path: Path
) -> None:
    calls = await journalled(stage, server, tmp_path / "calls")
    points = [(when, n) for n in range(1, len(calls) + 1) for when in ("before", "after")]
    chosen = random.Random(SEED).sample(points, min(POINTS, len(points)))
    for number, (when, call) in enumerate(chosen, 10):
        if server.process is None:
            await server.spawn(when, str(call))
        assert server.process is not None
        server.process.send_signal(signal.SIGUSR1)
        playing = asyncio.create_task(conversation(stage, number))
        dying = asyncio.create_task(server.process.wait())
        await asyncio.wait({playing, dying}, return_when=asyncio.FIRST_COMPLETED)
        status = await server.end()
        # The one that takes over is the next to die; its trap sleeps until it is armed.
        following = chosen[number - 9] if number - 9 < len(chosen) else ("never", 0)
        await server.spawn(following[0], str(following[1]))
        tally = await asyncio.wait_for(playing, WITHIN_S)
        found = f"SEED={SEED}, {when} {calls[call - 1]}, exit {status}: {tally}"
        assert tally == Tally(1, 2, 2), found
    assert await server.end(signal.SIGTERM) == 0


async def test_kills_at_random_moments_lose_double_and_reorder_nothing(
    stage: Stage, server: Server
) -> None:
    chance = random.Random(SEED)
    handoffs, messages = (20 * KILLS, 20) if LONG else (12, 8)
    await server.spawn()
    await stage.install(server.url)
    playing = asyncio.create_task(play_all(stage, handoffs, messages, pause_s=0.1))
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        await server.end()
        await server.spawn()
    tally = await playing
    verdict(tally, handoffs, messages)


async def test_a_rolling_restart_loses_doubles_and_reorders_nothing(
    stage: Stage, server: Server
) -> None:
    await server.spawn()
    await stage.install(server.url)
    talks: list[Talk] = [await talk(stage, number) for number in range(1, 5)]
    tally = Tally()
    for _ in range(2):
        writing = [asyncio.create_task(it.exchange(stage, 8, pause_s=0.05)) for it in talks]
        await asyncio.sleep(0.2)
        assert await server.end(signal.SIGTERM) == 0
        await server.spawn()
        await asyncio.gather(*writing)
    for it in talks:
        await it.finish(stage, tally)
    verdict(tally, 4, 16)
