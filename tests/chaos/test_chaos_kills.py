"""The server is killed, at chosen and at random moments; what both sides read stays the same."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest
from tests.chaos.arena import (
    LONG,
    SEED,
    WITHIN_S,
    Server,
    Talk,
    figure,
    play_all,
    talk,
    verdict,
)
from tests.chaos.killing import SETTINGS, a_picture, everything

from hubspot_hitl.twins.stage import Stage, Tally, reached

pytestmark = pytest.mark.chaos

POINTS = int(os.environ.get("POINTS") or (150 if LONG else 1))
KILLS = 40 if LONG else 3
RECOVERIES = 15 if LONG else 1
IDLE_S = 20.0
NEVER = ("never", "call", "0")
Point = tuple[str, str, str]


async def journalled(stage: Stage, server: Server, journal: Path, picture: str) -> list[str]:
    """The steps of one conversation."""
    await server.spawn("--journal", str(journal))
    await stage.install(server.url, **SETTINGS)
    assert await everything(stage, 1, picture) == []  # makes people that later ones find
    assert server.process is not None
    server.process.send_signal(signal.SIGUSR1)
    assert await everything(stage, 2, picture) == []
    await server.end(signal.SIGTERM)
    return await asyncio.to_thread(lambda: journal.read_text().splitlines())


async def test_a_kill_before_or_after_any_step_changes_nothing_that_anybody_sees(
    stage: Stage, server: Server, tmp_path: Path
) -> None:
    server.more = {"HITL_FETCH_ALLOW_PRIVATE": "true"}
    async with a_picture() as picture:
        steps = await journalled(stage, server, tmp_path / "steps", picture)
        names = {(kind, n): name for kind, n, name in (step.split(" ") for step in steps)}
        points: list[Point] = [(when, kind, n) for kind, n in names for when in ("before", "after")]
        chosen = random.Random(SEED).sample(points, min(POINTS, len(points)))
        killed = 0
        for number, point in enumerate(chosen, 10):
            if server.process is None:
                await server.spawn(*point)
            assert server.process is not None
            server.process.send_signal(signal.SIGUSR1)
            playing = asyncio.create_task(everything(stage, number, picture))
            dying = asyncio.create_task(server.process.wait())
            await asyncio.wait({playing, dying}, return_when=asyncio.FIRST_COMPLETED)
            killed += dying.done()
            status = await server.end()
            # The one that takes over is the next to die; its trap sleeps until it is armed.
            following = chosen[number - 9] if number - 9 < len(chosen) else NEVER
            await server.spawn(*following)
            problems = await asyncio.wait_for(playing, 3 * WITHIN_S)
            found = f"SEED={SEED}, {point} {names[point[1:]]}, exit {status}"
            assert problems == [], f"{found}: {problems}"
            assert len(stage.hubspot.world.threads) == number - 7, f"{found}: another thread"
    assert await server.end(signal.SIGTERM) == 0
    figure(
        f"kill -9 before or after a step ({server.engine})",
        f"{killed} of {len(points)} points; lost, doubled, out of order, left open: 0",
    )


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


async def test_words_arrive_soon_after_a_kill(stage: Stage, server: Server) -> None:
    """How soon is printed; here only counts that they do."""
    await server.spawn()
    await stage.install(server.url)
    it = await talk(stage, 1)
    took_s: list[float] = []
    for _ in range(RECOVERIES):
        await it.exchange(stage, 1)
        await server.end()
        await server.spawn()
        began = time.monotonic()
        await it.exchange(stage, 1)
        assert await reached(lambda: it.arrived(stage), WITHIN_S)
        took_s.append(time.monotonic() - began)
    took_s.sort()
    figure(
        f"kill -9 to words both ways, from listening ({server.engine})",
        f"half within {took_s[len(took_s) // 2]:.2f} s, all within {took_s[-1]:.2f} s",
    )
    if LONG:
        assert server.process is not None
        before_s = cpu_s(server.process.pid)
        await asyncio.sleep(IDLE_S)
        share = (cpu_s(server.process.pid) - before_s) / IDLE_S
        figure(f"idle, one chat open ({server.engine})", f"{share:.2%} of a core")
    tally = Tally()
    await it.finish(stage, tally)
    verdict(tally, 1, 2 * RECOVERIES)


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
