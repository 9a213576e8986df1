from __future__ import annotations

import doctest
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff import machine
from hubspot_hitl.handoff import thread_events as module
from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.handoff.thread_effects import (
    AskToResume,
    CommentToAgent,
    Effect,
    EmitAssigned,
    EmitStopped,
    EraseContent,
    HoldForNews,
    MirrorAgent,
    RefuseMessage,
    RelayMessage,
    TellUser,
    WaitForStart,
)
from hubspot_hitl.handoff.thread_events import (
    AgentMessage,
    Assigned,
    Deleted,
    InboxChanged,
    MarkedSpam,
    Policy,
    Restored,
    StatusChanged,
    ThreadEvent,
    decide,
)

S = HandoffState
PENDING = Handoff(
    id="h1", installation_id="i1", user_id="u1", start_key="k1", integration_thread_id="t1",
    state=S.PENDING, created_ms=0, inbox_id="1", channel_id="2", channel_account_id="3",
)  # fmt: skip
WITH_ADA = replace(
    PENDING, state=S.ASSIGNED, agent_actor_id="A-1", announced=("A-1",), assigned_ms=5
)
CLOSED = machine.end(WITH_ADA, EndReason.AGENT_CLOSED, 50)
NEW_AGENT = (MirrorAgent("A-1"), EmitAssigned("A-1"))
ENDED_NOTE = (RefuseMessage(TextKey.NOTE_CHAT_ENDED), CommentToAgent(TextKey.NOTE_CHAT_ENDED))
NOT_REOPENED = (CommentToAgent(TextKey.NOTE_NOT_REOPENED),)


@pytest.mark.parametrize(
    ("before", "event", "state", "effects"),
    [
        (PENDING, Assigned("A-1", 10), S.ASSIGNED, NEW_AGENT),
        (PENDING, Assigned("1", 10), S.ASSIGNED, NEW_AGENT),
        (PENDING, Assigned("B-9", 10), S.PENDING, ()),
        (PENDING, Assigned("", 10), S.PENDING, ()),
        (WITH_ADA, Assigned("A-1", 10), S.ASSIGNED, ()),
        (WITH_ADA, Assigned("A-2", 4), S.ASSIGNED, ()),
        (WITH_ADA, Assigned("", 4), S.ASSIGNED, ()),
        (WITH_ADA, Assigned("", 10), S.PENDING, (TellUser(TextKey.AGENT_LEFT),)),
        (WITH_ADA, Assigned("L-1", 10), S.PENDING, (TellUser(TextKey.AGENT_LEFT),)),
        (
            WITH_ADA,
            Assigned("A-2", 10),
            S.ASSIGNED,
            (TellUser(TextKey.AGENT_CHANGED), MirrorAgent("A-2"), EmitAssigned("A-2")),
        ),
        (PENDING, StatusChanged("CLOSED", 10), S.RESOLVED, (EmitStopped(EndReason.AGENT_CLOSED),)),
        (WITH_ADA, StatusChanged("CLOSED", 9), S.RESOLVED, (EmitStopped(EndReason.AGENT_CLOSED),)),
        (
            WITH_ADA,
            StatusChanged("ARCHIVED", 9),
            S.RESOLVED,
            (EmitStopped(EndReason.AGENT_ARCHIVED),),
        ),
        (WITH_ADA, MarkedSpam(9), S.REJECTED, (EmitStopped(EndReason.MARKED_SPAM),)),
        (WITH_ADA, Deleted(9), S.CANCELLED, (EmitStopped(EndReason.THREAD_DELETED),)),
        (
            WITH_ADA,
            Deleted(9, for_privacy=True),
            S.CANCELLED,
            (EmitStopped(EndReason.THREAD_DELETED), EraseContent()),
        ),
        (WITH_ADA, StatusChanged("OPEN", 9), S.ASSIGNED, ()),
        (WITH_ADA, Restored(9), S.ASSIGNED, ()),
        (WITH_ADA, InboxChanged("1", 9), S.ASSIGNED, ()),
        (WITH_ADA, InboxChanged("8", 9), S.ASSIGNED, (TellUser(TextKey.TRANSFERRED),)),
        (PENDING, AgentMessage("A-1", 9), S.ASSIGNED, (*NEW_AGENT, RelayMessage("A-1"))),
        (WITH_ADA, AgentMessage("A-1", 9), S.ASSIGNED, (RelayMessage("A-1"),)),
        (WITH_ADA, AgentMessage("S-hubspot", 9), S.ASSIGNED, (RelayMessage("S-hubspot"),)),
        (PENDING, AgentMessage(None, 9), S.PENDING, (RelayMessage(None),)),
        (CLOSED, StatusChanged("CLOSED", 60), S.RESOLVED, ()),
        (CLOSED, Assigned("", 60), S.RESOLVED, ()),
        (CLOSED, Assigned("A-2", 60), S.RESOLVED, ()),
        (CLOSED, InboxChanged("8", 60), S.RESOLVED, ()),
        (CLOSED, Deleted(60), S.RESOLVED, ()),
        (CLOSED, Deleted(60, for_privacy=True), S.RESOLVED, (EraseContent(),)),
        (CLOSED, StatusChanged("OPEN", 40), S.RESOLVED, ()),
        (CLOSED, StatusChanged("OPEN", 60), S.RESOLVED, NOT_REOPENED),
        (CLOSED, AgentMessage("A-1", 40), S.RESOLVED, ENDED_NOTE),
        (CLOSED, AgentMessage("A-1", 60), S.RESOLVED, ENDED_NOTE),
    ],
)
def test_every_event_has_a_defined_effect(
    before: Handoff, event: ThreadEvent, state: HandoffState, effects: tuple[Effect, ...]
) -> None:
    decision = decide(before, event, 100)
    assert decision.handoff.state is state
    assert decision.effects == effects


