"""What happens to a handoff, in the envelope of Botpress v12's HITL Next, and its signature. Pure.

The envelope is `botId, resource, type, id, payload`; v12 knows five states, ours are more. What a
bot of today does not tell (the NLU's view, flow and session of a message) is there and empty.
Shapes: botpress/v12, modules/hitlnext. Signature: https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from hubspot_hitl.handoff.records import Handoff, HandoffState, Person

CHANNEL: Final = "hitl"
_S = HandoffState
STATUS: Final[Mapping[HandoffState, str]] = MappingProxyType(
    {
        _S.PENDING: "pending",
        _S.ASSIGNED: "assigned",
        _S.RESOLVED: "resolved",
        _S.REJECTED: "rejected",
        _S.EXPIRED: "expired",
        _S.CANCELLED: "rejected",
        _S.FAILED: "rejected",
    }
)
"""v12's status of each state that is told."""


@dataclass(frozen=True, slots=True)
class LastSaid:
    """The user's last message. `at_ms` is epoch milliseconds."""

    id: str
    type: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one event tells, besides the handoff itself."""

    bot_id: str
    type: str
    updated_ms: int
    user: Person | None = None
    said: LastSaid | None = None


def number_of(handoff_id: str) -> int:
    """The number that stands for a handoff: always the same, and exact in JavaScript.

    >>> number_of("h1") == number_of("h1") < 2**53
    True
    """
    return int.from_bytes(hashlib.sha256(handoff_id.encode()).digest()[:8]) >> 11


def handoff_event(handoff: Handoff, told: Told) -> dict[str, object]:
    """The envelope of a created or changed handoff."""
    number = number_of(handoff.id)
    taken = handoff.agent_actor_id is not None
    ended = handoff.state in (_S.RESOLVED, _S.REJECTED, _S.CANCELLED, _S.FAILED)
    payload: dict[str, object] = {
        "id": number,
        "botId": told.bot_id,
        "agentId": handoff.agent_actor_id,
        "userId": handoff.user_id,
        "userThreadId": handoff.conversation_id,
        "userChannel": CHANNEL,
        "agentThreadId": handoff.thread_id if taken else None,
        "status": STATUS.get(handoff.state, handoff.state.value),
        "tags": None,
        "assignedAt": _iso(handoff.assigned_ms) if taken else None,
        "resolvedAt": _iso(handoff.ended_ms) if ended else None,
        "createdAt": _iso(handoff.created_ms),
        "updatedAt": _iso(told.updated_ms),
        "comments": [],
        "user": {"id": handoff.user_id, "attributes": _attributes(handoff, told.user)},
        "userConversation": _conversation(handoff, told),
    }
    return {
        "botId": told.bot_id,
        "resource": "handoff",
        "type": told.type,
        "id": number,
        "payload": payload,
    }


def agent_event(bot_id: str, agent_id: str, *, online: bool) -> dict[str, object]:
    """The envelope of an agent who came or went."""
    return {
        "botId": bot_id,
        "resource": "agent",
        "type": "update",
        "id": agent_id,
        "payload": {"online": online},
    }


def body_of(event: Mapping[str, object]) -> bytes:
    """The envelope as it is sent and signed."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def signature_headers(key: bytes | None, id_: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks; none without a key.

    >>> signature_headers(b"k", "msg_1", 1, b"{}")["webhook-signature"][:3]
    'v1,'
    """
    if key is None:
        return {}
    digest = hmac.new(key, b".".join((id_.encode(), str(at_s).encode(), body)), hashlib.sha256)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(digest.digest()).decode()}",
    }


def _attributes(handoff: Handoff, user: Person | None) -> dict[str, object]:
    known: dict[str, object] = {
        "name": (user.name if user else None) or handoff.user_name,
        "email": user.email if user else None,
        "phone": user.phone if user else None,
        "picture_url": user.picture_url if user else None,
        "language": handoff.language or (user.language if user else None),
    }
    return {name: value for name, value in known.items() if value is not None}


def _conversation(handoff: Handoff, told: Told) -> dict[str, object] | None:
    said = told.said
    if said is None:
        return None
    return {
        "id": said.id,
        "direction": "incoming",
        "botId": told.bot_id,
        "channel": CHANNEL,
        "success": True,
        "createdOn": _iso(said.at_ms),
        "threadId": handoff.conversation_id,
        "type": said.type,
        "event": {
            "type": said.type,
            "channel": CHANNEL,
            "direction": "incoming",
            "payload": {"type": said.type, "text": said.text},
            "target": handoff.user_id,
            "botId": told.bot_id,
            "createdOn": _iso(said.at_ms),
            "threadId": handoff.conversation_id,
            "id": said.id,
            "preview": said.text,
            "flags": {},
            "state": _no_state(),
            "messageId": said.id,
            "suggestions": [],
            "nlu": _no_nlu(handoff.language),
            "processing": {},
            "activeProcessing": {},
            "decision": {
                "decision": {"reason": "", "status": ""},
                "confidence": 0,
                "payloads": [],
                "source": "",
                "sourceDetails": "",
            },
        },
    }


def _no_state() -> dict[str, object]:
    flow = {"currentFlow": "", "currentNode": "", "previousFlow": "", "previousNode": ""}
    return {
        "__stacktrace": [],
        "user": {},
        "context": {**flow, "jumpPoints": [], "queue": {"instructions": []}},
        "session": {"lastMessages": [], "workflows": {}, "slots": {}},
        "temp": {},
    }


def _no_nlu(language: str | None) -> dict[str, object]:
    return {
        "entities": [],
        "language": language or "",
        "ambiguous": False,
        "slots": {},
        "intent": {"name": "none", "confidence": 0, "context": ""},
        "intents": [],
        "errored": False,
        "includedContexts": [],
        "ms": 0,
    }


def _iso(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    told = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")
