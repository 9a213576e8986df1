"""Pipelines and stages by the names people see, or by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubspot_hitl.crm.fields import cache_key
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, Pipeline, Stage
from hubspot_hitl.ports.services import KnownPipelines, Services

MAX_AGE_MS: Final = 600_000

STAGE_PROPERTIES: Final = {
    CrmType.DEAL: ("pipeline", "dealstage"),
    CrmType.TICKET: ("hs_pipeline", "hs_pipeline_stage"),
    CrmType.LEAD: ("hs_pipeline", "hs_pipeline_stage"),
}
"""The properties that hold pipeline and stage."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stage of a pipeline."""

    pipeline: Pipeline
    stage: Stage

    def properties(self, type_: CrmType) -> dict[str, str]:
        """What to write into a record to put it there."""
        pipeline, stage = STAGE_PROPERTIES[type_]
        return {pipeline: self.pipeline.id, stage: self.stage.id}


async def place_of(
    services: Services,
    installation: Installation,
    type_: CrmType,
    pipeline: str | None,
    stage: str | None,
) -> Place:
    """The stage that is meant; the first pipeline and the first stage where nothing is named.

    A stage without a pipeline is looked for in all of them. Raises ActionRefused, which names what
    there is; asks HubSpot again before it says no.
    """
    for fresh in (False, True):
        pipelines = await _pipelines(services, installation, type_, fresh=fresh)
        found = find_place(pipelines, pipeline, stage)
        if found is not None:
            return found
    raise ActionRefused(_refusal(type_, pipelines, pipeline, stage))


def find_place(
    pipelines: Sequence[Pipeline], pipeline: str | None, stage: str | None
) -> Place | None:
    """The stage that is meant, by id or by name whatever its case; None when there is none."""
    for one in pipelines:
        if pipeline and not _is(pipeline, one.id, one.label):
            continue
        for step in one.stages:
            if not stage or _is(stage, step.id, step.label):
                return Place(one, step)
    return None


async def _pipelines(
    services: Services, installation: Installation, type_: CrmType, *, fresh: bool
) -> tuple[Pipeline, ...]:
    key = cache_key(installation, f"pipelines:{type_.value}")
    known = services.known_pipelines.get(key)
    now = services.clock.now_ms()
    if known is not None and not fresh and now - known.fetched_ms < MAX_AGE_MS:
        return known.pipelines
    found = tuple(await services.crm.of(installation).pipelines(type_))
    services.known_pipelines[key] = KnownPipelines(found, now)
    return found


def _is(wanted: str, id_: str, label: str) -> bool:
    text = wanted.strip()
    return text == id_ or text.casefold() == label.strip().casefold()


def _refusal(
    type_: CrmType, pipelines: Sequence[Pipeline], pipeline: str | None, stage: str | None
) -> str:
    fitting = [one for one in pipelines if not pipeline or _is(pipeline, one.id, one.label)]
    if not fitting:
        names = ", ".join(repr(one.label) for one in pipelines) or "none"
        return f"There is no {type_.one} pipeline {pipeline!r}. There are: {names}."
    stages = "; ".join(
        f"{one.label!r}: {', '.join(repr(step.label) for step in one.stages)}" for one in fitting
    )
    return f"There is no {type_.one} stage {stage!r}. There are: {stages}."
