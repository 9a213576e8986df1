"""What every handler of a delivery reads first: its installation and its handoff."""

from __future__ import annotations

import hashlib
from typing import Final

from hubspot_hitl.errors import StoreUnavailable, UnknownInstallation
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery
from hubspot_hitl.ports.services import Services


async def installation_of(services: Services, it: Delivery) -> Installation:
    """The installation of a delivery. Raises UnknownInstallation when it was removed."""
    installation = await services.installations.get(it.installation_id)
    if installation is None:
        raise UnknownInstallation(
            f"installation {it.installation_id!r} was removed; discard this delivery"
        )
    return installation


async def handoff_of(services: Services, it: Delivery) -> Handoff:
    """The handoff of a delivery.

    In its own lane nobody else writes it. Elsewhere another replica may have done so meanwhile.
    """
    handoff = await stored_handoff(services, it)
    if handoff is None:
        raise StoreUnavailable(
            f"delivery {it.seq} names handoff {it.handoff_id!r}, which the database does not have"
        )
    return handoff


async def stored_handoff(services: Services, it: Delivery) -> Handoff | None:
    """The same, or None when there is none (yet)."""
    if it.handoff_id is None:
        return None
    return await services.handoffs.get(it.handoff_id, fresh=it.lane != it.handoff_id)


CLOCKS_MS: Final = 2_000
"""How far the agreed clocks of two replicas may be from each other."""


async def start_in_flight(
    services: Services, installation_id: str, *, by_ms: int | None = None
) -> bool:
    """Whether a thread that nobody knows may yet turn out to belong to a handoff of ours.

    `by_ms` is when the thread was heard of: what began later did not open it.
    """
    now_ms = services.clock.now_ms()
    since_ms, by_ms = now_ms - services.policy.start_overdue_ms, by_ms or now_ms
    return await services.handoffs.starting(installation_id, since_ms, by_ms + CLOCKS_MS)


def name_of(services: Services, it: Delivery) -> str:
    """What a delivery is called at the vendors: in marks of comments, in ids of our own messages.

    It is made of the delivery's key, which belongs to what happened. Its number would name another
    delivery once an old backup is restored; only those from before version 3 of the schema have
    it, because their marks may stand in a thread already.
    """
    if it.seq <= services.named_by_number:
        return str(it.seq)
    return hashlib.sha256(it.dedup_key.encode()).hexdigest()[:12]
