"""The domain's records: one handoff, one person. Pure; times are epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HandoffState(StrEnum):
    """States of a handoff; legal moves are in :mod:`hubspot_hitl.handoff.machine`."""

    STARTING = "starting"
    PENDING = "pending"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE_STATES = frozenset({HandoffState.STARTING, HandoffState.PENDING, HandoffState.ASSIGNED})


class EndReason(StrEnum):
    """Why a handoff ended. A closed set; it travels to the bot."""

    AGENT_CLOSED = "agent-closed-ticket"
    AGENT_ARCHIVED = "agent-archived-thread"
    AGENT_REJECTED = "agent-rejected"
    THREAD_DELETED = "thread-deleted"
    MARKED_SPAM = "marked-as-spam"
    BOT_STOPPED = "close-action-called"
    UNREGISTERED = "integration-removed"
    PATIENT_COMMAND = "patient-used-termination-command"
    PATIENT_LEFT = "patient-left"
    NO_AGENT = "agent-assignment-timeout"
    AGENT_SILENT = "agent-response-timeout"
    MERGED = "merged"
    START_FAILED = "start-failed"
    INTERNAL_ERROR = "internal-error"


@dataclass(frozen=True, slots=True)
class Handoff:
    """One escalation: one Botpress conversation, one HubSpot thread, one lane.

    `id` is ours and is the lane key; `integration_thread_id` is what HubSpot knows the thread by
    before it has told us `thread_id`. `announced` holds the actor ids for which `hitlAssigned` went
    out since the start or the latest reopening. `assigned_ms` dates the latest change of assignment
    (also to nobody), `first_assigned_ms` the first agent, `ended_ms` the latest end: it stays when
    the handoff is reopened, so ask `active`, not `ended_ms`, whether it goes on. By `history_marks`
    a later start of the same chat is known (`actions.same_chat`). `version` grows with each save.
    """

    id: str
    installation_id: str
    user_id: str
    start_key: str
    integration_thread_id: str
    state: HandoffState
    created_ms: int
    inbox_id: str
    channel_id: str
    channel_account_id: str
    conversation_id: str | None = None
    thread_id: str | None = None
    contact_id: str | None = None
    user_name: str | None = None
    title: str | None = None
    description: str | None = None
    language: str | None = None
    agent_actor_id: str | None = None
    agent_user_id: str | None = None
    announced: tuple[str, ...] = ()
    assigned_ms: int | None = None
    first_assigned_ms: int | None = None
    first_reply_ms: int | None = None
    last_agent_ms: int | None = None
    ended_ms: int | None = None
    end_reason: EndReason | None = None
    session: str = "{}"
    history_marks: str = ""
    version: int = 0

    @property
    def active(self) -> bool:
        """Whether the handoff still owns the conversation."""
        return self.state in ACTIVE_STATES


@dataclass(frozen=True, slots=True)
class Person:
    """An end user or an agent. `actor_id` is set for agents (`A-<userId>`)."""

    installation_id: str
    user_id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    picture_url: str | None = None
    actor_id: str | None = None
    language: str | None = None
    seen_ms: int = 0
