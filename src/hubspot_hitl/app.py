"""Start reading here: the only place where the parts are put together.

The main path, from the outside in::

    Botpress  -> web.botpress -> web.operations -> actions.* | channels.hitl -> ledger
    HubSpot   -> web.hubspot  -> web.webhooks   -> events.intake             -> ledger
    ledger    -> channels.hitl | events.* | actions.*  ->  HubSpot's and Botpress's APIs

`create_app` wires settings to adapters to handlers and owns their lives; nothing else does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import aiohttp
from aiohttp import web

from hubspot_hitl import actions, events
from hubspot_hitl.botpress.client import BotpressRuntimes
from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.channels import hitl
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.hubspot.kept_tokens import VaultRefreshTokens
from hubspot_hitl.hubspot.limiter import Window
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ledger.engine import Engine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.sqlite import SqliteEngine
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.ledger import Delivery, Handler, Outcome
from hubspot_hitl.ports.services import Bots, Policy, Services
from hubspot_hitl.settings import Settings
from hubspot_hitl.store.database import Database, open_database
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.installations import SqlInstallations
from hubspot_hitl.store.keyring import KeyRing
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.people import SqlPeople
from hubspot_hitl.store.vault import SqlVault
from hubspot_hitl.web import keys
from hubspot_hitl.web.errors import errors
from hubspot_hitl.web.operations import BotpressDoor
from hubspot_hitl.web.routes import ROUTES
from hubspot_hitl.web.webhooks import HubSpotDoor

DELIVERY_HANDLERS: Mapping[str, Callable[[Services, Delivery], Awaitable[Outcome]]] = {
    **hitl.DELIVERIES,
    **actions.DELIVERIES,
    **events.EVENTS,
}
"""Everything the ledger can be asked to do: kind -> handler."""

KEY_FILE = "secret.key"


def create_app(
    settings: Settings, *, runtime: BotRuntime | None = None, clock: Clock | None = None
) -> web.Application:
    """The integration as an aiohttp application, to run or to mount with `add_subapp`.

    `runtime` replaces Botpress's Runtime API for every installation, so that any Python bot can
    load the integration. Nothing is opened before the application starts.
    """
    app = web.Application(client_max_size=settings.max_body_bytes, middlewares=[errors])
    app[keys.SETTINGS] = settings
    app.cleanup_ctx.append(partial(_life, runtime=runtime, clock=clock or SystemClock()))
    app.add_routes(ROUTES)
    return app


async def _life(
    app: web.Application, *, runtime: BotRuntime | None, clock: Clock
) -> AsyncIterator[None]:
    """What lives as long as the application: opened in this order, closed in the other."""
    settings = app[keys.SETTINGS]
    async with open_services(settings, runtime=runtime, clock=clock) as services:
        hubspot = HubSpotDoor(services, accept_v1=settings.hubspot_accept_v1_signatures)
        botpress = BotpressDoor(services, hubspot)
        app[keys.SERVICES] = services
        app[keys.HUBSPOT] = hubspot
        app[keys.OPERATIONS] = OperationServer(
            botpress.operations(),
            clock=clock,
            signing_secrets=[s.get_secret_value() for s in settings.botpress_signing_secrets],
            answered=botpress.answered,
        )
        yield


@asynccontextmanager
async def open_services(
    settings: Settings, *, runtime: BotRuntime | None = None, clock: Clock | None = None
) -> AsyncIterator[Services]:
    """Everything behind the doors, running: database, vendors' clients, ledger with its worker.

    Raises BadSettings or StoreUnavailable when the database cannot be used.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        database = open_database(settings.database_url)
        await database.start()
        stack.push_async_callback(database.close)
        await migrate(database)
        session = await stack.enter_async_context(open_session())
        handoffs = SqlHandoffs(database)
        handlers: dict[str, Handler] = {}
        ledger = LaneLedger(
            _engine(settings, database),
            handlers,
            clock,
            WorkerOptions(concurrency=settings.worker_concurrency),
            on_lane_moved=handoffs.forget_lane,
        )
        services = _bundle(settings, database, session, clock, handoffs, ledger, runtime)
        handlers.update(
            {kind: partial(handle, services) for kind, handle in DELIVERY_HANDLERS.items()}
        )
        await ledger.start()
        stack.push_async_callback(ledger.stop, settings.shutdown_grace_s)
        yield services


def _bundle(
    settings: Settings,
    database: Database,
    session: aiohttp.ClientSession,
    clock: Clock,
    handoffs: SqlHandoffs,
    ledger: LaneLedger,
    runtime: BotRuntime | None,
) -> Services:
    """The ports, each with its adapter."""
    keyring = _keyring(settings)
    installations = SqlInstallations(database, keyring, clock)
    hubspot = HubSpotPortals(
        settings.hubspot_api_url,
        lambda: session,
        clock,
        refresh_tokens=VaultRefreshTokens(SqlVault(database, keyring), installations),
        window=Window(requests=settings.hubspot_requests_per_10s),
    )
    token = settings.botpress_token
    bots: Bots = (
        _SameBot(runtime)
        if runtime is not None
        else BotpressRuntimes(
            session,
            base_url=settings.botpress_api_url,
            token=token.get_secret_value() if token else "",
            clock=clock,
            timeout_s=settings.vendor_timeout_s,
        )
    )
    policy = Policy(
        start_margin_ms=settings.start_margin_ms,
        start_timeout_s=settings.start_timeout_s,
        message_chars_limit=settings.message_chars_limit,
        webhook_route=settings.hubspot_webhook_route,
        public_url=settings.public_url,
        botpress_webhook_url=settings.botpress_webhook_url,
    )
    people = SqlPeople(database)
    return Services(
        hubspot=hubspot,
        bots=bots,
        handoffs=handoffs,
        people=people,
        installations=installations,
        ledger=ledger,
        clock=clock,
        policy=policy,
    )


class _SameBot:
    """One bot runtime for every installation: the bot that loaded the integration."""

    def __init__(self, runtime: BotRuntime) -> None:
        self._runtime = runtime

    def of(self, installation: Installation) -> BotRuntime:
        """The runtime, whoever asks."""
        return self._runtime


def _keyring(settings: Settings) -> KeyRing:
    """The keys of the settings; on SQLite a key file in the data directory is enough."""
    if settings.secret_keys is not None:
        return KeyRing.from_text(settings.secret_keys.get_secret_value())
    if settings.is_sqlite:
        return KeyRing.load_or_create(settings.data_dir / KEY_FILE)
    raise BadSettings(
        "HITL_SECRET_KEYS is not set. Replicas that share a database need the same keys: set it to"
        " id:base64-of-32-bytes, the same on each (make one with `hubspot-hitl keys new`)"
    )


def _engine(settings: Settings, database: Database) -> Engine:
    """Where the ledger is kept: with everything else."""
    if settings.is_sqlite:
        return SqliteEngine(database)
    from hubspot_hitl.ledger.postgres import PostgresEngine  # asyncpg is an optional extra

    return PostgresEngine(settings.database_url, lease_s=settings.lease_s)
