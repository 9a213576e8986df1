"""Which keys encrypt at rest: those of the settings, else a key file, else keys in the database."""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import Connection, select

from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.secrets.keyring import KeyRing, new_key, new_key_id
from hubspot_hitl.store.secrets.vault import UNSEALED
from hubspot_hitl.store.tables import secrets

log = structlog.get_logger(__name__)

SCOPE = "key-ring"
NAME = "default"


async def open_keyring(database: Database, secret_keys: str | None, key_file: Path) -> KeyRing:
    """Return the key ring of `secret_keys` (`id:base64,...`), made by us when there is none.

    On SQLite it is made as a file of mode 0600 beside the data. Replicas on PostgreSQL have no
    place in common but the database, so there it is kept in the database, and a warning says that
    whoever holds a dump then holds the key too. Raises BadSettings for keys that cannot be used.
    """
    if secret_keys is not None:
        return KeyRing.from_text(secret_keys)
    if database.dialect == "sqlite":
        return KeyRing.load_or_create(key_file)
    log.warning(
        "keys_lie_in_the_database",
        cure="Set HITL_SECRET_KEYS, the same on each replica (`hubspot-hitl keys new` makes one).",
    )
    return KeyRing.from_text(await database.write(_load_or_create))


def _load_or_create(connection: Connection) -> str:
    fresh = f"{new_key_id()}:{new_key()}".encode()
    connection.execute(
        insert_into(connection.dialect.name, secrets)
        .values(scope=SCOPE, name=NAME, key_id=UNSEALED, value=fresh)
        .on_conflict_do_nothing()
    )
    row = connection.execute(
        select(secrets.c.value).where(secrets.c.scope == SCOPE, secrets.c.name == NAME)
    )
    return bytes(row.scalar_one()).decode()