def test_nothing_happens_before_the_start_has_returned() -> None:
    starting = replace(PENDING, state=S.STARTING)
    assert decide(starting, Assigned("A-1", 1), 1).effects == (WaitForStart(),)


def test_an_assignment_undone_before_it_arrived_has_no_effect() -> None:
    free = decide(PENDING, Assigned("", 20), 21).handoff
    late = decide(free, Assigned("A-1", 10), 22)
    assert (late.effects, late.handoff.state) == ((), S.PENDING)


def test_a_colleague_who_writes_is_announced_but_does_not_take_over() -> None:
    decision = decide(WITH_ADA, AgentMessage("A-2", 9), 9)
    assert decision.effects == (MirrorAgent("A-2"), EmitAssigned("A-2"), RelayMessage("A-2"))
    assert decision.handoff.agent_actor_id == "A-1"


def test_of_a_reopened_thread_the_bot_is_asked_where_the_policy_says_so() -> None:
    decision = decide(CLOSED, StatusChanged("OPEN", 60), 60, Policy(reopen="resume"))
    assert (decision.handoff, decision.effects) == (CLOSED, (AskToResume(),))


def test_a_reopened_thread_does_not_resume_after_the_window() -> None:
    policy = Policy(reopen="resume", reopen_window_ms=1_000)
    assert decide(CLOSED, StatusChanged("OPEN", 60), 1_051, policy).effects == NOT_REOPENED


@pytest.mark.parametrize(
    ("event", "policy", "now_ms", "held"),
    [
        (AgentMessage("A-1", 60), Policy(reopen="resume"), 61, True),
        (AgentMessage("A-1", 40), Policy(reopen="resume"), 61, False),
        (AgentMessage("A-1", 60), Policy(), 61, False),
        (AgentMessage("A-1", 60), Policy("resume", 5), 61, False),
    ],
)
def test_a_message_behind_the_end_waits_for_news_where_the_chat_may_be_resumed(
    event: AgentMessage, policy: Policy, now_ms: int, held: bool
) -> None:
    decision = decide(CLOSED, event, now_ms, policy)
    assert decision.effects == ((HoldForNews(),) if held else ENDED_NOTE)


