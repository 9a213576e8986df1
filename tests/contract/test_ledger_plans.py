"""How PostgreSQL plans the ledger's statements: a partial index serves whatever the plan's kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Delete
from sqlalchemy.dialects import postgresql
from tests.contract.ledger_fixtures import many, postgres_world
from tests.databases import database_url

from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.ledger.postgres.sql import NEXT_TIMERS, READY, WAITING
from hubspot_hitl.ledger.queries import found_by, purged_deliveries, purged_lanes
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState

pytestmark = pytest.mark.postgres


def written(statement: Delete) -> str:
    """The statement as the engine sends it, with its parameters numbered."""
    dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # as SQLAlchemy has it
    options = {"render_postcompile": True}
    return str(statement.compile(dialect=dialect, compile_kwargs=options))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (written(purged_deliveries(5, skip_locked=True)), "deliveries_finished"),
        (written(purged_lanes(5, skip_locked=True)), "deliveries_ready"),
        (WAITING, "deliveries_ready"),
        (READY, "deliveries_ready"),
        (NEXT_TIMERS, "deliveries_ready"),
        (found_by(DeliveryFilter(lane="a", states=(DeliveryState.READY,)), "$")[0], "_ready"),
        (found_by(DeliveryFilter(states=(DeliveryState.DEAD,)), "$")[0], "deliveries_dead"),
    ],
)
async def test_a_plan_for_any_parameters_uses_the_partial_index(statement: str, index: str) -> None:
    async with database_url("postgresql", Path()) as url:
        assert index in await generic_plan(url, statement)


async def generic_plan(url: str, statement: str) -> str:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
            f" PREPARE looked_at AS {statement}"
        )
        count = await connection.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements"
            " WHERE name = 'looked_at'"
        )
        values = f"({', '.join(['NULL'] * count)})" if count else ""
        plan: list[Any] = await connection.fetch(f"EXPLAIN EXECUTE looked_at{values}")
        return "\n".join(str(row[0]) for row in plan)
    finally:
        await connection.close()


async def test_one_plan_for_all_is_for_the_group_alone() -> None:
    """Arrays want it; the connection's other statements are planned as the server thinks best."""
    async with postgres_world() as world:
        ledger = await world.ledger(work=False)
        await ledger.accept(many(["1"]))
        engine = world.plugs[0].engine
        assert isinstance(engine, PostgresEngine)
        pool = engine._pool  # pyright: ignore[reportPrivateUsage]
        async with pool.connection() as connection:
            assert await connection.fetchval("SHOW plan_cache_mode") == "auto"
            found = await connection.fetchval(
                "SELECT proconfig FROM pg_proc WHERE proname = 'hitl_ledger_group'"
                " AND pronamespace = pg_my_temp_schema()"
            )
            assert found == ["plan_cache_mode=force_generic_plan"]
        await world.close()
