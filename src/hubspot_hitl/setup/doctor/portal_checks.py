"""The checks of one installation: its bot, its grant, its inboxes, its channel.

Each check reads, returns findings, and lets a vendor's refusal out; `of_error` says what it means.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hubspot_hitl.errors import (
    AuthorizationLost,
    HitlError,
    MissingScope,
    VendorError,
    VendorRefused,
    VendorThrottled,
)
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.ports.hubspot_records import Channel, PortalInfo
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.channel import own_channels
from hubspot_hitl.setup.desired import desired
from hubspot_hitl.setup.doctor.findings import Finding, fine, problem
from hubspot_hitl.setup.doctor.reach_checks import Reach, check_webhook
from hubspot_hitl.setup.plan import capabilities_differ
from hubspot_hitl.setup.progress import progress
from hubspot_hitl.setup.refusals import why_refused
from hubspot_hitl.setup.scopes import lacking, scopes_for
from hubspot_hitl.setup.subscriptions import (
    missing_subscriptions,
    neighbours_urls,
    own_urls,
)

PROBE_USER: Final = "user_doctor"
"""A user that no bot has: being told so proves that the token is accepted."""
_CHANNEL_SCOPES: Final = frozenset(
    {"conversations.custom_channels.read", "conversations.custom_channels.write"}
)
_GAP: Final = frozenset(
    {"crm.objects.contacts.read", "crm.objects.deals.read", "crm.objects.deals.write"}
)


@dataclass(slots=True)
class Patient:
    """An installation under examination, and what was learned of its token."""

    services: Services
    installation: Installation
    features: tuple[str, ...]
    reach: Reach | None = None
    info: PortalInfo | None = None

    @property
    def id(self) -> str:
        """The installation's id."""
        return self.installation.id


async def check_botpress(patient: Patient) -> Finding:
    """Whether Botpress accepts the token for this installation: one read."""
    bot = patient.services.bots.of(patient.installation)
    try:
        await bot.get_user(PROBE_USER)
    except AuthorizationLost as error:
        return problem("botpress_token_refused", error.message, patient.id)
    except MissingScope as error:
        what = f"integration {patient.installation.integration_id}: {error.message}"
        return problem("botpress_integration_mismatch", what, patient.id)
    except VendorRefused:
        pass  # no such user, as expected: the token itself was accepted
    except HitlError as error:
        return problem("botpress_unreachable", error.message, patient.id)
    return fine("botpress", "Botpress accepts the token", patient.id)


async def check_scopes(patient: Patient) -> Sequence[Finding]:
    """What was granted against what the enabled features need."""
    info = patient.info
    if info is None or not info.scopes:
        return [fine("token", "HubSpot accepts the token and tells no scopes", patient.id)]
    found: list[Finding] = []
    missing = lacking(info.scopes, patient.features)
    required = set(scopes_for(patient.features).required)
    for feature, scopes in missing.items():
        for code, some in (
            ("missing_scope", [one for one in scopes if one in required]),
            ("missing_optional_scope", [one for one in scopes if one not in required]),
        ):
            if some:
                what = f"{feature}: {', '.join(some)} not granted"
                found.append(problem(code, what, patient.id))
    gap = sorted(_GAP & {one for some in missing.values() for one in some})
    if gap:
        found.append(problem("scope_gap", f"{', '.join(gap)} not granted", patient.id))
    return found or [
        fine("token", f"portal {info.portal_id}: token and scopes are right", patient.id)
    ]


async def check_fields(patient: Patient) -> Sequence[Finding]:
    """Whether the contact properties can be read, and those of Contact facts are among them."""
    try:
        there = await patient.services.crm.of(patient.installation).properties(CrmType.CONTACT)
    except (AuthorizationLost, MissingScope) as error:
        return [problem("field_discovery_failed", error.message, patient.id)]
    wanted = [one.strip() for one in patient.installation.configuration.contact_facts.split(",")]
    known = {one.name for one in there}
    absent = [one for one in wanted if one and one not in known]
    if absent:
        what = f"Contact facts names {', '.join(map(repr, absent))}, which the portal has not"
        return [problem("fields_not_showing", what, patient.id)]
    return [fine("fields", f"{len(known)} contact properties can be read", patient.id)]


async def check_inboxes(patient: Patient) -> Sequence[Finding]:
    """Whether each configured inbox exists, and what it is."""
    hubspot = patient.services.hubspot.of(patient.installation)
    there = {one.id: one for one in await hubspot.inboxes() if not one.archived}
    listed = ", ".join(f"{one.id} ({one.name})" for one in there.values()) or "none"
    return [
        fine(
            "inbox",
            f"{there[wanted].type} {wanted} is {there[wanted].name!r}",
            patient.id,
        )
        if wanted in there
        else problem(
            "inbox_missing", f"there is no inbox {wanted!r}; there is {listed}", patient.id
        )
        for wanted in patient.installation.configuration.inbox_ids
    ]


