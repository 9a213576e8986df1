"""`python -m benchmarks [--quick] [--engine sqlite|postgresql] [--json FILE]`, all on loopback."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson
import uvloop

from benchmarks import bench, report, traffic
from benchmarks.http11 import Client, request
from benchmarks.processes import Running, free_port, running
from benchmarks.world import seed

POSTGRES = os.environ.get("HITL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
SERVER_CORE, OTHERS_CORE = 0, 1
KEYS = "bench:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
SERVE = ("-c", "from hubspot_hitl.cli import main; main()", "serve")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    seconds: float
    closed: int
    installations: int = 10
    handoffs: int = 1_000
    rate_per_s: float = 200
    workers: int = 64
    batches: int = 20
    latencies: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.040, 0.020))
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000)
    idle_s: float = 10


QUICK = Plan(3, 3_000, batches=5, latencies=((0.0, 0.0),), sizes=(), idle_s=3)
WHOLE = Plan(10, 10_000)


def main() -> None:
    """Measure, print one table, write JSON."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute, SQLite only")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--json", type=Path, default=Path("artifacts/bench.json"))
    parser.add_argument("--spy", help="the command py-spy: samples the server into artifacts/")
    parser.add_argument("--log-level", default="info")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else WHOLE
    engines = chosen.engine or (["sqlite"] if chosen.quick else ["sqlite", "postgresql"])
    os.sched_setaffinity(0, {OTHERS_CORE} if (os.cpu_count() or 1) > 1 else {0})
    found = uvloop.run(_measure(plan, engines, chosen.log_level, chosen.spy))
    result = {
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
        },
        "runs": found,
    }
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    print(report.table(found))
    sys.exit(1 if any(run["lost"] or run["repeated"] for run in found if "lost" in run) else 0)


async def _measure(
    plan: Plan, engines: list[str], log_level: str, spy: str | None
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []

    def note(engine: str, latency_ms: int, name: str, figures: bench.Figures) -> None:
        found.append({"engine": engine, "latency_ms": latency_ms, "name": name, **figures})
        print(f"  {engine} {latency_ms} ms {name}: done", file=sys.stderr, flush=True)

    vendor_port = free_port()
    health = request("GET", "/_bench/count", {}, b"")
    async with running(
        ("-m", "benchmarks.vendors", str(vendor_port)), vendor_port, core=OTHERS_CORE, health=health
    ):
        vendors = bench.Vendors(vendor_port)
        count = int(plan.rate_per_s * plan.seconds)
        floor_port = free_port()
        arguments = ("-m", "benchmarks.floor", str(floor_port), str(vendor_port))
        async with running(arguments, floor_port, core=SERVER_CORE) as floor:
            client = Client(floor_port)
            await client.warm(plan.workers)
            for hubspot_s, botpress_s in plan.latencies:
                await vendors.latency(hubspot_s, botpress_s)
                latency_ms = round(hubspot_s * 1000)
                run = uuid4().hex[:8]
                requests = traffic.floor_messages(count, f"fo{run}")
                figures = await bench.open_loop(client, vendors, floor, requests, plan.rate_per_s)
                note("floor", latency_ms, "open loop", figures)
                requests = traffic.floor_messages(plan.closed, f"fc{run}")
                figures = await bench.closed_loop(client, vendors, floor, requests, plan.workers)
                note("floor", latency_ms, "closed loop", figures)
            note("floor", 0, "idle", await bench.idle(floor, plan.idle_s))
            client.close()
        for engine in engines:
            async with _world(engine, vendor_port, log_level) as environment:
                port = int(environment["HITL_PORT"])
                where = {"installations": plan.installations, "handoffs": plan.handoffs}
                await seed(environment, **where)
                async with _server(environment, spy) as server:
                    note(engine, 0, "idle", await bench.idle(server, plan.idle_s))
                    client = Client(port)
                    await client.warm(plan.workers)
                    for hubspot_s, botpress_s in plan.latencies:
                        await vendors.latency(hubspot_s, botpress_s)
                        latency_ms = round(hubspot_s * 1000)
                        for name, figures in await _load(
                            plan, client, vendors, server, environment["HITL_PUBLIC_URL"]
                        ):
                            note(engine, latency_ms, name, figures)
                    client.close()
                await vendors.latency(0, 0)
                before = plan.handoffs
                for size in plan.sizes:
                    if size > before:
                        await seed(
                            environment,
                            installations=plan.installations,
                            handoffs=size,
                            first=before,
                        )
                        before = size
                    async with _server(environment, None) as server:
                        figures = await bench.idle(server, 3)
                        client = Client(port)
                        requests = traffic.user_messages(
                            2_000,
                            f"grow{size}{engine}",
                            installations=plan.installations,
                            handoffs=size,
                        )
                        used = await bench.closed_loop(
                            client, vendors, server, requests, plan.workers
                        )
                        client.close()
                        figures |= {"rss_used_mib": server.rss_mib, "per_s": used["per_s"]}
                        note(engine, 0, f"{size:,} open handoffs", figures)
    return found


async def _load(
    plan: Plan, client: Client, vendors: bench.Vendors, server: Running, public_url: str
) -> list[tuple[str, bench.Figures]]:
    run = uuid4().hex[:8]
    where = {"installations": plan.installations, "handoffs": plan.handoffs}
    count = int(plan.rate_per_s * plan.seconds)
    warm = traffic.user_messages(plan.handoffs, f"wu{run}", **where)
    await bench.closed_loop(client, vendors, server, warm, 16)
    found: list[tuple[str, bench.Figures]] = []
    requests = traffic.user_messages(count, f"uo{run}", **where)
    figures = await bench.open_loop(client, vendors, server, requests, plan.rate_per_s)
    found.append(("user to agent, open loop", figures))
    requests = traffic.agent_messages(count, f"ao{run}", **where, public_url=public_url)
    figures = await bench.open_loop(client, vendors, server, requests, plan.rate_per_s)
    found.append(("agent to user, open loop", figures))
    figures = await bench.batches(
        client, installations=plan.installations, public_url=public_url, size=100,
        times=plan.batches, handoffs=plan.handoffs,
    )  # fmt: skip
    found.append(("batch of 100 events", figures))
    await vendors.settled(0)
    requests = traffic.user_messages(plan.closed, f"uc{run}", **where)
    figures = await bench.closed_loop(client, vendors, server, requests, plan.workers)
    found.append(("user to agent, closed loop", figures))
    requests = traffic.agent_messages(plan.closed, f"ac{run}", **where, public_url=public_url)
    figures = await bench.closed_loop(client, vendors, server, requests, plan.workers)
    found.append(("agent to user, closed loop", figures))
    return found


@asynccontextmanager
async def _server(environment: dict[str, str], spy: str | None) -> AsyncIterator[Running]:
    """The real command, on its own core."""
    log = Path(environment["HITL_DATA_DIR"]) / "server.log"
    async with running(
        SERVE, int(environment["HITL_PORT"]), core=SERVER_CORE, environment=environment, log=log
    ) as server:
        watcher = await _spy(spy, server.pid) if spy else None
        yield server
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
async def _world(engine: str, vendor_port: int, log_level: str) -> AsyncIterator[dict[str, str]]:
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
        }


@asynccontextmanager
async def _postgres() -> AsyncIterator[str]:
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


if __name__ == "__main__":
    main()
