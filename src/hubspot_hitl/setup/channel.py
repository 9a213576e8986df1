"""Makes, or finds, the custom channel and its account for each inbox of an installation.

Idempotent: a channel is found again by its webhook URL and an account by its inbox, so saving the
settings twice makes nothing twice. `register` calls it; `startHitl` calls it when `register` never
finished. It never deletes anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from hubspot_hitl.errors import (
    ActionRefused,
    UnexpectedAnswer,
    VendorConflict,
    VendorError,
    VendorFault,
    VendorRefused,
    VendorUnreachable,
)
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import STANDALONE, ChannelBinding, Installation
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.hubspot_records import (
    Channel,
    ChannelAccount,
    DeliveryIdentifier,
    IdentifierType,
)
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.capabilities import CAPABILITIES
from hubspot_hitl.setup.one_at_a_time import SetupUnfinished, one_at_a_time
from hubspot_hitl.setup.ownership import Own, described, mark_of
from hubspot_hitl.setup.progress import progress

log = structlog.get_logger(__name__)

CHANNEL_NAME = "Botpress"
# A new channel is listed after some seconds, at times more than a minute: six tries, 1 to 32 s.
# Botpress gives `register` 60 s, so the last wait is cut by the caller's limit.
VISIBILITY_WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# For so long an attempt waits for the channel that an earlier one made, instead of making another.
UNLISTED_MS = 15 * 60_000
# And for so long, when HubSpot never said whether it made one.
UNANSWERED_MS = 3 * 60_000


async def ensure_bindings(
    services: Services, installation: Installation, *, deadline: float
) -> Sequence[ChannelBinding]:
    """Return one ready binding per configured inbox, the default first, and remember them.

    `deadline` is on the clock's `monotonic()`. Raises SetupUnfinished when the channel does not
    become visible before it, ActionRefused when an inbox cannot be connected.
    """
    async with one_at_a_time(services, installation.id, deadline):
        return await bind(services, installation, deadline)


async def bind(
    services: Services, installation: Installation, deadline: float
) -> Sequence[ChannelBinding]:
    """What `ensure_bindings` does, for a caller that holds the installation's set-up already."""
    hubspot = services.hubspot.of(installation)
    webhook_url = services.policy.channel_webhook(installation)
    channel = await _find_channel(services, installation, hubspot)
    if channel is None:
        channel_id = await _make_channel(services, installation, hubspot, webhook_url)
        channel = await _wait_until_visible(services, hubspot, channel_id, webhook_url, deadline)
    accounts = await hubspot.channel_accounts(channel.id)
    bindings: list[ChannelBinding] = []
    for position, inbox_id in enumerate(_inboxes(installation.configuration)):
        account = _find_account(accounts, inbox_id) or await _connect(hubspot, channel, inbox_id)
        if not account.authorized:
            account = await hubspot.update_channel_account(channel.id, account.id, authorized=True)
        bindings.append(_binding(channel, account, inbox_id, default=position == 0))
    await services.installations.set_bindings(installation.id, bindings)
    return bindings


async def binding_for(
    services: Services, installation: Installation, inbox_id: str | None, *, deadline: float
) -> ChannelBinding:
    """Return the binding of `inbox_id`, or the default one, setting the channel up if need be.

    Raises ActionRefused when the inbox is none of the configured ones, and SetupUnfinished at once
    while `register` goes on in the background.
    """
    configured = _inboxes(installation.configuration)
    wanted = inbox_id or configured[0]
    if wanted not in configured:
        raise ActionRefused(
            f"Inbox {wanted!r} is not connected. Add it to the integration's Inbox ID setting"
            f" (now: {', '.join(configured)}) and save."
        )
    for _ in range(2):
        for binding in await services.installations.bindings(installation.id):
            if binding.inbox_id == wanted:
                return binding
        if (told := await progress(services, installation.id)) is not None:
            raise SetupUnfinished(told)
        await ensure_bindings(services, installation, deadline=deadline)
    raise ActionRefused(f"Inbox {wanted!r} could not be connected. Save the configuration again.")


def _inboxes(configuration: Configuration) -> tuple[str, ...]:
    inboxes = configuration.inbox_ids
    if not inboxes:
        raise ActionRefused("The integration's Inbox ID setting is empty. Fill it in and save.")
    return inboxes


async def own_channels(services: Services, installation: Installation) -> Own:
    """How this installation's channels are known."""
    bound = await services.installations.bindings(installation.id)
    return Own(
        services.policy.channel_webhook(installation),
        # Every deployment without Botpress has this id, so the mark would be another's too.
        "" if installation.id == STANDALONE else mark_of(installation),
        frozenset(one.channel_id for one in bound) - {""},
    )


