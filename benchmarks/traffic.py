"""The requests of both vendors, signed and ready to send, for the handoffs that `world` seeded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta

import orjson

from benchmarks.http11 import request

FLOOR_SECRET = b"floor-secret"
SIGNING_SECRET = base64.urlsafe_b64encode(hashlib.sha256(b"bench").digest()).decode().rstrip("=")
CHANNEL_ID = "700"
AGENT = "A-1"

Requests = list[tuple[str, bytes]]
"""Message id -> request."""


def configuration(number: int) -> dict[str, object]:
    """What the owner of installation `number` filled in."""
    return {
        "developerApiKey": "developer-key-0001",
        "appId": "100",
        "clientId": f"client-{number}",
        "clientSecret": client_secret(number),
        "refreshToken": f"refresh-{number}",
        "inboxId": "500",
    }


def client_secret(number: int) -> str:
    """The secret HubSpot signs with."""
    return f"client-secret-{number:04d}"


def floor_messages(count: int, run: str) -> Requests:
    """The same message as an agent's, for the floor."""
    out: Requests = []
    for index in range(count):
        key = f"{run}-{index}"
        body = orjson.dumps(_agent_message(key, index, index))
        stamp = str(_now_ms())
        digest = hmac.digest(FLOOR_SECRET, b"POST/message" + body + stamp.encode(), "sha256")
        headers = {
            "content-type": "application/json",
            "x-timestamp": stamp,
            "x-signature": base64.b64encode(digest).decode(),
        }
        out.append((key, request("POST", "/message", headers, body)))
    return out


def user_messages(count: int, run: str, *, installations: int, handoffs: int) -> Requests:
    """Botpress's `message_created`, spread over the handoffs."""
    out: Requests = []
    for index in range(count):
        handoff = index % handoffs
        number = handoff % installations
        key = f"{run}-{index}"
        user = f"user_{handoff}"
        text = f"Message {index} of the user, as long as most people's."
        payload = {"text": text, "userId": user}
        body = orjson.dumps(
            {
                "type": "text",
                "payload": payload,
                "conversation": {
                    "id": f"conv_{handoff}",
                    "channel": "hitl",
                    "tags": {"id": f"{10_000 + handoff}"},
                },
                "message": {
                    "id": key,
                    "type": "text",
                    "payload": payload,
                    "tags": {},
                    "userId": user,
                    "conversationId": f"conv_{handoff}",
                    "createdAt": datetime.now(UTC).isoformat(),
                    "direction": "outgoing",
                },
                "user": {"id": user, "tags": {}},
            }
        )
        stamp = _now_ms()
        secret = base64.urlsafe_b64decode(SIGNING_SECRET + "=" * (-len(SIGNING_SECRET) % 4))
        digest = hmac.digest(secret, f"{stamp}.".encode() + body, "sha256")
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        headers = {
            "content-type": "application/json",
            "x-bot-id": f"bot_{number}",
            "x-bot-user-id": f"botuser_{number}",
            "x-integration-id": "int_1",
            "x-integration-alias": "hubspot-hitl",
            "x-webhook-id": f"hook_{number}",
            "x-bp-operation": "message_created",
            "x-bp-configuration": base64.b64encode(orjson.dumps(configuration(number))).decode(),
            "x-bp-signature": f"{stamp},{signature}",
        }
        out.append((key, request("POST", "/botpress", headers, body)))
    return out


def agent_messages(
    count: int,
    run: str,
    *,
    installations: int,
    handoffs: int,
    public_url: str,
    per_s: float = 0,
) -> Requests:
    """HubSpot's channel hook, spread over the handoffs.

    With `per_s` each is dated as if written just before it is sent, else when it is made here.
    """
    out: Requests = []
    began = datetime.now(UTC)
    for index in range(count):
        handoff = index % handoffs
        key = f"{run}-{index}"
        at = began + timedelta(seconds=index / per_s) if per_s else None
        body = orjson.dumps(_agent_message(key, handoff, handoff % installations, at))
        out.append((key, hubspot_hook(handoff % installations, public_url, body)))
    return out


def threads_of(requests: Requests) -> dict[str, list[object]]:
    """What agents say in these requests, by thread, in order."""
    threads: dict[str, list[object]] = {}
    for _, raw in requests:
        if not raw.startswith(b"POST /hubspot/"):
            continue
        message = orjson.loads(raw.partition(b"\r\n\r\n")[2])["message"]
        threads.setdefault(message["conversationsThreadId"], []).append(message)
    return threads


def status_batch(size: int, run: int, *, installation: int, step: int, public_url: str) -> bytes:
    """One request of the app's webhooks with `size` events of as many handoffs."""
    now = _now_ms()
    events = [
        {
            "eventId": index,
            "subscriptionId": 1,
            "portalId": installation,
            "appId": 100,
            "occurredAt": now + run,
            "subscriptionType": "conversation.propertyChange",
            "attemptNumber": 0,
            "objectId": 10_000 + installation + index * step,
            "changeSource": "USER",
            "propertyName": "status",
            "propertyValue": "OPEN",
        }
        for index in range(size)
    ]
    return hubspot_hook(installation, public_url, orjson.dumps(events))


def hubspot_hook(installation: int, public_url: str, body: bytes) -> bytes:
    """A webhook signed with v3."""
    target = f"/hubspot/webhooks/hook_{installation}"
    stamp = _now_ms()
    source = f"POST{public_url}{target}".encode() + body + str(stamp).encode()
    digest = hmac.digest(client_secret(installation).encode(), source, "sha256")
    headers = {
        "content-type": "application/json",
        "x-hubspot-request-timestamp": str(stamp),
        "x-hubspot-signature-v3": base64.b64encode(digest).decode(),
    }
    return request("POST", target, headers, body)


def _agent_message(
    key: str, handoff: int, portal: int, at: datetime | None = None
) -> dict[str, object]:
    now = (at or datetime.now(UTC)).isoformat().replace("+00:00", "Z")
    return {
        "type": "OUTGOING_CHANNEL_MESSAGE_CREATED",
        "portalId": portal,
        "channelId": CHANNEL_ID,
        "eventId": f"event-{key}",
        "eventTimestamp": now,
        "channelIntegrationThreadIds": [f"own-{handoff}"],
        "message": {
            "id": key,
            "type": "MESSAGE",
            "conversationsThreadId": f"{10_000 + handoff}",
            "channelId": CHANNEL_ID,
            "channelAccountId": "600",
            "createdAt": now,
            "createdBy": AGENT,
            "direction": "OUTGOING",
            "text": f"Answer {key} of the agent, as long as most people's.",
            "richText": f"<p>Answer {key} of the agent, as long as most people's.</p>",
            "senders": [{"actorId": AGENT, "name": "Ada"}],
            "attachments": [],
            "truncationStatus": "NOT_TRUNCATED",
        },
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
