"""Everything behind the doors, running: database, vendors' clients, the ledger and its worker.

`open_house` opens the parts in the order in which they need each other and closes them in the
other. The server puts its doors before it (:mod:`hubspot_hitl.app`); commands use it without doors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.connecting.connector import PortalConnector
from hubspot_hitl.connecting.options import ConnectOptions, Stores
from hubspot_hitl.connecting.state import PURPOSE, StateSigner
from hubspot_hitl.connecting.status import ConnectionWatch
from hubspot_hitl.crm.summarisers import summariser
from hubspot_hitl.dispatch import DELIVERY_HANDLERS, GIVEN_UP, PATIENT, RETRYING
from hubspot_hitl.hubspot.crm.client import CrmClients
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.refreshing import TokenRefresher
from hubspot_hitl.ledger.circuits import BreakerCircuits
from hubspot_hitl.ledger.engine import Engine
from hubspot_hitl.ledger.observer import ignore
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.sqlite import SqliteEngine
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.observing.observing import Observing
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.ledger import Handler
from hubspot_hitl.ports.privacy import Evidence
from hubspot_hitl.ports.services import Policy, Services
from hubspot_hitl.privacy import receipt
from hubspot_hitl.privacy.retention import Forgetting
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.settings import Settings
from hubspot_hitl.settings.environment import plain, secrets_of
from hubspot_hitl.store.counters import named_by_number
from hubspot_hitl.store.engine.agreed_clock import AgreedClock
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.rates import SqlRates
from hubspot_hitl.store.storage import Storage, open_storage
from hubspot_hitl.upkeep import jobs
from hubspot_hitl.upkeep.housekeeping import keep_figures, keep_sweeping
from hubspot_hitl.vendors import Vendors, open_vendors, shared_app


@dataclass(frozen=True, slots=True)
class House:
    """Everything behind the doors, running."""

    services: Services
    storage: Storage
    portals: HubSpotPortals
    rates: SqlRates
    circuits: BreakerCircuits
    signing_secrets: tuple[str, ...]
    connector: PortalConnector
    connections: ConnectionWatch


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
    database. `runtime` stands for Botpress, see :func:`hubspot_hitl.app.create_app`. Raises
    BadSettings or StoreUnavailable when the database cannot be used.
    """
    own = clock or SystemClock()
    clock, several = AgreedClock(own), not settings.is_sqlite and isinstance(own, SystemClock)
    for secret in secrets_of(settings):
        remember_secret(secret)  # error texts are kept and shown even where logs are another's
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(storage_of(settings, clock, exclusive=work))
        if several:
            await clock.agree(storage.database)
        if observing is not None:
            observing.sinks.append(storage.flight.add)
        vendors = await stack.enter_async_context(
            open_vendors(settings, storage, clock, runtime=runtime, observing=observing)
        )
        ledger, services = await _ledger(settings, storage, vendors, clock, observing)
        await ledger.start(work=work)
        stack.push_async_callback(ledger.stop, settings.shutdown_grace_s)
        rates = SqlRates(storage.database, clock, vendors.portals.take_rate_peaks)
        if work:
            await jobs.schedule(services)
            stack.push_async_callback(rates.close)
            beside = _beside_the_work(settings, storage, vendors.refresher, ledger, clock, rates)
            if several:
                beside["clock"] = clock.keep_agreeing(storage.database)
            for name, coroutine in beside.items():
                stack.callback(asyncio.create_task(coroutine, name=name).cancel)
        yield House(
            services,
            storage,
            vendors.portals,
            rates,
            vendors.circuits,
            vendors.signing_secrets,
            _connector(settings, storage, vendors, services),
            _connections(settings, storage, vendors, clock),
        )


def storage_of(
    settings: Settings, clock: Clock, *, exclusive: bool
) -> AbstractAsyncContextManager[Storage]:
    """The storage that the settings name."""
    return open_storage(
        settings.database_url,
        secret_keys=plain(settings.secret_keys),
        key_file=settings.key_file,
        clock=clock,
        exclusive=exclusive,
    )


