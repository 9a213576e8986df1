"""Brings HubSpot to what an installation needs: `plan` reads, `apply` writes what differs.

Applying twice writes nothing the second time, and one replica at a time applies. Only channels
that the installation has made are changed, and a webhook target that leads elsewhere is not.
`register` does the same through `bring`, within the time that Botpress gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from hubspot_hitl.crm.transcript import property_exists
from hubspot_hitl.errors import BadConfiguration, HitlError, MissingScope, VendorError
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.integration.readiness import require_ready
from hubspot_hitl.ports.crm_records import CHAT_TRANSCRIPT, CrmType
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.channel import bind, own_channels
from hubspot_hitl.setup.desired import Desired, desired, read_actual
from hubspot_hitl.setup.one_at_a_time import one_at_a_time
from hubspot_hitl.setup.ownership import described
from hubspot_hitl.setup.plan import Plan, Verb, make_plan
from hubspot_hitl.setup.subscriptions import (
    SubscriptionPlan,
    apply_subscriptions,
    neighbours_urls,
    own_urls,
    read_subscriptions,
)

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
    """Make or mend everything; with `fold`, delete the channel's duplicates.

    A duplicate over which a handoff still runs is left. Raises BadConfiguration before anything is
    written, SetupUnfinished while another replica is at it or HubSpot does not list the channel,
    and ActionRefused or VendorError; what was done until then stays and counts next time.
    """
    require_ready(installation.configuration)
    deadline = services.clock.monotonic() + APPLY_TIMEOUT_S
    async with one_at_a_time(services, installation.id, deadline):
        wanted, plan = await _planned(services, installation)
        if plan.problems:
            raise BadConfiguration("; ".join(plan.problems))
        await bind(services, installation, deadline)
        await _mend_channel(services, installation, wanted, plan)
        done = await _folded(services, installation, plan) if fold else Applied(plan)
        if any(one.kind == "property" for one in plan.having(Verb.CREATE)) and not (
            await property_exists(services, installation)
        ):
            left = f"The contact property {CHAT_TRANSCRIPT} may not be made: {_SCHEMA_SCOPE}"
            done = replace(done, plan=replace(plan, by_hand=(*plan.by_hand, left)))
        if any(one.kind in ("webhooks", "subscription") for one in plan.steps):
            await _write_webhooks(services, installation)
        return done


_SCHEMA_SCOPE = (
    "add the scope crm.schemas.contacts.write on the app's Auth tab and connect the portal again."
)


async def bring(
    services: Services, installation: Installation, *, deadline: float
) -> Sequence[ChannelBinding]:
    """What `register` does: the channel and its accounts, and the rest as far as HubSpot allows.

    A handoff works without the property, and where the app's webhooks cannot be written a person
    has to click: neither fails the set-up. `deadline` is on the clock's `monotonic()`. Raises as
    `ensure_bindings` does.
    """
    async with one_at_a_time(services, installation.id, deadline):
        bindings = await bind(services, installation, deadline)
        try:
            await _learn_portal(services, installation)
            if installation.configuration.transcript_mode != "off":
                await property_exists(services, installation)
            await _write_webhooks(services, installation)
        except HitlError as error:
            log.info(
                "setup_left_to_a_person",
                installation=installation.id,
                error_code=error.code,
                cure="`hubspot-hitl plan` lists the clicks",
            )
        return bindings


async def _learn_portal(services: Services, installation: Installation) -> None:
    """A refresh tells the portal; a private app's token, which is never refreshed, has to be asked.

    Without it, the app's webhooks could not be told from a neighbour's.
    """
    known = await services.installations.get(installation.id)
    if known is not None and known.portal_id is None:
        info = await services.hubspot.of(installation).portal()
        await services.installations.set_portal(installation.id, info.portal_id)


async def _planned(services: Services, installation: Installation) -> tuple[Desired, Plan]:
    own = await own_channels(services, installation)
    try:
        wanted = desired(installation, services.policy, own)
    except ValueError as error:
        raise BadConfiguration(f"Inbox ID (inboxId): {error}") from error
    actual = await read_actual(services.hubspot.of(installation), own)
    actual = replace(
        actual,
        transcript=await _transcript(services, installation) if wanted.transcript else None,
        webhooks=await _webhooks(services, installation),
    )
    return wanted, make_plan(wanted, actual)


async def _transcript(services: Services, installation: Installation) -> bool | None:
    """Whether contacts have the property; None when that may not be read."""
    try:
        there = await services.crm.of(installation).properties(CrmType.CONTACT)
    except MissingScope:
        return None
    return any(one.name == CHAT_TRANSCRIPT for one in there)


async def _webhooks(services: Services, installation: Installation) -> SubscriptionPlan | None:
    """What the app's webhooks lack; None where HubSpot's API does not serve this kind of app."""
    if services.webhooks is None:
        return None
    urls = own_urls(installation, services.policy)
    also = await neighbours_urls(services, installation)
    try:
        return await read_subscriptions(services.webhooks.of(installation), urls, also=also)
    except VendorError as error:
        if error.retryable:
            raise
        log.info("subscriptions_not_readable", error_code=error.code)
        return None


async def _write_webhooks(services: Services, installation: Installation) -> None:
    if services.webhooks is None:
        return
    urls = own_urls(installation, services.policy)
    also = await neighbours_urls(services, installation)
    await apply_subscriptions(services.webhooks.of(installation), urls, also=also)


async def _mend_channel(
    services: Services, installation: Installation, wanted: Desired, plan: Plan
) -> None:
    hubspot = services.hubspot.of(installation)
    for step in plan.having(Verb.UPDATE):
        changes = set(step.changes) - {"webhookUrl"}  # `bind` has brought it to our address
        if step.kind == "channel" and step.id is not None and changes:
            await hubspot.update_channel(
                step.id,
                name=wanted.name if "name" in changes else None,
                capabilities=wanted.capabilities if "capabilities" in changes else None,
                description=described(wanted.own.mark) if "description" in changes else None,
            )
            log.info("channel_updated", installation=installation.id, channel=step.id)


async def _folded(services: Services, installation: Installation, plan: Plan) -> Applied:
    duplicates = [step.id for step in plan.having(Verb.DUPLICATE) if step.id is not None]
    if not duplicates:
        return Applied(plan)
    busy = {one.channel_id for one in await _active(services, installation)}
    folded = [one for one in duplicates if one not in busy]
    for channel_id in folded:
        await services.hubspot.of(installation).delete_channel(channel_id)
        log.info("channel_folded", installation=installation.id, channel=channel_id)
    return Applied(plan, tuple(folded), tuple(one for one in duplicates if one in busy))


async def _active(services: Services, installation: Installation) -> list[Handoff]:
    return list(
        await services.handoffs.find(
            installation_id=installation.id, active=True, limit=ACTIVE_LIMIT
        )
    )
