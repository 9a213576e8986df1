"""`/metrics`: what was counted, in Prometheus's text format, from a registry of our own.

`prometheus_client` is imported at the first scrape, so that a server that nobody scrapes starts
without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from hubspot_hitl import __version__
from hubspot_hitl.errors import Vendor
from hubspot_hitl.observing.metrics import Histogram, Metrics
from hubspot_hitl.ports.ledger import LedgerHealth
from hubspot_hitl.web.console.desk import DESK


@dataclass(frozen=True, slots=True)
class Gauges:
    """What the database, and the rate limiter, say now."""

    ledger: LedgerHealth
    handoffs: Mapping[str, int]
    now_ms: int
    rate_used: float = 0.0
    circuits_open: Mapping[Vendor, int] = field(default_factory=dict[Vendor, int])
    token_age_s: float | None = None


class _Snapshot(Collector):
    """One scrape."""

    def __init__(self, counted: Metrics, gauges: Gauges) -> None:
        self._counted = counted
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield from self._counters()
        yield from self._histograms()
        yield from self._now()

    def _counters(self) -> Iterator[Metric]:
        accepted = CounterMetricFamily(
            "hitl_accepted_deliveries", "Deliveries handed to the ledger", labels=["known"]
        )
        for name in ("new", "known"):
            accepted.add_metric([str(name == "known").lower()], self._counted.accepted[name])
        yield accepted
        deliveries = CounterMetricFamily(
            "hitl_deliveries", "Deliveries that ended", labels=["direction", "kind", "outcome"]
        )
        for labels, count in sorted(self._counted.deliveries.items()):
            deliveries.add_metric(list(labels), count)
        yield deliveries
        retries = CounterMetricFamily(
            "hitl_delivery_retries",
            "Failed attempts that are repeated",
            labels=["kind", "code"],
        )
        for (kind, code), count in sorted(self._counted.retries.items()):
            retries.add_metric([kind, code], count)
        yield retries
        yield CounterMetricFamily(
            "hitl_hubspot_throttled",
            "Answers of HubSpot with status 429",
            value=self._counted.hubspot_throttled,
        )

    def _histograms(self) -> Iterator[Metric]:
        relay = HistogramMetricFamily(
            "hitl_relay_delay_seconds", "From due to done, one delivery", labels=["direction"]
        )
        for direction, histogram in self._counted.relay.items():
            _fill(relay, [direction], histogram)
        yield relay
        waits = HistogramMetricFamily(
            "hitl_first_agent_seconds", "From the request for a person until an agent has it"
        )
        _fill(waits, [], self._counted.first_agent)
        yield waits
        calls = HistogramMetricFamily(
            "hitl_vendor_call_seconds",
            "One call to a vendor",
            labels=["vendor", "operation", "outcome"],
        )
        for labels, histogram in sorted(self._counted.calls.items()):
            _fill(calls, list(labels), histogram)
        yield calls

    def _now(self) -> Iterator[Metric]:
        gauges = self._gauges
        states = GaugeMetricFamily("hitl_handoffs", "Handoffs by state", labels=["state"])
        for state, count in sorted(gauges.handoffs.items()):
            states.add_metric([state], count)
        yield states
        yield GaugeMetricFamily(
            "hitl_deliveries_waiting", "Deliveries not done yet", gauges.ledger.ready
        )
        yield GaugeMetricFamily("hitl_dead_letters", "Deliveries given up", gauges.ledger.dead)
        oldest_ms = gauges.ledger.oldest_ready_ms
        age_s = 0.0 if oldest_ms is None else max(0, gauges.now_ms - oldest_ms) / 1000
        yield GaugeMetricFamily(
            "hitl_oldest_undelivered_seconds", "Age of the oldest delivery not done yet", age_s
        )
        yield GaugeMetricFamily(
            "hitl_hubspot_rate_used_ratio",
            "Share of its rate limit that the busiest portal has spent",
            gauges.rate_used,
        )
        circuits = GaugeMetricFamily(
            "hitl_circuits_open",
            "Installations whose calls to a vendor wait because it does not answer them",
            labels=["vendor"],
        )
        for vendor, count in sorted(gauges.circuits_open.items()):
            circuits.add_metric([vendor], count)
        yield circuits
        if gauges.token_age_s is not None:
            yield GaugeMetricFamily(
                "hitl_token_age_seconds",
                "Age of the oldest access token in use; they last half an hour",
                gauges.token_age_s,
            )
        info = GaugeMetricFamily("hitl_build_info", "The running version", labels=["version"])
        info.add_metric([__version__], 1)
        yield info


def families(counted: Metrics, gauges: Gauges) -> Iterator[Metric]:
    """Every family of one scrape."""
    return _Snapshot(counted, gauges).collect()


def _fill(family: HistogramMetricFamily, labels: list[str], histogram: Histogram) -> None:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(histogram.counts)), strict=True))
    family.add_metric(labels, buckets, histogram.total)


def exposed(counted: Metrics, gauges: Gauges) -> bytes:
    """The text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(counted, gauges))
    return generate_latest(registry)


async def metrics(request: web.Request) -> web.Response:
    """Answer one scrape. 503, by the error middleware, while the database is away."""
    desk = request.app[DESK]
    services = desk.services
    gauges = Gauges(
        await services.ledger.health(),
        await services.handoffs.count_by_state(),
        services.clock.now_ms(),
        desk.rate_used(),
        desk.circuits.open_by_vendor() if desk.circuits else {},
        desk.token_age(),
    )
    return web.Response(
        body=exposed(desk.metrics, gauges), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )
