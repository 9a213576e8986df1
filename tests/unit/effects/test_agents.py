"""Who the user sees when HubSpot's directory does not know the agent."""

from __future__ import annotations

import pytest
from tests.rooms import installation, open_rooms

from hubspot_hitl.effects.agents import SYSTEM_ACTOR, UNKNOWN_MS, mirror_agent
from hubspot_hitl.errors import VendorFault


@pytest.mark.parametrize(("said", "shown"), [("Zoe", "Zoe"), (None, "Agent")])
async def test_an_unknown_agent_has_the_name_that_the_message_carries(
    said: str | None, shown: str
) -> None:
    async with open_rooms() as rooms:
        agent = await mirror_agent(rooms.services, installation(), "A-9", said)
    assert agent.name == shown


async def test_an_owner_who_hides_names_hides_this_one_too() -> None:
    async with open_rooms() as rooms:
        shy = installation(agentName=False)
        agent = await mirror_agent(rooms.services, shy, "A-9", "Zoe")
    assert agent.name == "Agent"


async def test_an_actor_that_hubspot_does_not_know_is_asked_for_again_after_a_minute() -> None:
    async with open_rooms() as rooms:
        for _ in range(3):
            await mirror_agent(rooms.services, installation(), "A-9")
        assert rooms.portal.calls.count("actor A-9") == 1
        rooms.clock.advance(UNKNOWN_MS / 1000)
        await mirror_agent(rooms.services, installation(), "A-9")
    assert rooms.portal.calls.count("actor A-9") == 2


async def test_an_actor_that_cannot_be_asked_for_is_asked_for_with_the_next_message() -> None:
    async with open_rooms() as rooms:
        rooms.portal.failing["actor A-9"] = VendorFault("busy", vendor="hubspot", operation="actor")
        for _ in range(2):
            await mirror_agent(rooms.services, installation(), "A-9")
    assert rooms.portal.calls.count("actor A-9") == 2


async def test_a_name_that_comes_with_a_later_message_is_taken() -> None:
    async with open_rooms() as rooms:
        await mirror_agent(rooms.services, installation(), "A-9")
        agent = await mirror_agent(rooms.services, installation(), "A-9", "Zoe")
    assert agent.name == "Zoe"


async def test_a_hidden_name_is_not_asked_for_with_each_message() -> None:
    async with open_rooms() as rooms:
        for _ in range(3):
            await mirror_agent(rooms.services, installation(agentName=False), "A-9", "Zoe")
    assert rooms.portal.calls.count("actor A-9") == 1


async def test_a_general_name_is_in_the_agents_language_and_can_be_replaced() -> None:
    async with open_rooms() as rooms:
        german = installation(agentName=False, agentLanguage="de-AT")
        assert (await mirror_agent(rooms.services, german, "A-1")).name == "Team"
        spanish = installation(agentLanguage="es")
        assert (await mirror_agent(rooms.services, spanish, SYSTEM_ACTOR)).name == "Soporte"
        own = installation(agentName=False, texts={"name-agent": "Team Bikes"})
        assert (await mirror_agent(rooms.services, own, "A-2")).name == "Team Bikes"
