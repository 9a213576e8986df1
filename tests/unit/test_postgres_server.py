from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, text
from tests.chaos.gate import gate_to
from tests.databases import SERVER, bare_database_url, database_url, need_postgres
from tests.ports import own_port

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.postgres_server import PostgresServer
from hubspot_hitl.store.engine.postgres import PostgresDatabase

AT = urlsplit(SERVER)
LIVES = f"{AT.hostname}:{AT.port or 5432}"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A machine that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def url_of(*hosts: str, name: str = "postgres", more: str = "") -> str:
    """The test server's URL with other hosts."""
    return f"postgresql://{AT.netloc.rpartition('@')[0]}@{','.join(hosts)}/{name}{more}"


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://u:p@db/name", "db:5432/name"),
        ("postgresql:///name", "localhost:5432/name"),
        ("postgresql://u:p@one,two/name", "one:5432,two:5432/name"),
        ("postgresql://u:p@one:1,two:2/name", "one:1,two:2/name"),
        ("postgresql://u:p/w@[::1]:1,[::2]/name", "[::1]:1,[::2]:5432/name"),
        ("postgresql:///name?host=one,two&port=1,2", "one:1,two:2/name"),
        ("postgresql:///name?host=one:1&host=two:2", "one:1,two:2/name"),
        ("postgresql:///name?host=/run/postgresql", "/run/postgresql:5432/name"),
        ("postgresql+asyncpg://u@%2Frun%2Fpostgresql/a%20b", "/run/postgresql:5432/a b"),
    ],
)
def test_hosts_are_read_in_every_form_that_libpq_and_sqlalchemy_know(url: str, where: str) -> None:
    assert PostgresServer(url).where == where


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:cret@one,two:x/name", "not a readable URL"),
        ("postgresql://u:cret@one,,two/name", "not a readable URL"),
        ("postgresql:///name?host=one,two,three&port=1,2", "3 hosts and 2 ports"),
        ("postgresql://one,two/name?target_session_attrs=standby", "can be written to"),
        ("postgresql://one/name?connect_timeout=0", "'connect_timeout'"),
        ("postgresql://one/name?statement_cache_size=many", "'statement_cache_size'"),
        ("postgresql://one/name?colour=red", "'colour'"),
    ],
)
def test_what_cannot_work_is_named_and_no_password_is_repeated(url: str, says: str) -> None:
    with pytest.raises(BadSettings, match=says) as caught:
        PostgresServer(url)
    assert "cret" not in str(caught.value)


async def test_an_encryption_that_there_is_not_is_bad_settings() -> None:
    with pytest.raises(BadSettings, match="sslmode"):
        await PostgresServer("postgresql://u:p@one,two/name?sslmode=perhaps").connect()


async def answers(server: PostgresServer) -> bool:
    connection = await server.connect()
    try:
        return bool(await connection.fetchval("SELECT 1") == 1)
    finally:
        await connection.close()


@pytest.mark.postgres
async def test_a_host_that_refuses_is_passed_over() -> None:
    need_postgres()
    assert await answers(PostgresServer(url_of(f"127.0.0.1:{own_port()}", LIVES)))


@pytest.mark.postgres
async def test_a_silent_host_is_passed_over_and_asked_last_from_then_on(
    silent: socket.socket,
) -> None:
    """With one time limit for all hosts together, the second would never be asked."""
    need_postgres()
    port = silent.getsockname()[1]
    server = PostgresServer(url_of(f"127.0.0.1:{port}", LIVES, more="?connect_timeout=1"))
    assert [await answers(server) for _ in range(3)] == [True] * 3
    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent.accept()


@pytest.mark.postgres
async def test_of_several_hosts_one_that_takes_no_writes_is_none() -> None:
    """A stand-by would serve every look and refuse every message."""
    async with bare_database_url("postgresql", Path()) as url:
        name = urlsplit(url).path[1:]
        connection = await PostgresServer(url).connect()
        await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await connection.close()
        with pytest.raises(StoreUnavailable, match="TargetServerAttributeNotMatched"):
            await PostgresDatabase(url_of(LIVES, LIVES, name=name)).start()


@pytest.mark.postgres
async def test_of_several_failures_the_one_with_a_reason_is_told() -> None:
    need_postgres()
    url = url_of(LIVES, f"127.0.0.1:{own_port()}", name="hitl_test_no_such_database")
    with pytest.raises(BadSettings, match="3D000"):
        await PostgresDatabase(url).start()


@pytest.mark.postgres
async def test_store_and_ledger_understand_the_same_url(tmp_path: Path) -> None:
    async with database_url("postgresql", tmp_path) as url:
        name = urlsplit(url).path[1:]
        more = "?sslmode=prefer&connect_timeout=4&statement_cache_size=0&application_name=us"
        url = url_of(f"127.0.0.1:{own_port()}", LIVES, name=name, more=more)
        database, engine = PostgresDatabase(url), PostgresEngine(url)
        await database.start()
        assert await database.read(_application_name) == "us"
        await engine.open(alone=False, owner="me", wake=lambda: None)
        assert (await engine.health()).dead == 0
        await engine.close()
        await database.close()


def _application_name(connection: Connection) -> str:
    return str(connection.execute(text("SHOW application_name")).scalar_one())


@pytest.mark.postgres
async def test_a_database_that_falls_silent_costs_one_statement_and_not_one_a_connection(
    tmp_path: Path,
) -> None:
    """Its machine is gone: nothing is refused, nothing is answered."""
    at = (AT.hostname or "127.0.0.1", AT.port or 5432)
    async with database_url("postgresql", tmp_path) as url, gate_to(at) as gate:
        hosts = (f"127.0.0.1:{gate.port}", LIVES)
        url = url_of(*hosts, name=urlsplit(url).path[1:], more="?connect_timeout=1")
        database, engine = (
            PostgresDatabase(url, command_timeout_s=0.5),
            PostgresEngine(url, timeout_s=2.0),
        )
        await database.start()
        await engine.open(alone=False, owner="me", wake=lambda: None)
        await asyncio.gather(*(database.read(_pause) for _ in range(3)))
        await asyncio.gather(*(engine.health() for _ in range(3)))
        gate.hold()
        with pytest.raises(StoreUnavailable):
            await database.write(_pause)
        with pytest.raises(StoreUnavailable):
            await engine.health()
        await database.write(_pause)
        assert (await engine.health()).dead == 0
        await engine.close()
        await database.close()


def _pause(connection: Connection) -> None:
    connection.execute(text("SELECT pg_sleep(0.02)")).close()
