"""The app's webhook target and subscriptions: what is missing, and adding it.

One target URL serves all portals of an app, so one that leads elsewhere is a stranger's: it is
never replaced, and then nothing is subscribed either, because the events would go there. Only
legacy public apps have an API for this; for others :func:`hubspot_hitl.setup.apply.clicks` says
what to click.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from hubspot_hitl.errors import VendorConflict
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Policy, Services
from hubspot_hitl.ports.webhooks import AppWebhooks, Subscription

log = structlog.get_logger(__name__)

Wanted = tuple[str, str | None]
SUBSCRIPTIONS: Final[tuple[Wanted, ...]] = (
    ("conversation.newMessage", None),
    ("conversation.propertyChange", "assignedTo"),
    ("conversation.propertyChange", "status"),
)
"""What handoffs cannot do without: event type and property."""
WANTED: Final[tuple[Wanted, ...]] = (
    *SUBSCRIPTIONS,
    ("conversation.deletion", None),
    ("conversation.privacyDeletion", None),
    ("conversation.propertyChange", "isArchived"),
    ("contact.privacyDeletion", None),
)
"""Event type and property of each subscription; the deletions end handoffs early."""


@dataclass(frozen=True, slots=True)
class SubscriptionPlan:
    """What has to change. With a `stranger` as target nothing is planned.

    `target` is the URL that is set, also where it may stay.
    """

    url: str
    target: str | None = None
    set_target: bool = False
    stranger: str | None = None
    create: tuple[Wanted, ...] = ()
    activate: tuple[Subscription, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether anything differs."""
        return bool(self.set_target or self.stranger or self.create or self.activate)

    def lines(self) -> tuple[str, ...]:
        """The plan for people."""
        lines = [f"set the target URL to {self.url}"] if self.set_target else []
        lines += [f"subscribe to {named(one)}" for one in self.create]
        lines += [f"activate {named((one.event_type, one.property_name))}" for one in self.activate]
        if self.stranger is not None:
            lines.append(
                f"left alone: the app's webhooks go to {self.stranger}. If that is not needed,"
                " clear it on the app's Webhooks page in HubSpot and run this again."
            )
        return tuple(lines)


def missing_subscriptions(there: Sequence[Subscription]) -> tuple[str, ...]:
    """Which subscriptions are absent or paused, as HubSpot's page names them.

    >>> missing_subscriptions([Subscription("1", "conversation.newMessage", None, True)])[0]
    'conversation.propertyChange (assignedTo)'
    """
    active = {(one.event_type, one.property_name) for one in there if one.active}
    return tuple(named(one) for one in SUBSCRIPTIONS if one not in active)


async def neighbours_urls(services: Services, installation: Installation) -> tuple[str, ...]:
    """The addresses of the other installations of the same app: what comes there is shared out."""
    app = installation.configuration
    return tuple(
        url
        for one in await services.installations.by_app(app.app_id, None)
        if one.id != installation.id and one.configuration.client_id == app.client_id
        for url in own_urls(one, services.policy)
    )


def shared_url(policy: Policy) -> str | None:
    """The server's address for webhooks of all installations, when it has a public URL."""
    if policy.public_url is None:
        return None
    return f"{policy.public_url.rstrip('/')}/hubspot/webhooks"


def own_urls(installation: Installation, policy: Policy) -> tuple[str, ...]:
    """The addresses under which this installation takes webhooks in; the first is the wanted one.

    When HubSpot calls this server directly, one address serves all installations of the app.
    """
    botpress, shared = policy.botpress_webhook(installation), shared_url(policy)
    if shared is None:
        return (botpress,)
    direct = (shared, f"{shared}/{installation.id}")
    return (*direct, botpress) if policy.webhook_route == "direct" else (botpress, *direct)


def plan_subscriptions(
    target: str | None,
    there: Sequence[Subscription],
    urls: Collection[str],
    *,
    also: Collection[str] = (),
) -> SubscriptionPlan:
    """What has to change so that every wanted event comes to the first of `urls`. Pure.

    A target in `also` is as good and stays.

    >>> plan_subscriptions("https://other.test/", [], ["https://ours.test/h"]).stranger
    'https://other.test/'
    """
    ours = list(urls)
    if target is not None and target not in ours and target not in also:
        return SubscriptionPlan(ours[0], target, stranger=target)
    known = {(one.event_type, one.property_name): one for one in there}
    paused = (known[one] for one in WANTED if one in known and not known[one].active)
    return SubscriptionPlan(
        ours[0],
        target,
        set_target=target != ours[0] and target not in also,
        create=tuple(one for one in WANTED if one not in known),
        activate=tuple(paused),
    )


async def read_subscriptions(
    webhooks: AppWebhooks, urls: Collection[str], *, also: Collection[str] = ()
) -> SubscriptionPlan:
    """Compare with HubSpot. Raises VendorError, also for an app that has no such API."""
    target, there = await webhooks.webhook_target(), await webhooks.subscriptions()
    return plan_subscriptions(target, there, urls, also=also)


async def apply_subscriptions(
    webhooks: AppWebhooks, urls: Collection[str], *, also: Collection[str] = ()
) -> SubscriptionPlan:
    """Bring HubSpot to it and return what was changed; a second run changes nothing.

    Raises VendorError; what was done until then stays and counts next time.
    """
    plan = await read_subscriptions(webhooks, urls, also=also)
    if plan.set_target:
        await webhooks.set_webhook_target(plan.url)
    for event_type, property_name in plan.create:
        try:
            await webhooks.subscribe(event_type, property_name)
        except VendorConflict:
            # another replica was faster; whether it is active shows in the next run
            log.info("subscription_there_already", event_type=event_type)
    for one in plan.activate:
        await webhooks.activate_subscription(one.id)
    if plan.drifted:
        log.info("webhooks_applied", created=len(plan.create), activated=len(plan.activate))
    return plan


async def release_target(services: Services, installation: Installation) -> None:
    """Take the app's webhooks off an address that goes away with its installation.

    Another installation of the app gets them; without one the target is cleared. A target that is
    not this installation's own stays. Raises VendorError.
    """
    if services.webhooks is None:
        return
    api = services.webhooks.of(installation)
    shared = shared_url(services.policy)
    own = [one for one in own_urls(installation, services.policy) if one != shared]
    if await api.webhook_target() not in own:
        return
    neighbours = await neighbours_urls(services, installation)
    if neighbours:
        await api.set_webhook_target(neighbours[0])
    else:
        await api.clear_webhook_target()
    log.info("webhook_target_released", installation=installation.id, moved=bool(neighbours))


def named(wanted: Wanted) -> str:
    """A subscription as HubSpot's page names it."""
    event_type, name = wanted
    return event_type if name is None else f"{event_type} ({name})"
