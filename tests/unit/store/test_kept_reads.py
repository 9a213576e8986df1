"""What the store keeps at hand, and when it must ask the database again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from hubspot_hitl.handoff.records import Handoff, HandoffState, Person
from hubspot_hitl.store.engine.database import Database, open_database
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.people import SqlPeople


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(str(tmp_path / "hitl.db"))
    await database.start()
    await migrate(database)
    yield database
    await database.close()


def handoff(number: int, **changes: object) -> Handoff:
    one = Handoff(
        id=f"h{number}",
        installation_id="i1",
        user_id="u1",
        start_key=f"start-{number}",
        integration_thread_id=f"own-{number}",
        state=HandoffState.PENDING,
        created_ms=number,
        inbox_id="inbox",
        channel_id="channel",
        channel_account_id="account",
        conversation_id="c1",
        thread_id="t1",
    )
    return replace(one, **changes)  # type: ignore[arg-type]  # the caller's business


async def test_an_active_handoff_is_found_without_the_database(database: Database) -> None:
    store = SqlHandoffs(database)
    opened = await store.open(handoff(1))
    await database.close()
    assert await store.by_conversation("i1", "c1") == opened
    assert await store.by_threads("i1", ["t1"]) == {"t1": opened}
    assert await store.by_integration_threads("i1", ["own-1"]) == {"own-1": opened}


async def test_of_two_active_handoffs_in_a_place_the_newest_is_found(database: Database) -> None:
    store = SqlHandoffs(database)
    newest = await store.open(handoff(2))
    await store.open(handoff(1))
    assert await store.by_conversation("i1", "c1") == newest
    assert await store.by_threads("i1", ["t1"]) == {"t1": newest}


async def test_an_ended_handoff_gives_its_place_to_the_next(database: Database) -> None:
    store = SqlHandoffs(database)
    first = await store.open(handoff(1))
    await store.save(replace(first, state=HandoffState.RESOLVED))
    second = await SqlHandoffs(database).open(handoff(2))
    assert await store.by_conversation("i1", "c1") == second


async def test_a_handoff_that_moved_is_not_found_where_it_was(database: Database) -> None:
    store = SqlHandoffs(database)
    opened = await store.open(handoff(1))
    moved = await store.save(replace(opened, thread_id="t2"))
    assert await store.by_threads("i1", ["t1"]) == {}
    assert await store.by_threads("i1", ["t2"]) == {"t2": moved}


async def test_a_handoff_of_another_installation_is_never_found(database: Database) -> None:
    store = SqlHandoffs(database)
    await store.open(handoff(1))
    assert await store.by_conversation("i2", "c1") is None
    assert await store.by_integration_threads("i2", ["own-1"]) == {}


async def test_a_person_is_kept_for_a_while_and_then_read_again(database: Database) -> None:
    now_s = 0.0
    store = SqlPeople(database, timer=lambda: now_s)
    await store.remember(Person("i1", "u1", name="Ada"))
    assert await store.user("i1", "u1") == Person("i1", "u1", name="Ada")
    await SqlPeople(database).remember(Person("i1", "u1", name="Grace"))
    assert await store.user("i1", "u1") == Person("i1", "u1", name="Ada")
    now_s = 61.0
    assert await store.user("i1", "u1") == Person("i1", "u1", name="Grace")
