"""The page of plots, each with its table, and the same numbers as CSV and JSON."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from aiohttp import web

from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.figures import DeliveryTimes, Figures, HandoffTimes
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.plots import duration_plot, outcome_plot
from hubspot_hitl.web.console.render import iso_text, problem, show
from hubspot_hitl.web.console.spans import SPANS, Durations, Outcomes, Span, durations, outcomes

MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a span. `sampled`: there was more than was read, the newest were taken."""

    span: Span
    now_ms: int
    outcomes: Outcomes
    durations: Sequence[Durations]
    sampled: bool


async def gather(figures: Figures, clock: Clock, span: Span) -> Report:
    """Read and sum up a span that ends now."""
    now_ms = clock.now_ms()
    since_ms = span.starts(now_ms)[0]
    handoffs = await figures.handoffs(since_ms, MOST_ROWS)
    deliveries = await figures.deliveries(since_ms, MOST_ROWS)
    # Tens of thousands of rows: summed up beside the event loop, which has messages to relay.
    return await asyncio.to_thread(_summed_up, span, now_ms, handoffs, deliveries)


def _summed_up(
    span: Span,
    now_ms: int,
    handoffs: Sequence[HandoffTimes],
    deliveries: Sequence[DeliveryTimes],
) -> Report:
    return Report(
        span,
        now_ms,
        outcomes(span, now_ms, handoffs),
        durations(span, now_ms, handoffs, deliveries),
        MOST_ROWS in (len(handoffs), len(deliveries)),
    )


async def page(visit: Visit) -> web.StreamResponse:
    """Plots and tables."""
    span = SPANS.get(visit.request.query.get("span", "day"), SPANS["day"])
    report = await gather(visit.desk.figures, visit.desk.services.clock, span)
    return show(
        visit.frame,
        "figures.html",
        report=report,
        spans=list(SPANS.values()),
        outcome_plot=outcome_plot(report.outcomes),
        plots=[(one, duration_plot(one)) for one in report.durations],
    )


async def export(visit: Visit) -> web.StreamResponse:
    """The figures as a file: `figures.csv` or `figures.json`."""
    span = SPANS.get(visit.request.query.get("span", "day"))
    if span is None:
        return problem(visit.frame, 404, "span is hour, day or week.")
    report = await gather(visit.desk.figures, visit.desk.services.clock, span)
    if visit.request.match_info["form"] == "json":
        return web.json_response(as_json(report))
    return web.Response(
        text=as_csv(report),
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="figures-{span.name}.csv"'},
    )


def as_json(report: Report) -> dict[str, object]:
    """The report for machines."""
    return {
        "span": report.span.name,
        "bucketSeconds": report.span.bucket_ms // 1000,
        "until": iso_text(report.now_ms),
        "sampled": report.sampled,
        "outcomes": [
            {"from": iso_text(start), **bucket}
            for start, bucket in zip(report.outcomes.starts, report.outcomes.buckets, strict=True)
        ],
        "durations": {
            one.name: [
                {"from": iso_text(start), **asdict(bucket)}
                for start, bucket in zip(one.starts, one.buckets, strict=True)
            ]
            for one in report.durations
        },
    }


def as_csv(report: Report) -> str:
    """One line for each bucket of each figure."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["figure", "from", "count", "median_ms", "p90_ms", "max_ms"])
    writer.writerows(_rows(report))
    return text.getvalue()


def _rows(report: Report) -> Iterator[list[object]]:
    for start, bucket in zip(report.outcomes.starts, report.outcomes.buckets, strict=True):
        for name, count in sorted(bucket.items()):
            yield [f"handoffs {name}", iso_text(start), count, "", "", ""]
    for one in report.durations:
        for start, found in zip(one.starts, one.buckets, strict=True):
            numbers = (found.median_ms, found.p90_ms, found.most_ms)
            yield [one.name, iso_text(start), found.count, *numbers]
