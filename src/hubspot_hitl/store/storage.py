"""Everything that is kept beside the ledger, opened as one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.store.artifacts import SqlArtifacts
from hubspot_hitl.store.audit import SqlAudit
from hubspot_hitl.store.connections import VaultConnections
from hubspot_hitl.store.content import SqlContent
from hubspot_hitl.store.engine.database import Database, open_database
from hubspot_hitl.store.field_snapshots import VaultFieldSnapshots
from hubspot_hitl.store.figures import SqlFigures
from hubspot_hitl.store.flight import SqlFlightLog
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.installations import SqlInstallations
from hubspot_hitl.store.leases import SqlLeases
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.nonces import SqlNonces
from hubspot_hitl.store.people import SqlPeople
from hubspot_hitl.store.secrets.keyring import KeyRing
from hubspot_hitl.store.secrets.keys import open_keyring
from hubspot_hitl.store.secrets.vault import SqlVault


@dataclass(frozen=True, slots=True)
class Storage:
    """One database, as many stores. `installations` holds what Botpress sent of them."""

    database: Database
    keyring: KeyRing
    vault: SqlVault
    installations: SqlInstallations
    connections: VaultConnections
    handoffs: SqlHandoffs
    people: SqlPeople
    artifacts: SqlArtifacts
    content: SqlContent
    field_snapshots: VaultFieldSnapshots
    flight: SqlFlightLog
    figures: SqlFigures
    audit: SqlAudit
    nonces: SqlNonces
    leases: SqlLeases


@asynccontextmanager
async def open_storage(
    url: str, *, secret_keys: str | None, key_file: Path, clock: Clock, exclusive: bool
) -> AsyncGenerator[Storage]:
    """Open the database, bring its tables up to date and find the keys that seal its secrets.

    `exclusive` claims a SQLite file for this process. Raises BadSettings or StoreUnavailable when
    the database or the keys cannot be used.
    """
    database = open_database(url, exclusive=exclusive)
    await database.start()
    try:
        await migrate(database)
        keyring = await open_keyring(database, secret_keys, key_file)
        storage = _stores(database, keyring, clock)
        try:
            yield storage
        finally:
            await storage.flight.close()
    finally:
        await database.close()


def _stores(database: Database, keyring: KeyRing, clock: Clock) -> Storage:
    vault = SqlVault(database, keyring)
    handoffs = SqlHandoffs(database)
    return Storage(
        database=database,
        keyring=keyring,
        vault=vault,
        installations=SqlInstallations(database, keyring, clock),
        connections=VaultConnections(vault),
        handoffs=handoffs,
        people=SqlPeople(database),
        artifacts=SqlArtifacts(database),
        content=SqlContent(database, on_blanked=handoffs.forget),
        field_snapshots=VaultFieldSnapshots(vault),
        flight=SqlFlightLog(database, clock),
        figures=SqlFigures(database),
        audit=SqlAudit(database, clock),
        nonces=SqlNonces(database),
        leases=SqlLeases(database),
    )
