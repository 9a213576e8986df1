"""A thread as a short list: who said what, and what became of it."""

from __future__ import annotations

from hubspot_hitl.twins.hubspot.records import Thread
from hubspot_hitl.twins.wire import Json, object_of


def _at(body: Json, *path: str) -> object:
    found: object = body
    for name in path:
        found = (object_of(found) or {}).get(name)
    return found


def transcript(thread: Thread) -> list[Json]:
    """The thread's entries in the order in which they arrived, one flat object each."""
    return [
        {
            "id": message["id"],
            "type": message["type"],
            "direction": message.get("direction"),
            "author": message["createdBy"],
            "name": next((s["name"] for s in message["senders"] if s.get("name")), None),
            "text": message.get("text"),
            "richText": message.get("richText"),
            "attachments": message.get("attachments", []),
            "status": _at(message, "status", "statusType"),
            "failure": _at(message, "status", "failureDetails", "errorMessage"),
            "createdAt": message["createdAt"],
            **{
                name: message[name]
                for name in ("assignedTo", "assignedFrom", "newStatus", "toInboxId")
                if name in message
            },
        }
        for message in thread.messages
    ]
