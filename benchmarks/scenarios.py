"""What is measured in a run, in which order: the floor, then the same of each engine."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from benchmarks import bench, traffic
from benchmarks.http11 import Client, request
from benchmarks.plan import Plan
from benchmarks.processes import Running, free_port, running
from benchmarks.stand import OTHERS_CORE, SERVER_CORE, server, world
from benchmarks.world import seed, seed_history


@dataclass(slots=True)
class Measuring:
    """One run: its plan, its vendors, what it has found so far."""

    plan: Plan
    vendor_port: int
    vendors: bench.Vendors
    log_level: str
    spy: str | None
    keep: Callable[[list[dict[str, object]]], None]
    found: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def note(self, engine: str, latency_ms: int, name: str, figures: bench.Figures) -> None:
        """Keep what was found: a run that is broken off leaves what it has."""
        self.found.append({"engine": engine, "latency_ms": latency_ms, "name": name, **figures})
        self.keep(self.found)
        print(f"  {engine} {latency_ms} ms {name}: done", file=sys.stderr, flush=True)

    @property
    def where(self) -> dict[str, int]:
        """The installations and handoffs that messages are spread over."""
        return {"installations": self.plan.installations, "handoffs": self.plan.handoffs}

    def users(self, count: int, handoffs: int | None = None) -> traffic.Requests:
        """So many messages of users."""
        where = {**self.where, "handoffs": handoffs or self.plan.handoffs}
        return traffic.user_messages(count, f"u{uuid4().hex[:8]}", **where)

    def agents(self, count: int, public_url: str, per_s: float = 0) -> traffic.Requests:
        """So many messages of agents; with `per_s` each is written just before it is sent."""
        return traffic.agent_messages(
            count, f"a{uuid4().hex[:8]}", **self.where, public_url=public_url, per_s=per_s
        )


async def measure(
    plan: Plan,
    engines: list[str],
    log_level: str,
    spy: str | None,
    keep: Callable[[list[dict[str, object]]], None],
) -> list[dict[str, object]]:
    """Everything that `plan` asks for; one record of figures for each load.

    `keep` is given all that was found so far, after each load.
    """
    port = free_port()
    health = request("GET", "/_bench/count", {}, b"")
    arguments = ("-m", "benchmarks.vendors", str(port))
    async with running(arguments, port, core=OTHERS_CORE, health=health):
        it = Measuring(plan, port, bench.Vendors(port), log_level, spy, keep)
        await _floor(it)
        for engine in engines:
            async with world(engine, port, log_level) as environment:
                await seed(environment, **it.where)
                await _loads(it, engine, environment)
                await _late_check(it, engine, environment)
                if engine == "postgresql":
                    await _replicas(it, engine, environment)
                await _history(it, engine, environment)
                await _sizes(it, engine, environment)
    return it.found


@asynccontextmanager
async def _open(
    it: Measuring, environment: dict[str, str], spy: str | None = None
) -> AsyncGenerator[tuple[Running, Client]]:
    """A server with connections to it, once each handoff has had a message."""
    async with server(environment, spy) as started:
        client = Client(started.port)
        await client.warm(it.plan.workers)
        await bench.closed_loop(client, it.vendors, started, it.users(it.plan.handoffs), 16)
        yield started, client
        client.close()


async def _floor(it: Measuring) -> None:
    port, plan = free_port(), it.plan
    arguments = ("-m", "benchmarks.floor", str(port), str(it.vendor_port))
    async with running(arguments, port, core=SERVER_CORE) as floor:
        client = Client(port)
        await client.warm(plan.workers)
        for latency in plan.latencies:
            await it.vendors.latency(*latency)
            ms = round(latency[0] * 1000)
            requests = traffic.floor_messages(plan.open, f"fo{ms}")
            figures = await bench.open_loop(client, it.vendors, floor, requests, plan.rate_per_s)
            it.note("floor", ms, "open loop", figures)
            requests = traffic.floor_messages(plan.closed, f"fc{ms}")
            figures = await bench.closed_loop(client, it.vendors, floor, requests, plan.workers)
            it.note("floor", ms, "closed loop", figures)
        it.note("floor", 0, "idle", await bench.idle(floor, plan.idle_s))
        client.close()


async def _loads(it: Measuring, engine: str, environment: dict[str, str]) -> None:
    """The main loads, at each latency of the vendors."""
    async with server(environment) as started:
        it.note(engine, 0, "idle", await bench.idle(started, it.plan.idle_s))
    for latency in it.plan.latencies:
        await it.vendors.latency(*latency)
        async with _open(it, environment, it.spy) as (started, client):
            await _load(it, engine, round(latency[0] * 1000), started, client, environment)
    await it.vendors.latency(0, 0)


async def _load(
    it: Measuring,
    engine: str,
    latency_ms: int,
    started: Running,
    client: Client,
    environment: dict[str, str],
    suffix: str = "",
) -> None:
    plan, url = it.plan, environment["HITL_PUBLIC_URL"]
    for name, requests in (
        ("user to agent", it.users(plan.open)),
        ("agent to user", it.agents(plan.open, url, plan.rate_per_s)),
    ):
        figures = await bench.open_loop(client, it.vendors, started, requests, plan.rate_per_s)
        it.note(engine, latency_ms, f"{name}, open loop{suffix}", figures)
    figures = await bench.batches(
        client, installations=plan.installations, public_url=url, size=100,
        times=plan.batches, handoffs=plan.handoffs,
    )  # fmt: skip
    it.note(engine, latency_ms, f"batch of 100 events{suffix}", figures)
    await it.vendors.settled(0)
    for name, requests in (
        ("user to agent", it.users(plan.closed)),
        ("agent to user", it.agents(plan.closed, url)),
    ):
        figures = await bench.closed_loop(client, it.vendors, started, requests, plan.workers)
        it.note(engine, latency_ms, f"{name}, closed loop{suffix}", figures)


async def _late_check(it: Measuring, engine: str, environment: dict[str, str]) -> None:
    """An agent's messages where the thread's history is read only for late ones."""
    if not it.plan.late_check:
        return
    latency = it.plan.latencies[-1]
    await it.vendors.latency(*latency)
    async with _open(it, {**environment, "HITL_ORDER_CHECK": "late"}) as (started, client):
        url = environment["HITL_PUBLIC_URL"]
        requests = it.agents(it.plan.open, url, it.plan.rate_per_s)
        figures = await bench.open_loop(client, it.vendors, started, requests, it.plan.rate_per_s)
        name = "order checked when late: agent, open loop"
        it.note(engine, round(latency[0] * 1000), name, figures)
    await it.vendors.latency(0, 0)


async def _replicas(it: Measuring, engine: str, environment: dict[str, str]) -> None:
    """Several processes on one database; they share one core, so it shows the cost, not a gain."""
    for count in it.plan.replicas:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(server(environment, port=free_port()))
                for _ in range(count)
            ]
            clients = [Client(one.port) for one in servers]
            for client in clients:
                stack.callback(client.close)
                await client.warm(it.plan.workers // count + 1)
            for kind, requests in (
                ("user to agent", it.users(it.plan.closed)),
                ("agent to user", it.agents(it.plan.closed, environment["HITL_PUBLIC_URL"])),
            ):
                figures = await bench.spread(
                    clients, it.vendors, servers, requests, it.plan.workers
                )
                it.note(engine, 0, f"{count} replica(s): {kind}, as fast as they go", figures)


async def _history(it: Measuring, engine: str, environment: dict[str, str]) -> None:
    """The main loads again, over a ledger that keeps many finished deliveries."""
    if not it.plan.history:
        return
    await seed_history(environment, deliveries=it.plan.history, **it.where)
    suffix = f", {it.plan.history:,} done before"
    async with server(environment) as started:
        it.note(engine, 0, f"at rest{suffix}", await bench.idle(started, it.plan.idle_s))
    async with _open(it, environment) as (started, client):
        await _load(it, engine, 0, started, client, environment, suffix)


async def _sizes(it: Measuring, engine: str, environment: dict[str, str]) -> None:
    """Memory, start and speed by the number of open handoffs."""
    before = it.plan.handoffs
    for size in it.plan.sizes:
        if size > before:
            await seed(
                environment, installations=it.plan.installations, handoffs=size, first=before
            )
            before = size
        async with server(environment) as started:
            figures = await bench.idle(started, 3)
            client = Client(started.port)
            used = await bench.closed_loop(
                client, it.vendors, started, it.users(2_000, size), it.plan.workers
            )
            client.close()
            figures |= {"rss_used_mib": started.rss_mib, "per_s": used["per_s"]}
            figures["cpu_s_per_1000"] = used["cpu_s_per_1000"]
            it.note(engine, 0, f"{size:,} open handoffs", figures)
