"""Our comments are written once though HubSpot has no idempotency for them, and read well."""

from __future__ import annotations

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, commented, comments

from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import reached


def seen(home: House, thread_id: str) -> list[str]:
    """The comments as a reader sees them."""
    return [text.strip("\u200c\u200d") for text in comments(home, thread_id)]


async def test_nobody_sees_the_mark_of_a_comment(home: House) -> None:
    _, thread_id = await home.handoff()
    home.stage.hubspot.agents.comment(thread_id, agent(home), "/reask")
    await commented(home, thread_id, "No agent has written")
    history, _, answer = seen(home, thread_id)
    assert answer == "No agent has written to the user yet."
    assert "[" not in history


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_comment_whose_answer_is_lost_is_not_written_twice(
    home: House, keeps: bool
) -> None:
    home.stage.hubspot.options.keeps_unseen_signs = keeps
    _, thread_id = await home.handoff()
    await commented(home, thread_id, "Conversation before the handoff")
    faults = home.stage.hubspot.faults
    faults.add(Fault(FaultKind.RESET_AFTER, ("thread_messages.create",), times=1))
    for command in ("/reask", "/help"):
        home.stage.hubspot.agents.comment(thread_id, agent(home), command)
    await commented(home, thread_id, "Commands, written")
    assert [rule["strikes"] for rule in faults.as_json()["faults"]] == [1]
    answers = [text for text in seen(home, thread_id) if text.startswith("No agent")]
    assert len(answers) == 1


async def test_where_unseen_signs_are_dropped_marks_are_words(home: House) -> None:
    home.stage.hubspot.options.keeps_unseen_signs = False
    _, thread_id = await home.handoff()
    await commented(home, thread_id, "Conversation before the handoff")
    home.stage.hubspot.agents.comment(thread_id, agent(home), "/reask")
    told = await commented(home, thread_id, "No agent has written")
    assert told.endswith(":answer-reask]")


async def test_a_history_in_parts_whose_answers_are_lost_is_complete_and_in_order(
    home: House,
) -> None:
    plugin = home.stage.botpress.plugin
    chat = plugin.open_chat("Ada", "ada@example.com")
    plugin.say(chat, "?")
    fault = Fault(FaultKind.RESET_AFTER, ("thread_messages.create",), skip=1, times=2)
    home.stage.hubspot.faults.add(fault)
    source = {"type": "bot"}
    told = [
        {"source": source, "type": "text", "payload": {"text": f"line {number} " + "x" * 4_000}}
        for number in range(8)
    ]
    await plugin.start_hitl(chat, title="T", history=told)
    thread_id = home.stage.thread_of(chat)
    assert await reached(lambda: "line 7" in str(seen(home, thread_id)), WITHIN_S)
    parts = seen(home, thread_id)
    assert [part.split(" ")[0] for part in parts] == [f"({n}/4)" for n in range(1, 5)]
