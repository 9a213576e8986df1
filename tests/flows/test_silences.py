"""Somebody is silent for too long: nobody takes the chat, the agent does not answer, the user."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import WrongClock

from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.web import keys

PATIENCE_S = 60
"""It passes when a test says so: how long the test itself takes wakes no timer."""


async def a_house(stage: Stage, folder: Path, **seconds: int) -> House:
    house = House(stage, folder, clock=WrongClock(0))
    await house.open()
    await stage.install(house.url, signing_secrets=(), **seconds)
    return house


async def pass_time(house: House, seconds: int) -> None:
    """Let the server's clock go on once all that happened is done; it looks each second."""
    assert house.runner is not None
    assert isinstance(house.clock, WrongClock)
    ledger = house.runner.app[keys.SERVICES].ledger
    ready = DeliveryFilter(states=(DeliveryState.READY,))
    async with asyncio.timeout(WITHIN_S):
        while not all(one.timer for one in await ledger.find(ready)):  # noqa: ASYNC110 - told by the database
            await asyncio.sleep(0.02)
    house.clock.ahead_ms += seconds * 1000


async def reason_of(house: House, thread_id: str) -> str | None:
    services = house.runner.app[keys.SERVICES]  # type: ignore[union-attr]  # it runs
    (installation,) = await services.installations.all()
    found = await services.handoffs.by_threads(installation.id, [thread_id])
    reason = found[thread_id].end_reason
    return reason.value if reason else None


def comments(house: House, thread_id: str) -> list[str]:
    entries = house.stage.hubspot.transcript(thread_id)
    return [str(entry["text"]) for entry in entries if entry["type"] == "COMMENT"]


async def noted(house: House, thread_id: str, note: str) -> None:
    assert await reached(
        lambda: any(note in text for text in comments(house, thread_id)), WITHIN_S
    ), comments(house, thread_id)


async def assert_over(house: House, chat: Chat, thread_id: str, reason: str, note: str) -> None:
    assert await reached(lambda: not chat.active, WITHIN_S)
    thread = house.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    await noted(house, thread_id, note)
    await house.stage.hubspot.settled()
    async with asyncio.timeout(WITHIN_S):  # the effects of an end come before it is saved
        while await reason_of(house, thread_id) is None:  # noqa: ASYNC110 - told by the database
            await asyncio.sleep(0.02)
    assert await reason_of(house, thread_id) == reason
    assert len([text for text in comments(house, thread_id) if note in text]) == 1
    assert chat.counts["hitlStopped"] == 1


async def test_a_chat_that_nobody_takes_goes_back_to_the_bot(stage: Stage, tmp_path: Path) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=PATIENCE_S)
    try:
        chat, thread_id = await house.handoff()
        await pass_time(house, PATIENCE_S)
        await assert_over(house, chat, thread_id, "agent-assignment-timeout", "Nobody took")
        assert chat.counts["joined_texts"] == 0
    finally:
        await house.close()


async def test_a_silent_agent_is_reminded_before_the_chat_goes_back(
    stage: Stage, tmp_path: Path
) -> None:
    house = await a_house(
        stage, tmp_path, agentNudgeSeconds=PATIENCE_S, agentSilentSeconds=2 * PATIENCE_S
    )
    try:
        chat, thread_id = await house.handoff()
        stage.hubspot.agents.assign(thread_id, "A-1111")
        assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
        await pass_time(house, PATIENCE_S)
        await noted(house, thread_id, "is waiting")
        await pass_time(house, PATIENCE_S)
        await assert_over(house, chat, thread_id, "agent-response-timeout", "no answer in time")
        assert len([text for text in comments(house, thread_id) if "is waiting" in text]) == 1
        assert "no agent is available" in str(chat.lines[-2]["text"])
    finally:
        await house.close()


async def test_a_silent_user_is_asked_once_before_the_chat_ends(
    stage: Stage, tmp_path: Path
) -> None:
    house = await a_house(
        stage, tmp_path, userNudgeSeconds=PATIENCE_S, userSilentSeconds=2 * PATIENCE_S
    )
    try:
        chat, thread_id = await house.handoff()
        stage.hubspot.agents.reply(thread_id, "A-1111", "What is your number?")
        await house.until(chat, thread_id, agent=1)
        await pass_time(house, PATIENCE_S)
        await house.until(chat, thread_id, agent=2)
        await pass_time(house, PATIENCE_S)
        await assert_over(house, chat, thread_id, "patient-left", "did not answer any more")
        said = [str(line["text"]) for line in chat.lines if line["author"] == "agent"]
        assert said == ["What is your number?", "Are you still there?", "This chat has ended."]
    finally:
        await house.close()


async def test_a_session_may_be_more_patient_than_the_installation(
    stage: Stage, tmp_path: Path
) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=PATIENCE_S)
    plugin = stage.botpress.plugin
    try:
        patient = plugin.open_chat("Ada")
        await plugin.start_hitl(patient, history=[], session={"noAgentSeconds": 0})
        hasty, _ = await house.handoff()
        await pass_time(house, PATIENCE_S)
        assert await reached(lambda: not hasty.active, WITHIN_S)
        assert patient.active
    finally:
        await house.close()


@pytest.mark.parametrize("by_agent", [True, False])
async def test_what_is_over_wakes_no_timer(stage: Stage, tmp_path: Path, *, by_agent: bool) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=PATIENCE_S)
    try:
        chat, thread_id = await house.handoff()
        if by_agent:
            stage.hubspot.agents.close(thread_id)
        else:
            await stage.botpress.plugin.stop_hitl(chat)
        assert await reached(lambda: not chat.active, WITHIN_S)
        other, other_thread = await house.handoff(2)
        await pass_time(house, PATIENCE_S)
        await assert_over(house, other, other_thread, "agent-assignment-timeout", "Nobody took")
        assert await reason_of(house, thread_id) != "agent-assignment-timeout"
    finally:
        await house.close()


async def test_a_timer_outlives_a_restart(stage: Stage, tmp_path: Path) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=PATIENCE_S)
    try:
        chat, thread_id = await house.handoff()
        await house.close()
        await house.open()
        await pass_time(house, PATIENCE_S)
        await assert_over(house, chat, thread_id, "agent-assignment-timeout", "Nobody took")
    finally:
        await house.close()
