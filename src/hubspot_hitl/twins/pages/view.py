"""What the page shows of a conversation: the user's chat and the agent's thread, as JSON."""

from __future__ import annotations

import re
from typing import cast

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.hubspot.records import Thread
from hubspot_hitl.twins.hubspot.transcript import transcript
from hubspot_hitl.twins.stage import Stage
from hubspot_hitl.twins.wire import Json

_NUMBERED = re.compile(r"^\d+[.)]\s+(\S.{0,79})$", re.MULTILINE)
_URL_FIELDS = ("imageUrl", "audioUrl", "videoUrl", "fileUrl")
_NAMES = {"A": "agent", "V": "visitor", "I": "app", "S": "system"}


def thread_of(stage: Stage, chat: Chat) -> Thread | None:
    """The HubSpot thread of a chat's latest handoff, once there is one."""
    if chat.downstream is None:
        return None
    return stage.hubspot.world.threads.get(stage.thread_of(chat))


def listed(stage: Stage, chat: Chat) -> Json:
    """A conversation in the inbox's list."""
    thread = thread_of(stage, chat)
    return {
        "id": chat.id,
        "name": chat.person.name or "Visitor",
        "active": chat.active,
        "starting": chat.starting,
        "thread": thread.id if thread else None,
        "status": thread.status if thread else None,
        "archived": bool(thread and thread.archived),
        "assignedTo": _agent_name(stage, thread.assigned_to) if thread else None,
    }


def shown(stage: Stage, chat: Chat) -> Json:
    """A conversation with everything that was said on both sides."""
    thread = thread_of(stage, chat)
    return {
        **listed(stage, chat),
        "endReason": chat.end_reason,
        "agentName": chat.agent_name,
        "lines": [_line(line) for line in chat.lines],
        "entries": _entries(stage, thread) if thread else [],
        "assignedId": thread.assigned_to if thread else None,
    }


def _line(line: Json) -> Json:
    payload = cast(Json, line["payload"])
    url = next((str(payload[name]) for name in _URL_FIELDS if payload.get(name)), None)
    text = str(payload.get("text") or payload.get("title") or "")
    found: Json = {
        "id": line["id"],
        "at_ms": line["at_ms"],
        "author": line["author"],
        "name": line.get("name"),
        "kind": line["type"],
        "text": text,
        "url": url,
    }
    if line["author"] == "agent" and line["type"] == "text":
        found["choices"] = _NUMBERED.findall(text)[:10]
    return found


def _entries(stage: Stage, thread: Thread) -> list[Json]:
    return [
        {
            "id": entry["id"],
            "at": entry["createdAt"],
            "kind": entry["type"],
            "direction": entry["direction"],
            "role": _NAMES.get(str(entry["author"])[:1], "system"),
            "name": entry["name"] or _agent_name(stage, str(entry["author"])),
            "text": entry["text"] or _event_text(stage, entry),
            "status": entry["status"],
            "failure": entry["failure"],
            "files": [_file(stage, thread, item) for item in entry["attachments"]],
        }
        for entry in transcript(thread)
    ]


def _file(stage: Stage, thread: Thread, item: Json) -> Json:
    if item.get("type") == "QUICK_REPLIES":
        return {"kind": "replies", "labels": [one["label"] for one in item["quickReplies"]]}
    portal = stage.hubspot.world.portals[thread.portal_id]
    stored = portal.files.get(str(item.get("fileId")))
    if stored is None:
        return {"kind": "other", "name": str(item.get("type", "attachment")).lower()}
    kind = stored.content_type.partition("/")[0]
    return {
        "kind": kind if kind in ("image", "audio", "video") else "file",
        "name": stored.name,
        "url": f"/inbox-files/{portal.id}/{stored.id}",
    }


def _event_text(stage: Stage, entry: Json) -> str:
    if entry["type"] == "ASSIGNMENT":
        name = _agent_name(stage, entry.get("assignedTo"))
        return f"Assigned to {name}" if name else "Assigned to nobody"
    if entry["type"] == "THREAD_STATUS_CHANGE":
        return "Closed" if entry.get("newStatus") == "CLOSED" else "Open"
    return ""


def _agent_name(stage: Stage, actor_id: object) -> str | None:
    return next(
        (agent.name for agent in stage.hubspot.agents.list() if agent.actor_id == actor_id), None
    )
