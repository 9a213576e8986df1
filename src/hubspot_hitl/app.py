"""Start reading here: the only place where the parts are put together.

The main path, from the outside in::

    Botpress  -> web.botpress -> web.operations -> actions.* | channels.hitl -> ledger
    HubSpot   -> web.hubspot  -> web.webhooks   -> events.intake             -> ledger
    ledger    -> channels.hitl | events.* | actions.*  ->  HubSpot's and Botpress's APIs

`create_app` wires settings to adapters to handlers and owns their lives; nothing else does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from hubspot_hitl import actions, events, privacy
from hubspot_hitl.botpress.client import BotpressRuntimes
from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.channels import hitl
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.environment import secrets_of
from hubspot_hitl.events import intake, webhook_out
from hubspot_hitl.fetch.post import open_hooks
from hubspot_hitl.fetch.web import Limits, open_fetch
from hubspot_hitl.hubspot.crm.client import CrmClients
from hubspot_hitl.hubspot.kept_tokens import VaultRefreshTokens
from hubspot_hitl.hubspot.limiter import Window
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.refreshing import TokenRefresher
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.ledger.backoff import Policies
from hubspot_hitl.ledger.backoff import Policy as Retrying
from hubspot_hitl.ledger.circuits import BreakerCircuits
from hubspot_hitl.ledger.engine import Engine
from hubspot_hitl.ledger.observer import ignore
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.sqlite import SqliteEngine
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.fetch import Fetch
from hubspot_hitl.ports.ledger import Delivery, Handler, Outcome
from hubspot_hitl.ports.privacy import Evidence
from hubspot_hitl.ports.services import Bots, Policy, Services
from hubspot_hitl.privacy import receipt
from hubspot_hitl.privacy.retention import Forgetting
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.repair import reconcile, resend
from hubspot_hitl.settings import Settings
from hubspot_hitl.setup import finish, jobs
from hubspot_hitl.setup.botpress_credentials import stored_credentials
from hubspot_hitl.setup.housekeeping import keep_sweeping
from hubspot_hitl.setup.summarisers import summariser
from hubspot_hitl.store.artifacts import SqlArtifacts
from hubspot_hitl.store.audit import SqlAudit
from hubspot_hitl.store.connections import ConnectedInstallations, VaultConnections
from hubspot_hitl.store.content import SqlContent
from hubspot_hitl.store.counters import named_by_number
from hubspot_hitl.store.database import Database, open_database
from hubspot_hitl.store.field_snapshots import VaultFieldSnapshots
from hubspot_hitl.store.figures import SqlFigures
from hubspot_hitl.store.flight import SqlFlightLog
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.installations import SqlInstallations
from hubspot_hitl.store.keys import open_keyring
from hubspot_hitl.store.leases import SqlLeases
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.nonces import SqlNonces
from hubspot_hitl.store.people import SqlPeople
from hubspot_hitl.store.vault import SqlVault
from hubspot_hitl.web import keys, oauth, registrations
from hubspot_hitl.web.botpress import at_any_path
from hubspot_hitl.web.bots import SameBot
from hubspot_hitl.web.connect_options import Stores
from hubspot_hitl.web.console.access import Access
from hubspot_hitl.web.console.desk import DESK, Desk, end_streams
from hubspot_hitl.web.errors import errors
from hubspot_hitl.web.limits import limiter
from hubspot_hitl.web.metrics import Metrics
from hubspot_hitl.web.oauth_state import PURPOSE
from hubspot_hitl.web.observing import Observing, open_traces
from hubspot_hitl.web.operations import BotpressDoor
from hubspot_hitl.web.routes import ROUTES
from hubspot_hitl.web.surroundings import surroundings
from hubspot_hitl.web.webhooks import HubSpotDoor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

DELIVERY_HANDLERS: Mapping[str, Callable[[Services, Delivery], Awaitable[Outcome]]] = {
    **hitl.DELIVERIES,
    **actions.DELIVERIES,
    **events.EVENTS,
    **jobs.DELIVERIES,
    **finish.DELIVERIES,
    **reconcile.DELIVERIES,
    **resend.DELIVERIES,
    **privacy.DELIVERIES,
}
"""Everything the ledger can be asked to do: kind -> handler."""

RETRYING = Policies(
    by_kind={
        # A hint whose message cannot be read must not keep the chat waiting behind it.
        intake.NEW_MESSAGE: Retrying(max_attempts=5),
        jobs.RUN: Retrying(base_s=30.0, cap_s=600.0, max_attempts=3),
        webhook_out.SEND: Retrying(
            base_s=1.0, cap_s=1_800.0, max_age_s=None, max_attempts=webhook_out.ATTEMPTS
        ),
    }
)
"""How often what is tried again, where it is not as usual."""

KEY_FILE = "secret.key"


def create_app(
    settings: Settings,
    *,
    runtime: BotRuntime | None = None,
    clock: Clock | None = None,
    spans: SpanExporter | None = None,
) -> web.Application:
    """The integration as an aiohttp application, to run or to mount with `add_subapp`.

    `runtime` replaces Botpress's Runtime API for every installation, so that any Python bot can
    load the integration. `spans` takes the traces, which otherwise go where `HITL_TRACES` says.
    Nothing is opened before the application starts.
    """
    middlewares = [errors, limiter(), at_any_path]
    app = web.Application(client_max_size=settings.max_body_bytes, middlewares=middlewares)
    app[keys.SETTINGS] = settings
    app[registrations.COUNTS] = registrations.counts()
    app.cleanup_ctx.append(
        partial(_life, runtime=runtime, clock=clock or SystemClock(), spans=spans)
    )
    app.on_shutdown.append(end_streams)
    app.add_routes(ROUTES)
    return app


async def _life(
    app: web.Application,
    *,
    runtime: BotRuntime | None,
    clock: Clock,
    spans: SpanExporter | None,
) -> AsyncIterator[None]:
    """What lives as long as the application: opened in this order, closed in the other."""
    settings, observing = app[keys.SETTINGS], Observing(Metrics(), clock)
    async with (
        open_traces(observing, wanted=settings.traces, exporter=spans),
        open_house(settings, runtime=runtime, clock=clock, observing=observing) as house,
    ):
        hubspot = HubSpotDoor(house.services, accept_v1=settings.hubspot_accept_v1_signatures)
        botpress = BotpressDoor(
            house.services,
            hubspot,
            house.oauth.connector,
            guarded=bool(house.signing_secrets or settings.botpress_path_secret),
            observing=observing,
        )
        app[oauth.DOOR] = house.oauth
        app[keys.SERVICES] = house.services
        app[DESK] = Desk(
            house.services,
            house.audit,
            SqlFigures(house.database),
            observing.metrics,
            Access(settings, clock),
            rate_used=lambda: house.portals.rate_used,
            token_age=lambda: house.portals.token_age_s,
            surroundings=partial(
                surroundings,
                settings,
                house.vault,
                signing_secret=bool(house.signing_secrets),
            ),
            circuits=house.circuits,
        )
        app[keys.HUBSPOT] = hubspot
        app[keys.OPERATIONS] = OperationServer(
            botpress.operations(),
            clock=clock,
            signing_secrets=house.signing_secrets,
            answered=botpress.answered,
        )
        yield


@dataclass(frozen=True, slots=True)
class House:
    """Everything behind the doors, running."""

    services: Services
    database: Database
    vault: SqlVault
    audit: SqlAudit
    nonces: SqlNonces
    portals: HubSpotPortals
    circuits: Circuits
    signing_secrets: tuple[str, ...]
    oauth: oauth.OAuthDoor


@asynccontextmanager
async def open_house(
    settings: Settings,
    *,
    runtime: BotRuntime | None = None,
    clock: Clock | None = None,
    work: bool = True,
    observing: Observing | None = None,
) -> AsyncGenerator[House]:
    """Database, vendors' clients, and the ledger with its worker.

    Without `work` it only looks and writes: for commands, also while a server runs on the same
    database. Raises BadSettings or StoreUnavailable when the database cannot be used.
    """
    clock = clock or SystemClock()
    for secret in secrets_of(settings):
        remember_secret(secret)  # error texts are kept and shown even where logs are another's
    async with AsyncExitStack() as stack:
        database = open_database(settings.database_url, exclusive=work)
        await database.start()
        stack.push_async_callback(database.close)
        await migrate(database)
        flight = SqlFlightLog(database, clock)
        stack.push_async_callback(flight.close)
        if observing is not None:
            observing.sinks.append(flight.add)
        keyring = await open_keyring(database, plain(settings.secret_keys), _key_file(settings))
        vault = SqlVault(database, keyring)
        stored = await stored_credentials(vault, clock)
        session = await stack.enter_async_context(open_session())
        fetch = await stack.enter_async_context(_open_fetch(settings))
        hooks = await stack.enter_async_context(
            open_hooks(allow_private=settings.fetch_allow_private)
        )
        configured = SqlInstallations(database, keyring, clock)
        connections, leases = VaultConnections(vault), SqlLeases(database)
        kept_tokens = VaultRefreshTokens(vault, configured)
        circuits = BreakerCircuits(clock)
        portals = HubSpotPortals(
            settings.hubspot_api_url,
            lambda: session,
            clock,
            refresh_tokens=kept_tokens,
            window=Window(requests=settings.hubspot_requests_per_10s),
            oauth_version=settings.hubspot_oauth_version,
            observer=observing.hubspot if observing else None,
            circuits=circuits,
        )
        installations = ConnectedInstallations(
            configured,
            connections,
            clock,
            shared=oauth.shared_app(settings),
            on_change=portals.forget,
        )
        refresher = TokenRefresher(
            portals,
            installations,
            connections,
            leases,
            clock,
            every_s=settings.token_refresh_minutes * 60,
        )
        handoffs = SqlHandoffs(database)
        audit = SqlAudit(database, clock)
        content = SqlContent(database, on_blanked=handoffs.forget)
        handlers: dict[str, Handler] = {}

        def lane_moved(lane: str) -> None:
            """Forget what was known of a lane that another replica ran meanwhile."""
            handoffs.forget_lane(lane)
            services.order_checks.pop(lane, None)

        ledger = LaneLedger(
            _engine(settings, database),
            handlers,
            clock,
            WorkerOptions(
                concurrency=settings.worker_concurrency, policies=RETRYING, circuits=circuits
            ),
            on_lane_moved=lane_moved,
            observe=observing.metrics.ledger if observing else ignore,
        )
        services = Services(
            hubspot=portals,
            bots=_bots(settings, session, clock, runtime, stored.token, observing, circuits),
            handoffs=handoffs,
            people=SqlPeople(database),
            installations=installations,
            ledger=ledger,
            clock=clock,
            policy=_policy(settings),
            fetch=fetch,
            hooks=hooks,
            summariser=summariser(settings.summariser),
            jobs=jobs.registry(
                None if settings.refresh_cron == "off" else settings.refresh_cron,
                settings.schedule_zone,
                settings.jobs,
                reconcile_cron=(
                    None if settings.reconcile_cron == "off" else settings.reconcile_cron
                ),
            ),
            crm=CrmClients(portals, clock),
            field_snapshots=VaultFieldSnapshots(vault),
            webhooks=portals,
            leases=leases,
            content=content,
            artifacts=SqlArtifacts(database),
            evidence=Evidence(audit, keyring.derived(receipt.PURPOSE)),
            flight=flight,
            named_by_number=await named_by_number(database),
        )
        for kind, handle in DELIVERY_HANDLERS.items():
            plainly = partial(handle, services)
            handlers[kind] = observing.handler(plainly) if observing else plainly
        await ledger.start(work=work)
        stack.push_async_callback(ledger.stop, settings.shutdown_grace_s)
        if work:
            await jobs.schedule(services)
        nonces = SqlNonces(database)
        if work:
            sweeping = asyncio.create_task(
                keep_sweeping(
                    ledger,
                    nonces,
                    clock,
                    settings.retention_days,
                    Forgetting(ledger, content, settings.content_days or settings.retention_days),
                    flight,
                ),
                name="sweep",
            )
            stack.callback(sweeping.cancel)
            refreshing = asyncio.create_task(refresher.run(), name="token-refresh")
            stack.callback(refreshing.cancel)
            writing = asyncio.create_task(flight.keep_writing(), name="flight-log")
            stack.callback(writing.cancel)
        stores = Stores(installations, connections, kept_tokens, nonces)
        grants = oauth.Grants(portals, stores, refresher, keyring.derived(PURPOSE))
        own = tuple(secret.get_secret_value() for secret in settings.botpress_signing_secrets)
        yield House(
            services,
            database,
            vault,
            audit,
            nonces,
            portals,
            circuits,
            own or stored.signing_secrets,
            oauth.open_door(settings, grants, services.policy, clock),
        )


def _bots(
    settings: Settings,
    session: aiohttp.ClientSession,
    clock: Clock,
    runtime: BotRuntime | None,
    stored_token: str | None,
    observing: Observing | None,
    circuits: Circuits,
) -> Bots:
    """The bot that loaded us, or Botpress with the token of the settings, else of the vault."""
    if runtime is not None:
        return SameBot(runtime)
    return BotpressRuntimes(
        session,
        base_url=settings.botpress_api_url,
        token=plain(settings.botpress_token) or stored_token or "",
        clock=clock,
        timeout_s=settings.vendor_timeout_s,
        observe=observing.botpress if observing else None,
        circuits=circuits,
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        start_margin_ms=settings.start_margin_ms,
        reopen_answer_ms=int(settings.reopen_answer_s * 1000),
        start_timeout_s=settings.start_timeout_s,
        message_chars_limit=settings.message_chars_limit,
        order_check=settings.order_check,
        webhook_route=settings.hubspot_webhook_route,
        public_url=settings.public_url,
        botpress_webhook_url=settings.botpress_webhook_url,
    )


def _open_fetch(settings: Settings) -> AbstractAsyncContextManager[Fetch]:
    return open_fetch(
        Limits(settings.fetch_max_bytes, settings.fetch_timeout_s),
        allow_private=settings.fetch_allow_private,
    )


def _key_file(settings: Settings) -> Path:
    return settings.data_dir / KEY_FILE


def plain(secret: SecretStr | None) -> str | None:
    """The value of a secret setting, None when it is not set."""
    return secret.get_secret_value() if secret is not None else None


def _engine(settings: Settings, database: Database) -> Engine:
    """Where the ledger is kept: with everything else."""
    if settings.is_sqlite:
        return SqliteEngine(database)
    from hubspot_hitl.ledger.postgres import PostgresEngine  # asyncpg is an optional extra

    return PostgresEngine(settings.database_url, lease_s=settings.lease_s)
