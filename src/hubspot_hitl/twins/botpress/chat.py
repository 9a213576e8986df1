"""The user's side: people and their chats with the bot, as the HITL plugin sees them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from hubspot_hitl.twins.wire import Json, Refusal, answer


@dataclass(slots=True)
class Person:
    """An end user. `downstream` is the user that `createUser` returned, kept for good."""

    id: str
    name: str | None = None
    email: str | None = None
    picture_url: str | None = None
    downstream: str | None = None


@dataclass(slots=True)
class Chat:
    """One conversation of a person with the bot (upstream), and its handoff if there is one.

    `lines` is what the person read and wrote: `{at_ms, author, type, text, payload, id}` with
    author `user`, `bot` or `agent`. `counts` says what became of what reached the plugin.
    """

    id: str
    person: Person
    webhook_id: str
    lines: list[Json] = field(default_factory=list[Json])
    downstream: str | None = None
    active: bool = False
    starting: bool = False
    agent_id: str | None = None
    agent_name: str | None = None
    end_reason: str | None = None
    started_for: set[str] = field(default_factory=set[str])
    last_user_line: str | None = None
    counts: Counter[str] = field(default_factory=Counter[str])
    seen: set[str] = field(default_factory=set[str])
    session: int = 0
    """Counts handoffs, so that a timer of an earlier one does nothing."""

    def as_json(self) -> Json:
        """The chat for the remote control."""
        return {
            "id": self.id,
            "user": {"id": self.person.id, "name": self.person.name, "email": self.person.email},
            "downstreamUser": self.person.downstream,
            "downstreamConversation": self.downstream,
            "webhookId": self.webhook_id,
            "hitlActive": self.active,
            "agentId": self.agent_id,
            "agentName": self.agent_name,
            "endReason": self.end_reason,
            "counts": dict(self.counts),
            "transcript": self.lines,
        }


class StartFailedError(Refusal):
    """`createUser` or `startHitl` failed; the person has read the handoff text all the same."""

    def __init__(self, step: str, status: int | None, message: str) -> None:
        super().__init__(f"{step} failed with {status}: {message}")
        self.step = step
        self.status = status
        self.message = message

    def response(self) -> web.Response:
        """The answer of the remote control."""
        return answer({"error": str(self), "step": self.step, "status": self.status}, 502)
