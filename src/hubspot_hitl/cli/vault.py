"""The vault for commands, also while the server runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hubspot_hitl.app import KEY_FILE
from hubspot_hitl.settings import Settings
from hubspot_hitl.store.database import open_database
from hubspot_hitl.store.keys import open_keyring
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.vault import SqlVault


@asynccontextmanager
async def open_vault(settings: Settings) -> AsyncGenerator[SqlVault]:
    """The server's vault; its database is made when there is none yet.

    Raises BadSettings or StoreUnavailable when it cannot be used.
    """
    database = open_database(settings.database_url, exclusive=False)
    await database.start()
    try:
        await migrate(database)
        secret_keys = settings.secret_keys
        keys = await open_keyring(
            database,
            secret_keys.get_secret_value() if secret_keys else None,
            settings.data_dir / KEY_FILE,
        )
        yield SqlVault(database, keys)
    finally:
        await database.close()