async def check_channel(patient: Patient) -> Sequence[Finding]:
    """Whether our channel is listed once, is as it should be, and is connected to each inbox."""
    hubspot = patient.services.hubspot.of(patient.installation)
    own = await own_channels(patient.services, patient.installation)
    wanted = desired(patient.installation, patient.services.policy, own)
    every = own.of(await hubspot.channels())
    ours = [one for one in every if one.webhook_url == own.webhook_url]
    if not ours and (told := await progress(patient.services, patient.id)) is not None:
        return [problem("setup_unfinished", told, patient.id)]
    if not ours:
        what = f"no channel of the app has the webhook URL {own.webhook_url}"
        if every:
            what += f"; channel {every[0].id} is ours and has another"
        return [problem("channel_missing", what, patient.id)]
    channel = ours[0]
    found = [fine("channel", f"channel {channel.id} is listed", patient.id)]
    if len(every) > 1:
        more = ", ".join(one.id for one in every if one.id != channel.id)
        found.append(problem("channel_duplicated", f"further channels: {more}", patient.id))
    if channel.name != wanted.name or capabilities_differ(
        wanted.capabilities, channel.capabilities
    ):
        what = f"name or capabilities of channel {channel.id} are not ours"
        found.append(problem("channel_outdated", what, patient.id))
    return [*found, *await _accounts(patient, channel, wanted.inbox_ids)]


async def _accounts(
    patient: Patient, channel: Channel, inbox_ids: Sequence[str]
) -> Sequence[Finding]:
    hubspot = patient.services.hubspot.of(patient.installation)
    try:
        accounts = [one for one in await hubspot.channel_accounts(channel.id) if not one.archived]
    except MissingScope as error:
        granted = patient.info.scopes if patient.info is not None else ()
        if not _CHANNEL_SCOPES.intersection(granted):
            raise
        # The scope is there and HubSpot refuses all the same: the portal's edition lacks it.
        return [problem("tier_too_low", error.message, patient.id)]
    found = [fine("tier", "the portal's edition has custom channels", patient.id)]
    for inbox_id in inbox_ids:
        fitting = [one for one in accounts if one.inbox_id == inbox_id]
        where = f"inbox {inbox_id}"
        if not fitting:
            what = f"channel {channel.id} is not connected to {where}"
            found.append(problem("account_missing", what, patient.id))
        elif not any(one.authorized for one in fitting):
            what = f"account {fitting[0].id} for {where} is not authorized"
            found.append(problem("account_unauthorized", what, patient.id))
        else:
            found.append(fine("account", f"{where} is connected", patient.id))
    return found


async def check_subscriptions(patient: Patient) -> Sequence[Finding]:
    """Whether the app's webhook subscriptions are there and active, where HubSpot tells."""
    webhooks = patient.services.webhooks
    if webhooks is None:
        return []
    try:
        target = await webhooks.of(patient.installation).webhook_target()
        there = await webhooks.of(patient.installation).subscriptions()
    except VendorError as error:
        return [problem("subscriptions_unknown", error.message, patient.id)]
    missing = missing_subscriptions(there)
    if target is None:
        return [problem("subscriptions_missing", "the app has no target URL", patient.id)]
    if missing:
        what = f"absent or paused: {', '.join(missing)}"
        return [problem("subscriptions_missing", what, patient.id)]
    ours = own_urls(patient.installation, patient.services.policy)
    if target not in (*ours, *await neighbours_urls(patient.services, patient.installation)):
        return [problem("webhook_target_elsewhere", f"they go to {target}", patient.id)]
    return [fine("subscriptions", "the webhook subscriptions are active", patient.id)]


async def check_webhook_in(patient: Patient) -> Sequence[Finding]:
    """Whether a webhook as HubSpot posts it is taken, and a forged one is not."""
    if patient.reach is None:
        return []
    return [await check_webhook(patient.services, patient.installation, patient.reach)]


PORTAL_CHECKS: Final[tuple[Callable[[Patient], Awaitable[Sequence[Finding]]], ...]] = (
    check_scopes,
    check_fields,
    check_inboxes,
    check_channel,
    check_subscriptions,
    check_webhook_in,
)
"""What is looked at in each portal once its token is accepted, in this order."""


def of_error(error: HitlError, installation_id: str) -> Finding:
    """What a failure of HubSpot, or of the configuration, means."""
    if not isinstance(error, VendorError):
        return problem("not_configured", error.message, installation_id)
    return problem(_code(error), why_refused(error), installation_id)


def _code(error: VendorError) -> str:
    match error:
        case AuthorizationLost() | MissingScope() if error.operation.startswith("channels."):
            return "developer_key_refused"
        case AuthorizationLost():
            return "connection_failed"
        case MissingScope():
            return "permission_denied"
        case VendorThrottled():
            return "rate_limited"
        case _ if error.retryable:
            return "hubspot_unreachable"
        case _:
            return "hubspot_refused"
