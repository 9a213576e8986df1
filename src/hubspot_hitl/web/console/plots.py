"""Plots as numbers for an SVG template: rectangles and marks with titles. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hubspot_hitl.web.console.render import day_text, span_text
from hubspot_hitl.web.console.spans import Durations, Outcomes

WIDTH, HEIGHT = 720, 190
LEFT, BOTTOM, TOP = 64, 24, 8


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `tone` is the number of a colour, `title` is read out and shown on hover."""

    x: float
    y: float
    width: float
    height: float
    tone: int
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a place on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything the template draws."""

    boxes: Sequence[Box]
    marks: Sequence[Box]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]


def duration_plot(found: Durations) -> Plot:
    """Bars to the median, a mark at the 90th percentile."""
    most = max((one.p90_ms or 0 for one in found.buckets), default=0)
    scale = _scale(most)
    step = (WIDTH - LEFT) / len(found.starts)
    boxes: list[Box] = []
    marks: list[Box] = []
    for index, (start, one) in enumerate(zip(found.starts, found.buckets, strict=True)):
        if one.median_ms is None or one.p90_ms is None:
            continue
        title = (
            f"{day_text(start)}: median {span_text(one.median_ms)},"
            f" 90 % within {span_text(one.p90_ms)}, {one.count} in all"
        )
        x = LEFT + index * step + step * 0.15
        height = max(1.0, scale(one.median_ms))
        boxes.append(Box(x, HEIGHT - BOTTOM - height, step * 0.7, height, 0, title))
        marks.append(Box(x, HEIGHT - BOTTOM - scale(one.p90_ms) - 1, step * 0.7, 2, 0, title))
    values = [most * part for part in _parts(most)]
    ticks = [Tick(HEIGHT - BOTTOM - scale(value), span_text(value)) for value in values]
    return Plot(boxes, marks, _times(found.starts, step), ticks)


def outcome_plot(found: Outcomes) -> Plot:
    """Stacked bars."""
    most = max((sum(bucket.values()) for bucket in found.buckets), default=0)
    scale = _scale(most)
    step = (WIDTH - LEFT) / len(found.starts)
    boxes: list[Box] = []
    for index, (start, bucket) in enumerate(zip(found.starts, found.buckets, strict=True)):
        top = float(HEIGHT - BOTTOM)
        for tone, name in enumerate(found.names):
            if bucket[name]:
                height = scale(bucket[name])
                top -= height
                title = f"{day_text(start)}: {bucket[name]} {name}"
                boxes.append(
                    Box(LEFT + index * step + step * 0.15, top, step * 0.7, height, tone % 8, title)
                )
    values = [most * part for part in _parts(most)]
    ticks = [Tick(HEIGHT - BOTTOM - scale(value), f"{value:g}") for value in values]
    return Plot(boxes, (), _times(found.starts, step), ticks)


def _scale(most: float) -> Callable[[float], float]:
    room = HEIGHT - BOTTOM - TOP
    return lambda value: room * value / most if most else 0.0


def _parts(most: float) -> tuple[float, ...]:
    return (0.0, 0.5, 1.0) if most else (0.0,)


def _times(starts: Sequence[int], step: float) -> list[Tick]:
    """Every few buckets a time; days where the span is longer than one."""
    every = max(1, len(starts) // 6)
    long = starts[-1] - starts[0] > 86_400_000
    form = "%a %H:%M" if long else "%H:%M"
    return [
        Tick(LEFT + (index + 0.5) * step, f"{datetime.fromtimestamp(at / 1000, UTC):{form}}")
        for index, at in enumerate(starts)
        if index % every == 0
    ]
