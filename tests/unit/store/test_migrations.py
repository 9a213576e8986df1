from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text
from tests.databases import ENGINES, bare_database_url

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.ledger.tables import whole as whole_ledger
from hubspot_hitl.store import migrations
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.store.tables import whole as whole_store

if TYPE_CHECKING:
    import asyncpg


def indexes(connection: Connection) -> dict[str, str]:
    """Every index, on SQLite every table too, as the database itself writes it down."""
    if connection.dialect.name == "sqlite":
        sql = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'"
    else:
        sql = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename <> 'alembic_version'"
    return {
        str(name): whatever_order(str(definition))
        for name, definition in connection.execute(text(sql))
    }


def whatever_order(definition: str) -> str:
    """A table's parts sorted: a column that was added later stands behind the constraints."""
    if not definition.startswith("CREATE TABLE"):
        return definition
    head, _, rest = definition.partition("(")
    parts, _, tail = rest.rpartition(")")
    return f"{head}({sorted(part.strip() for part in parts.split(','))}){tail}"


def differences(connection: Connection) -> list[object]:
    both = MetaData()
    for table in (*whole_store().tables.values(), *whole_ledger().tables.values()):
        table.to_metadata(both)
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, both))


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_migrated_schema_is_the_one_in_the_code(engine: str, tmp_path: Path) -> None:
    async with bare_database_url(engine, tmp_path) as url:
        assert await migrations.migrate(url)
        await _assert_as_in_the_code(url)


def _made_from_metadata(connection: Connection) -> dict[str, str]:
    for metadata in (whole_store(), whole_ledger()):
        metadata.drop_all(connection)
    for metadata in (whole_store(), whole_ledger()):
        metadata.create_all(connection, checkfirst=False)
    return indexes(connection)


@pytest.mark.parametrize("engine", ENGINES)
async def test_replicas_that_start_together_migrate_once(engine: str, tmp_path: Path) -> None:
    async with bare_database_url(engine, tmp_path) as url:
        replicas = [open_database(url, exclusive=False) for _ in range(4)]
        await replicas[0].start()
        for replica in replicas[1:]:
            await replica.start()

        changed = await asyncio.gather(*(migrations.migrate(one) for one in replicas))

        assert sorted(changed) == [False, False, False, True]
        assert not await migrations.needs_migration(replicas[0])
        assert await migrations.current_revision(replicas[0]) == migrations.HEAD
        for replica in replicas:
            await replica.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_database_of_a_newer_version_is_refused(engine: str, tmp_path: Path) -> None:
    async with bare_database_url(engine, tmp_path) as url:
        await migrations.migrate(url)
        database = open_database(url)
        await database.start()
        await database.write(
            lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")).close()
        )
        with pytest.raises(BadSettings, match="'9999'"):
            await migrations.migrate(database)
        await database.close()


async def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "hitl.db"))
    await database.start()
    await database.write(lambda c: c.execute(text("CREATE TABLE audit (a INT)")).close())

    with pytest.raises(Exception, match="audit"):
        await migrations.migrate(database)

    assert await database.read(lambda c: inspect(c).get_table_names()) == ["audit"]
    assert await migrations.current_revision(database) is None
    await database.close()


def test_the_known_revisions_are_the_files_in_order() -> None:
    folder = Path(migrations.__file__).parent / "versions"
    found = sorted(path.name[1:5] for path in folder.glob("v*.py"))
    assert tuple(found) == migrations.REVISIONS


