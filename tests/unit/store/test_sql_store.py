"""What only the stores on a database have: caches, encryption at rest, rotation, tampering."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text
from tests.fakes import FakeClock

from hubspot_hitl.errors import BadSettings, Stale
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.store.audit import SqlAudit
from hubspot_hitl.store.engine.database import Database, SqliteDatabase
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.installations import SqlInstallations
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.secrets.keyring import KeyRing, new_key
from hubspot_hitl.store.secrets.vault import SqlVault

OLD, NEW = f"old:{new_key()}", f"new:{new_key()}"


@pytest.fixture
async def migrated(sqlite: SqliteDatabase) -> SqliteDatabase:
    await migrate(sqlite)
    return sqlite


async def execute(database: Database, sql: str) -> None:
    await database.write(lambda connection: connection.execute(text(sql)).close())


def handoff(number: int = 1) -> Handoff:
    return Handoff(
        id=f"h{number}",
        installation_id="i1",
        user_id="u1",
        start_key=f"start-{number}",
        integration_thread_id=f"it{number}",
        state=HandoffState.STARTING,
        created_ms=1_000,
        inbox_id="inbox",
        channel_id="channel",
        channel_account_id="account",
    )


def installation(id_: str = "i1", app_id: str = "77") -> Installation:
    configuration = Configuration(app_id=app_id, client_secret=SecretStr("s3cret-value"))
    return Installation(id_, "bot", "integration", "hubspot", configuration)


async def test_another_replicas_write_is_seen_once_the_lane_moved(migrated: SqliteDatabase) -> None:
    ours, theirs = SqlHandoffs(migrated), SqlHandoffs(migrated)
    opened = await ours.open(handoff())
    written = await theirs.save(replace(opened, thread_id="t1"))

    assert await ours.get("h1") == opened
    ours.forget("h1")
    assert await ours.get("h1") == written


async def test_another_replicas_write_is_seen_by_a_fresh_read(migrated: SqliteDatabase) -> None:
    ours, theirs = SqlHandoffs(migrated), SqlHandoffs(migrated)
    written = await theirs.save(replace(await ours.open(handoff()), thread_id="t1"))
    assert await ours.get("h1", fresh=True) == written
    assert await ours.get("h1") == written


async def test_a_save_over_another_replicas_write_is_stale_and_then_reads_anew(
    migrated: SqliteDatabase,
) -> None:
    ours, theirs = SqlHandoffs(migrated), SqlHandoffs(migrated)
    opened = await ours.open(handoff())
    written = await theirs.save(replace(opened, thread_id="t1"))

    with pytest.raises(Stale):
        await ours.save(replace(opened, title="late"))
    assert await ours.get("h1") == written


async def test_a_handoff_that_is_not_there_is_not_remembered_as_absent(
    migrated: SqliteDatabase,
) -> None:
    ours, theirs = SqlHandoffs(migrated), SqlHandoffs(migrated)
    assert await ours.get("h1") is None
    opened = await theirs.open(handoff())
    assert await ours.get("h1") == opened


async def test_the_cache_is_bounded(migrated: SqliteDatabase) -> None:
    store = SqlHandoffs(migrated, cache_size=2)
    await asyncio.gather(*(store.open(handoff(number)) for number in range(10)))
    await execute(migrated, "UPDATE handoffs SET title = 'from the database'")
    found = [await store.get(f"h{number}") for number in range(10)]
    assert sum(one is not None and one.title is not None for one in found) >= 8


@pytest.mark.parametrize(
    "column", ["conversation_id", "thread_id", "integration_thread_id", "user_id"]
)
async def test_lookups_use_an_index(migrated: SqliteDatabase, column: str) -> None:
    def plan(connection: Connection) -> str:
        sql = f"EXPLAIN QUERY PLAN SELECT * FROM handoffs WHERE installation_id = 'i' AND {column} IN ('a', 'b')"  # noqa: E501, S608 - a literal of this test
        return " ".join(str(row[3]) for row in connection.execute(text(sql)))

    assert f"USING INDEX handoffs_{column.removesuffix('_id')}" in await migrated.read(plan)


async def test_telling_an_unchanged_installation_writes_nothing(migrated: SqliteDatabase) -> None:
    clock = FakeClock()
    store = SqlInstallations(migrated, KeyRing.from_text(OLD), clock)
    await store.remember(installation())
    before = migrated.transactions

    for _ in range(10):
        await store.remember(installation())
        await clock.advance(10)
    cold = SqlInstallations(migrated, KeyRing.from_text(OLD), clock)
    await cold.remember(installation())

    assert migrated.transactions == before


async def test_another_replicas_change_of_an_installation_is_seen_within_the_trust(
    migrated: SqliteDatabase,
) -> None:
    clock, keys = FakeClock(), KeyRing.from_text(OLD)
    ours = SqlInstallations(migrated, keys, clock)
    theirs = SqlInstallations(migrated, keys, clock)
    await ours.remember(installation())
    await theirs.remember(installation(app_id="78"))

    await clock.advance(2.1)

    assert await ours.get("i1") == installation(app_id="78")
    await theirs.remove("i1")
    await clock.advance(2.1)
    assert await ours.get("i1") is None


async def test_no_secret_is_readable_in_the_file(migrated: SqliteDatabase, tmp_path: Path) -> None:
    keys = KeyRing.from_text(OLD)
    await SqlInstallations(migrated, keys, FakeClock()).remember(installation())
    await SqlVault(migrated, keys).put("scope", "name", b"another-s3cret")
    await migrated.close()
    assert b"s3cret" not in (tmp_path / "hitl.db").read_bytes()


async def test_a_secret_moved_to_another_row_does_not_open(migrated: SqliteDatabase) -> None:
    vault = SqlVault(migrated, KeyRing.from_text(OLD))
    await vault.put("mine", "token", b"1")
    await vault.put("theirs", "token", b"2")
    await execute(
        migrated,
        "UPDATE secrets SET value = (SELECT value FROM secrets WHERE scope = 'theirs')"
        " WHERE scope = 'mine'",
    )
    with pytest.raises(BadSettings, match="changed or moved"):
        await vault.get("mine", "token")


async def test_an_unreadable_installation_harms_no_neighbour_and_is_healed_by_telling_it_again(
    migrated: SqliteDatabase,
) -> None:
    keys, clock = KeyRing.from_text(OLD), FakeClock()
    await SqlInstallations(migrated, keys, clock).remember(installation("i1"))
    await SqlInstallations(migrated, keys, clock).remember(installation("i2"))
    await execute(migrated, "UPDATE secrets SET value = x'00' WHERE scope = 'installation:i1'")
    store = SqlInstallations(migrated, keys, clock)

    assert [one.id for one in await store.by_app("77", None)] == ["i2"]
    with pytest.raises(BadSettings, match="i1"):
        await store.get("i1")
    assert await store.remember(installation("i1")) == installation("i1")
    assert await SqlInstallations(migrated, keys, clock).get("i1") == installation("i1")


async def test_rotation_seals_everything_anew_while_values_are_read_and_written(
    migrated: SqliteDatabase,
) -> None:
    old = SqlVault(migrated, KeyRing.from_text(OLD))
    await asyncio.gather(*(old.put("s", f"{n:02}", b"%d" % n) for n in range(25)))
    both = SqlVault(migrated, KeyRing.from_text(f"{NEW},{OLD}"))

    rotating = asyncio.create_task(both.rotate(batch=4))
    await asyncio.gather(
        *(both.put("s", f"{n:02}", b"changed") for n in range(20, 25)),
        *(both.get("s", f"{n:02}") for n in range(20)),
    )
    rotation = await rotating

    new = SqlVault(migrated, KeyRing.from_text(NEW))
    values = [await new.get("s", f"{n:02}") for n in range(25)]
    assert values == [*(b"%d" % n for n in range(20)), *[b"changed"] * 5]
    assert rotation.unreadable == ()
    assert (await both.rotate()).rotated == 0


async def test_rotation_names_what_no_key_opens_and_goes_on(migrated: SqliteDatabase) -> None:
    await SqlVault(migrated, KeyRing.from_text(f"lost:{new_key()}")).put("s", "b", b"2")
    old = SqlVault(migrated, KeyRing.from_text(OLD))
    await old.put("s", "a", b"1")
    await old.put("s", "c", b"3")

    rotation = await SqlVault(migrated, KeyRing.from_text(f"{NEW},{OLD}")).rotate(batch=1)

    assert (rotation.rotated, rotation.unreadable) == (2, (("s", "b"),))


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'nobody' WHERE seq = 3",
        "UPDATE audit SET detail = '{}' WHERE seq = 3",
        "UPDATE audit SET detail = 'no json' WHERE seq = 3",
        "UPDATE audit SET hash = 'x' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
    ],
)
async def test_a_changed_or_missing_audit_entry_shows(
    migrated: SqliteDatabase, tampering: str
) -> None:
    trail = SqlAudit(migrated, FakeClock())
    entries = [await trail.append("cli", "replay", f"delivery:{n}", {"n": n}) for n in range(5)]
    await execute(migrated, tampering)

    report = await trail.verify()

    assert report.broken_at == (4 if tampering.startswith("DELETE") else 3)
    assert (report.intact, report.checked, report.head) == (False, 2, entries[1].hash)
