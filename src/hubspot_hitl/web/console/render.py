"""Turns templates into pages. Everything is escaped; a template never sees a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import web

from hubspot_hitl import __version__
from hubspot_hitl.web.console.access import Identity
from hubspot_hitl.web.console.assets import PACKAGE, asset_path

if TYPE_CHECKING:
    from jinja2 import Environment

UNKNOWN = "\N{EN DASH}"
NAV = (
    ("", "Overview"),
    ("/handoffs", "Handoffs"),
    ("/deliveries", "Deliveries"),
    ("/figures", "Figures"),
    ("/connections", "Connections"),
    ("/plan", "Plan"),
    ("/fields", "Fields"),
    ("/rules", "Rules"),
    ("/doctor", "Doctor"),
    ("/audit", "Audit"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page needs: where the console is, which page this is, who looks.

    `seen` is the moment at which the page was made, so that its stream misses nothing; `again` is
    the address that shows the same page anew.
    """

    base: str
    path: str
    who: Identity | None = None
    seen: str = ""
    again: str = ""

    def nav(self) -> list[tuple[str, str, bool]]:
        """Address, name and whether it is this page."""
        here = self.path.removeprefix(self.base).rstrip("/")
        return [
            (f"{self.base}{path or '/'}", name, here.startswith(path) if path else not here)
            for path, name in NAV
        ]


def show(frame: Frame, template: str, status: int = 200, **values: object) -> web.Response:
    """A page."""
    text = _environment().get_template(template).render(frame=frame, version=__version__, **values)
    return web.Response(text=text, status=status, content_type="text/html")


def problem(frame: Frame, status: int, what: str) -> web.Response:
    """A page that says what is wrong and what to do."""
    return show(frame, "problem.html", status, what=what)


def see(address: str) -> web.Response:
    """After a post: another page to look at."""
    return web.Response(status=303, headers={"Location": address})


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only people need pages

    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {
            "at": at_text,
            "iso": iso_text,
            "span": span_text,
            "pretty": pretty,
            "day": day_text,
            "ago": ago_text,
        }
    )
    environment.filters |= {"share": share_text, "minute": minute_text}
    environment.globals["asset_path"] = asset_path
    return environment


def at_text(at_ms: int | None) -> str:
    """A time of day with date, UTC.

    >>> at_text(1776427200123)
    '2026-04-17 12:00:00.123'
    """
    if at_ms is None:
        return UNKNOWN
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}"


def day_text(at_ms: int | None) -> str:
    """A time without milliseconds, UTC."""
    return at_text(at_ms).partition(".")[0]


def minute_text(at_ms: int | None) -> str:
    """A time without seconds, UTC.

    >>> minute_text(1776427200123)
    '2026-04-17 12:00'
    """
    return at_text(at_ms)[:16]


def iso_text(at_ms: int) -> str:
    """A time for machines."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def span_text(ms: float | None) -> str:
    """A duration for people.

    >>> span_text(12), span_text(1500), span_text(61_000), span_text(3_700_000)
    ('12 ms', '1.5 s', '1 min 1 s', '1 h 1 min')
    """
    if ms is None:
        return UNKNOWN
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def share_text(share: float | None) -> str:
    """A part of a whole, for people.

    >>> share_text(0.256)
    '26 %'
    """
    return UNKNOWN if share is None else f"{share:.0%}".replace("%", " %")


def ago_text(ms: float) -> str:
    """How long ago something was.

    >>> ago_text(300), ago_text(61_000)
    ('just now', '1 min 1 s ago')
    """
    return "just now" if ms < 1000 else f"{span_text(ms)} ago"


def pretty(value: Mapping[str, object]) -> str:
    """JSON to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
