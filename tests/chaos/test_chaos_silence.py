"""No webhook arrives for a while; one pass of the reconciler makes both sides agree."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.chaos.arena import SEED, WITHIN_S, Server, Talk, talk, verdict
from tests.commands import run_command

from hubspot_hitl.ports.services import Services
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, Tally, reached
from hubspot_hitl.upkeep.compare import Cause
from hubspot_hitl.upkeep.reconcile import Reconciled, reconcile
from hubspot_hitl.web import keys

pytestmark = pytest.mark.chaos

SILENCE = Fault(FaultKind.SILENCE, ("webhook.*",))


def services_of(server: Server) -> Services:
    assert server.runner is not None
    return server.runner.app[keys.SERVICES]


async def one_pass(services: Services, *, dry_run: bool = False) -> Reconciled:
    (installation,) = await services.installations.all()
    while True:
        found = await reconcile(services, installation, grace_ms=-1_000, dry_run=dry_run)
        if not found.busy:
            return found
        await asyncio.sleep(0.05)  # what is under way is looked at by the next pass


async def silent_talks(stage: Stage, server: Server, count: int) -> list[Talk]:
    """Handoffs of which HubSpot tells nothing."""
    await server.open()
    await stage.install(server.url)
    stage.hubspot.faults.set(SILENCE, seed=SEED)
    talks = [await talk(stage, number) for number in range(1, count + 1)]
    await asyncio.gather(*(it.exchange(stage, 5) for it in talks))
    for it in talks:
        assert await reached(
            lambda it=it: len(stage.heard_by_agent(it.thread_id)) == 5,  # type: ignore[misc]  # mypy infers no default of a lambda
            WITHIN_S,
        )
    return talks


async def test_after_a_silence_one_pass_makes_both_sides_agree(
    stage: Stage, server: Server
) -> None:
    talks = await silent_talks(stage, server, 2)  # more would spend HubSpot's ten seconds' calls
    closed, _ = talks
    stage.hubspot.agents.close(closed.thread_id, closed.agent_id)
    services = services_of(server)
    found = await one_pass(services, dry_run=True)
    causes = [finding.cause for finding in found.findings]
    assert [causes.count(cause) for cause in (Cause.REPLY, Cause.ASSIGNMENT, Cause.CLOSE)] == [
        10,
        2,
        1,
    ]
    assert not any(stage.heard_by_user(it.chat) for it in talks)
    repaired = await one_pass(services)
    assert repaired.findings == found.findings
    assert await reached(lambda: all(it.arrived(stage) for it in talks), WITHIN_S)
    assert await reached(lambda: not closed.chat.active, WITHIN_S)
    assert [it.chat.counts["hitlAssigned"] for it in talks] == [1, 1]
    stage.hubspot.faults.clear()
    tally = Tally()
    for it in talks:
        await it.finish(stage, tally)
    verdict(tally, 2, 5)
    while await services.handoffs.find(active=True):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.05)  # the bot hears of an end before it is written down
    again = await one_pass(services)
    assert not again.findings


async def test_each_repair_is_audited_with_its_cause(stage: Stage, embedded: Server) -> None:
    (it,) = await silent_talks(stage, embedded, 1)
    services = services_of(embedded)
    await one_pass(services)
    assert services.evidence is not None
    entries = await services.evidence.audit.list(limit=100)
    actions = [entry.action for entry in entries if entry.action.startswith("repair.")]
    assert actions.count("repair.missed-reply") == 5
    assert actions.count("repair.missed-assignment") == 1
    assert await reached(lambda: it.arrived(stage), WITHIN_S)


async def test_what_webhooks_bring_late_changes_nothing_after_a_repair(
    stage: Stage, embedded: Server
) -> None:
    await embedded.open()
    await stage.install(embedded.url)
    stage.hubspot.faults.set(Fault(FaultKind.DELAY, ("webhook.*",), seconds=1.5), seed=SEED)
    it = await talk(stage, 1)
    await it.exchange(stage, 5)
    await asyncio.sleep(0.2)
    await one_pass(services_of(embedded))
    assert await reached(lambda: it.arrived(stage), WITHIN_S)
    await stage.hubspot.settled()
    tally = Tally()
    await it.finish(stage, tally)
    verdict(tally, 1, 5)
    assert it.chat.counts["hitlAssigned"] == 1


async def test_the_command_repairs_beside_a_running_server(stage: Stage, embedded: Server) -> None:
    (it,) = await silent_talks(stage, embedded, 1)
    await one_pass(services_of(embedded), dry_run=True)
    said = await run_command("reconcile", "--json", "--grace", "0", env=embedded.environment())
    causes = [json.loads(line)["cause"] for line in said.out.splitlines()]
    assert said.status == 0
    assert sorted(causes) == ["missed-assignment", *["missed-reply"] * 5]
    assert await reached(lambda: it.arrived(stage), WITHIN_S)
    assert stage.heard_by_user(it.chat) == it.answered
