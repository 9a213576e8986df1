"""Whom the house speaks to: HubSpot, the bot, hosts of users' files, the operator's own hook."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from hubspot_hitl.botpress.client import BotpressRuntimes
from hubspot_hitl.botpress.same_bot import SameBot
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.fetch.post import open_hooks
from hubspot_hitl.fetch.web import Limits, open_fetch
from hubspot_hitl.hubspot.kept_tokens import VaultRefreshTokens
from hubspot_hitl.hubspot.limiter import Window
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.refreshing import TokenRefresher
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.integration.connection import AppIdentity
from hubspot_hitl.ledger.circuits import BreakerCircuits
from hubspot_hitl.observing.observing import Observing
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.fetch import Fetch
from hubspot_hitl.ports.hooks import Hooks
from hubspot_hitl.ports.services import Bots
from hubspot_hitl.settings import Settings
from hubspot_hitl.settings.environment import plain
from hubspot_hitl.setup.publishing.botpress_credentials import stored_credentials
from hubspot_hitl.store.connections import ConnectedInstallations
from hubspot_hitl.store.storage import Storage


@dataclass(frozen=True, slots=True)
class Vendors:
    """The clients, and whose credentials they use.

    `installations` adds to what Botpress sent what was connected by OAuth. `signing_secrets` are
    those by which Botpress may sign.
    """

    portals: HubSpotPortals
    bots: Bots
    fetch: Fetch
    hooks: Hooks
    circuits: BreakerCircuits
    installations: ConnectedInstallations
    kept_tokens: VaultRefreshTokens
    refresher: TokenRefresher
    signing_secrets: tuple[str, ...]


@asynccontextmanager
async def open_vendors(
    settings: Settings,
    storage: Storage,
    clock: Clock,
    *,
    runtime: BotRuntime | None = None,
    observing: Observing | None = None,
) -> AsyncGenerator[Vendors]:
    """The clients, with their connections. A `runtime` stands for Botpress."""
    stored = await stored_credentials(storage.vault, clock)
    own = tuple(secret.get_secret_value() for secret in settings.botpress_signing_secrets)
    circuits = BreakerCircuits(clock)
    kept_tokens = VaultRefreshTokens(
        storage.vault, storage.installations, storage.connections, clock
    )
    limits = Limits(settings.fetch_max_bytes, settings.fetch_timeout_s)
    private = settings.fetch_allow_private
    async with (
        open_session() as session,
        open_fetch(limits, allow_private=private) as fetch,
        open_hooks(allow_private=private) as hooks,
    ):
        portals = _portals(settings, session, kept_tokens, circuits, clock, observing)
        installations = ConnectedInstallations(
            storage.installations,
            storage.connections,
            clock,
            shared=shared_app(settings),
            on_change=portals.forget,
        )
        yield Vendors(
            portals=portals,
            bots=(
                SameBot(runtime)
                if runtime is not None
                else _botpress(settings, session, stored.token, circuits, clock, observing)
            ),
            fetch=fetch,
            hooks=hooks,
            circuits=circuits,
            installations=installations,
            kept_tokens=kept_tokens,
            refresher=TokenRefresher(
                portals,
                installations,
                storage.connections,
                storage.leases,
                clock,
                every_s=settings.token_refresh_minutes * 60,
            ),
            signing_secrets=own or stored.signing_secrets,
        )


def shared_app(settings: Settings) -> AppIdentity | None:
    """The server's own HubSpot app, when it has one. Raises BadSettings for half of one."""
    client_id, secret = settings.hubspot_client_id, settings.hubspot_client_secret
    if client_id is None and secret is None:
        return None
    if client_id is None or secret is None:
        raise BadSettings(
            "HITL_HUBSPOT_CLIENT_ID and HITL_HUBSPOT_CLIENT_SECRET go together: set both or none"
        )
    key = settings.hubspot_developer_api_key
    return AppIdentity(
        client_id,
        secret.get_secret_value(),
        settings.hubspot_app_id or "",
        key.get_secret_value() if key else "",
    )


def _portals(
    settings: Settings,
    session: aiohttp.ClientSession,
    kept_tokens: VaultRefreshTokens,
    circuits: BreakerCircuits,
    clock: Clock,
    observing: Observing | None,
) -> HubSpotPortals:
    return HubSpotPortals(
        settings.hubspot_api_url,
        lambda: session,
        clock,
        refresh_tokens=kept_tokens,
        window=Window(requests=settings.hubspot_requests_per_10s),
        oauth_version=settings.hubspot_oauth_version,
        observer=observing.hubspot if observing else None,
        circuits=circuits,
        timeout_s=settings.vendor_timeout_s,
    )


def _botpress(
    settings: Settings,
    session: aiohttp.ClientSession,
    stored_token: str | None,
    circuits: BreakerCircuits,
    clock: Clock,
    observing: Observing | None,
) -> BotpressRuntimes:
    """Botpress, with the token of the settings, else of the vault."""
    return BotpressRuntimes(
        session,
        base_url=settings.botpress_api_url,
        token=plain(settings.botpress_token) or stored_token or "",
        clock=clock,
        timeout_s=settings.vendor_timeout_s,
        observe=observing.botpress if observing else None,
        circuits=circuits,
    )
