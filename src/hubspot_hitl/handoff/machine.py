"""Which moves a handoff may make, as one table. Pure; every change of `Handoff.state` goes here.

>>> from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState
>>> fresh = Handoff(
...     id="h1", installation_id="i1", user_id="u1", start_key="k1", integration_thread_id="t1",
...     state=HandoffState.PENDING, created_ms=0, inbox_id="1", channel_id="2",
...     channel_account_id="3",
... )
>>> taken = assign(fresh, "A-7", 1_000)
>>> taken.state.value, taken.agent_actor_id
('assigned', 'A-7')
>>> ended = end(taken, EndReason.AGENT_CLOSED, 2_000)
>>> ended.state.value, ended.end_reason.value, ended.active
('resolved', 'agent-closed-ticket', False)
>>> end(ended, EndReason.BOT_STOPPED, 3_000)
Traceback (most recent call last):
    ...
hubspot_hitl.errors.IllegalMove: Handoff 'h1' is resolved and cannot become resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from hubspot_hitl.errors import IllegalMove
from hubspot_hitl.handoff.records import ACTIVE_STATES, EndReason, Handoff, HandoffState

_S = HandoffState
_ENDS = frozenset({_S.RESOLVED, _S.REJECTED, _S.EXPIRED, _S.FAILED, _S.CANCELLED})

LEGAL_MOVES: Mapping[HandoffState, frozenset[HandoffState]] = MappingProxyType(
    {
        _S.STARTING: frozenset({_S.PENDING, _S.FAILED, _S.CANCELLED}),
        _S.PENDING: _ENDS | {_S.ASSIGNED},
        _S.ASSIGNED: _ENDS | {_S.ASSIGNED, _S.PENDING},
        _S.RESOLVED: frozenset({_S.ASSIGNED, _S.PENDING}),
        _S.REJECTED: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.FAILED: frozenset(),
        _S.CANCELLED: frozenset(),
    }
)
"""From a state to the states that may follow. `assigned -> assigned` hands over to a colleague."""

_USUAL_REASON: Mapping[HandoffState, EndReason] = MappingProxyType(
    {
        _S.RESOLVED: EndReason.AGENT_CLOSED,
        _S.REJECTED: EndReason.AGENT_REJECTED,
        _S.EXPIRED: EndReason.NO_AGENT,
        _S.FAILED: EndReason.INTERNAL_ERROR,
        _S.CANCELLED: EndReason.BOT_STOPPED,
    }
)

_STATE_AFTER: Mapping[EndReason, HandoffState] = MappingProxyType(
    {
        EndReason.AGENT_CLOSED: _S.RESOLVED,
        EndReason.AGENT_ARCHIVED: _S.RESOLVED,
        EndReason.AGENT_REJECTED: _S.REJECTED,
        EndReason.THREAD_DELETED: _S.CANCELLED,
        EndReason.MARKED_SPAM: _S.REJECTED,
        EndReason.BOT_STOPPED: _S.RESOLVED,
        EndReason.UNREGISTERED: _S.CANCELLED,
        EndReason.PATIENT_COMMAND: _S.RESOLVED,
        EndReason.PATIENT_LEFT: _S.RESOLVED,
        EndReason.NO_AGENT: _S.EXPIRED,
        EndReason.AGENT_SILENT: _S.EXPIRED,
        EndReason.MERGED: _S.RESOLVED,
        EndReason.START_FAILED: _S.FAILED,
        EndReason.INTERNAL_ERROR: _S.FAILED,
    }
)


def move(
    handoff: Handoff, to: HandoffState, at_ms: int, *, reason: EndReason | None = None
) -> Handoff:
    """The handoff in state `to`, its times and end reason kept true.

    Ending sets `ended_ms` and `end_reason` (the usual one of the state unless `reason` is given);
    becoming active again clears the reason but keeps `ended_ms`, the time of the last end, so that
    a late repeat of the event that caused it can be recognised. `pending` has no agent.
    Raises :class:`~hubspot_hitl.errors.IllegalMove`, also for a reason without an end.
    """
    if to not in LEGAL_MOVES[handoff.state]:
        raise IllegalMove(
            f"Handoff {handoff.id!r} is {handoff.state.value} and cannot become {to.value}."
        )
    if to in ACTIVE_STATES:
        if reason is not None:
            raise IllegalMove(
                f"Handoff {handoff.id!r} cannot become {to.value} with end reason {reason.value!r}:"
                " a reason belongs to an end."
            )
        moved = replace(handoff, state=to, end_reason=None)
        if to is _S.PENDING:
            return replace(moved, agent_actor_id=None, agent_user_id=None)
        return moved
    return replace(handoff, state=to, ended_ms=at_ms, end_reason=reason or _USUAL_REASON[to])


def assign(
    handoff: Handoff, actor_id: str, at_ms: int, *, agent_user_id: str | None = None
) -> Handoff:
    """The handoff in the hands of the agent `actor_id` (`A-<userId>`).

    `agent_user_id` is the agent's mirror in Botpress; it is kept when the agent stays the same.
    Raises :class:`~hubspot_hitl.errors.IllegalMove` before the start and after the end.
    """
    if not handoff.active:
        raise IllegalMove(
            f"Handoff {handoff.id!r} is {handoff.state.value} and cannot be assigned; reopen it."
        )
    same = handoff.agent_actor_id == actor_id
    first_ms = handoff.first_assigned_ms
    return replace(
        move(handoff, _S.ASSIGNED, at_ms),
        agent_actor_id=actor_id,
        agent_user_id=agent_user_id or (handoff.agent_user_id if same else None),
        assigned_ms=at_ms,
        first_assigned_ms=at_ms if first_ms is None else first_ms,
    )


def unassign(handoff: Handoff, at_ms: int) -> Handoff:
    """The handoff without an agent, waiting for the next one.

    `assigned_ms` becomes the time of this change: it dates the latest change of assignment, so that
    an older assignment that arrives late can be told from a new one.
    Raises :class:`~hubspot_hitl.errors.IllegalMove` unless it is assigned.
    """
    if handoff.state is not _S.ASSIGNED:
        raise IllegalMove(
            f"Handoff {handoff.id!r} is {handoff.state.value} and has no agent to lose."
        )
    return replace(move(handoff, _S.PENDING, at_ms), assigned_ms=at_ms)


def end(handoff: Handoff, reason: EndReason, at_ms: int) -> Handoff:
    """The handoff ended for `reason`, in the state that fits the reason.

    A handoff that has not finished starting is `failed` or `cancelled`, whatever the reason.
    Raises :class:`~hubspot_hitl.errors.IllegalMove` when it has ended already.
    """
    to = _STATE_AFTER[reason]
    if handoff.state is _S.STARTING and to is not _S.FAILED:
        to = _S.CANCELLED
    return move(handoff, to, at_ms, reason=reason)


def reopen(handoff: Handoff, at_ms: int) -> Handoff:
    """A resolved handoff, active again: with its agent when it had one, else waiting.

    `announced` is emptied, because the bot has to be told again who answers.
    Raises :class:`~hubspot_hitl.errors.IllegalMove` unless it is resolved.
    """
    if handoff.state is not _S.RESOLVED:
        raise IllegalMove(
            f"Handoff {handoff.id!r} is {handoff.state.value}; only a resolved one can be reopened."
        )
    to = _S.ASSIGNED if handoff.agent_actor_id else _S.PENDING
    return replace(move(handoff, to, at_ms), announced=())
