"""The first page: how many handoffs, who waits, what is stuck, how the vendors do."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from hubspot_hitl.handoff.records import HandoffState
from hubspot_hitl.observing.metrics import SECONDS, Histogram, Metrics
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import show

LONGEST_WAITS = 8
LATEST_DEAD = 8


@dataclass(frozen=True, slots=True)
class VendorLine:
    """How the calls to one vendor went since this process began."""

    name: str
    calls: int
    failed: int
    typical_ms: float | None
    slow_ms: float | None


async def overview(visit: Visit) -> web.StreamResponse:
    """Everything at a glance."""
    services = visit.desk.services
    health = await services.ledger.health()
    counts = await services.handoffs.count_by_state()
    dead = await services.ledger.find(
        DeliveryFilter(states=(DeliveryState.DEAD,), limit=LATEST_DEAD)
    )
    now_ms = services.clock.now_ms()
    oldest_ms = health.oldest_ready_ms
    return show(
        visit.frame,
        "overview.html",
        now_ms=now_ms,
        health=health,
        lag_ms=max(0, now_ms - oldest_ms) if oldest_ms is not None else 0,
        states=[(state.value, counts.get(state.value, 0)) for state in HandoffState],
        waiting=await visit.desk.figures.waiting(LONGEST_WAITS),
        dead=dead,
        vendors=vendor_lines(visit.desk.metrics),
        rate_used=visit.desk.rate_used(),
        token_age_s=visit.desk.token_age(),
        relay=visit.desk.metrics.relay,
        quantile=quantile_ms,
    )


def vendor_lines(metrics: Metrics) -> list[VendorLine]:
    """One line for each vendor."""
    lines: list[VendorLine] = []
    for vendor in ("botpress", "hubspot"):
        every, failed = Histogram(), 0
        for (name, _, outcome), one in metrics.calls.items():
            if name == vendor:
                every.counts = [a + b for a, b in zip(every.counts, one.counts, strict=True)]
                failed += sum(one.counts) if outcome != "ok" else 0
        total = sum(every.counts)
        lines.append(
            VendorLine(vendor, total, failed, quantile_ms(every, 0.5), quantile_ms(every, 0.99))
        )
    return lines


def quantile_ms(histogram: Histogram, share: float) -> float | None:
    """The bound of the bucket below which `share` of the values lie; None without values."""
    total = sum(histogram.counts)
    if not total:
        return None
    seen = 0
    for bound, count in zip((*SECONDS, SECONDS[-1]), histogram.counts, strict=True):
        seen += count
        if seen >= share * total:
            return bound * 1000
    return None
