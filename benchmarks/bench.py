"""What is measured: each function loads a running server and returns its figures by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import orjson

from benchmarks import traffic
from benchmarks.http11 import Client, Outcome, request
from benchmarks.processes import Running

Figures = dict[str, float]
DRAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the vendors report: when each message arrived (monotonic ns), and how many calls."""

    at_ns: dict[str, int]
    calls: dict[str, int]
    repeated: int


class Vendors:
    """The remote control of the fake vendors."""

    def __init__(self, port: int) -> None:
        self._client = Client(port)

    async def _get(self, path: str) -> bytes:
        return (await self._client.ask(request("GET", f"/_bench/{path}", {}, b"")))[1]

    async def reset(self, requests: traffic.Requests) -> None:
        """Forget what arrived; these come next."""
        body = orjson.dumps(traffic.threads_of(requests))
        await self._client.ask(request("POST", "/_bench/reset", {}, body))

    async def latency(self, hubspot_s: float, botpress_s: float) -> None:
        """Answer so late from now on."""
        await self._get(f"latency?hubspot={hubspot_s}&botpress={botpress_s}")

    async def settled(self, messages: int) -> Seen:
        """What arrived, once `messages` have and no call has come for a moment."""
        deadline = time.monotonic() + DRAIN_S
        before = -1
        while time.monotonic() < deadline:
            now = cast("dict[str, int]", orjson.loads(await self._get("count")))
            if now["seen"] >= messages and now["calls"] == before:
                break
            before = now["calls"]
            await asyncio.sleep(0.2)
        report = orjson.loads(await self._get("seen"))
        return Seen(report["seen"], report["calls"], report["repeated"])


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


async def open_loop(
    client: Client, vendors: Vendors, server: Running, requests: traffic.Requests, per_s: float
) -> Figures:
    """Acknowledgement and added latency at a fixed rate."""
    await vendors.reset(requests)
    cpu_s = server.cpu_s
    out = await client.open_loop(requests, per_s)
    return _figures(out, await vendors.settled(len(requests)), server.cpu_s - cpu_s)


async def closed_loop(
    client: Client, vendors: Vendors, server: Running, requests: traffic.Requests, workers: int
) -> Figures:
    """Messages per second, counted until the vendor has the last one."""
    await vendors.reset(requests)
    cpu_s = server.cpu_s
    out = await client.closed_loop(requests, workers)
    return _figures(out, await vendors.settled(len(requests)), server.cpu_s - cpu_s)


async def spread(
    clients: Sequence[Client],
    vendors: Vendors,
    servers: Sequence[Running],
    requests: traffic.Requests,
    workers: int,
) -> Figures:
    """A closed loop over replicas, each with its share of the workers and of the messages."""
    await vendors.reset(requests)
    cpu_s = sum(server.cpu_s for server in servers)
    count = len(clients)
    outs = await asyncio.gather(
        *(
            client.closed_loop(requests[number::count], workers // count)
            for number, client in enumerate(clients)
        )
    )
    seen = await vendors.settled(len(requests))
    whole = Outcome(min(out.began_ns for out in outs), max(out.ended_ns for out in outs))
    for out in outs:
        whole.ack_ns += out.ack_ns
        whole.sent_ns |= out.sent_ns
        whole.refused += out.refused
    return _figures(whole, seen, sum(server.cpu_s for server in servers) - cpu_s)


def _figures(out: Outcome, seen: Seen, cpu_s: float) -> Figures:
    messages = len(out.sent_ns)
    added_ms = [
        (seen.at_ns[key] - sent_ns) / 1e6
        for key, sent_ns in out.sent_ns.items()
        if key in seen.at_ns
    ]
    ack_ms = [value / 1e6 for value in out.ack_ns]
    last_ns = max(seen.at_ns.values(), default=out.ended_ns)
    return {
        "messages": messages,
        "ack_p50_ms": percentile(ack_ms, 0.5),
        "ack_p99_ms": percentile(ack_ms, 0.99),
        "added_p50_ms": percentile(added_ms, 0.5),
        "added_p99_ms": percentile(added_ms, 0.99),
        "per_s": messages / ((max(last_ns, out.ended_ns) - out.began_ns) / 1e9),
        "cpu_s_per_1000": cpu_s / messages * 1000,
        "calls_per_message": sum(seen.calls.values()) / messages,
        "lost": messages - len(added_ms),
        "repeated": seen.repeated,
        "refused": out.refused,
        **{f"calls: {name}": count / messages for name, count in sorted(seen.calls.items())},
    }


async def batches(
    client: Client, *, installations: int, public_url: str, size: int, times: int, handoffs: int
) -> Figures:
    """Acknowledgement of webhooks with `size` events of as many threads."""
    ack_ms: list[float] = []
    size = min(size, handoffs // installations)
    for run in range(times):
        raw = traffic.status_batch(
            size,
            run,
            installation=run % installations,
            step=installations,
            public_url=public_url,
        )
        began = time.monotonic_ns()
        status, _ = await client.ask(raw)
        ack_ms.append((time.monotonic_ns() - began) / 1e6)
        if status != 200:
            raise RuntimeError(f"a batch was answered {status}")
        await asyncio.sleep(0.2)
    return {
        "events": size,
        "ack_p50_ms": percentile(ack_ms, 0.5),
        "ack_p99_ms": percentile(ack_ms, 0.99),
    }


async def idle(server: Running, seconds: float) -> Figures:
    """What a server does that nobody asks."""
    await asyncio.sleep(1)
    cpu_s, began = server.cpu_s, time.monotonic()
    await asyncio.sleep(seconds)
    share = (server.cpu_s - cpu_s) / (time.monotonic() - began)
    return {
        "idle_cpu_percent": share * 100,
        "rss_mib": server.rss_mib,
        "start_s": server.ready_s,
        "start_cpu_s": server.ready_cpu_s,
    }
