"""The disk is full, or the database away: callers are told to keep it, and nothing else happens."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.chaos.arena import WITHIN_S, Server, Talk, talk, verdict
from tests.chaos.gate import Gate, gate_to
from tests.databases import database_url

from hubspot_hitl.twins.stage import Stage, Tally, reached

pytestmark = pytest.mark.chaos


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[tuple[Gate, str]]:
    """A PostgreSQL database behind a wire that can be cut, and its URL."""
    async with database_url("postgresql", tmp_path) as url:
        at = urlsplit(url)
        async with gate_to((at.hostname or "127.0.0.1", at.port or 5432)) as gate:
            user = f"{at.username}@" if at.username else ""
            yield gate, f"postgresql://{user}127.0.0.1:{gate.port}{at.path}"


def webhook_outcomes(stage: Stage) -> set[object]:
    return {entry["outcome"] for entry in stage.hubspot.journal.since(0, "hook")}


async def refused(stage: Stage, it: Talk) -> bool:
    """Both write, as people do who know nothing of databases; whether callers are sent away."""
    await it.exchange(stage, 3)
    return await reached(lambda: 503 in webhook_outcomes(stage), WITHIN_S)


@pytest.mark.postgres
async def test_while_the_database_is_away_callers_keep_what_they_have(
    stage: Stage, wire: tuple[Gate, str], tmp_path: Path
) -> None:
    gate, url = wire
    server = Server(stage, tmp_path, url)
    await server.open()
    try:
        await stage.install(server.url)
        it = await talk(stage, 1)
        await it.exchange(stage, 3)
        assert await reached(lambda: it.arrived(stage), WITHIN_S)
        gate.cut()
        assert await refused(stage, it)
        assert len(stage.heard_by_user(it.chat)) <= 3
        gate.mend()
        tally = Tally()
        await it.finish(stage, tally)
    finally:
        await server.close()
    verdict(tally, 1, 6)


async def test_on_a_full_disk_callers_keep_what_they_have(stage: Stage, embedded: Server) -> None:
    await embedded.spawn()
    await stage.install(embedded.url)
    it = await talk(stage, 1)
    await it.exchange(stage, 3)
    assert await reached(lambda: it.arrived(stage), WITHIN_S)
    assert embedded.process is not None
    pid = embedded.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4_096, hard))  # no file of its own may grow
    assert await refused(stage, it)
    assert embedded.process.returncode is None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    tally = Tally()
    await it.finish(stage, tally)
    verdict(tally, 1, 6)
