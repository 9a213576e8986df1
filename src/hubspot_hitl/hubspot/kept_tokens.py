"""Refresh tokens that HubSpot replaced, kept in the vault.

A kept token belongs to the configured one it replaced: when the owner configures another token, the
kept one no longer counts.
"""

from __future__ import annotations

import hashlib

from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.store import Installations, Vault
from hubspot_hitl.redaction import remember_secret


class VaultRefreshTokens:
    """`RefreshTokens` over the vault and the installations."""

    def __init__(self, vault: Vault, installations: Installations) -> None:
        self._vault = vault
        self._installations = installations

    async def load(self, installation: Installation) -> str | None:
        """The token that replaced the configured one, None when none did."""
        value = await self._vault.get(_scope(installation), _name(installation))
        if value is None:
            return None
        token = value.decode()
        remember_secret(token)
        return token

    async def keep(self, installation: Installation, refresh_token: str) -> None:
        """Store the token that replaces the configured one."""
        await self._vault.put(_scope(installation), _name(installation), refresh_token.encode())

    async def forget(self, installation: Installation) -> None:
        """Drop the token that replaced the configured one."""
        await self._vault.delete(_scope(installation), _name(installation))

    async def learn_portal(self, installation: Installation, portal_id: str) -> None:
        """Remember the portal that the installation's token belongs to."""
        if installation.portal_id != portal_id:
            await self._installations.set_portal(installation.id, portal_id)


def _name(installation: Installation) -> str:
    configured = installation.configuration.refresh_token.get_secret_value().strip()
    return f"hubspot-refresh-token:{hashlib.sha256(configured.encode()).hexdigest()[:16]}"


def _scope(installation: Installation) -> str:
    """The scope that removing the installation forgets, with everything in it."""
    return f"installation:{installation.id}"
