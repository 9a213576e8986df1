"""The vault for commands, also while the server runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.house import storage_of
from hubspot_hitl.settings import Settings
from hubspot_hitl.store.secrets.vault import SqlVault


@asynccontextmanager
async def open_vault(settings: Settings) -> AsyncGenerator[SqlVault]:
    """The server's vault; its database is made when there is none yet.

    Raises BadSettings or StoreUnavailable when it cannot be used.
    """
    async with storage_of(settings, SystemClock(), exclusive=False) as storage:
        yield storage.vault
