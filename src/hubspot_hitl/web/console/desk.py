"""Everything a console page may reach, in one value that `app` builds once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from hubspot_hitl.observing.metrics import Metrics
from hubspot_hitl.ports.audit import Audit
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.figures import Figures, Rates
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.doctor.examine import Surroundings
from hubspot_hitl.web.console.access import Access
from hubspot_hitl.web.console.checkup import Doctor


@dataclass(frozen=True, slots=True)
class Desk:
    """The console's ports, its lock and what was counted.

    `surroundings` is what the doctor needs of the process, `doctor` remembers its last report.
    `token_age` tells the age of the oldest access token in use, in seconds.
    `rate_used` tells how much of its limit at HubSpot the busiest portal has spent, 0 to 1.
    `circuits` tells which vendors do not answer.
    `closing` is set when the server stops, so that live streams end and do not hold it up.
    """

    services: Services
    audit: Audit
    figures: Figures
    rates: Rates
    metrics: Metrics
    access: Access
    rate_used: Callable[[], float] = lambda: 0.0
    token_age: Callable[[], float | None] = lambda: None
    surroundings: Callable[[], Awaitable[Surroundings]] | None = None
    doctor: Doctor = field(default_factory=Doctor)
    circuits: Circuits | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)


DESK = web.AppKey("desk", Desk)


async def end_streams(app: web.Application) -> None:
    """When the server stops: let live pages go, for each holds a connection open."""
    desk = app.get(DESK)
    if desk is not None:
        desk.closing.set()
