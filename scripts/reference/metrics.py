"""docs/reference/metrics.md."""

from __future__ import annotations

from typing import get_args

from prometheus_client import Metric
from scripts.reference.note import NOTE

from hubspot_hitl.errors import Vendor
from hubspot_hitl.handoff.records import HandoffState
from hubspot_hitl.observing.metrics import SECONDS, WAITS, Histogram, Metrics
from hubspot_hitl.ports.ledger import LedgerHealth
from hubspot_hitl.web.exposition import Gauges, families


def metrics_page() -> str:
    """docs/reference/metrics.md."""
    lines = [
        "# Metrics",
        "",
        NOTE,
        "",
        "`GET /metrics` answers in Prometheus's text format. Labels have a closed set of values,",
        "never ids or texts; one that has not occurred yet has no line. Counters and histograms",
        "count since the process started. Gauges come from the database and are the same in every",
        "replica, so take `max`, not `sum`; except `hitl_hubspot_rate_used_ratio`,",
        "`hitl_token_age_seconds` and `hitl_circuits_open`, which each replica knows for itself.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for family in one_of_each():
        names = dict.fromkeys(name for one in family.samples for name in one.labels if name != "le")
        labels = ", ".join(f"`{name}`" for name in names)
        suffix = "_total" if family.type == "counter" else ""
        lines.append(
            f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |"
        )
    states = ", ".join(f"`{state}`" for state in HandoffState)
    vendors = ", ".join(f"`{vendor}`" for vendor in get_args(Vendor))
    bounds = ", ".join(f"{bound:g}" for bound in SECONDS)
    lines += [
        "",
        "| label | values |",
        "|---|---|",
        "| `direction` | `to_user` (what came from HubSpot), `to_agent` (everything else) |",
        "| `kind` | the [kinds of delivery](events.md#kinds-of-delivery) |",
        "| `known` | `true` for repetitions of what had been accepted before |",
        "| `outcome` | of deliveries `done` or `dead`; of calls `ok` or [a code](errors.md) |",
        "| `code` | [an error's code](errors.md), `internal_error` for a bug |",
        f"| `state` | {states} |",
        f"| `vendor` | {vendors} |",
        "| `operation` | a vendor's call, such as `messages.publish` |",
        "",
        f"The histograms' buckets end at {bounds} seconds; those of `hitl_first_agent_seconds` at",
        f"{', '.join(f'{bound:g}' for bound in WAITS)}.",
        "",
        "Alert rules are in `deploy/prometheus/hubspot-hitl.rules.yaml`;",
        "[when an alert fires](../how-to/alerts.md) says what to do.",
    ]
    return "\n".join(lines) + "\n"


def one_of_each() -> list[Metric]:
    """Every family of metrics with one sample at least, so that its labels show."""
    counted = Metrics()
    counted.deliveries["to_user", "hubspot.message", "done"] = 1
    counted.retries["hubspot.message", "vendor_fault"] = 1
    counted.calls["hubspot", "messages.publish", "ok"] = Histogram()
    health = LedgerHealth(ready=0, dead=0, oldest_ready_ms=None)
    gauges = Gauges(health, {"pending": 1}, 0, circuits_open={"hubspot": 1}, token_age_s=0.0)
    return list(families(counted, gauges))
