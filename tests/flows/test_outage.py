"""A vendor fails one of two installations: the other does not notice, and nothing is lost."""

from __future__ import annotations

import asyncio
import json

import aiohttp
from tests.flows.conftest import WITHIN_S, House
from tests.flows.test_plan_command import run

from hubspot_hitl.errors import Vendor
from hubspot_hitl.ports.circuits import waiting_for
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.web import keys

OTHER_PORTAL, OTHER_BOT = "7654321", "bot-other"


async def second(house: House) -> Chat:
    """A handoff of a second installation: another bot, another portal."""
    stage = house.stage
    world = stage.hubspot.world
    portal = world.add_portal(OTHER_PORTAL)
    grant = world.add_grant(OTHER_PORTAL)
    made = stage.botpress.install(
        house.url,
        stage.configuration(refreshToken=grant.refresh_token, inboxId=next(iter(portal.inboxes))),
        bot_id=OTHER_BOT,
    )
    answer = await stage.botpress.register(made)
    assert answer.accepted, answer.message
    chat = stage.botpress.plugin.open_chat("Other", "o@example.com", webhook_id=made.webhook_id)
    stage.botpress.plugin.say(chat, "A person, please.")
    await stage.botpress.plugin.start_hitl(chat, title="Other")
    return chat


def services_of(house: House) -> Services:
    assert house.runner is not None
    return house.runner.app[keys.SERVICES]


async def until_parked(services: Services, vendor: Vendor) -> None:
    """Wait until a delivery says that it waits for the vendor."""
    for _ in range(1_000):
        waiting = await services.ledger.find(DeliveryFilter(states=(DeliveryState.READY,)))
        if any(one.note == waiting_for(vendor) for one in waiting):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nothing waits for the vendor")


async def test_a_portal_that_fails_one_installation_costs_the_other_nothing(
    house: House, stage: Stage, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await house.handoff()
    other = await second(house)
    stage.hubspot.faults.set(Fault(FaultKind.ERROR_503, callers=(stage.hubspot.options.portal_id,)))
    words = [f"word {n}" for n in range(3)]
    for word in words:
        stage.botpress.plugin.say(chat, word)
    services = services_of(house)
    await until_parked(services, "hubspot")

    stage.botpress.plugin.say(other, "hello")
    other_thread = stage.thread_of(other)
    assert await reached(lambda: stage.heard_by_agent(other_thread) == ["hello"], WITHIN_S)
    assert 'hitl_circuits_open{vendor="hubspot"} 1.0' in await metrics(house, http)
    _, out = await run(house, "status", "--json")
    rows = json.loads(out.splitlines()[-1])["installations"]
    assert [
        row["waitingFor"].get("hubspot") for row in rows if row["portalId"] != OTHER_PORTAL
    ] == [1]
    assert [row["waitingFor"] for row in rows if row["portalId"] == OTHER_PORTAL] == [{}]

    stage.hubspot.faults.clear()
    await house.until(chat, thread_id, user=3)
    assert stage.heard_by_agent(thread_id) == words
    assert 'hitl_circuits_open{vendor="hubspot"} 0.0' in await metrics(house, http)


async def test_a_bot_that_is_away_for_one_installation_costs_the_other_nothing(
    house: House, stage: Stage
) -> None:
    chat, thread_id = await house.handoff()
    other = await second(house)
    agent = stage.hubspot.agents.list()[0].actor_id
    stage.hubspot.agents.assign(thread_id, agent)
    stage.hubspot.agents.reply(thread_id, agent, "first")
    await house.until(chat, thread_id, agent=1)
    stage.botpress.faults.set(
        Fault(FaultKind.RESET_BEFORE, callers=(stage.botpress.options.bot_id,))
    )
    for number in range(3):
        stage.hubspot.agents.reply(thread_id, agent, f"reply {number}")
    await until_parked(services_of(house), "botpress")

    stage.botpress.plugin.say(other, "hello")
    assert await reached(
        lambda: stage.heard_by_agent(stage.thread_of(other)) == ["hello"], WITHIN_S
    )
    stage.botpress.faults.clear()
    await house.until(chat, thread_id, agent=4)
    assert stage.heard_by_user(chat) == ["first", *(f"reply {n}" for n in range(3))]


async def metrics(house: House, http: aiohttp.ClientSession) -> str:
    async with http.get(f"{house.url}/metrics") as answer:
        return await answer.text()
