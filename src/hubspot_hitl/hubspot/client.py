"""The HubSpot client of one portal: the `HubSpot` port over HTTP."""

from __future__ import annotations

from hubspot_hitl.hubspot.channels import Channels
from hubspot_hitl.hubspot.contacts import Contacts
from hubspot_hitl.hubspot.conversations import Conversations
from hubspot_hitl.hubspot.files import Files
from hubspot_hitl.hubspot.oauth import OAuth
from hubspot_hitl.hubspot.rest import AppAuth
from hubspot_hitl.hubspot.tokens import TokenSource
from hubspot_hitl.hubspot.transport import Transport
from hubspot_hitl.hubspot.webhooks import Webhooks
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.hubspot_records import PortalInfo


class HubSpotClient(Channels, Conversations, Contacts, Files, Webhooks):
    """One portal, reached with one installation's credentials. It is a `HubSpot` of the ports.

    Which part does what: :mod:`channels`, :mod:`conversations`, :mod:`contacts`, :mod:`files`,
    :mod:`webhooks` (the app's own, an `AppWebhooks` of the ports).
    """

    def __init__(
        self,
        transport: Transport,
        app_auth: AppAuth,
        oauth: OAuth,
        tokens: TokenSource,
        clock: Clock,
    ) -> None:
        super().__init__(transport, app_auth, clock)
        self._oauth = oauth
        self._tokens = tokens

    @property
    def tokens(self) -> TokenSource:
        """The source of this portal's access tokens."""
        return self._tokens

    async def portal(self) -> PortalInfo:
        """Introspect the current token."""
        token = await self._tokens.token()
        if self._tokens.static:
            return await self._oauth.private_app_info(token)
        return await self._oauth.introspect(self._tokens.app, token)
