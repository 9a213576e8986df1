"""What connecting a portal left behind, per installation; secrets are encrypted at rest."""

from __future__ import annotations

from typing import Protocol

from hubspot_hitl.integration.connection import AppIdentity, Connection, TokenState


class TokenStates(Protocol):
    """Whether grants are good. Raises StoreUnavailable or BadSettings."""

    async def token_state(self, installation_id: str) -> TokenState:
        """How the last refresh went."""
        ...

    async def put_token_state(self, installation_id: str, state: TokenState) -> None:
        """Remember how a refresh went."""
        ...


class Connections(TokenStates, Protocol):
    """Grants, apps and the state of tokens. Raises StoreUnavailable or BadSettings."""

    async def get(self, installation_id: str) -> Connection | None:
        """The grant, if the portal was ever connected here."""
        ...

    async def put(self, installation_id: str, connection: Connection) -> None:
        """Keep a grant; it replaces the one before, and what was known of its token."""
        ...

    async def app(self, installation_id: str) -> AppIdentity | None:
        """The app that was saved for an installation whose configuration names none."""
        ...

    async def put_app(self, installation_id: str, app: AppIdentity) -> None:
        """Save an app."""
        ...
