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
    connected = [binding for binding in bindings if binding.unlisted_since_ms is None]
    channels = {binding.channel_id for binding in connected}
    hubspot = services.hubspot.of(installation)
    alive = {
        account.id
        for channel_id in sorted(channels)
        for account in await hubspot.channel_accounts(channel_id)
        if account.authorized and not account.archived
    }
    lost = [binding for binding in connected if binding.channel_account_id not in alive]
    if lost:
        inboxes = [binding.inbox_id for binding in lost]
        log.warning("channel_account_lost", installation=installation.id, inboxes=inboxes)
        kept = [binding for binding in bindings if binding not in lost]
        await services.installations.set_bindings(installation.id, kept)
    living = len(connected) - len(lost)
    return Done(note=f"{living} of {len(connected)} account(s) carry messages")
