"""What the ledger can be asked to do: every kind of delivery, its handler, how often it is tried.

Made of the tables that stand beside the handlers; no kind may be in two of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from hubspot_hitl import actions, effects, events, intake, privacy
from hubspot_hitl.channels import history, hitl
from hubspot_hitl.crm.routing import carry_out
from hubspot_hitl.effects import contact_log, relay, webhook_out
from hubspot_hitl.effects.spoken import BOT_MESSAGE
from hubspot_hitl.intake import hubspot_events
from hubspot_hitl.ledger.backoff import Policies, Policy
from hubspot_hitl.ports.services import DeliveryHandler
from hubspot_hitl.setup import finish
from hubspot_hitl.upkeep import jobs, reconcile, resend

DELIVERY_HANDLERS: Mapping[str, DeliveryHandler] = {
    **hitl.DELIVERIES,
    **history.DELIVERIES,
    **actions.DELIVERIES,
    **carry_out.DELIVERIES,
    **events.DELIVERIES,
    **effects.DELIVERIES,
    **intake.DELIVERIES,
    **jobs.DELIVERIES,
    **finish.DELIVERIES,
    **reconcile.DELIVERIES,
    **resend.DELIVERIES,
    **privacy.DELIVERIES,
}
"""Kind -> handler."""

RETRYING = Policies(
    by_kind={
        # A hint whose message cannot be read must not keep the chat waiting behind it.
        hubspot_events.NEW_MESSAGE: Policy(max_attempts=5),
        jobs.RUN: Policy(base_s=30.0, cap_s=600.0, max_attempts=3),
        webhook_out.SEND: Policy(
            base_s=1.0,
            cap_s=1_800.0,
            max_age_s=None,
            max_attempts=webhook_out.ATTEMPTS,
            jitter=False,  # as Botpress's v12 did
        ),
    }
)
"""How often what is tried again, where it is not as usual."""

GIVEN_UP = frozenset(
    {
        BOT_MESSAGE,
        hitl.ACKNOWLEDGE,
        history.HISTORY,
        hubspot_events.MESSAGE,
        relay.RECEIPT,
    }
)
"""What is given up when a vendor chokes on it alone: whoever wrote it is told, and nothing but
itself hangs on it. An end, say, is tried for a day: given up, it would leave somebody alone."""

PATIENT = frozenset(
    {
        *contact_log.DELIVERIES,
        *webhook_out.DELIVERIES,
        *jobs.DELIVERIES,
        *reconcile.DELIVERIES,
        *privacy.DELIVERIES,
    }
)
"""What nobody waits for in a chat: however much of it there is, the chat has places of its own."""
