"""`apply` by two replicas at once, and broken off at every call: nothing is made twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.databases import ENGINES, database_url

from hubspot_hitl.errors import HitlError
from hubspot_hitl.house import open_house
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.readiness import parse_configuration
from hubspot_hitl.ports.services import Services
from hubspot_hitl.settings import Settings
from hubspot_hitl.setup.apply import apply, plan_for
from hubspot_hitl.setup.subscriptions import WANTED
from hubspot_hitl.setup.unregister import unregister
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage

WEBHOOK = "https://webhook.example/hook"


async def opened(stack: AsyncExitStack, stage: Stage, url: str, folder: Path) -> Services:
    """The services of one replica."""
    settings = Settings(
        data_dir=folder,
        database_url=url,
        secret_keys=SecretStr("k1:" + "A" * 43 + "="),
        botpress_api_url=stage.botpress.url,
        hubspot_api_url=stage.hubspot.url,
    )
    return (await stack.enter_async_context(open_house(settings, work=False))).services


async def installed(services: Services, stage: Stage) -> Installation:
    configuration = parse_configuration(stage.configuration(transcriptMode="at-close"))
    return await services.installations.remember(
        Installation("hook", "bot", "integration", "alias", configuration, webhook_url=WEBHOOK)
    )


def held(stage: Stage) -> tuple[int, int, int, int]:
    """How many channels, accounts, transcript properties and subscriptions there are."""
    world = stage.hubspot.world
    portal = world.portals[stage.hubspot.options.portal_id]
    return (
        sum(not one.archived for one in world.channels.values()),
        len(portal.accounts),
        sum(name == "chat_transcript" for name in portal.properties.get("contacts", {})),
        len(world.subscriptions),
    )


@pytest.mark.parametrize("engine", ENGINES)
async def test_two_replicas_at_once_make_one_of_everything(
    engine: str, stage: Stage, tmp_path: Path
) -> None:
    stage.hubspot.world.subscriptions.clear()
    stage.hubspot.options.channel_visible_after_s = 0.3
    stage.hubspot.faults.add(Fault(FaultKind.LATENCY, ("channels.*",), seconds=0.05))
    async with database_url(engine, tmp_path) as url, AsyncExitStack() as stack:
        replicas = [await opened(stack, stage, url, tmp_path) for _ in range(2)]
        await installed(replicas[0], stage)
        found = [await one.installations.get("hook") for one in replicas]

        await asyncio.gather(
            *(apply(services, one) for services, one in zip(replicas, found, strict=True) if one)
        )

        assert held(stage) == (1, 1, 1, len(WANTED))
        bindings = [await one.installations.bindings("hook") for one in replicas]
        assert bindings[0] == bindings[1] != []


CALLS = (
    "channels.create",
    "accounts.create",
    "properties.create",
    "webhooks.settings.put",
    "webhooks.create",
)


@pytest.fixture
async def services(stage: Stage, tmp_path: Path) -> AsyncIterator[Services]:
    stage.hubspot.world.subscriptions.clear()
    async with AsyncExitStack() as stack:
        yield await opened(stack, stage, f"sqlite:///{tmp_path}/one.db", tmp_path)


BREAKS = [
    (call, kind)
    for call in CALLS
    for kind in (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, "500-after")
    if (call, kind) != ("channels.create", FaultKind.RESET_BEFORE)  # see test_channel.py
]


@pytest.mark.parametrize(("call", "kind"), BREAKS)
async def test_an_apply_that_breaks_off_is_completed_by_the_next(
    services: Services, stage: Stage, call: str, kind: str
) -> None:
    fault = (
        Fault(FaultKind.ERROR_500, (call,), times=1, after=True)
        if kind == "500-after"
        else Fault(FaultKind(kind), (call,), times=1)
    )
    stage.hubspot.faults.add(fault)
    one = await installed(services, stage)

    with suppress(HitlError):
        await apply(services, one)
    assert stage.hubspot.faults.struck.total() == 1
    await apply(services, one)

    assert held(stage) == (1, 1, 1, len(WANTED))
    assert not (await plan_for(services, one)).drifted


async def test_what_an_unanswered_uninstall_left_is_found_by_our_address(
    services: Services, stage: Stage
) -> None:
    one = await installed(services, stage)
    await apply(services, one)
    await services.installations.set_bindings("hook", [])  # as if an answer had been lost

    await unregister(services, one)

    assert held(stage)[0] == 0
    assert stage.hubspot.world.hook_settings is None
