"""What is forgotten by age, on both databases, and what stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.databases import ENGINES, migrated_database
from tests.rooms import handoff

from hubspot_hitl.errors import Stale
from hubspot_hitl.handoff.records import HandoffState, Person
from hubspot_hitl.store.content import SqlContent
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.people import SqlPeople

ENDED_MS = 1_760_000_500_000
SAID = {"user_name": "Ada", "title": "t", "description": "d", "session": '{"a":1}'}


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with migrated_database(request.param, tmp_path) as database:
        yield database


async def test_an_old_handoff_keeps_its_row_and_loses_its_words(database: Database) -> None:
    handoffs = SqlHandoffs(database)
    content = SqlContent(database, on_blanked=handoffs.forget)
    ended = handoff(state=HandoffState.RESOLVED, ended_ms=ENDED_MS, language="fr", **SAID)
    await handoffs.open(ended)
    assert await content.blank_handoffs(ENDED_MS) == 0
    assert await content.blank_handoffs(ENDED_MS + 1) == 1
    blank = await handoffs.get("handoff")
    assert blank is not None
    assert (blank.user_name, blank.title, blank.description) == (None, None, None)
    assert (blank.session, blank.language, blank.ended_ms) == ("{}", "fr", ENDED_MS)
    assert await content.blank_handoffs(ENDED_MS + 1) == 0


async def test_a_stale_copy_is_not_written_back(database: Database) -> None:
    handoffs = SqlHandoffs(database)
    opened = await handoffs.open(handoff(state=HandoffState.RESOLVED, ended_ms=ENDED_MS, **SAID))
    assert await SqlContent(database).blank_handoffs(ENDED_MS + 1) == 1
    with pytest.raises(Stale):
        await handoffs.save(opened)


async def test_a_handoff_that_goes_on_keeps_its_words_and_its_user(database: Database) -> None:
    handoffs, people = SqlHandoffs(database), SqlPeople(database)
    content = SqlContent(database)
    await handoffs.open(handoff(**SAID))
    await people.remember(Person("hook", "user", name="Ada", seen_ms=1))
    assert await content.blank_handoffs(ENDED_MS * 2) == 0
    assert await content.forget_people(ENDED_MS * 2) == 0


async def test_users_are_forgotten_with_their_last_handoff_and_agents_stay(
    database: Database,
) -> None:
    handoffs, people = SqlHandoffs(database), SqlPeople(database)
    content = SqlContent(database)
    await handoffs.open(handoff(state=HandoffState.RESOLVED, ended_ms=ENDED_MS))
    await people.remember(Person("hook", "user", name="Ada", seen_ms=1))
    await people.remember(Person("hook", "agent", name="Agent", actor_id="A-1", seen_ms=1))
    assert await content.forget_people(ENDED_MS) == 0
    assert await content.forget_people(ENDED_MS + 1) == 1
    assert await people.user("hook", "user") is None
    assert await people.agent("hook", "A-1") is not None


async def test_many_handoffs_are_blanked_in_chunks(database: Database) -> None:
    handoffs = SqlHandoffs(database)
    for number in range(501):
        await handoffs.open(
            handoff(
                id=str(number), start_key=str(number), state=HandoffState.RESOLVED, user_name="Ada"
            )
        )
    assert await SqlContent(database).blank_handoffs(ENDED_MS) == 501