async def _find_channel(
    services: Services, installation: Installation, hubspot: HubSpot
) -> Channel | None:
    """Our channel, brought to our address when that has changed since it was made."""
    own = await own_channels(services, installation)
    ours = own.of(await hubspot.channels())
    if len(ours) > 1:
        log.warning("channel_duplicates", channels=[c.id for c in ours])
    if not ours or ours[0].webhook_url == own.webhook_url:
        return ours[0] if ours else None
    log.info("channel_moved", installation=installation.id, channel=ours[0].id)
    return await hubspot.update_channel(ours[0].id, webhook_url=own.webhook_url)


async def _make_channel(
    services: Services, installation: Installation, hubspot: HubSpot, webhook_url: str
) -> str:
    """Make the channel, unless an earlier attempt did and HubSpot just does not list it yet.

    Returns its id, "" when the answer was lost. The attempt is written down before the call, so
    that a process that dies in it makes no second channel when it comes back.
    """
    installations, now_ms = services.installations, services.clock.now_ms()
    known = await installations.bindings(installation.id)
    connected = [binding for binding in known if binding.unlisted_since_ms is None]
    for binding in known:
        made_ms = binding.unlisted_since_ms
        if made_ms is None:
            continue
        if now_ms - made_ms < (UNLISTED_MS if binding.channel_id else UNANSWERED_MS):
            return binding.channel_id
    begun = ChannelBinding.unlisted("", now_ms)
    await installations.set_bindings(installation.id, [*connected, begun])
    try:
        channel = await hubspot.create_channel(
            CHANNEL_NAME,
            webhook_url,
            CAPABILITIES,
            description=described(mark_of(installation)),
        )
    except VendorError as error:
        if _may_have_worked(error):
            log.warning("channel_creation_unanswered", installation=installation.id)
            return ""
        await installations.set_bindings(installation.id, connected)
        raise
    made = ChannelBinding.unlisted(channel.id, now_ms)
    await installations.set_bindings(installation.id, [*connected, made])
    log.info("channel_created", installation=installation.id, channel=channel.id)
    return channel.id


def _may_have_worked(error: VendorError) -> bool:
    """Whether the call may have taken effect although it failed."""
    if isinstance(error, VendorUnreachable):
        return error.sent
    return isinstance(error, VendorFault | UnexpectedAnswer)


async def _wait_until_visible(
    services: Services, hubspot: HubSpot, channel_id: str, webhook_url: str, deadline: float
) -> Channel:
    for wait_s in (0.0, *VISIBILITY_WAITS_S):
        left_s = deadline - services.clock.monotonic()
        if left_s <= 0:
            break
        await services.clock.sleep(min(wait_s, left_s))
        for channel in await hubspot.channels():
            if channel.id == channel_id or channel.webhook_url == webhook_url:
                return channel
    if not channel_id:
        raise SetupUnfinished(
            "HubSpot has not said whether it made the channel, and does not list it yet. Wait a few"
            " minutes, then try again. Nothing is made twice."
        )
    raise SetupUnfinished(
        f"HubSpot has made the channel {channel_id!r} but does not list it yet. This can take some"
        " minutes: wait, then try again. Nothing is made twice."
    )


def _find_account(accounts: Sequence[ChannelAccount], inbox_id: str) -> ChannelAccount | None:
    fitting = [a for a in accounts if a.inbox_id == inbox_id and not a.archived]
    return min(fitting, key=lambda a: (not a.authorized, len(a.id), a.id), default=None)


async def _connect(hubspot: HubSpot, channel: Channel, inbox_id: str) -> ChannelAccount:
    identifier = DeliveryIdentifier(IdentifierType.OPAQUE, f"botpress-{inbox_id}")
    try:
        return await hubspot.connect_channel(channel.id, inbox_id, CHANNEL_NAME, identifier)
    except VendorConflict:
        # Somebody else (another replica) connected it in between.
        account = _find_account(await hubspot.channel_accounts(channel.id), inbox_id)
        if account is None:
            raise
        return account
    except VendorRefused as error:
        # An unknown inbox is answered with 400 or 404; which one is not documented.
        inboxes = await hubspot.inboxes()
        if any(inbox.id == inbox_id for inbox in inboxes):
            raise
        there = ", ".join(f"{inbox.id} ({inbox.name})" for inbox in inboxes if not inbox.archived)
        raise ActionRefused(
            f"HubSpot has no inbox {inbox_id!r} in this portal. Put one of these into Inbox ID"
            f" (inboxId): {there}."
        ) from error


def _binding(
    channel: Channel, account: ChannelAccount, inbox_id: str, *, default: bool
) -> ChannelBinding:
    own = account.identifier.value if account.identifier else f"botpress-{inbox_id}"
    return ChannelBinding(
        channel_id=channel.id,
        channel_account_id=account.id,
        inbox_id=inbox_id,
        identifier=own,
        default=default,
    )
