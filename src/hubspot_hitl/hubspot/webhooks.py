"""The app's webhook target and subscriptions.

Only legacy public apps are served; the calls are signed in with the developer key.

Source: https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide
"""

from __future__ import annotations

from collections.abc import Sequence

from hubspot_hitl.errors import VendorNotFound
from hubspot_hitl.hubspot import paths
from hubspot_hitl.hubspot.fields import Fields
from hubspot_hitl.hubspot.rest import Rest
from hubspot_hitl.hubspot.transport import Call
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.ports.webhooks import Subscription


class Webhooks(Rest):
    """The webhook part of the client."""

    async def webhook_target(self) -> str | None:
        """The target URL; None when none is set."""
        call = self._call("webhooks.settings.get", "GET", paths.webhook_settings(self._app_id()))
        try:
            return await self.read(call, lambda raw: raw.text("targetUrl") or None)
        except VendorNotFound:
            return None

    async def set_webhook_target(self, url: str, *, max_concurrent: int = 10) -> None:
        """Set the target URL. HubSpot goes on using the old one for up to five minutes."""
        body = {"targetUrl": url, "throttling": {"maxConcurrentRequests": max_concurrent}}
        address = paths.webhook_settings(self._app_id())
        await self.send(self._call("webhooks.settings.set", "PUT", address, body))

    async def clear_webhook_target(self) -> None:
        """Remove the target URL, which pauses all subscriptions."""
        address = paths.webhook_settings(self._app_id())
        await self.send(self._call("webhooks.settings.clear", "DELETE", address))

    async def subscriptions(self) -> Sequence[Subscription]:
        """All subscriptions of the app."""
        call = self._call("webhooks.list", "GET", paths.subscriptions(self._app_id()))
        return await self.pages(call, _subscription)

    async def subscribe(self, event_type: str, property_name: str | None = None) -> Subscription:
        """Add an active subscription; HubSpot's own default is a paused one."""
        body: dict[str, object] = {"eventType": event_type, "active": True}
        if property_name is not None:
            body["propertyName"] = property_name
        address = paths.subscriptions(self._app_id())
        return await self.read(self._call("webhooks.create", "POST", address, body), _subscription)

    async def activate_subscription(self, subscription_id: str) -> None:
        """Switch a subscription on."""
        address = paths.subscription(self._app_id(), subscription_id)
        await self.send(self._call("webhooks.update", "PATCH", address, {"active": True}))

    def _app_id(self) -> str:
        return next(value for name, value in self._app_auth.query() if name == "appId")

    def _call(self, operation: str, method: str, path: str, body: object = None) -> Call:
        return self.for_app(Call(operation, method, path, body=body, priority=Priority.SETUP))


def _subscription(raw: Fields) -> Subscription:
    return Subscription(
        id=raw.require_id("id"),
        event_type=raw.text("eventType") or "",
        property_name=raw.text("propertyName") or None,
        active=raw.flag("active"),
    )
