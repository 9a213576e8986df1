"""Fills a database with installations, open handoffs, people and finished deliveries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from itertools import islice

from sqlalchemy import Connection, Table, insert

from benchmarks.traffic import AGENT, CHANNEL_ID, configuration
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.house import open_house
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.integration.readiness import parse_configuration
from hubspot_hitl.settings import from_environment
from hubspot_hitl.store.handoffs import to_row
from hubspot_hitl.store.tables import handoffs as handoffs_table
from hubspot_hitl.store.tables import people as people_table

_CHUNK = 5_000


async def seed(
    environment: dict[str, str], *, installations: int, handoffs: int, first: int = 0
) -> None:
    """Make handoffs `first` to `handoffs`; handoff n belongs to installation n % installations."""
    settings = from_environment(environment, env_file=None)
    async with open_house(settings, work=False) as house:
        store = house.services.installations
        for number in range(installations if first == 0 else 0):
            made = await store.remember(_installation(number))
            binding = ChannelBinding(CHANNEL_ID, "600", "500", f"botpress-{number}", default=True)
            await store.set_bindings(made.id, [binding])
        now_ms = time.time_ns() // 1_000_000
        rows = (
            to_row(_handoff(number, number % installations, now_ms))
            for number in range(first, handoffs)
        )
        people = (
            _person(number % installations, f"user_{number}", None, now_ms)
            for number in range(first, handoffs)
        )
        agents = (
            _person(number, "agent_1", AGENT, now_ms)
            for number in range(installations if first == 0 else 0)
        )
        for table, values in (
            (handoffs_table, rows),
            (people_table, people),
            (people_table, agents),
        ):
            for chunk in _chunks(values):
                await house.storage.database.write(partial(_insert, table, chunk))


async def seed_history(
    environment: dict[str, str], *, deliveries: int, installations: int, handoffs: int
) -> None:
    """Make so many finished deliveries, spread over the handoffs, made inside the database."""
    now_ms = time.time_ns() // 1_000_000
    settings = from_environment(environment, env_file=None)
    numbers = (
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
        f" WHERE n < {deliveries})"
        if settings.is_sqlite
        else f"WITH numbers AS (SELECT n FROM generate_series(1, {deliveries}) AS n)"
    )
    width = "printf('%012d', n % {0})" if settings.is_sqlite else "lpad((n % {0})::text, 12, '0')"
    handoff = f"'00000000-0000-4000-8000-' || {width.format(handoffs)}"
    statement = (
        "INSERT INTO deliveries (dedup_key, lane, kind, installation_id, handoff_id, body, timer,"
        f" state, attempts, due_ms, accepted_ms, finished_ms, note) {numbers}"
        f" SELECT 'bp:history:message:' || n, {handoff}, 'bot.message',"
        f" 'hook_' || (n % {installations}), {handoff},"
        """ '{"messageId":"m","type":"text","payload":{"text":"What was said then."}}',"""
        f" {'0' if settings.is_sqlite else 'false'}, 'done', 0, {now_ms} - n, {now_ms} - n,"
        f" {now_ms} - n, 'published' FROM numbers"
    )
    async with open_house(settings, work=False) as house:
        await house.storage.database.write(
            lambda connection: connection.exec_driver_sql(statement).close()
        )
    if not settings.is_sqlite:
        await _settle(environment["HITL_DATABASE_URL"])


async def _settle(url: str) -> None:
    """Do now what a server that filled up over weeks has done long ago."""
    import asyncpg

    server = await asyncpg.connect(url)
    try:
        await server.execute("VACUUM ANALYZE deliveries")
        await server.execute("CHECKPOINT")
    finally:
        await server.close()


def _insert(table: Table, rows: list[dict[str, object]], connection: Connection) -> None:
    connection.execute(insert(table), rows)


def _chunks(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _installation(number: int) -> Installation:
    return Installation(
        id=f"hook_{number}",
        bot_id=f"bot_{number}",
        integration_id="int_1",
        alias="hubspot-hitl",
        configuration=parse_configuration(configuration(number)),
        bot_user_id=f"botuser_{number}",
        webhook_url=f"https://webhook.example/hook_{number}",
        portal_id=str(number),
    )


def _handoff(number: int, installation: int, now_ms: int) -> Handoff:
    return Handoff(
        id=f"00000000-0000-4000-8000-{number:012d}",
        installation_id=f"hook_{installation}",
        user_id=f"user_{number}",
        start_key=f"start-{number}",
        integration_thread_id=f"own-{number}",
        state=HandoffState.ASSIGNED,
        created_ms=now_ms - 60_000,
        inbox_id="500",
        channel_id=CHANNEL_ID,
        channel_account_id="600",
        conversation_id=f"conv_{number}",
        thread_id=str(10_000 + number),
        user_name=f"User {number}",
        title="A question",
        agent_actor_id=AGENT,
        agent_user_id="agent_1",
        announced=(AGENT,),
        assigned_ms=now_ms - 50_000,
    )


def _person(
    installation: int, user_id: str, actor_id: str | None, now_ms: int
) -> dict[str, object]:
    return {
        "installation_id": f"hook_{installation}",
        "user_id": user_id,
        "name": "Ada" if actor_id else f"Name of {user_id}",
        "email": None if actor_id else f"{user_id}@example.com",
        "actor_id": actor_id,
        "seen_ms": now_ms,
    }
