"""Where is measured: an empty database, a server on it with a core of its own, replicas of it."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

from benchmarks import traffic
from benchmarks.processes import Running, free_port, running

POSTGRES = os.environ.get("HITL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
SERVER_CORE, OTHERS_CORE = 0, 1
KEYS = "bench:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
SERVE = ("-c", "from hubspot_hitl.cli import main; main()", "serve")


@asynccontextmanager
async def server(
    environment: dict[str, str], spy: str | None = None, *, port: int | None = None
) -> AsyncGenerator[Running]:
    """The real command, on its own core; at another `port` it is a replica."""
    port = port or int(environment["HITL_PORT"])
    log = Path(environment["HITL_DATA_DIR"]) / f"server-{port}.log"
    changed = {**environment, "HITL_PORT": str(port)}
    async with running(SERVE, port, core=SERVER_CORE, environment=changed, log=log) as started:
        watcher = await _spy(spy, started.pid) if spy else None
        yield started
        if watcher is not None:
            watcher.send_signal(signal.SIGINT)
            await watcher.wait()


async def _spy(command: str, pid: int) -> asyncio.subprocess.Process:
    """Sample every thread's stack a hundred times a second, as folded stacks."""
    out = f"artifacts/profile-{pid}.txt"
    return await asyncio.create_subprocess_exec(
        command, "record", "--pid", str(pid), "--format", "raw", "--output", out, "--gil"
    )


@asynccontextmanager
async def world(engine: str, vendor_port: int, log_level: str) -> AsyncGenerator[dict[str, str]]:
    """An empty database and the settings of a server on it; both are gone afterwards."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hitl-bench-"))
        url = f"sqlite:///{folder}/bench.db"
        if engine == "postgresql":
            url = await stack.enter_async_context(_postgres())
        port, vendors = free_port(), f"http://127.0.0.1:{vendor_port}"
        yield {
            "HITL_HOST": "127.0.0.1",
            "HITL_PORT": str(port),
            "HITL_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "HITL_DATA_DIR": folder,
            "HITL_DATABASE_URL": url,
            "HITL_SECRET_KEYS": KEYS,
            "HITL_BOTPRESS_API_URL": vendors,
            "HITL_BOTPRESS_WEBHOOK_URL": vendors,
            "HITL_BOTPRESS_TOKEN": "bench-token",
            "HITL_BOTPRESS_SIGNING_SECRETS": traffic.SIGNING_SECRET,
            "HITL_HUBSPOT_API_URL": vendors,
            "HITL_LOG_LEVEL": log_level,
            "HITL_LOG_FORMAT": "json",
            # what runs by the clock would fall into whatever load is being measured
            "HITL_RECONCILE_CRON": "off",
            "HITL_REFRESH_CRON": "off",
        }


@asynccontextmanager
async def _postgres() -> AsyncGenerator[str]:
    import asyncpg

    name = f"hitl_bench_{uuid4().hex[:12]}"
    server = await asyncpg.connect(f"{POSTGRES}/postgres")
    try:
        await server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()
