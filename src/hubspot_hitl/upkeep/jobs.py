"""Work on a schedule: cron expressions in a time zone, each moment run once by all replicas.

Each moment is a delivery with its own key, so that however many processes share the ledger, one of
them takes it. A job's runs share a lane and never overlap. A run may take five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from cronsim import CronSim, CronSimError

from hubspot_hitl.crm.settings import keep_up
from hubspot_hitl.errors import BadSettings, VendorError
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.services import Job, Services
from hubspot_hitl.upkeep import reconcile

log = structlog.get_logger(__name__)

TICK: Final = "job.tick"
RUN: Final = "job.run"
GROUP: Final = "hubspot_hitl.jobs"
LATE_MS: Final = 300_000
REFRESH: Final = "refresh-fields"


def next_ms(job: Job, after_ms: int) -> int:
    """The next moment of a job after a moment (epoch ms), as the clocks of its zone show it.

    Raises BadSettings when the expression or the zone cannot be read, or no such day ever comes.

    >>> async def nothing(services: Services) -> str:
    ...     return ""
    >>> next_ms(Job("j", "30 0 * * *", nothing, zone="UTC"), 0)
    1800000
    """
    try:
        local = datetime.fromtimestamp(after_ms / 1000, ZoneInfo(job.zone))
        return round(next(CronSim(job.cron, local)).timestamp() * 1000)
    except (CronSimError, StopIteration):
        raise BadSettings(f"job {job.name!r}: {job.cron!r} is no cron expression") from None
    except (ZoneInfoNotFoundError, ValueError):
        raise BadSettings(f"job {job.name!r}: there is no time zone {job.zone!r}") from None


def registry(
    refresh_cron: str | None,
    zone: str,
    names: Sequence[str],
    *,
    reconcile_cron: str | None = None,
) -> Mapping[str, Job]:
    """The jobs of this process: the built-in ones, and those of packages that are named.

    A package offers a `Job` by the entry point group `hubspot_hitl.jobs`. Raises BadSettings for
    one that is not installed or cannot work.
    """
    found: dict[str, Job] = {}
    if refresh_cron:
        found[REFRESH] = Job(REFRESH, refresh_cron, refresh_fields, zone=zone)
    if reconcile_cron:
        found[reconcile.JOB] = Job(reconcile.JOB, reconcile_cron, reconcile.order_passes, zone=zone)
    for name in names:
        offered = next(iter(entry_points(group=GROUP, name=name)), None)
        job: object = offered.load() if offered else None
        if not isinstance(job, Job):
            raise BadSettings(f"HITL_JOBS names {name!r}, but no installed package offers it")
        found[job.name] = job
    for job in found.values():
        next_ms(job, 0)
    return MappingProxyType(found)


async def schedule(services: Services) -> None:
    """Write down the next moment of each job; what is there already stays."""
    now_ms = services.clock.now_ms()
    await services.ledger.accept(
        [_tick(job, next_ms(job, now_ms)) for job in services.jobs.values()]
    )


def _tick(job: Job, slot_ms: int) -> NewDelivery:
    return NewDelivery(
        # Another expression is another chain of moments; the old one ends by itself.
        dedup_key=f"{TICK}:{job.name}:{job.cron}:{job.zone}:{slot_ms}",
        lane=f"{TICK}:{job.name}",
        kind=TICK,
        installation_id="",
        body={"job": job.name, "cron": job.cron, "zone": job.zone, "slotMs": slot_ms},
        due_ms=slot_ms,
        timer=True,
    )


async def tick(services: Services, it: Delivery) -> Outcome:
    """Ask for the run of this moment, and write down the next; failing runs do not end the chain.

    After a stop, `latest` runs once for all moments that were missed, `skip` not at all, `all` once
    for each.
    """
    job, slot_ms = services.jobs.get(str(it.body["job"])), it.number("slotMs")
    if job is None or (job.cron, job.zone) != (it.body["cron"], it.body["zone"]):
        return Done(note="not scheduled any more")
    now_ms = services.clock.now_ms()
    following = _tick(job, next_ms(job, slot_ms if job.catch_up == "all" else max(now_ms, slot_ms)))
    if job.catch_up == "skip" and now_ms - slot_ms > LATE_MS:
        return Done(note="missed, and left out", then=[following])
    run_ = NewDelivery(
        dedup_key=f"{RUN}:{job.name}:{slot_ms}",
        lane=f"{RUN}:{job.name}",
        kind=RUN,
        installation_id="",
        body={"job": job.name, "slotMs": slot_ms},
    )
    return Done(then=[run_, following])


async def run(services: Services, it: Delivery) -> Outcome:
    """Run a job."""
    job = services.jobs.get(str(it.body["job"]))
    if job is None:
        return Done(note="not scheduled any more")
    return Done(note=await job.run(services))


async def refresh_fields(services: Services) -> str:
    """Read the fields of every portal anew and hold the routing rules against them.

    A portal that cannot be asked is logged and looked at the next time.
    """
    looked = changes = problems = failed = 0
    for installation in await services.installations.all():
        try:
            found = await keep_up(services, installation)
        except VendorError as error:
            log.warning("fields_not_refreshed", installation=installation.id, error=error.code)
            failed += 1
            continue
        looked += 1
        changes += len(found.changes)
        problems += len(found.problems)
    return f"{looked} portal(s): {changes} change(s), {problems} problem(s); {failed} not reached"


DELIVERIES = {TICK: tick, RUN: run}
"""Kind of delivery -> who handles it."""
