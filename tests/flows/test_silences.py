"""Somebody is silent for too long: nobody takes the chat, the agent does not answer, the user."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.web import keys


async def a_house(stage: Stage, folder: Path, **seconds: int) -> House:
    house = House(stage, folder)
    await house.open()
    await stage.install(house.url, signing_secrets=(), **seconds)
    return house


async def reason_of(house: House, thread_id: str) -> str | None:
    services = house.runner.app[keys.SERVICES]  # type: ignore[union-attr]  # it runs
    (installation,) = await services.installations.all()
    found = await services.handoffs.by_threads(installation.id, [thread_id])
    reason = found[thread_id].end_reason
    return reason.value if reason else None


def comments(house: House, thread_id: str) -> list[str]:
    entries = house.stage.hubspot.transcript(thread_id)
    return [str(entry["text"]) for entry in entries if entry["type"] == "COMMENT"]


async def assert_over(house: House, chat: Chat, thread_id: str, reason: str, note: str) -> None:
    assert await reached(lambda: not chat.active, WITHIN_S)
    thread = house.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    await house.stage.hubspot.settled()
    assert await reason_of(house, thread_id) == reason
    assert len([text for text in comments(house, thread_id) if note in text]) == 1
    assert chat.counts["hitlStopped"] == 1


async def test_a_chat_that_nobody_takes_goes_back_to_the_bot(stage: Stage, tmp_path: Path) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=1)
    try:
        chat, thread_id = await house.handoff()
        await assert_over(house, chat, thread_id, "agent-assignment-timeout", "Nobody took")
        assert chat.counts["joined_texts"] == 0
    finally:
        await house.close()


async def test_a_silent_agent_is_reminded_before_the_chat_goes_back(
    stage: Stage, tmp_path: Path
) -> None:
    house = await a_house(stage, tmp_path, agentNudgeSeconds=1, agentSilentSeconds=2)
    try:
        chat, thread_id = await house.handoff()
        stage.hubspot.agents.assign(thread_id, "A-1111")
        await assert_over(house, chat, thread_id, "agent-response-timeout", "no answer in time")
        assert len([text for text in comments(house, thread_id) if "is waiting" in text]) == 1
        assert "no agent is available" in str(chat.lines[-2]["text"])
    finally:
        await house.close()


async def test_a_silent_user_is_asked_once_before_the_chat_ends(
    stage: Stage, tmp_path: Path
) -> None:
    house = await a_house(stage, tmp_path, userNudgeSeconds=1, userSilentSeconds=2)
    try:
        chat, thread_id = await house.handoff()
        stage.hubspot.agents.reply(thread_id, "A-1111", "What is your number?")
        await assert_over(house, chat, thread_id, "patient-left", "did not answer any more")
        said = [str(line["text"]) for line in chat.lines if line["author"] == "agent"]
        assert said == ["What is your number?", "Are you still there?", "This chat has ended."]
    finally:
        await house.close()


async def test_a_session_may_be_more_patient_than_the_installation(
    stage: Stage, tmp_path: Path
) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=1)
    plugin = stage.botpress.plugin
    try:
        patient = plugin.open_chat("Ada")
        await plugin.start_hitl(patient, history=[], session={"noAgentSeconds": 0})
        hasty, _ = await house.handoff()
        assert await reached(lambda: not hasty.active, WITHIN_S)
        assert patient.active
    finally:
        await house.close()


@pytest.mark.parametrize("by_agent", [True, False])
async def test_what_is_over_wakes_no_timer(stage: Stage, tmp_path: Path, *, by_agent: bool) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=1)
    try:
        chat, thread_id = await house.handoff()
        if by_agent:
            stage.hubspot.agents.close(thread_id)
        else:
            await stage.botpress.plugin.stop_hitl(chat)
        assert await reached(lambda: not chat.active, WITHIN_S)
        other, other_thread = await house.handoff(2)
        await assert_over(house, other, other_thread, "agent-assignment-timeout", "Nobody took")
        assert await reason_of(house, thread_id) != "agent-assignment-timeout"
    finally:
        await house.close()


async def test_a_timer_outlives_a_restart(stage: Stage, tmp_path: Path) -> None:
    house = await a_house(stage, tmp_path, noAgentSeconds=1)
    try:
        chat, thread_id = await house.handoff()
        await house.close()
        await house.open()
        await assert_over(house, chat, thread_id, "agent-assignment-timeout", "Nobody took")
    finally:
        await house.close()
