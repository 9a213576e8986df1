from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import IllegalMove
from hubspot_hitl.handoff import machine
from hubspot_hitl.handoff.records import ACTIVE_STATES, EndReason, Handoff, HandoffState

S = HandoffState


def a_handoff(state: HandoffState = S.PENDING, **fields: object) -> Handoff:
    base = Handoff(
        id="h1",
        installation_id="i1",
        user_id="u1",
        start_key="k1",
        integration_thread_id="t1",
        state=state,
        created_ms=0,
        inbox_id="1",
        channel_id="2",
        channel_account_id="3",
    )
    return base if not fields else _with(base, fields)


def _with(handoff: Handoff, fields: dict[str, object]) -> Handoff:
    from dataclasses import replace

    return replace(handoff, **fields)  # type: ignore[arg-type]  # the test names the fields


@pytest.mark.parametrize(
    ("path", "legal"),
    [
        ((S.STARTING, S.PENDING), True),
        ((S.STARTING, S.ASSIGNED), False),
        ((S.STARTING, S.RESOLVED), False),
        ((S.PENDING, S.ASSIGNED), True),
        ((S.PENDING, S.RESOLVED), True),
        ((S.PENDING, S.EXPIRED), True),
        ((S.ASSIGNED, S.PENDING), True),
        ((S.ASSIGNED, S.REJECTED), True),
        ((S.RESOLVED, S.ASSIGNED), True),
        ((S.RESOLVED, S.RESOLVED), False),
        ((S.EXPIRED, S.PENDING), False),
        ((S.CANCELLED, S.ASSIGNED), False),
    ],
)
def test_the_table_of_moves_is_the_designs(
    path: tuple[HandoffState, HandoffState], legal: bool
) -> None:
    before, after = path
    if legal:
        assert machine.move(a_handoff(before), after, 5).state is after
    else:
        with pytest.raises(IllegalMove, match="h1"):
            machine.move(a_handoff(before), after, 5)


def test_an_end_has_a_time_and_a_reason() -> None:
    ended = machine.move(a_handoff(), S.EXPIRED, 42)
    assert (ended.ended_ms, ended.end_reason) == (42, EndReason.NO_AGENT)


def test_a_reason_belongs_to_an_end() -> None:
    with pytest.raises(IllegalMove):
        machine.move(a_handoff(), S.ASSIGNED, 1, reason=EndReason.MERGED)


def test_unassigning_forgets_the_agent_and_waits() -> None:
    taken = machine.assign(a_handoff(), "A-1", 10, agent_user_id="user_a")
    free = machine.unassign(taken, 20)
    assert (free.state, free.agent_actor_id, free.agent_user_id) == (S.PENDING, None, None)
    with pytest.raises(IllegalMove):
        machine.unassign(free, 30)


def test_a_colleague_does_not_inherit_the_mirror_of_the_first_agent() -> None:
    first = machine.assign(a_handoff(), "A-1", 10, agent_user_id="user_a")
    assert machine.assign(first, "A-1", 11).agent_user_id == "user_a"
    assert machine.assign(first, "A-2", 11).agent_user_id is None


def test_an_ended_handoff_is_not_assigned_without_a_reopen() -> None:
    ended = machine.end(a_handoff(), EndReason.AGENT_CLOSED, 10)
    with pytest.raises(IllegalMove, match="reopen"):
        machine.assign(ended, "A-1", 20)


def test_reopening_returns_to_the_agent_and_announces_again() -> None:
    taken = a_handoff(S.ASSIGNED, agent_actor_id="A-1", announced=("A-1",))
    back = machine.reopen(machine.end(taken, EndReason.AGENT_CLOSED, 10), 20)
    assert (back.state, back.agent_actor_id, back.announced) == (S.ASSIGNED, "A-1", ())
    assert back.end_reason is None
    assert back.ended_ms == 10


def test_reopening_without_an_agent_waits_for_one() -> None:
    ended = machine.end(a_handoff(), EndReason.AGENT_CLOSED, 10)
    assert machine.reopen(ended, 20).state is S.PENDING


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_reason_ends_every_active_handoff(reason: EndReason) -> None:
    for state in ACTIVE_STATES:
        ended = machine.end(a_handoff(state), reason, 7)
        assert not ended.active
        assert (ended.end_reason, ended.ended_ms) == (reason, 7)


@given(st.lists(st.sampled_from(["assign", "unassign", "end", "reopen"]), max_size=30))
def test_no_sequence_of_moves_breaks_the_records_sense(steps: list[str]) -> None:
    handoff = a_handoff()
    for at_ms, step in enumerate(steps):
        before = handoff
        try:
            if step == "assign":
                handoff = machine.assign(handoff, "A-1", at_ms)
            elif step == "unassign":
                handoff = machine.unassign(handoff, at_ms)
            elif step == "end":
                handoff = machine.end(handoff, EndReason.AGENT_CLOSED, at_ms)
            else:
                handoff = machine.reopen(handoff, at_ms)
        except IllegalMove:
            assert handoff is before
        assert (handoff.state is S.ASSIGNED) <= (handoff.agent_actor_id is not None)
        assert (handoff.state is S.PENDING) <= (handoff.agent_actor_id is None)
        assert handoff.active == (handoff.end_reason is None)


@given(st.lists(st.sampled_from(list(S)), max_size=30))
def test_only_moves_of_the_table_happen(targets: list[HandoffState]) -> None:
    handoff = a_handoff(S.STARTING)
    for target in targets:
        legal = target in machine.LEGAL_MOVES[handoff.state]
        try:
            moved = machine.move(handoff, target, 1)
        except IllegalMove:
            assert not legal
        else:
            assert legal
            assert moved.state is target
            handoff = moved


def test_the_modules_example_is_true() -> None:
    assert doctest.testmod(machine).failed == 0


def test_the_first_agent_stays_the_first() -> None:
    taken = machine.assign(a_handoff(), "A-1", 0)
    handed_over = machine.assign(taken, "A-2", 50)
    again = machine.assign(machine.unassign(handed_over, 60), "A-3", 70)
    assert (again.first_assigned_ms, again.assigned_ms) == (0, 70)
