"""An agent answered: the words go into the bot's conversation, once and in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import structlog

from hubspot_hitl.errors import VendorError
from hubspot_hitl.events.catch_up import history_deliveries, is_agent_message
from hubspot_hitl.events.codec import message_from_json
from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.thread_events import AgentMessage
from hubspot_hitl.ports.hubspot import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

AGAIN = ":after-those-before"


async def operator_send_message(services: Services, it: Delivery) -> Outcome:
    """Mirror and announce the agent, put the message into the conversation, mark it SENT.

    What cannot be delivered is marked FAILED with a reason that the agent can read.
    """
    message = message_from_json(cast(Mapping[str, object], it.body["message"]))
    if not is_agent_message(message):
        return Done(note=f"a {message.type} by {message.created_by} is not for the user")
    earlier = await _those_before(services, message, it)
    if earlier:
        return Done(note="after earlier messages that had not arrived", then=[*earlier, _again(it)])
    event = AgentMessage(author_of(message), message.created_ms)
    return await happen(services, it, event, message)


def author_of(message: ThreadMessage) -> str | None:
    """The actor id of who wrote it."""
    return next(iter(message.sender_actor_ids), None) or message.created_by


async def _those_before(
    services: Services, message: ThreadMessage, it: Delivery
) -> list[NewDelivery]:
    """Agent messages older than this one that no webhook has brought yet.

    Asked only when this one is late itself, so that the usual message costs no extra call: of a
    message that comes at once nobody can tell that an elder is still on its way.
    """
    age_ms = it.accepted_ms - message.created_ms
    policy = services.policy
    if it.dedup_key.endswith(AGAIN) or age_ms < policy.order_check_age_ms:
        return []
    checked_ms = services.order_checks.get(it.lane, 0)
    if it.accepted_ms - checked_ms < policy.order_check_every_ms:
        return []
    services.order_checks[it.lane] = it.accepted_ms
    handoff = await handoff_of(services, it)
    installation = await installation_of(services, it)
    try:
        known = await history_deliveries(
            services, installation, handoff, before_ms=message.created_ms
        )
    except VendorError as error:
        log.warning("order_not_checked", handoff=handoff.id, error=error.code)
        return []
    new = await services.ledger.accept(known) if known else 0
    return known if new else []


def _again(it: Delivery) -> NewDelivery:
    return NewDelivery(
        dedup_key=f"{it.dedup_key}{AGAIN}",
        lane=it.lane,
        kind=it.kind,
        installation_id=it.installation_id,
        handoff_id=it.handoff_id,
        body=it.body,
    )
