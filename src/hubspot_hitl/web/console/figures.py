"""The page of plots, each with its table, and the same numbers as CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from aiohttp import web

from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.figures import Figures, Rates
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.plots import duration_plot, outcome_plot, rate_plot
from hubspot_hitl.web.console.render import iso_text, problem, show
from hubspot_hitl.web.console.spans import (
    SPANS,
    Durations,
    Outcomes,
    RateUse,
    Span,
    durations,
    outcomes,
    rate_use,
)

MOST_PORTALS = 8
"""So many portals have a column of their own on the page; files have all."""


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a span."""

    span: Span
    now_ms: int
    outcomes: Outcomes
    durations: Sequence[Durations]
    rate: RateUse


async def gather(figures: Figures, rates: Rates, clock: Clock, span: Span) -> Report:
    """Read and sum up a span that ends now."""
    now_ms = clock.now_ms()
    starts = span.starts(now_ms)
    counted = await figures.counted(starts, span.bucket_ms)
    return Report(
        span,
        now_ms,
        outcomes(starts, counted),
        durations(starts, counted),
        rate_use(starts, await rates.peaks(starts, span.bucket_ms)),
    )


async def page(visit: Visit) -> web.StreamResponse:
    """Plots and tables."""
    span = SPANS.get(visit.request.query.get("span", "day"), SPANS["day"])
    desk = visit.desk
    report = await gather(desk.figures, desk.rates, desk.services.clock, span)
    return show(
        visit.frame,
        "figures.html",
        report=report,
        spans=list(SPANS.values()),
        outcome_plot=outcome_plot(report.outcomes),
        plots=[(one, duration_plot(one)) for one in report.durations],
        rate_plot=rate_plot(report.rate),
        most_portals=MOST_PORTALS,
    )


async def export(visit: Visit) -> web.StreamResponse:
    """The figures as a file: `figures.csv` or `figures.json`."""
    span = SPANS.get(visit.request.query.get("span", "day"))
    if span is None:
        return problem(visit.frame, 404, "span is hour, day or week.")
    desk = visit.desk
    report = await gather(desk.figures, desk.rates, desk.services.clock, span)
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
        "rate": [
            {
                "appId": one.budget.app_id,
                "portal": one.budget.portal,
                "used": [
                    {"from": iso_text(start), "share": share}
                    for start, share in zip(report.rate.starts, one.buckets, strict=True)
                ],
            }
            for one in report.rate.portals
        ],
    }


def as_csv(report: Report) -> str:
    """One line for each bucket of each figure."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["figure", "from", "count", "median_ms", "p90_ms", "max_ms", "share"])
    writer.writerows(_rows(report))
    return text.getvalue()


def _rows(report: Report) -> Iterator[list[object]]:
    for start, bucket in zip(report.outcomes.starts, report.outcomes.buckets, strict=True):
        for name, count in sorted(bucket.items()):
            yield [f"handoffs {name}", iso_text(start), count, "", "", "", ""]
    for one in report.durations:
        for start, found in zip(one.starts, one.buckets, strict=True):
            numbers = (found.median_ms, found.p90_ms, found.most_ms)
            yield [one.name, iso_text(start), found.count, *numbers, ""]
    for used in report.rate.portals:
        name = f"rate of app {used.budget.app_id} in portal {used.budget.portal}"
        for start, share in zip(report.rate.starts, used.buckets, strict=True):
            yield [name, iso_text(start), "", "", "", "", "" if share is None else share]
