"""Masking as both sides see it: nothing that looks like a card number passes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.twins.stage import Stage, reached

CARD = "4111 1111 1111 1111"
MASKED = "[•••• 1111]"


@pytest.fixture
async def house(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """Installed with masking, and a pattern of the owner's."""
    house = House(stage, tmp_path)
    await house.open()
    await stage.install(house.url, redaction="mask", redactionPatterns=[r"KD-\d+"])
    yield house
    await house.close()


async def test_nothing_passes_to_the_agent_unmasked(house: House) -> None:
    plugin = house.stage.botpress.plugin
    chat = plugin.open_chat("Ada", "ada@example.com")
    plugin.say(chat, f"before {CARD}")
    await plugin.start_hitl(chat, title=f"title {CARD}", description="customer KD-4711")
    thread_id = house.stage.thread_of(chat)
    plugin.say(chat, f"live {CARD}, order 1234567890123")
    await house.until(chat, thread_id, user=1)
    transcript = house.stage.hubspot.transcript
    assert await reached(
        lambda: any(e["type"] == "COMMENT" for e in transcript(thread_id)), WITHIN_S
    )
    texts = "\n".join(str(entry["text"]) for entry in transcript(thread_id))
    assert (CARD in texts, "KD-4711" in texts) == (False, False)
    assert f"live {MASKED}, order 1234567890123" in texts
    assert f"before {MASKED}" in texts
    assert "customer [•••]" in texts


async def test_nothing_passes_to_the_user_unmasked(house: House) -> None:
    chat, thread_id = await house.handoff()
    agent = house.stage.hubspot.agents.list()[0].actor_id
    house.stage.hubspot.agents.assign(thread_id, agent)
    house.stage.hubspot.agents.reply(thread_id, agent, f"your card {CARD} of KD-1")
    await house.until(chat, thread_id, agent=1)
    assert house.stage.heard_by_user(chat) == [f"your card {MASKED} of [•••]"]


async def test_a_bad_pattern_is_refused_when_the_integration_is_saved(house: House) -> None:
    with pytest.raises(RuntimeError, match="Redaction pattern 1 is not a regular expression"):
        await house.stage.install(house.url, redactionPatterns=["("])
