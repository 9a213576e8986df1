"""When waiting has lasted too long: nobody took the chat, the agent is silent, the user is. Pure.

Each wait is measured from the moment it began: the user's first unanswered message, not the latest,
so that writing again makes nobody wait longer.

>>> patience = Patience(user_nudge_s=60, user_silent_s=300)
>>> look(HandoffState.ASSIGNED, patience, Words(since_ms=0, agent_ms=1_000), 61_000)
Nudge(who='user', since_ms=1000, again_ms=121000)
>>> look(HandoffState.ASSIGNED, patience, Words(since_ms=0, agent_ms=1_000), 301_000)
Give(reason=<EndReason.PATIENT_LEFT: 'patient-left'>)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from hubspot_hitl.handoff.records import EndReason, HandoffState


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds; 0 is for ever."""

    no_agent_s: int = 0
    agent_nudge_s: int = 0
    agent_silent_s: int = 0
    user_nudge_s: int = 0
    user_silent_s: int = 0

    @property
    def shortest_s(self) -> int:
        """The shortest limit there is; 0 when there is none."""
        return min((value for value in self._values if value > 0), default=0)

    @property
    def _values(self) -> tuple[int, ...]:
        return tuple(int(getattr(self, one.name)) for one in fields(self))


@dataclass(frozen=True, slots=True)
class Words:
    """Who spoke when (epoch ms).

    `since_ms`: since when the state is what it is. `agent_ms`: the agent's latest message.
    `user_ms`: the user's first message that no agent has answered.
    """

    since_ms: int
    agent_ms: int | None = None
    user_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing yet; look again at `again_ms`, or never."""

    again_ms: int | None


@dataclass(frozen=True, slots=True)
class Nudge:
    """Remind `who` of the wait that began at `since_ms`; look again at `again_ms`."""

    who: Literal["agent", "user"]
    since_ms: int
    again_ms: int


@dataclass(frozen=True, slots=True)
class Give:
    """Give the handoff up for `reason`."""

    reason: EndReason


Verdict = Wait | Nudge | Give


def look(state: HandoffState, patience: Patience, words: Words, now_ms: int) -> Verdict:
    """What is due now. Whatever wait begins later, it is looked at before it is over."""
    if not patience.shortest_s or state not in (HandoffState.PENDING, HandoffState.ASSIGNED):
        return Wait(None)
    nudge_s, end_s, since_ms, who, reason = _waiting(state, patience, words)
    nudge_ms, end_ms = since_ms + nudge_s * 1000, since_ms + end_s * 1000
    soonest_ms = now_ms + patience.shortest_s * 1000
    if end_s and now_ms >= end_ms:
        return Give(reason)
    if end_s:
        soonest_ms = min(soonest_ms, end_ms)
    if nudge_s and now_ms >= nudge_ms:
        return Nudge(who, since_ms, soonest_ms)
    return Wait(min(soonest_ms, nudge_ms) if nudge_s else soonest_ms)


def _waiting(
    state: HandoffState, patience: Patience, words: Words
) -> tuple[int, int, int, Literal["agent", "user"], EndReason]:
    """The limits of the wait that is on, when it began, for whom, and what it ends as."""
    if state is HandoffState.PENDING:
        return 0, patience.no_agent_s, words.since_ms, "agent", EndReason.NO_AGENT
    agent_ms = words.agent_ms
    if agent_ms is None or words.user_ms is not None:
        since_ms = words.since_ms if agent_ms is None else words.user_ms or agent_ms
        return (
            patience.agent_nudge_s,
            patience.agent_silent_s,
            max(since_ms, words.since_ms),
            "agent",
            EndReason.AGENT_SILENT,
        )
    return (
        patience.user_nudge_s,
        patience.user_silent_s,
        agent_ms,
        "user",
        EndReason.PATIENT_LEFT,
    )
