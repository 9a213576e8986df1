"""The vault for commands, also while the server runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hubspot_hitl.app import KEY_FILE
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.settings import Settings
from hubspot_hitl.store.database import open_database
from hubspot_hitl.store.keyring import KeyRing
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.vault import SqlVault


@asynccontextmanager
async def open_vault(settings: Settings) -> AsyncGenerator[SqlVault]:
    """The server's vault; its database is made when there is none yet.

    Raises BadSettings or StoreUnavailable when it cannot be used.
    """
    keys = _key_ring(settings)
    database = open_database(settings.database_url, exclusive=False)
    await database.start()
    try:
        await migrate(database)
        yield SqlVault(database, keys)
    finally:
        await database.close()


def _key_ring(settings: Settings) -> KeyRing:
    if settings.secret_keys is not None:
        return KeyRing.from_text(settings.secret_keys.get_secret_value())
    if settings.is_sqlite:
        return KeyRing.load_or_create(settings.data_dir / KEY_FILE)
    raise BadSettings("HITL_SECRET_KEYS is not set; give this command the keys of the server")
