from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubspot_hitl.store.engine.sqlite import SqliteDatabase


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A started, empty SQLite database."""
    database = SqliteDatabase(tmp_path / "hitl.db")
    await database.start()
    yield database
    await database.close()
