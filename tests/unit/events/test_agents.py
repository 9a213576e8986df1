"""Who the user sees when HubSpot's directory does not know the agent."""

from __future__ import annotations

import pytest
from tests.rooms import installation, open_rooms

from hubspot_hitl.events.agents import UNNAMED, mirror_agent


@pytest.mark.parametrize(("said", "shown"), [("Zoe", "Zoe"), (None, UNNAMED)])
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
    assert agent.name == UNNAMED
