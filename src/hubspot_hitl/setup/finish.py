"""What `register` could not finish in time goes on here, as a delivery that outlives restarts.

HubSpot may list a new channel only after minutes, while Botpress gives `register` one. Until it is
done, `startHitl` says how far it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from hubspot_hitl.errors import HitlError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery, Done, Later, NewDelivery, Outcome
from hubspot_hitl.ports.services import DeliveryHandler, Services
from hubspot_hitl.setup.apply import bring
from hubspot_hitl.setup.one_at_a_time import SetupUnfinished
from hubspot_hitl.setup.progress import FINISH, pending

log = structlog.get_logger(__name__)

TURN_S: Final = 20.0
PAUSE_S: Final = 10.0
LONGEST_MS: Final = 60 * 60_000


async def finish_later(services: Services, installation: Installation) -> None:
    """Go on with the set-up in the background, unless that is under way already."""
    if await pending(services, installation.id) is not None:
        return
    now_ms = services.clock.now_ms()
    await services.ledger.accept(
        [
            NewDelivery(
                dedup_key=f"setup:{installation.id}:{now_ms}",
                lane=f"setup:{installation.id}",
                kind=FINISH,
                installation_id=installation.id,
                body={},
            )
        ]
    )
    log.info("setup_goes_on", installation=installation.id)


async def handle(services: Services, it: Delivery) -> Outcome:
    """Make the next attempt. A set-up that takes an hour ends as a dead letter."""
    installation = await services.installations.get(it.installation_id)
    if installation is None:
        return Done(note="the installation was removed")
    deadline = services.clock.monotonic() + TURN_S
    try:
        bindings = await bring(services, installation, deadline=deadline)
    except SetupUnfinished as error:
        if services.clock.now_ms() - it.accepted_ms > LONGEST_MS:
            raise
        log.info("setup_progress", installation=installation.id, reason=error.message)
        return Later(PAUSE_S, error.message)
    except HitlError as error:
        log.warning("setup_failed", installation=installation.id, error_code=error.code)
        raise
    log.info("setup_finished", installation=installation.id, channel=bindings[0].channel_id)
    return Done(note=f"{len(bindings)} inbox(es) connected")


DELIVERIES: Mapping[str, DeliveryHandler] = {FINISH: handle}
