"""The doctor: what is wrong, why, and how to mend it. Runs when somebody asks."""

from __future__ import annotations

import asyncio

from aiohttp import web

from hubspot_hitl.errors import CallerError
from hubspot_hitl.setup.doctor.examine import examine
from hubspot_hitl.web.console.checkup import Report
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import problem, see, show

TIMEOUT_S = 120.0
ORDER = ("error", "warning", "ok")


async def page(visit: Visit) -> web.StreamResponse:
    """The last report, the worst first, and the buttons for another."""
    report = visit.desk.doctor.report
    findings = sorted(report.findings, key=lambda one: ORDER.index(one.severity)) if report else ()
    return show(
        visit.frame,
        "doctor.html",
        report=report,
        findings=findings,
        running=visit.desk.doctor.lock.locked(),
        now_ms=visit.desk.services.clock.now_ms(),
    )


async def run(visit: Visit) -> web.StreamResponse:
    """Run every check; with `trip`, send a marked message into each inbox and back."""
    desk, services = visit.desk, visit.desk.services
    trip = (await visit.form()).get("trip") == "yes"
    if desk.surroundings is None:
        raise CallerError("This server was built without the doctor.")
    if desk.doctor.lock.locked():
        return problem(visit.frame, 409, "The doctor is at work already. Look again in a moment.")
    async with desk.doctor.lock:
        await desk.audit.append(visit.who.name, "doctor.run", "console", {"roundTrip": trip})
        began_ms = services.clock.now_ms()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                installations = await services.installations.all()
                found = await examine(services, await desk.surroundings(), installations, trip=trip)
        except TimeoutError:
            return problem(
                visit.frame, 504, "The checks took too long. `hubspot-hitl doctor` has no limit."
            )
        took_ms = services.clock.now_ms() - began_ms
        desk.doctor.report = Report(found, began_ms, took_ms, visit.who.name)
    return see(f"{visit.frame.base}/doctor")
