"""What an event of a HubSpot thread does to its handoff: a decision, not the doing. Pure.

HubSpot promises neither order nor single delivery (webhooks guide), so every decision looks at the
handoff as it is and at the event's own time: what is a repeat, late, or the echo of our own act has
no effects. The caller saves `Decision.handoff` and carries out `Decision.effects` in their order;
doing that twice for one event must be harmless, as everywhere in a lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, assert_never

from hubspot_hitl.handoff import machine
from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.handoff.thread_effects import (
    AskToResume,
    CloseThread,
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


# -- what happened in HubSpot; `at_ms` is HubSpot's time of the event
@dataclass(frozen=True, slots=True)
class Assigned:
    """`assignedTo` changed. An empty or non-human `actor_id` means: to nobody who answers."""

    actor_id: str | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """`status` changed. ARCHIVED is not in HubSpot's documents, but seen in use."""

    status: Literal["OPEN", "CLOSED", "ARCHIVED"]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Restored:
    """The thread came back from the archive (`isArchived` false)."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """The thread was deleted; `for_privacy` when it was for good, at the person's wish."""

    at_ms: int
    for_privacy: bool = False


@dataclass(frozen=True, slots=True)
class MarkedSpam:
    """The thread was marked as spam."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class InboxChanged:
    """The thread moved to another inbox or help desk."""

    inbox_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """Somebody on HubSpot's side wrote to the user. `actor_id` may be a bot's or unknown."""

    actor_id: str | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class UserEnded:
    """The user ended the chat by a stop word."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class GivenBack:
    """An agent gave the chat back to the bot by a command; with `close` the thread ends too."""

    at_ms: int
    close: bool


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Somebody was waited for too long; `reason` says who. Our clock's time."""

    reason: EndReason
    at_ms: int


ThreadEvent = (
    Assigned
    | StatusChanged
    | Restored
    | Deleted
    | MarkedSpam
    | InboxChanged
    | AgentMessage
    | UserEnded
    | GivenBack
    | TimedOut
)


