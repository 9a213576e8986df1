"""Through which HubSpot app an installation is connected: its owner's, or this server's."""

from __future__ import annotations

from hubspot_hitl.connecting.landing import ConnectRefused
from hubspot_hitl.connecting.options import Stores
from hubspot_hitl.integration.connection import AppIdentity, AuthMethod, completed
from hubspot_hitl.integration.installation import Installation


class Apps:
    """Looks apps up. `shared` is the server's own, if it has one."""

    def __init__(self, stores: Stores, shared: AppIdentity | None) -> None:
        self._stores = stores
        self._shared = shared

    async def installation(self, installation_id: str) -> Installation:
        """The one of this id as it was configured. Raises ConnectRefused for an unknown one."""
        found = await self._stores.installations.configured(installation_id)
        if found is None:
            raise ConnectRefused(
                "useragent_not_found", f"There is no installation {installation_id[:80]!r}."
            )
        return found

    async def usual_method(self, installation: Installation) -> AuthMethod:
        """The shared app where there is one and the owner named no other."""
        own = installation.configuration.client_id.strip() or await self._stores.connections.app(
            installation.id
        )
        return "shared" if self._shared is not None and not own else "own"

    async def app(self, installation: Installation, method: AuthMethod) -> AppIdentity:
        """The app that consent is asked for. Raises ConnectRefused when there is none."""
        if method == "shared":
            if self._shared is None:
                raise ConnectRefused(
                    "invalid_config",
                    "This server has no app of its own: use your own, or set"
                    " HITL_HUBSPOT_CLIENT_ID and HITL_HUBSPOT_CLIENT_SECRET.",
                )
            return self._shared
        saved = await self._stores.connections.app(installation.id)
        values = completed(installation.configuration, None, saved, None)
        secret = values.client_secret.get_secret_value()
        if not (values.client_id.strip() and secret.strip()):
            raise ConnectRefused(
                "invalid_config",
                "The installation has no client id or client secret. Copy both from the app's Auth"
                " tab into its configuration and save.",
            )
        return AppIdentity(values.client_id.strip(), secret.strip(), values.app_id)
