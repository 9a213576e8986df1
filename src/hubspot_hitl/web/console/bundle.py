"""The support bundle: one handoff's recording as a zip without names, texts or secrets.

What is left out is left out by construction: fields are taken from a list, and of texts only their
length. Ids stay, for support has to find the handoff at both vendors.
"""

from __future__ import annotations

import io
import json
import platform
import zipfile
from dataclasses import asdict

from aiohttp import web

from hubspot_hitl import __version__
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.json_values import is_list, is_object
from hubspot_hitl.ports.flight import Recorded
from hubspot_hitl.ports.ledger import Delivery
from hubspot_hitl.redaction import redact_text
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.recorder import Recording, record
from hubspot_hitl.web.console.render import problem

_HANDOFF_FIELDS = (
    "id", "installation_id", "integration_thread_id", "conversation_id", "thread_id", "state",
    "end_reason", "inbox_id", "channel_id", "channel_account_id", "agent_actor_id", "language",
    "created_ms", "first_assigned_ms", "assigned_ms", "first_reply_ms", "last_agent_ms",
    "ended_ms", "version",
)  # fmt: skip
_DELIVERY_FIELDS = (
    "seq", "kind", "state", "attempts", "timer", "started", "due_ms", "accepted_ms",
    "finished_ms", "error_code",
)  # fmt: skip
_KEPT_IN_BODIES = frozenset({"type", "direction", "messageType", "propertyName", "channelId"})


def bundle(recording: Recording) -> bytes:
    """The zip."""
    files = {
        "handoff.json": _fields(recording.handoff, _HANDOFF_FIELDS),
        "deliveries.json": [_delivery(step.delivery) for step in recording.steps],
        "attempts.json": [_attempt(one) for one in recording.journeys],
        "versions.json": {
            "hubspot-hitl": __version__,
            "python": platform.python_version(),
            "system": platform.system(),
        },
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, json.dumps(content, indent=2))
    return out.getvalue()


def _fields(one: Handoff | Delivery, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(one, name) for name in names}


def _delivery(one: Delivery) -> dict[str, object]:
    return {
        **_fields(one, _DELIVERY_FIELDS),
        "error": redact_text(one.error) if one.error else None,
        "body": shape(one.body),
    }


def _attempt(one: Recorded) -> dict[str, object]:
    """An attempt with its calls, HubSpot's `correlationId` among them; no decision's values."""
    return {
        "name": one.name,
        "seq": one.seq,
        "at_ms": one.at_ms,
        "took_ms": one.took_ms,
        "outcome": one.outcome,
        "failures": one.failures,
        "calls": [asdict(call) for call in one.calls],
    }


def shape(value: object, name: str = "") -> object:
    """A body's structure: numbers and short kinds stay, texts become their length.

    >>> shape({"type": "text", "text": "Hello"})
    {'type': 'text', 'text': '<5 characters>'}
    """
    if is_object(value):
        return {key: shape(one, key) for key, one in value.items()}
    if is_list(value):
        return [shape(one) for one in value]
    if isinstance(value, str):
        return value if name in _KEPT_IN_BODIES else f"<{len(value)} characters>"
    return value


async def download(visit: Visit) -> web.StreamResponse:
    """The bundle of a handoff; taking it away is written down."""
    recording = await record(visit.desk.services, visit.request.match_info["handoff"])
    if recording is None:
        return problem(visit.frame, 404, "There is no handoff of this id.")
    handoff_id = recording.handoff.id
    await visit.desk.audit.append(visit.who.name, "console.bundle", handoff_id)
    return web.Response(
        body=bundle(recording),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="handoff-{handoff_id}.zip"'},
    )