# -- the decision
@dataclass(frozen=True, slots=True)
class Decision:
    """The handoff as it is to be saved, and what is to be done, in this order."""

    handoff: Handoff
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation may choose.

    `reopen="resume"` asks the bot to bring the user back when a thread is opened again within
    `reopen_window_ms` of its end; `"explain"` tells the agent that the user is with the bot. The
    HITL plugin drops whatever arrives after the end of its session, so only the bot can do it.
    """

    reopen: Literal["explain", "resume"] = "explain"
    reopen_window_ms: int = 24 * 3_600_000


def agent_id(actor_id: str | None) -> str | None:
    """The actor id when it is a human agent's, else None.

    HubSpot's guide speaks of a user id where an actor id was seen: bare digits are an agent too.

    >>> agent_id("A-12"), agent_id("12"), agent_id("B-3"), agent_id("")
    ('A-12', 'A-12', None, None)
    """
    text = (actor_id or "").strip()
    if text.isascii() and text.isdigit():
        return f"A-{text}"
    return text if text.startswith("A-") and len(text) > 2 else None


def decide(
    handoff: Handoff, event: ThreadEvent, now_ms: int, policy: Policy | None = None
) -> Decision:
    """What `event` does to `handoff`. Never raises; the same event again does nothing new.

    Two exceptions, which their ids in the ledger keep from happening twice: a message is relayed,
    held or refused, and of the opening of an ended thread the agent is told or the bot is asked.
    """
    if handoff.state is HandoffState.STARTING:
        return Decision(handoff, (WaitForStart(),))
    match event:
        case Assigned():
            return _assigned(handoff, event)
        case StatusChanged(status="OPEN") | Restored():
            return _opened(handoff, event.at_ms, now_ms, policy or Policy())
        case StatusChanged(status="CLOSED"):
            return _ended(handoff, EndReason.AGENT_CLOSED, event.at_ms)
        case StatusChanged():
            return _ended(handoff, EndReason.AGENT_ARCHIVED, event.at_ms)
        case Deleted():
            return _deleted(handoff, event)
        case MarkedSpam():
            return _ended(handoff, EndReason.MARKED_SPAM, event.at_ms)
        case InboxChanged():
            return _moved(handoff, event)
        case AgentMessage():
            return _written(handoff, event, now_ms, policy or Policy())
        case UserEnded():
            ended = _ended(handoff, EndReason.PATIENT_COMMAND, event.at_ms)
            return _and_then(ended, CommentToAgent(TextKey.NOTE_USER_ENDED), CloseThread())
        case GivenBack(close=close):
            ended = _ended(handoff, EndReason.AGENT_CLOSED, event.at_ms)
            return _and_then(ended, *((CloseThread(),) if close else ()))
        case TimedOut():
            return _timed_out(handoff, event)
        case _:
            assert_never(event)


def _assigned(handoff: Handoff, event: Assigned) -> Decision:
    late = handoff.assigned_ms is not None and event.at_ms < handoff.assigned_ms
    if not handoff.active or late or _before_last_end(handoff, event.at_ms):
        return Decision(handoff)
    actor_id = agent_id(event.actor_id)
    if actor_id is None:
        if handoff.state is not HandoffState.ASSIGNED:
            # remembered, so that the assignment it undid has no effect when it arrives late
            return Decision(replace(handoff, assigned_ms=event.at_ms))
        return Decision(machine.unassign(handoff, event.at_ms), (TellUser(TextKey.AGENT_LEFT),))
    if actor_id == handoff.agent_actor_id:
        return _announced(handoff, actor_id)
    handed_over = handoff.state is HandoffState.ASSIGNED
    decision = _announced(machine.assign(handoff, actor_id, event.at_ms), actor_id)
    told: tuple[Effect, ...] = (TellUser(TextKey.AGENT_CHANGED),) if handed_over else ()
    return Decision(decision.handoff, told + decision.effects)


def _announced(handoff: Handoff, actor_id: str) -> Decision:
    """The bot knows this agent: mirrored first, announced once."""
    if actor_id in handoff.announced:
        return Decision(handoff)
    known = replace(handoff, announced=(*handoff.announced, actor_id))
    return Decision(known, (MirrorAgent(actor_id), EmitAssigned(actor_id)))


def _ended(handoff: Handoff, reason: EndReason, at_ms: int) -> Decision:
    if not handoff.active or _before_last_end(handoff, at_ms):
        return Decision(handoff)
    return Decision(machine.end(handoff, reason, at_ms), (EmitStopped(reason),))


def _and_then(decision: Decision, *effects: Effect) -> Decision:
    """The decision with more effects, if it has any."""
    if not decision.effects:
        return decision
    return Decision(decision.handoff, (*decision.effects, *effects))


_TIMED_OUT: Mapping[EndReason, tuple[TextKey, TextKey]] = MappingProxyType(
    {
        EndReason.NO_AGENT: (TextKey.NO_AGENT, TextKey.NOTE_NO_AGENT),
        EndReason.AGENT_SILENT: (TextKey.NO_AGENT, TextKey.NOTE_AGENT_SILENT),
        EndReason.PATIENT_LEFT: (TextKey.CHAT_ENDED, TextKey.NOTE_USER_SILENT),
    }
)
"""What the user is told and what the agents are, by the reason."""


def _timed_out(handoff: Handoff, event: TimedOut) -> Decision:
    """The user is told first: after the end the HITL plugin passes nothing on."""
    decision = _ended(handoff, event.reason, event.at_ms)
    if not decision.effects:
        return decision
    to_user, to_agents = _TIMED_OUT[event.reason]
    return Decision(
        decision.handoff,
        (TellUser(to_user), *decision.effects, CommentToAgent(to_agents), CloseThread()),
    )


def _deleted(handoff: Handoff, event: Deleted) -> Decision:
    decision = _ended(handoff, EndReason.THREAD_DELETED, event.at_ms)
    if not event.for_privacy:
        return decision
    return Decision(decision.handoff, (*decision.effects, EraseContent()))


def _opened(handoff: Handoff, at_ms: int, now_ms: int, policy: Policy) -> Decision:
    if handoff.active or handoff.ended_ms is None or _before_last_end(handoff, at_ms):
        return Decision(handoff)
    if not _may_resume(handoff, now_ms, policy):
        return Decision(handoff, (CommentToAgent(TextKey.NOTE_NOT_REOPENED),))
    return Decision(handoff, (AskToResume(),))


def _may_resume(handoff: Handoff, now_ms: int, policy: Policy) -> bool:
    in_time = now_ms - (handoff.ended_ms or 0) <= policy.reopen_window_ms
    return policy.reopen == "resume" and in_time and handoff.state is HandoffState.RESOLVED


def _moved(handoff: Handoff, event: InboxChanged) -> Decision:
    if not handoff.active or event.inbox_id == handoff.inbox_id:
        return Decision(handoff)
    if _before_last_end(handoff, event.at_ms):
        return Decision(handoff)
    return Decision(replace(handoff, inbox_id=event.inbox_id), (TellUser(TextKey.TRANSFERRED),))


def _written(handoff: Handoff, event: AgentMessage, now_ms: int, policy: Policy) -> Decision:
    if not handoff.active:
        late = not _before_last_end(handoff, event.at_ms)
        if late and _may_resume(handoff, now_ms, policy):
            # an agent who opens a thread by writing into it is told of by two roads, in any order
            return Decision(handoff, (HoldForNews(),))
        # the HITL plugin drops it without a word, so the agent must learn it here
        return Decision(
            handoff,
            (RefuseMessage(TextKey.NOTE_CHAT_ENDED), CommentToAgent(TextKey.NOTE_CHAT_ENDED)),
        )
    actor_id = agent_id(event.actor_id)
    if actor_id is None:
        return Decision(handoff, (RelayMessage(event.actor_id or None),))
    if handoff.state is HandoffState.PENDING and _may_take(handoff, event):
        handoff = machine.assign(handoff, actor_id, event.at_ms)
    decision = _announced(handoff, actor_id)
    replied = replace(
        decision.handoff,
        first_reply_ms=_earliest(decision.handoff.first_reply_ms, event.at_ms),
        last_agent_ms=max(decision.handoff.last_agent_ms or 0, event.at_ms),
    )
    return Decision(replied, (*decision.effects, RelayMessage(actor_id)))


def _may_take(handoff: Handoff, event: AgentMessage) -> bool:
    """Whether the author becomes the agent: not if they were un-assigned after writing."""
    return handoff.assigned_ms is None or event.at_ms >= handoff.assigned_ms


def _earliest(known: int | None, at_ms: int) -> int:
    return at_ms if known is None else min(known, at_ms)


def _before_last_end(handoff: Handoff, at_ms: int) -> bool:
    """Whether the event belongs to the time before the latest end: a late one, or its cause."""
    return handoff.ended_ms is not None and at_ms <= handoff.ended_ms
