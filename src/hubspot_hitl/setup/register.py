"""`register` and `unregister`: what Botpress calls when a bot owner saves or removes an install."""

from __future__ import annotations

import asyncio
import dataclasses

import structlog

from hubspot_hitl.crm.settings import check_against_portal, check_crm_settings
from hubspot_hitl.effects.moved import save_moved
from hubspot_hitl.errors import ActionRefused, HitlError, Stale, VendorError
from hubspot_hitl.handoff.machine import end
from hubspot_hitl.handoff.records import EndReason
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.readiness import require_ready
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.apply import ACTIVE_LIMIT, bring
from hubspot_hitl.setup.channel import own_channels
from hubspot_hitl.setup.finish import finish_later
from hubspot_hitl.setup.one_at_a_time import SetupUnfinished
from hubspot_hitl.setup.refusals import why_refused
from hubspot_hitl.setup.subscriptions import release_target

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


async def unregister(services: Services, installation: Installation) -> None:
    """Take away what this installation made at HubSpot and forget its secrets.

    Its channels are deleted; the app's webhook target, where it is this installation's, goes to
    another installation of the app or is cleared; chats that run end. Botpress does not let an
    uninstall fail: what cannot be undone at HubSpot is logged with what to do by hand, and
    everything here is forgotten all the same.
    """
    await _end_chats(services, installation)
    try:
        async with asyncio.timeout(services.policy.register_timeout_s):
            await _take_away(services, installation)
    except TimeoutError:
        log.warning(
            "hubspot_left_behind",
            installation=installation.id,
            cure="scripts/list_channels.py lists the app's channels; remove this bot's there",
        )
    await services.installations.remove(installation.id)
    log.info("unregistered", installation=installation.id)


async def _take_away(services: Services, installation: Installation) -> None:
    """Undo at HubSpot what can be undone; what cannot is logged with what to do by hand."""
    for channel_id in await _own_channels(services, installation):
        try:
            await services.hubspot.of(installation).delete_channel(channel_id)
        except HitlError as error:
            log.warning(
                "channel_left_behind",
                installation=installation.id,
                channel=channel_id,
                error=error.code,
                cure=f"scripts/list_channels.py --remove {channel_id} --yes",
            )
    try:
        await release_target(services, installation)
    except HitlError as error:
        # Most apps cannot be read here, and a person has set their target.
        log.info(
            "webhook_target_left_alone",
            installation=installation.id,
            error=error.code,
            cure="if it leads to this bot, clear it on the app's Webhooks page in HubSpot",
        )


async def _end_chats(services: Services, installation: Installation) -> None:
    """End what runs: nobody hears of it any more, and nothing may look open for ever."""
    active = await services.handoffs.find(
        installation_id=installation.id, active=True, limit=ACTIVE_LIMIT
    )
    for one in active:
        ended = end(one, EndReason.BOT_STOPPED, services.clock.now_ms())
        try:
            await save_moved(services, installation, one, ended)
        except Stale as error:  # it has just ended, or moves on its own: a repeat would race too
            log.info("chat_left_as_it_is", handoff=one.id, error=error.code)
    if active:
        log.info("chats_ended", installation=installation.id, count=len(active))


async def _own_channels(services: Services, installation: Installation) -> list[str]:
    """The channels that were bound, and any other that is ours: an answer may have been lost."""
    own = await own_channels(services, installation)
    found = set(own.ids)
    try:
        found |= {one.id for one in own.of(await services.hubspot.of(installation).channels())}
    except HitlError as error:
        log.info("channels_not_listed", installation=installation.id, error=error.code)
    return sorted(found)
