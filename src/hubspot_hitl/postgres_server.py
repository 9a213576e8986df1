"""Where PostgreSQL is, as `HITL_DATABASE_URL` says it, and connections to it.

The URL has libpq's form: a server may have several hosts, of which one takes writes, and after a
failover another one. Store and ledger both connect through here, so that both understand the same.

>>> server = PostgresServer("postgresql://hitl:word@db1,db2:5433/chats?sslmode=require")
>>> server.where
'db1:5432,db2:5433/chats'

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

from hubspot_hitl.errors import BadSettings

if TYPE_CHECKING:
    import asyncpg

Host = tuple[str, int]

_PORT: Final = 5432
_CONNECT_TIMEOUT_S: Final = 5.0
_URL: Final = re.compile(
    r"\w+(?:\+\w+)?://(?:(?P<user>[^:@/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<hosts>[^/?]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_HOST: Final = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d*))?")
_HOSTS: Final = frozenset({"host", "port"})
_CACHES: Final = ("statement_cache_size", "prepared_statement_cache_size")  # asyncpg, SQLAlchemy
_SERVER_SETTINGS: Final = frozenset({"application_name", "search_path", "statement_timeout"})
_SSL: Final = frozenset({"ssl", "sslmode", "sslrootcert", "sslcert", "sslkey"})
_WRITABLE: Final = ("any", "primary", "read-write")
_KNOWN: Final = (
    _HOSTS | _SERVER_SETTINGS | _SSL | {"connect_timeout", *_CACHES, "target_session_attrs"}
)
_FORM: Final = "postgresql://user:password@host:5432/database"


class PostgresServer:
    """One database and how to reach it. Errors and `where` never repeat login or password.

    Raises BadSettings for a URL that cannot work.
    """

    def __init__(self, url: str) -> None:
        found = _URL.fullmatch(url.strip())
        if found is None:
            raise _unreadable()
        database = unquote(found["database"] or "")
        if not database:
            raise BadSettings("HITL_DATABASE_URL names no database: end it with /name")
        query = _query(found["query"] or "")
        self._hosts = _hosts(unquote(found["hosts"]), query)
        several = len(self._hosts) > 1
        self._arguments: dict[str, Any] = {
            "user": _unquoted(found["user"]),
            "password": _unquoted(found["password"]),
            "database": database,
            "timeout": _number(query, "connect_timeout", least=1) or _CONNECT_TIMEOUT_S,
            "dsn": _dsn(query, "read-write" if several else "any"),
            "server_settings": {"application_name": "hubspot-hitl"}
            | {name: query[name] for name in _SERVER_SETTINGS & query.keys()},
        }
        sizes = [size for name in _CACHES if (size := _number(query, name, least=0)) is not None]
        self.statement_cache_size = sizes[0] if sizes else None
        """How many prepared statements a connection may keep; None: as many as is usual."""
        if self.statement_cache_size is not None:
            self._arguments["statement_cache_size"] = self.statement_cache_size
        self.where = f"{','.join(map(_written, self._hosts)) or 'localhost:5432'}/{database}"
        """The hosts and the database, for messages."""

    async def connect(
        self, dsn: str | None = None, **more: Any
    ) -> asyncpg.Connection[asyncpg.Record]:
        """A connection to the first host that takes us in; `more` goes to `asyncpg.connect`.

        Each host gets the whole time limit, which asyncpg would give to all together: one that is
        silent must not keep us from the next. A host that fails is asked last from then on. Raises
        what asyncpg does: of several failures the one in which a server gives its reason. A pool
        of asyncpg gives a `dsn`, which is none of ours.
        """
        import asyncpg

        if not self._hosts:
            return await self._connect(**more)
        failures: list[Exception] = []
        for host in tuple(self._hosts):
            try:
                with self._last_if_it_fails(host):
                    return await self._connect(host=host[0], port=host[1], **more)
            except BadSettings:
                raise
            except Exception as error:
                failures.append(error)
        reasons = [one for one in failures if isinstance(one, asyncpg.PostgresError)]
        raise (reasons or failures)[0]

    async def _connect(self, **more: Any) -> asyncpg.Connection[asyncpg.Record]:
        import asyncpg  # an optional extra

        try:
            return await asyncpg.connect(**{**self._arguments, **more})
        except asyncpg.ClientConfigurationError as error:  # about encryption, or a file for it
            raise BadSettings(f"HITL_DATABASE_URL cannot work: {error}") from None

    @contextmanager
    def _last_if_it_fails(self, host: Host) -> Generator[None]:
        try:
            yield
        except BaseException:  # whoever waits may have less patience than the time limit
            self._hosts.sort(key=lambda one: one == host)
            raise


def _unquoted(text: str | None) -> str | None:
    return unquote(text) if text else None


def _query(text: str) -> dict[str, str]:
    """The parameters; a repeated `host` is the same as several after one another."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name not in _KNOWN:
            raise BadSettings(f"HITL_DATABASE_URL has an unknown parameter {name!r}")
        repeated = name in _HOSTS and name in query
        query[name] = f"{query[name]},{value}" if repeated else value
    return query


def _hosts(before_path: str, query: Mapping[str, str]) -> list[Host]:
    """Every host with its port; none when the URL leaves that to asyncpg's defaults."""
    text = query.get("host") or before_path
    if not text:
        return []
    ports = [int(one) if one.isdigit() else _PORT for one in query.get("port", "").split(",")]
    names = text.split(",")
    if len(ports) not in (1, len(names)):
        raise BadSettings(f"HITL_DATABASE_URL has {len(names)} hosts and {len(ports)} ports")
    return [_host(name, ports[number % len(ports)]) for number, name in enumerate(names)]


def _host(text: str, port: int) -> Host:
    if text.startswith("/"):  # the directory of a socket
        return text, port
    found = _HOST.fullmatch(text.strip())
    name = found and (found["v6"] or found["name"])
    if found is None or not name:
        raise _unreadable()
    return name, int(found["port"] or port)


def _written(host: Host) -> str:
    name, port = host
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit() or int(text) < least:
        raise BadSettings(f"HITL_DATABASE_URL needs a number from {least} on as {name!r}")
    return int(text)


def _dsn(query: Mapping[str, str], usual: str) -> str:
    """What asyncpg takes from a URL only: encryption, and which host of several it may be."""
    wanted = query.get("target_session_attrs", usual)
    if wanted not in _WRITABLE:
        raise BadSettings(
            "HITL_DATABASE_URL must lead to a server that can be written to:"
            f" target_session_attrs may be {_or(_WRITABLE)}"
        )
    passed = {"sslmode" if name == "ssl" else name: query[name] for name in _SSL & query.keys()}
    return f"postgresql:///?{urlencode({**passed, 'target_session_attrs': wanted})}"


def _or(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"


def _unreadable() -> BadSettings:
    return BadSettings(
        f"HITL_DATABASE_URL is not a readable URL: write it as {_FORM}, several hosts as"
        " host1:5432,host2:5432, and percent-encode special characters"
    )
