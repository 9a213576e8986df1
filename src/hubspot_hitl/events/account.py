"""A channel account was connected, changed or deleted in HubSpot's settings."""

from __future__ import annotations

import structlog

from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)


async def channel_account_changed(services: Services, it: Delivery) -> Outcome:
    """Read the channel's accounts again and forget bindings that no longer carry messages.

    The webhook does not say whether the account is still authorized, so HubSpot is asked. The next
    handoff connects the inbox again, or says clearly why it cannot.
    """
    installation = await installation_of(services, it)
    bindings = await services.installations.bindings(installation.id)
    channels = {binding.channel_id for binding in bindings}
    hubspot = services.hubspot.of(installation)
    alive = {
        account.id
        for channel_id in sorted(channels)
        for account in await hubspot.channel_accounts(channel_id)
        if account.authorized and not account.archived
    }
    kept = [binding for binding in bindings if binding.channel_account_id in alive]
    if len(kept) != len(bindings):
        lost = [b.inbox_id for b in bindings if b.channel_account_id not in alive]
        log.warning("channel_account_lost", installation=installation.id, inboxes=lost)
        await services.installations.set_bindings(installation.id, kept)
    return Done(note=f"{len(kept)} of {len(bindings)} account(s) carry messages")
