"""`register`: what Botpress calls when a bot owner saves an install."""

from __future__ import annotations

import asyncio
import dataclasses

import structlog

from hubspot_hitl.crm.settings import check_against_portal, check_crm_settings
from hubspot_hitl.errors import ActionRefused, VendorError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.readiness import require_ready
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.apply import bring
from hubspot_hitl.setup.finish import finish_later
from hubspot_hitl.setup.one_at_a_time import SetupUnfinished
from hubspot_hitl.setup.refusals import why_refused

log = structlog.get_logger(__name__)

GRACE_S = 5.0


async def register(services: Services, installation: Installation, webhook_url: str) -> None:
    """Check the credentials, then make or find the channel and its accounts.

    Ends within the policy's `register_timeout_s`: Botpress gives 60 s. When HubSpot is not ready
    with the new channel by then, registering succeeds and goes on in the background. Raises
    ActionRefused, whose message Botpress shows to the bot owner as the reason of the failure.
    """
    require_ready(installation.configuration)
    check_crm_settings(installation.configuration)
    deadline = services.clock.monotonic() + services.policy.register_timeout_s
    installation = await services.installations.remember(
        dataclasses.replace(installation, webhook_url=webhook_url)
    )
    try:
        # The wait for a new channel ends by the deadline; this ends calls that do not return.
        async with asyncio.timeout(services.policy.register_timeout_s + GRACE_S):
            await check_against_portal(services, installation)
            bindings = await bring(services, installation, deadline=deadline)
    except (SetupUnfinished, TimeoutError):
        await finish_later(services, installation)
        return
    except VendorError as error:
        raise ActionRefused(f"HubSpot could not be set up. {why_refused(error)}") from error
    log.info(
        "registered",
        installation=installation.id,
        channel=bindings[0].channel_id,
        inboxes=[binding.inbox_id for binding in bindings],
    )
