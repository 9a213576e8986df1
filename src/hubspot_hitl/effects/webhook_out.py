"""Tells subscribers what happens to handoffs, as Botpress v12's HITL Next did.

An event is written down before the handoff's change is saved, made into an envelope once, and sent
to each subscriber by a delivery of its own: ten attempts, in the handoff's order, then the dead
letters, from where it can be sent again with the same bytes and the same id.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

import structlog
from pydantic import TypeAdapter

from hubspot_hitl.effects.spoken import BOT_MESSAGE, said_by_user
from hubspot_hitl.errors import BadConfiguration, HookFailed
from hubspot_hitl.handoff.events_envelope import (
    LastSaid,
    Told,
    agent_event,
    body_of,
    handoff_event,
    signature_headers,
)
from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.subscribers import Subscriber, subscribers_of
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, Done, Later, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

EVENT: Final = "hook.event"
SEND: Final = "hook.send"
ATTEMPTS: Final = 10
LOOK_AGAIN_S: Final = 0.5
RECENT: Final = 20


@cache
def _of_handoff() -> TypeAdapter[Handoff]:
    return TypeAdapter(Handoff)  # at first use: a server starts sooner


def subscribers(installation: Installation) -> tuple[Subscriber, ...]:
    """The installation's subscribers; unreadable ones are logged and count as none."""
    try:
        return subscribers_of(installation.configuration.events_webhook.get_secret_value())
    except BadConfiguration as error:
        log.error("events_webhook_unusable", installation=installation.id, error=error.code)
        return ()


def moved_event(
    installation: Installation, before: Handoff, after: Handoff, now_ms: int
) -> list[NewDelivery]:
    """The event of a change that v12 tells: another state, or another agent."""
    same = before.state is after.state and before.agent_actor_id == after.agent_actor_id
    started = before.state is HandoffState.STARTING
    if same or (started and not after.active) or not subscribers(installation):
        return []
    body: dict[str, object] = {
        "type": "create" if started else "update",
        "handoff": _of_handoff().dump_python(after, mode="json"),
        "nowMs": now_ms,
    }
    # `version` makes a reopening another event; a repeat of the same change has the same one.
    key = f"{EVENT}:{after.id}:{before.version}:{after.state.value}:{after.agent_actor_id or '-'}"
    return [
        NewDelivery(
            dedup_key=key,
            lane=f"{EVENT}:{after.id}",
            kind=EVENT,
            installation_id=after.installation_id,
            handoff_id=after.id,
            body=body,
        )
    ]


async def make_event(services: Services, it: Delivery) -> Outcome:
    """Make the envelope, once, and a delivery of it for each subscriber."""
    installation = await installation_of(services, it)
    if it.body["type"] == "agent":
        event = agent_event(
            installation.bot_id, str(it.body["agentId"]), online=it.body.get("online") is not False
        )
    else:
        stored = await handoff_of(services, it)
        if stored.state is HandoffState.STARTING:
            return Later(LOOK_AGAIN_S, "the handoff is starting")
        if stored.end_reason is EndReason.START_FAILED:
            return Done(note="the handoff never started")
        event = await _handoff_event(services, installation, it)
    text = body_of(event).decode()
    id_ = f"evt_{hashlib.sha256(it.dedup_key.encode()).hexdigest()[:32]}"
    then = [
        NewDelivery(
            dedup_key=f"{it.dedup_key}:{one.id}",
            lane=f"{SEND}:{one.id}:{it.lane}",
            kind=SEND,
            installation_id=it.installation_id,
            handoff_id=it.handoff_id,
            body={"id": id_, "subscriber": one.id, "event": text},
        )
        for one in subscribers(installation)
    ]
    return Done(note=f"for {len(then)} subscriber(s)", then=then)


async def _handoff_event(
    services: Services, installation: Installation, it: Delivery
) -> dict[str, object]:
    handoff = _of_handoff().validate_python(it.body["handoff"])
    told = Told(
        bot_id=installation.bot_id,
        type=str(it.body["type"]),
        updated_ms=it.number("nowMs"),
        user=await services.people.user(installation.id, handoff.user_id),
        said=await _last_said(services, installation, handoff),
    )
    return handoff_event(handoff, told)


async def _last_said(
    services: Services, installation: Installation, handoff: Handoff
) -> LastSaid | None:
    recent = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff.id, kind=BOT_MESSAGE, limit=RECENT)
    )
    for it in recent:
        if it.body.get("userId") is not None:
            said = said_by_user(installation, handoff, it)
            return LastSaid(str(it.body["messageId"]), str(it.body["type"]), said.text, said.at_ms)
    return None


async def send_event(services: Services, it: Delivery) -> Outcome:
    """Post the envelope to one subscriber, signed where there is a secret."""
    installation = await installation_of(services, it)
    wanted = it.body["subscriber"]
    one = next((one for one in subscribers(installation) if one.id == wanted), None)
    if one is None:
        return Done(note="nobody is subscribed there any more")
    body = str(it.body["event"]).encode()
    at_s = services.clock.now_ms() // 1000
    signed = signature_headers(one.key, str(it.body["id"]), at_s, body)
    try:
        status = await services.hooks.post(one.url, body, {**one.headers, **signed})
    except HookFailed as error:
        if (it.attempts == 0 and error.status != 503) or it.attempts + 1 >= ATTEMPTS:
            log.warning(
                "event_not_taken",
                installation=installation.id,
                subscriber=one.id,
                attempt=it.attempts + 1,
                status=error.status,
            )
        raise
    return Done(note=f"answered {status}")


DELIVERIES = {EVENT: make_event, SEND: send_event}
"""Kind of delivery -> who handles it."""
