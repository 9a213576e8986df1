"""What connecting portals is given: the operator's choices, and the stores it reads and writes."""

from __future__ import annotations

from dataclasses import dataclass

from hubspot_hitl.hubspot.kept_tokens import VaultRefreshTokens
from hubspot_hitl.hubspot.oauth import AUTHORIZE_URL
from hubspot_hitl.integration.connection import AppIdentity
from hubspot_hitl.ports.audit import Nonces
from hubspot_hitl.ports.connections import Connections
from hubspot_hitl.setup.scopes import DEFAULT_FEATURES, Scopes, scopes_for
from hubspot_hitl.store.connections import ConnectedInstallations


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """What the operator chose. `redirect_url` must be a redirect URL of the HubSpot app."""

    public_url: str | None = None
    redirect_url: str | None = None
    return_hosts: tuple[str, ...] = ()
    authorize_url: str = AUTHORIZE_URL
    features: tuple[str, ...] = DEFAULT_FEATURES
    required_scopes: tuple[str, ...] = ()
    shared: AppIdentity | None = None

    @property
    def scopes(self) -> Scopes:
        """What is asked of the person."""
        return scopes_for(self.features, self.required_scopes)


@dataclass(frozen=True, slots=True)
class Stores:
    """What connecting reads and writes."""

    installations: ConnectedInstallations
    connections: Connections
    kept: VaultRefreshTokens
    nonces: Nonces
