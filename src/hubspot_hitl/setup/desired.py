"""What HubSpot should hold for an installation, and what it does hold.

`desired` is pure; `read_actual` only reads. :mod:`hubspot_hitl.setup.plan` compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot import Channel, ChannelAccount, HubSpot, Inbox
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.ports.webhooks import Subscription
from hubspot_hitl.setup.capabilities import CAPABILITIES
from hubspot_hitl.setup.channel import CHANNEL_NAME

SUBSCRIPTIONS: Final = (
    ("conversation.newMessage", None),
    ("conversation.propertyChange", "assignedTo"),
    ("conversation.propertyChange", "status"),
)
"""The app's webhook subscriptions that handoffs need: event type and property."""


@dataclass(frozen=True, slots=True)
class Desired:
    """One channel with our webhook URL, connected to each configured inbox."""

    name: str
    webhook_url: str
    capabilities: Mapping[str, object]
    inbox_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Actual:
    """All channels of the app, the accounts of those with our webhook URL, and all inboxes."""

    channels: Sequence[Channel] = ()
    accounts: Mapping[str, Sequence[ChannelAccount]] = field(
        default_factory=dict[str, Sequence[ChannelAccount]]
    )
    inboxes: Sequence[Inbox] = ()

    def ours(self, webhook_url: str) -> list[Channel]:
        """The channels with our webhook URL, the eldest first: that one is used."""
        found = [one for one in self.channels if one.webhook_url == webhook_url]
        return sorted(found, key=lambda one: (len(one.id), one.id))


def desired(installation: Installation, policy: Policy) -> Desired:
    """What should be there. Raises ValueError when a configured inbox is unreadable."""
    return Desired(
        CHANNEL_NAME,
        policy.channel_webhook(installation),
        CAPABILITIES,
        installation.configuration.inbox_ids,
    )


async def read_actual(hubspot: HubSpot, webhook_url: str) -> Actual:
    """What is there. Raises VendorError."""
    inboxes = await hubspot.inboxes()
    found = Actual(await hubspot.channels(), {}, inboxes)
    accounts = {
        channel.id: await hubspot.channel_accounts(channel.id)
        for channel in found.ours(webhook_url)
    }
    return Actual(found.channels, accounts, inboxes)


def missing_subscriptions(there: Sequence[Subscription]) -> tuple[str, ...]:
    """Which subscriptions are absent or paused, as HubSpot's page names them.

    >>> missing_subscriptions([Subscription("1", "conversation.newMessage", None, True)])[0]
    'conversation.propertyChange (assignedTo)'
    """
    active = {(one.event_type, one.property_name) for one in there if one.active}
    return tuple(
        event_type if name is None else f"{event_type} ({name})"
        for event_type, name in SUBSCRIPTIONS
        if (event_type, name) not in active
    )
