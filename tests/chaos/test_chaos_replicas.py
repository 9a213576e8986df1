"""Several replicas share one PostgreSQL database; one after the other is killed."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest
from tests.chaos.arena import LONG, SEED, Server, play_all, verdict
from tests.chaos.gate import gate_to
from tests.databases import database_url

from hubspot_hitl.twins.stage import Stage

pytestmark = [pytest.mark.chaos, pytest.mark.postgres]

HANDOFFS, MESSAGES, KILLS = (200, 20, 30) if LONG else (8, 5, 1)


async def test_three_replicas_of_which_one_is_killed_every_few_seconds(
    stage: Stage, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    async with database_url("postgresql", tmp_path) as url:
        replicas = [Server(stage, tmp_path, url) for _ in range(3)]
        async with gate_to(*(("127.0.0.1", one.port) for one in replicas)) as gate:
            await asyncio.gather(*(one.spawn() for one in replicas))
            await stage.install(f"http://127.0.0.1:{gate.port}")
            playing = asyncio.create_task(play_all(stage, HANDOFFS, MESSAGES, pause_s=0.2))
            for _ in range(KILLS):
                victim = chance.choice(replicas)
                await asyncio.sleep(chance.uniform(0.3, 2.0 if LONG else 0.8))
                await victim.end(signal.SIGKILL)
                await asyncio.sleep(chance.uniform(0.0, 1.0))
                await victim.spawn()
            tally = await playing
            await asyncio.gather(*(one.end(signal.SIGTERM) for one in replicas))
    verdict(tally, HANDOFFS, MESSAGES)
