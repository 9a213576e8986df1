from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from tests.chaos.arena import FIGURES, LONG, SEED, STRUCK, Server, new_stage
from tests.databases import ENGINES, database_url

from hubspot_hitl.twins.stage import Stage


def pytest_report_header() -> str:
    return f"chaos: SEED={SEED}{' (long)' if LONG else ''}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    table = [*FIGURES, *((f"fault: {kind}", str(n)) for kind, n in sorted(STRUCK.items()))]
    width = max((len(what) for what, _ in table), default=0)
    for what, found in table if LONG else ():
        terminalreporter.write_line(f"{what:<{width}}  {found}")
    failed = [*terminalreporter.stats.get("failed", ()), *terminalreporter.stats.get("error", ())]
    if any("tests/chaos/" in report.nodeid for report in failed):
        terminalreporter.write_line(f"chaos: repeat it by: make chaos SEED={SEED}")


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Thousands of expected warnings would bury the one line that matters."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with new_stage() as stage:
        yield stage


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with database_url(str(request.param), tmp_path) as url:
        yield url


@pytest.fixture
async def server(stage: Stage, database: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that is not started; whatever was started is ended."""
    server = Server(stage, tmp_path, database)
    yield server
    await server.close()
    await server.end()


@pytest.fixture
async def embedded(stage: Stage, tmp_path: Path) -> AsyncIterator[Server]:
    """The same on SQLite alone, for what does not depend on the database."""
    server = Server(stage, tmp_path, f"sqlite:///{tmp_path / 'embedded.db'}")
    yield server
    await server.close()
    await server.end()
