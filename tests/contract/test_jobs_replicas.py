"""A job on two replicas of one database: each moment once, and never two runs at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.crm_portal import open_portal, services_of
from tests.databases import database_url

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.ports.services import Job, Services
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.upkeep import jobs

MOMENTS = 6
pytestmark = pytest.mark.postgres


class Runs:
    """Counts runs, and how many there are at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def of(self, replica: int, _services: Services) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= 1
        return f"by {replica}"


async def test_a_job_never_overlaps_itself_over_replicas(tmp_path: Path) -> None:
    runs = Runs()
    async with database_url("postgresql", tmp_path) as url, open_portal() as at:
        database = open_database(url)
        await database.start()
        replicas: list[LaneLedger] = []
        for number in (1, 2):
            handlers: dict[str, Any] = {}
            ledger = LaneLedger(PostgresEngine(url), handlers, SystemClock())
            job = Job("slow", "* * * * *", partial(runs.of, number))
            services = replace(services_of(at, SystemClock(), ledger=ledger), jobs={job.name: job})
            for kind, handle in jobs.DELIVERIES.items():
                handlers[kind] = partial(handle, services)
            await ledger.start()
            replicas.append(ledger)
        # Each moment falls due on both replicas at once, faster than a run ends.
        for slot in range(MOMENTS):
            body: dict[str, object] = {"job": "slow", "slotMs": slot}
            one = NewDelivery(f"{jobs.RUN}:slow:{slot}", f"{jobs.RUN}:slow", jobs.RUN, "", body)
            await asyncio.gather(*(ledger.accept([one]) for ledger in replicas))
        done = DeliveryFilter(kind=jobs.RUN, states=(DeliveryState.DONE,))
        async with asyncio.timeout(60):
            while len(found := await replicas[0].find(done)) < MOMENTS:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        for ledger in replicas:
            await ledger.stop()
        await database.close()
    assert len({one.dedup_key for one in found}) == MOMENTS
    assert runs.most == 1
