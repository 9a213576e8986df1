"""Brings HubSpot to what an installation needs: `plan` reads, `apply` writes what differs.

Applying twice writes nothing the second time. Only channels with the installation's own webhook URL
are changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from hubspot_hitl.errors import BadConfiguration, VendorError
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.configuration import require_ready
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.channel import ensure_bindings
from hubspot_hitl.setup.desired import Desired, desired, missing_subscriptions, read_actual
from hubspot_hitl.setup.plan import Plan, Verb, make_plan

log = structlog.get_logger(__name__)

APPLY_TIMEOUT_S = 180.0
ACTIVE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Applied:
    """The plan that was carried out, and the duplicates that were left and why."""

    plan: Plan
    folded: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


async def plan_for(services: Services, installation: Installation) -> Plan:
    """What would have to change at HubSpot. Raises BadConfiguration or VendorError."""
    return (await _planned(services, installation))[1]


async def apply(services: Services, installation: Installation, *, fold: bool = False) -> Applied:
    """Make or mend the channel and its accounts; with `fold`, delete its duplicates.

    A duplicate over which a handoff still runs is left. Raises BadConfiguration before anything is
    written, and ActionRefused or VendorError; what was done until then stays and counts next time.
    """
    require_ready(installation.configuration)
    wanted, plan = await _planned(services, installation)
    if plan.problems:
        raise BadConfiguration("; ".join(plan.problems))
    deadline = services.clock.monotonic() + APPLY_TIMEOUT_S
    await ensure_bindings(services, installation, deadline=deadline)
    hubspot = services.hubspot.of(installation)
    for step in plan.having(Verb.UPDATE):
        if step.kind == "channel" and step.id is not None:
            await hubspot.update_channel(
                step.id,
                name=wanted.name if "name" in step.changes else None,
                capabilities=wanted.capabilities if "capabilities" in step.changes else None,
            )
            log.info("channel_updated", installation=installation.id, channel=step.id)
    duplicates = [step.id for step in plan.having(Verb.DUPLICATE) if step.id is not None]
    if not fold or not duplicates:
        return Applied(plan)
    busy = {one.channel_id for one in await _active(services, installation)}
    folded = [one for one in duplicates if one not in busy]
    for channel_id in folded:
        await hubspot.delete_channel(channel_id)
        log.info("channel_folded", installation=installation.id, channel=channel_id)
    return Applied(plan, tuple(folded), tuple(one for one in duplicates if one in busy))


async def clicks(services: Services, installation: Installation) -> tuple[str, ...]:
    """What a person has to click for the webhook subscriptions; nothing where all is there.

    HubSpot's API for them serves legacy public apps only, and its target URL is one for all portals
    of the app: so it is read where that is allowed, and never written.
    """
    url = services.policy.botpress_webhook(installation)
    if services.policy.webhook_route == "direct":
        url = services.policy.direct_webhook(installation) or url
    missing = missing_subscriptions(())
    if services.webhooks is not None:
        try:
            missing = missing_subscriptions(
                await services.webhooks.of(installation).subscriptions()
            )
        except VendorError as error:
            log.info("subscriptions_not_readable", error_code=error.code)
    if not missing:
        return ()
    return (
        "In HubSpot's developer account open Apps, choose the app, then Webhooks.",
        f"If the target URL is empty, set it to {url} (or to the server's own URL for all portals)"
        " and save.",
        f"Create subscription, object type Conversation: {', '.join(missing)}.",
        "Select the new subscriptions and choose Activate.",
    )


async def _planned(services: Services, installation: Installation) -> tuple[Desired, Plan]:
    try:
        wanted = desired(installation, services.policy)
    except ValueError as error:
        raise BadConfiguration(f"Inbox ID (inboxId): {error}") from error
    actual = await read_actual(services.hubspot.of(installation), wanted.webhook_url)
    return wanted, make_plan(wanted, actual)


async def _active(services: Services, installation: Installation) -> list[Handoff]:
    return list(
        await services.handoffs.find(
            installation_id=installation.id, active=True, limit=ACTIVE_LIMIT
        )
    )
