"""`unregister`: what Botpress calls when a bot owner removes an install."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from hubspot_hitl.effects.comments import write_comment
from hubspot_hitl.effects.moved import save_moved
from hubspot_hitl.effects.saying import agents_text
from hubspot_hitl.errors import HitlError, Stale
from hubspot_hitl.handoff.machine import end
from hubspot_hitl.handoff.records import EndReason, Handoff
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.integration.events import HITL_STOPPED
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.apply import ACTIVE_LIMIT
from hubspot_hitl.setup.channel import own_channels
from hubspot_hitl.setup.subscriptions import release_target

log = structlog.get_logger(__name__)

TOLD_AT_ONCE: Final = 8


async def unregister(services: Services, installation: Installation) -> None:
    """End the chats, take away what this installation made at HubSpot, forget its secrets.

    Of each chat that runs the bot is told that it ended, and the agent in the thread, which is
    closed. The installation's channels are deleted; the app's webhook target, where it is this
    installation's, goes to another installation of the app or is cleared. Botpress does not let an
    uninstall fail: what cannot be done at a vendor is logged with what to do by hand, and
    everything here is forgotten all the same. The calls of both vendors take at most the policy's
    `register_timeout_s`.
    """
    half_s = services.policy.register_timeout_s / 2
    ended = await _end_chats(services, installation)
    try:
        async with asyncio.timeout(half_s):
            await _tell_both_sides(services, installation, ended)
    except TimeoutError:
        log.warning(
            "chats_left_untold",
            installation=installation.id,
            threads=[one.thread_id for one in ended],
            cure="close those that are still open in HubSpot",
        )
    try:
        async with asyncio.timeout(half_s):
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


async def _end_chats(services: Services, installation: Installation) -> list[Handoff]:
    """End what runs, before anybody is told: HubSpot's echo of a close finds it ended."""
    active = await services.handoffs.find(
        installation_id=installation.id, active=True, limit=ACTIVE_LIMIT
    )
    for one in active:
        ended = end(one, EndReason.UNREGISTERED, services.clock.now_ms())
        try:
            await save_moved(services, installation, one, ended)
        except Stale as error:  # it has just ended, or moves on its own: a repeat would race too
            log.info("chat_left_as_it_is", handoff=one.id, error=error.code)
    if active:
        log.info("chats_ended", installation=installation.id, count=len(active))
    return list(active)


async def _tell_both_sides(
    services: Services, installation: Installation, ended: Sequence[Handoff]
) -> None:
    """Tell of each chat, several at once: nobody may wait for somebody who cannot answer."""
    turns = asyncio.Semaphore(TOLD_AT_ONCE)

    async def tell(one: Handoff) -> None:
        async with turns:
            await _tell_bot(services, installation, one)
            await _tell_agent(services, installation, one)

    await asyncio.gather(*(tell(one) for one in ended))


async def _tell_bot(services: Services, installation: Installation, handoff: Handoff) -> None:
    if handoff.conversation_id is None:
        return
    payload: dict[str, object] = {"conversationId": handoff.conversation_id}
    try:
        await services.bots.of(installation).create_event(
            HITL_STOPPED, payload, conversation_id=handoff.conversation_id
        )
    except HitlError as error:  # Botpress may take no calls any more of what is being removed
        log.warning("bot_not_told_of_end", handoff=handoff.id, error=error.code)


async def _tell_agent(services: Services, installation: Installation, handoff: Handoff) -> None:
    thread_id = handoff.thread_id
    if thread_id is None:
        return
    text = agents_text(installation, handoff, TextKey.NOTE_UNREGISTERED)
    try:
        if text:
            mark = f"unregistered:{handoff.id}"
            await write_comment(services, installation, thread_id, text, mark)
        await services.hubspot.of(installation).set_thread_status(thread_id, "CLOSED")
    except HitlError as error:
        log.warning(
            "thread_left_open",
            handoff=handoff.id,
            thread=thread_id,
            error=error.code,
            cure="close it in HubSpot: what is written there reaches nobody",
        )


async def _own_channels(services: Services, installation: Installation) -> list[str]:
    """The channels that were bound, and any other that is ours: an answer may have been lost."""
    own = await own_channels(services, installation)
    found = set(own.ids)
    try:
        found |= {one.id for one in own.of(await services.hubspot.of(installation).channels())}
    except HitlError as error:
        log.info("channels_not_listed", installation=installation.id, error=error.code)
    return sorted(found)
