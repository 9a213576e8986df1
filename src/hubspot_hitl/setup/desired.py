"""What HubSpot should hold for an installation, and what it does hold.

`desired` is pure; `read_actual` only reads. :mod:`hubspot_hitl.setup.plan` compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.hubspot_records import Channel, ChannelAccount, Inbox
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.setup.capabilities import CAPABILITIES
from hubspot_hitl.setup.channel import CHANNEL_NAME
from hubspot_hitl.setup.ownership import Own
from hubspot_hitl.setup.subscriptions import SubscriptionPlan, own_urls


@dataclass(frozen=True, slots=True)
class Desired:
    """One channel with our webhook URL, connected to each configured inbox.

    `app_webhook_url`: where the app's own webhooks shall go. `transcript`: whether contacts need
    the property that keeps what was said.
    """

    name: str
    own: Own
    capabilities: Mapping[str, object]
    inbox_ids: tuple[str, ...]
    app_webhook_url: str = ""
    transcript: bool = False


@dataclass(frozen=True, slots=True)
class Actual:
    """All channels of the app, the accounts of ours, and all inboxes.

    `transcript`: whether contacts have the property; None when that may not be read. `webhooks`:
    what the app's webhooks lack; None where HubSpot's API does not serve this kind of app.
    """

    channels: Sequence[Channel] = ()
    accounts: Mapping[str, Sequence[ChannelAccount]] = field(
        default_factory=dict[str, Sequence[ChannelAccount]]
    )
    inboxes: Sequence[Inbox] = ()
    transcript: bool | None = None
    webhooks: SubscriptionPlan | None = None


def desired(installation: Installation, policy: Policy, own: Own) -> Desired:
    """What should be there. Raises ValueError when a configured inbox is unreadable."""
    return Desired(
        CHANNEL_NAME,
        own,
        CAPABILITIES,
        installation.configuration.inbox_ids,
        own_urls(installation, policy)[0],
        installation.configuration.transcript_mode != "off",
    )


async def read_actual(hubspot: HubSpot, own: Own) -> Actual:
    """Channels, accounts and inboxes that are there. Raises VendorError."""
    inboxes = await hubspot.inboxes()
    found = Actual(await hubspot.channels(), {}, inboxes)
    accounts = {
        channel.id: await hubspot.channel_accounts(channel.id) for channel in own.of(found.channels)
    }
    return Actual(found.channels, accounts, inboxes)
