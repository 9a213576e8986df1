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
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.ports.webhooks import AppWebhooks, Subscription
from hubspot_hitl.setup.desired import SUBSCRIPTIONS

log = structlog.get_logger(__name__)

Wanted = tuple[str, str | None]
WANTED: Final[tuple[Wanted, ...]] = (
    *SUBSCRIPTIONS,
    ("conversation.deletion", None),
    ("conversation.privacyDeletion", None),
)
"""Event type and property of each subscription; the deletions end handoffs early."""


@dataclass(frozen=True, slots=True)
class SubscriptionPlan:
    """What has to change. With a `stranger` as target nothing is planned."""

    url: str
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
        lines += [f"subscribe to {_named(one)}" for one in self.create]
        lines += [
            f"activate {_named((one.event_type, one.property_name))}" for one in self.activate
        ]
        if self.stranger is not None:
            lines.append(
                f"left alone: the app's webhooks go to {self.stranger}. If that is not needed,"
                " clear it on the app's Webhooks page in HubSpot and run this again."
            )
        return tuple(lines)


def own_urls(installation: Installation, policy: Policy) -> tuple[str, ...]:
    """The addresses under which this installation takes webhooks in; the first is the wanted one.

    When HubSpot calls this server directly, one address serves all installations of the app.
    """
    botpress = policy.botpress_webhook(installation)
    if policy.public_url is None:
        return (botpress,)
    shared = f"{policy.public_url.rstrip('/')}/hubspot/webhooks"
    direct = (shared, f"{shared}/{installation.id}")
    return (*direct, botpress) if policy.webhook_route == "direct" else (botpress, *direct)


def plan_subscriptions(
    target: str | None, there: Sequence[Subscription], urls: Collection[str]
) -> SubscriptionPlan:
    """What has to change so that every wanted event comes to the first of `urls`. Pure.

    >>> plan_subscriptions("https://other.test/", [], ["https://ours.test/h"]).stranger
    'https://other.test/'
    """
    ours = list(urls)
    if target is not None and target not in ours:
        return SubscriptionPlan(ours[0], stranger=target)
    known = {(one.event_type, one.property_name): one for one in there}
    paused = (known[one] for one in WANTED if one in known and not known[one].active)
    return SubscriptionPlan(
        ours[0],
        set_target=target != ours[0],
        create=tuple(one for one in WANTED if one not in known),
        activate=tuple(paused),
    )


async def read_subscriptions(webhooks: AppWebhooks, urls: Collection[str]) -> SubscriptionPlan:
    """Compare with HubSpot. Raises VendorError, also for an app that has no such API."""
    return plan_subscriptions(await webhooks.webhook_target(), await webhooks.subscriptions(), urls)


async def apply_subscriptions(webhooks: AppWebhooks, urls: Collection[str]) -> SubscriptionPlan:
    """Bring HubSpot to it and return what was changed; a second run changes nothing.

    Raises VendorError; what was done until then stays and counts next time.
    """
    plan = await read_subscriptions(webhooks, urls)
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


def _named(wanted: Wanted) -> str:
    event_type, name = wanted
    return event_type if name is None else f"{event_type} ({name})"