async def test_an_up_to_date_database_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hitl.db'}"
    await migrations.migrate(url)
    code = (
        "import asyncio, sys\n"
        "from hubspot_hitl.store.migrations import migrate\n"
        f"assert asyncio.run(migrate({url!r})) is False\n"
        "assert 'alembic' not in sys.modules\n"
    )
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await done.wait() == 0


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_first_agent_of_older_handoffs_is_made_out(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"a": (7, 5, "A-1"), "b": (7, 9, None), "c": (7, None, None), "d": (None, None, None)}
    async with bare_database_url(engine, tmp_path) as url:
        with monkeypatch.context() as before:
            before.setattr(migrations, "HEAD", "0004")
            await migrations.migrate(url)
        database = open_database(url)
        await database.start()
        for id_, (assigned_ms, reply_ms, agent) in old.items():
            values = {"id": id_, "assigned": assigned_ms, "reply": reply_ms, "agent": agent}
            await database.write(lambda c, v=values: c.execute(_OLD_HANDOFF, v).close())  # type: ignore[misc]
        await migrations.migrate(database)
        wanted = text("SELECT first_assigned_ms FROM handoffs ORDER BY id")
        found = await database.read(lambda c: list(c.execute(wanted).scalars()))
        await database.close()
    assert found == [5, 7, None, None]


_OLD_HANDOFF = text(
    "INSERT INTO handoffs (id, installation_id, user_id, start_key, integration_thread_id, state,"
    " created_ms, inbox_id, channel_id, channel_account_id, assigned_ms, first_reply_ms,"
    " agent_actor_id) VALUES (:id, 'i', 'u', :id, 't', 'pending', 0, '1', '2', '3', :assigned,"
    " :reply, :agent)"
)


@pytest.mark.postgres
async def test_replicas_go_on_while_indexes_are_built_and_a_broken_build_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncpg

    async with bare_database_url("postgresql", tmp_path) as url:
        with monkeypatch.context() as before:
            before.setattr(migrations, "HEAD", "0004")
            await migrations.migrate(url)
        replica = await asyncpg.connect(url, server_settings={"lock_timeout": "10s"})
        await replica.execute(_OLD_HANDOFFS)
        onlooker = await asyncpg.connect(url)
        snapshot = onlooker.transaction(isolation="repeatable_read")
        await snapshot.start()
        await onlooker.execute("SELECT 1")  # an index that is built beside the work waits for it
        migrating = asyncio.create_task(migrations.migrate(url))
        pid = await _until_one_waits(replica, migrating)

        assert not migrating.done()
        assert await replica.fetchval(_COUNT_FILLED) == 2_500
        await replica.execute("UPDATE handoffs SET state = 'ended' WHERE id = 'h7'")

        assert await replica.fetchval("SELECT pg_terminate_backend($1, 10000)", pid)
        await snapshot.rollback()
        with suppress(StoreUnavailable):  # unless the lost connection was replaced at once
            await migrating
        await migrations.migrate(url)
        assert await replica.fetchval("SELECT version_num FROM alembic_version") == migrations.HEAD
        assert await replica.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
        await onlooker.close()
        await replica.close()
        await _assert_as_in_the_code(url)


async def _until_one_waits(
    replica: asyncpg.Connection[asyncpg.Record], migrating: asyncio.Task[bool]
) -> int | None:
    """The process that waits for others' transactions; None when the migration ended before."""
    waiting = (
        "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
        " AND locktype = 'virtualxid' AND datname = current_database()"
    )
    async with asyncio.timeout(60):
        while not migrating.done():
            pid: int | None = await replica.fetchval(waiting)
            if pid is not None:
                return pid
            await asyncio.sleep(0.01)
    return None


async def _assert_as_in_the_code(url: str) -> None:
    database = open_database(url)
    await database.start()
    try:
        assert await database.read(differences) == []
        migrated = await database.read(indexes)
        assert await database.write(_made_from_metadata) == migrated
    finally:
        await database.close()


_OLD_HANDOFFS = (
    "INSERT INTO handoffs (id, installation_id, user_id, start_key, integration_thread_id, state,"
    " created_ms, inbox_id, channel_id, channel_account_id, assigned_ms, agent_actor_id)"
    " SELECT 'h' || n, 'i', 'u' || n, 's' || n, 't', 'ended', 0, '1', '2', '3', n, 'A-1'"
    " FROM generate_series(1, 2500) AS n"
)
_COUNT_FILLED = "SELECT count(*) FROM handoffs WHERE first_assigned_ms = assigned_ms"
