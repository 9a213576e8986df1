"""The app's own webhooks at HubSpot: one target URL and a list of subscriptions for all portals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hubspot_hitl.integration.installation import Installation


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscription of the app; `property_name` only for property changes."""

    id: str
    event_type: str
    property_name: str | None = None
    active: bool = False


class AppWebhooks(Protocol):
    """The Webhooks API of one app. Only legacy public apps may use it; others get an error.

    Every method may raise any :class:`~hubspot_hitl.errors.VendorError`.
    """

    async def webhook_target(self) -> str | None:
        """The target URL; None when none is set."""
        ...

    async def set_webhook_target(self, url: str, *, max_concurrent: int = 10) -> None:
        """Set the target URL. HubSpot goes on using the old one for up to five minutes."""
        ...

    async def clear_webhook_target(self) -> None:
        """Remove the target URL, which pauses all subscriptions."""
        ...

    async def subscriptions(self) -> Sequence[Subscription]:
        """All subscriptions of the app."""
        ...

    async def subscribe(self, event_type: str, property_name: str | None = None) -> Subscription:
        """Add an active subscription. Raises VendorConflict when it is there already."""
        ...

    async def activate_subscription(self, subscription_id: str) -> None:
        """Switch a subscription on."""
        ...


class WebhookPortals(Protocol):
    """The app's webhooks, reached with one installation's credentials."""

    def of(self, installation: Installation) -> AppWebhooks:
        """The client that uses this installation's credentials."""
        ...
