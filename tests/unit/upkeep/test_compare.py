from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rooms import handoff

from hubspot_hitl.handoff.records import EndReason, HandoffState
from hubspot_hitl.ports.hubspot_records import Thread, ThreadMessage
from hubspot_hitl.upkeep.compare import (
    Cause,
    left_open,
    missed_assignment,
    missed_end,
    missed_replies,
)

NOW_MS = 100_000
GOING = handoff(
    installation_id="i1",
    state=HandoffState.PENDING,
    created_ms=1_000,
    thread_id="t9",
)
ENDED = replace(
    GOING, state=HandoffState.RESOLVED, ended_ms=50_000, end_reason=EndReason.BOT_STOPPED
)
THREAD = Thread(id="t9", status="OPEN")


def reply(id_: str, at_ms: int) -> ThreadMessage:
    return ThreadMessage(id_, "MESSAGE", at_ms, created_by="A-1", direction="OUTGOING", text="x")


def test_a_reply_that_no_delivery_has_is_missed_and_named_like_its_webhook() -> None:
    entries = [reply("m2", 3_000), reply("m1", 2_000), reply("m3", 4_000)]
    found = missed_replies(GOING, entries, {"hs:i1:message:m1"}, before_ms=4_000)
    assert [(one.cause, one.delivery.dedup_key) for one in found] == [
        (Cause.REPLY, "hs:i1:message:m2")
    ]


def test_a_reply_is_missed_though_hubspot_s_clock_is_minutes_behind_ours() -> None:
    going = replace(GOING, created_ms=1_000_000)
    found = missed_replies(going, [reply("m1", 1_000_000 - 290_000)], (), before_ms=2_000_000)
    assert [one.cause for one in found] == [Cause.REPLY]


def test_the_thread_s_assignment_is_missed_only_when_it_is_news() -> None:
    entry = ThreadMessage("a1", "ASSIGNMENT", 5_000, assigned_to="A-1")
    taken = replace(THREAD, assigned_to="A-1")
    found = missed_assignment(GOING, taken, [entry], NOW_MS)
    assert found is not None
    assert (found.at_ms, found.delivery.body["value"]) == (5_000, "A-1")
    known = replace(GOING, state=HandoffState.ASSIGNED, agent_actor_id="A-1", assigned_ms=5_000)
    assert missed_assignment(known, taken, [entry], NOW_MS) is None


def test_an_agent_who_only_answered_is_not_taken_away_again() -> None:
    answered = replace(GOING, state=HandoffState.ASSIGNED, agent_actor_id="A-1", assigned_ms=5_000)
    assert missed_assignment(answered, THREAD, [reply("m1", 5_000)], NOW_MS) is None


@pytest.mark.parametrize(
    ("thread", "cause"),
    [
        (None, Cause.GONE),
        (replace(THREAD, archived=True), Cause.GONE),
        (replace(THREAD, status="CLOSED"), Cause.CLOSE),
        (replace(THREAD, spam=True), Cause.CLOSE),
    ],
)
def test_a_thread_that_ended_ends_the_handoff(thread: Thread | None, cause: Cause) -> None:
    found = missed_end(GOING, thread, (), NOW_MS)
    assert found is not None
    assert (found.cause, found.at_ms) == (cause, NOW_MS)


def test_an_open_thread_and_an_ended_handoff_have_missed_no_end() -> None:
    assert missed_end(GOING, THREAD, (), NOW_MS) is None
    assert missed_end(ENDED, replace(THREAD, status="CLOSED"), (), NOW_MS) is None


def test_a_close_before_the_reopening_counts_from_now() -> None:
    reopened = replace(GOING, ended_ms=50_000)
    old = ThreadMessage("s1", "THREAD_STATUS_CHANGE", 50_000, new_status="CLOSED")
    found = missed_end(reopened, replace(THREAD, status="CLOSED"), [old], NOW_MS)
    assert found is not None
    assert found.at_ms == NOW_MS


def test_a_thread_that_our_side_ended_is_closed_after_all() -> None:
    found = left_open(ENDED, THREAD, [reply("m1", 40_000)])
    assert found is not None
    assert found.delivery.kind == "thread.close"


@pytest.mark.parametrize(
    "since",
    [
        reply("m1", 60_000),
        ThreadMessage("s1", "THREAD_STATUS_CHANGE", 60_000, new_status="OPEN"),
    ],
)
def test_a_thread_that_an_agent_uses_again_is_left_alone(since: ThreadMessage) -> None:
    assert left_open(ENDED, THREAD, [since]) is None
    assert left_open(replace(ENDED, end_reason=EndReason.AGENT_CLOSED), THREAD, []) is None
