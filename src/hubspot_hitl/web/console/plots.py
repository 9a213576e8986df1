"""Plots as numbers for an SVG template: rectangles and marks with titles. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count, cycle

from hubspot_hitl.ports.figures import HOUR_MS, MINUTE_MS
from hubspot_hitl.web.console.render import day_text, share_text, span_text
from hubspot_hitl.web.console.spans import Durations, Outcomes, RateUse

WIDTH, HEIGHT = 440, 190
LEFT, BOTTOM, TOP = 60, 24, 10
MOST_STEPS = 4
TONES = 8
NEARLY_ALL = 0.8
"""Above this share of a rate limit its bar is drawn as a warning."""
_SECOND_MS, _DAY_MS = 1000, 24 * HOUR_MS
_UNITS = ((_DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (_SECOND_MS, "s"), (1, "ms"))
_NICE_MS = (
    *(ten * part for ten in (1, 10, 100) for part in (1, 2, 5)),
    *(_SECOND_MS * part for part in (1, 2, 5, 10, 20, 30)),
    *(MINUTE_MS * part for part in (1, 2, 5, 10, 20, 30)),
    *(HOUR_MS * part for part in (1, 2, 3, 6, 12)),
)


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


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where things lie: buckets from left to right, values from 0 to `most` upwards."""

    starts: Sequence[int]
    most: float

    @property
    def step(self) -> float:
        return (WIDTH - LEFT) / len(self.starts)

    def height(self, value: float) -> float:
        return (HEIGHT - BOTTOM - TOP) * value / self.most if self.most else 0.0

    def box(self, index: int, below: float, value: float, tone: int, title: str) -> Box:
        """A bar of at least a pixel's height above `below`."""
        height = max(1.0, self.height(value))
        y = max(0.0, HEIGHT - BOTTOM - self.height(below) - height)
        return Box(LEFT + (index + 0.15) * self.step, y, self.step * 0.7, height, tone, title)

    def mark(self, index: int, value: float) -> Box:
        """A line across a bar's width; the bar's title tells of it."""
        y = HEIGHT - BOTTOM - self.height(value) - 1
        return Box(LEFT + (index + 0.15) * self.step, y, self.step * 0.7, 2, 0, "")

    def y_ticks(self, step: float, text: Callable[[float], str]) -> list[Tick]:
        values = [step * number for number in range(round(self.most / step) + 1)]
        return [Tick(HEIGHT - BOTTOM - self.height(value), text(value)) for value in values]

    def x_ticks(self) -> list[Tick]:
        """Every few buckets a time; days where the span is longer than one."""
        every = max(1, len(self.starts) // 4)
        form = "%a %d" if self.starts[-1] - self.starts[0] > _DAY_MS else "%H:%M"
        return [
            Tick(
                LEFT + (index + 0.5) * self.step, f"{datetime.fromtimestamp(at / 1000, UTC):{form}}"
            )
            for index, at in enumerate(self.starts)
            if index % every == 0
        ]


def duration_plot(found: Durations) -> Plot:
    """Bars to the median, a mark at the 90th percentile."""
    most = max((one.p90_ms or 0 for one in found.buckets), default=0)
    step = _nice_ms(most)
    frame = _Frame(found.starts, _ceiling(most, step))
    boxes: list[Box] = []
    marks: list[Box] = []
    for index, (start, one) in enumerate(zip(found.starts, found.buckets, strict=True)):
        if one.median_ms is None or one.p90_ms is None:
            continue
        title = (
            f"{day_text(start)}: median {span_text(one.median_ms)},"
            f" 90 % within {span_text(one.p90_ms)}, {one.count} in all"
        )
        boxes.append(frame.box(index, 0, one.median_ms, 0, title))
        marks.append(frame.mark(index, one.p90_ms))
    return Plot(boxes, marks, frame.x_ticks(), frame.y_ticks(step, _short))


def outcome_plot(found: Outcomes) -> Plot:
    """Stacked bars."""
    most = max((sum(bucket.values()) for bucket in found.buckets), default=0)
    step = _nice(most)
    frame = _Frame(found.starts, _ceiling(most, step))
    boxes: list[Box] = []
    for index, (start, bucket) in enumerate(zip(found.starts, found.buckets, strict=True)):
        below = 0
        for tone, name in zip(cycle(range(TONES)), found.names, strict=False):
            if bucket[name]:
                title = f"{day_text(start)}: {bucket[name]} {name}"
                boxes.append(frame.box(index, below, bucket[name], tone, title))
                below += bucket[name]
    return Plot(boxes, (), frame.x_ticks(), frame.y_ticks(step, lambda value: f"{value:g}"))


def rate_plot(found: RateUse) -> Plot:
    """Bars to the highest share of the busiest portal; nearly all of it has a colour that warns."""
    frame = _Frame(found.starts, 1.0)
    boxes: list[Box] = []
    for index, (start, one) in enumerate(zip(found.starts, found.busiest, strict=True)):
        if one is not None:
            share, budget = one
            title = f"{day_text(start)}: {share_text(share)} of portal {budget.portal}"
            boxes.append(frame.box(index, 0, share, 3 if share >= NEARLY_ALL else 0, title))
    return Plot(boxes, (), frame.x_ticks(), frame.y_ticks(0.25, share_text))


def _nice_ms(most: float) -> float:
    """A round duration that fits into `most` at most `MOST_STEPS` times."""
    days = (_DAY_MS << power for power in count())
    return next(step for step in chain(_NICE_MS, days) if step * MOST_STEPS >= most)


def _nice(most: float) -> float:
    """The same for a count."""
    steps = (int(10**power) * part for power in count() for part in (1, 2, 5))
    return next(step for step in steps if step * MOST_STEPS >= most)


def _ceiling(most: float, step: float) -> float:
    return step * max(1, -(-most // step))


def _short(ms: float) -> str:
    """A round duration in its largest whole unit.

    >>> _short(120_000), _short(0), _short(500)
    ('2 min', '0', '500 ms')
    """
    if not ms:
        return "0"
    return next(f"{ms / size:g} {name}" for size, name in _UNITS if not ms % size)