def test_the_close_that_came_before_a_reopen_does_not_end_it_again() -> None:
    back = machine.reopen(CLOSED, 60)
    assert decide(back, StatusChanged("CLOSED", 50), 61).effects == ()
    assert decide(back, StatusChanged("CLOSED", 70), 71).effects == (
        EmitStopped(EndReason.AGENT_CLOSED),
    )


def test_our_own_close_makes_no_echo() -> None:
    stopped = machine.end(WITH_ADA, EndReason.BOT_STOPPED, 50)
    echo = decide(stopped, StatusChanged("CLOSED", 51), 52)
    assert (echo.effects, echo.handoff) == ((), stopped)


def test_the_times_of_replies_are_kept() -> None:
    first = decide(WITH_ADA, AgentMessage("A-1", 30), 31).handoff
    second = decide(first, AgentMessage("A-1", 20), 32).handoff
    assert (second.first_reply_ms, second.last_agent_ms) == (20, 30)


ACTORS = st.sampled_from(["A-1", "A-2", "3", "", None, "B-1", "S-hubspot"])
TIMES = st.integers(0, 40)
EVENTS: st.SearchStrategy[ThreadEvent] = st.one_of(
    st.builds(Assigned, ACTORS, TIMES),
    st.builds(StatusChanged, st.sampled_from(["OPEN", "CLOSED", "ARCHIVED"]), TIMES),
    st.builds(Restored, TIMES),
    st.builds(Deleted, TIMES, st.booleans()),
    st.builds(MarkedSpam, TIMES),
    st.builds(InboxChanged, st.sampled_from(["1", "2"]), TIMES),
    st.builds(AgentMessage, ACTORS, TIMES),
)
POLICIES = st.sampled_from([Policy(), Policy(reopen="resume"), Policy("resume", 5)])


@given(st.lists(EVENTS, max_size=25), POLICIES)
def test_no_sequence_of_events_stops_or_announces_twice(
    events: list[ThreadEvent], policy: Policy
) -> None:
    handoff = PENDING
    announced: set[str] = set()
    stopped = False
    for now_ms, event in enumerate(events):
        decision = decide(handoff, event, now_ms, policy)
        handoff = decision.handoff
        for effect in decision.effects:
            match effect:
                case AskToResume():
                    assert stopped
                    handoff = machine.reopen(handoff, now_ms)  # as if the bot answered at once
                    announced.clear()
                    stopped = False
                case EmitAssigned(actor_id):
                    assert not stopped
                    assert actor_id not in announced
                    assert MirrorAgent(actor_id) in decision.effects
                    announced.add(actor_id)
                case EmitStopped():
                    assert not stopped
                    stopped = True
                case RelayMessage(actor_id):
                    assert not stopped
                    assert not (actor_id or "").startswith("A-") or actor_id in announced
                case _:
                    pass
        assert handoff.active is not stopped
        assert set(handoff.announced) == announced or stopped


@given(st.lists(EVENTS, max_size=25), POLICIES)
def test_every_message_of_an_agent_is_relayed_held_or_refused(
    events: list[ThreadEvent], policy: Policy
) -> None:
    handoff = PENDING
    for now_ms, event in enumerate(events):
        decision = decide(handoff, event, now_ms, policy)
        handoff = decision.handoff
        kinds = RelayMessage | RefuseMessage | HoldForNews
        answers = [e for e in decision.effects if isinstance(e, kinds)]
        assert len(answers) == isinstance(event, AgentMessage)


@given(st.lists(EVENTS, max_size=15), EVENTS, POLICIES)
def test_the_same_event_twice_changes_nothing_the_second_time(
    events: list[ThreadEvent], event: ThreadEvent, policy: Policy
) -> None:
    handoff = PENDING
    for now_ms, earlier in enumerate(events):
        handoff = decide(handoff, earlier, now_ms, policy).handoff
    once = decide(handoff, event, 50, policy).handoff
    twice = decide(once, event, 51, policy)
    assert twice.handoff == once
    # each has an id of its own in the ledger; the question about one end is asked once
    harmless = (
        RelayMessage | RefuseMessage | HoldForNews | CommentToAgent | EraseContent | AskToResume
    )
    assert all(isinstance(effect, harmless) for effect in twice.effects)


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0