async def _ledger(
    settings: Settings,
    storage: Storage,
    vendors: Vendors,
    clock: Clock,
    observing: Observing | None,
) -> tuple[LaneLedger, Services]:
    """The ledger, not started yet, and what its handlers may reach: each needs the other."""
    handlers: dict[str, Handler] = {}

    def lane_moved(lane: str) -> None:
        """Forget what was known of a lane that another replica ran meanwhile."""
        storage.handoffs.forget(lane)
        services.order_checks.pop(lane, None)

    ledger = LaneLedger(
        _engine(settings, storage.database),
        handlers,
        clock,
        WorkerOptions(
            concurrency=settings.worker_concurrency,
            policies=RETRYING,
            patient=PATIENT,
            given_up=GIVEN_UP,
            circuits=vendors.circuits,
        ),
        on_lane_moved=lane_moved,
        observe=observing.metrics.ledger if observing else ignore,
    )
    services = await _services(settings, storage, vendors, ledger, clock)
    for kind, handle in DELIVERY_HANDLERS.items():
        plainly = partial(handle, services)
        handlers[kind] = observing.handler(plainly) if observing else plainly
    return ledger, services


async def _services(
    settings: Settings, storage: Storage, vendors: Vendors, ledger: LaneLedger, clock: Clock
) -> Services:
    return Services(
        hubspot=vendors.portals,
        bots=vendors.bots,
        handoffs=storage.handoffs,
        people=storage.people,
        installations=vendors.installations,
        ledger=ledger,
        clock=clock,
        policy=_policy(settings),
        fetch=vendors.fetch,
        hooks=vendors.hooks,
        summariser=summariser(settings.summariser),
        jobs=jobs.registry(
            _unless_off(settings.refresh_cron),
            settings.schedule_zone,
            settings.jobs,
            reconcile_cron=_unless_off(settings.reconcile_cron),
        ),
        crm=CrmClients(vendors.portals, clock),
        field_snapshots=storage.field_snapshots,
        webhooks=vendors.portals,
        leases=storage.leases,
        content=storage.content,
        artifacts=storage.artifacts,
        evidence=Evidence(storage.audit, storage.keyring.derived(receipt.PURPOSE)),
        flight=storage.flight,
        named_by_number=await named_by_number(storage.database),
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        start_margin_ms=settings.start_margin_ms,
        reopen_answer_ms=int(settings.reopen_answer_s * 1000),
        reopen_news_ms=int(settings.reopen_news_s * 1000),
        start_timeout_s=settings.start_timeout_s,
        register_timeout_s=settings.register_timeout_s,
        message_chars_limit=settings.message_chars_limit,
        order_check=settings.order_check,
        webhook_route=settings.hubspot_webhook_route,
        public_url=settings.public_url,
        botpress_webhook_url=settings.botpress_webhook_url,
    )


def _unless_off(cron: str) -> str | None:
    return None if cron == "off" else cron


def _engine(settings: Settings, database: Database) -> Engine:
    """Where the ledger is kept: with everything else."""
    if settings.is_sqlite:
        return SqliteEngine(database)
    from hubspot_hitl.ledger.postgres.engine import PostgresEngine  # asyncpg is an optional extra

    return PostgresEngine(settings.database_url, lease_s=settings.lease_s)


def _beside_the_work(
    settings: Settings,
    storage: Storage,
    refresher: TokenRefresher,
    ledger: LaneLedger,
    clock: Clock,
    rates: SqlRates,
) -> dict[str, Coroutine[object, object, None]]:
    """What runs beside the work until the house is closed, by the names of its tasks."""
    content_days = settings.content_days or settings.retention_days
    sweeping = keep_sweeping(
        ledger,
        storage.nonces,
        clock,
        settings.retention_days,
        Forgetting(ledger, storage.content, content_days),
        storage.flight,
    )
    return {
        "sweep": sweeping,
        "token-refresh": refresher.run(),
        "flight-log": storage.flight.keep_writing(),
        "figures": keep_figures((storage.figures, rates), clock),
    }


def _connector(
    settings: Settings, storage: Storage, vendors: Vendors, services: Services
) -> PortalConnector:
    stores = Stores(vendors.installations, storage.connections, vendors.kept_tokens, storage.nonces)
    options = ConnectOptions(
        public_url=settings.public_url,
        redirect_url=settings.oauth_redirect_url,
        return_hosts=settings.oauth_return_hosts,
        authorize_url=settings.hubspot_authorize_url,
        features=settings.oauth_features,
        required_scopes=settings.oauth_required_scopes,
        shared=shared_app(settings),
    )
    signer = StateSigner(storage.keyring.derived(PURPOSE))
    return PortalConnector(
        vendors.portals, stores, signer, services.policy, services.clock, options
    )


def _connections(
    settings: Settings, storage: Storage, vendors: Vendors, clock: Clock
) -> ConnectionWatch:
    return ConnectionWatch(
        vendors.portals,
        vendors.installations,
        storage.connections,
        vendors.refresher,
        clock,
        settings.oauth_features,
    )
