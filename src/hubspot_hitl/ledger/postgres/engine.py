"""The ledger on PostgreSQL, straight through asyncpg: many replicas, leases, LISTEN/NOTIFY.

asyncpg is an optional extra and is imported when the engine is opened. Deadlocks should not happen
(locks are taken in one order); should two accepts carry the same keys for different lanes, one of
them is run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from sqlalchemy import Delete, Select, Update
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.gathering import Gathering
from hubspot_hitl.ledger.engine import Transaction
from hubspot_hitl.ledger.postgres import sql
from hubspot_hitl.ledger.postgres.errors import (
    NOT_MIGRATED,
    NOTHING_LEFT,
    is_away,
    is_broken,
    worth_again,
)
from hubspot_hitl.ledger.postgres.foreseen import ForeseenTransaction, KnownLanes, NotForeseen
from hubspot_hitl.ledger.postgres.pool import PARTING_S, PostgresPool
from hubspot_hitl.ledger.postgres.presence import (
    GONE_AFTER_S,
    LOOK_S,
    OWNERS_EVERY,
    Roll,
    announce,
    free,
    key_of,
    live_in,
    owners_in,
    silent_in,
)
from hubspot_hitl.ledger.postgres.transaction import PostgresTransaction
from hubspot_hitl.ledger.queries import (
    PURGE_CHUNK,
    delivery_of_row,
    found_by,
    health_figures,
    health_of_row,
    purged_deliveries,
    purged_lanes,
    redacted,
)
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, LedgerHealth, Redaction
from hubspot_hitl.postgres_server import PostgresServer

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.transaction import Transaction as ServerTransaction

T = TypeVar("T")
_log = structlog.get_logger(__name__)

_ATTEMPTS: Final = 4
_TIMEOUT_S: Final = 10.0
_LISTEN_AGAIN_S: Final = 0.5
SILENCE: Final = 0.8
"""For which share of `gone_after_s` a replica has renewed nothing when it is taken for dead."""
_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # as SQLAlchemy has it


class PostgresEngine:
    """The :class:`~hubspot_hitl.ledger.engine.Engine` on PostgreSQL.

    `lease_s` is how long a silent replica's lanes wait for a new owner, `gone_after_s` how long
    those of one whose connection is gone; the look for that comes each second. No statement may
    take longer than `timeout_s`. `clock_offset_ms` shifts the server's clock as far as leases are
    concerned; it is there for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        lease_s: float = 15.0,
        gone_after_s: float = GONE_AFTER_S,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._server = PostgresServer(url)
        self.lease_s: float | None = lease_s
        self.clock_offset_ms = 0
        self._gone_after_s = gone_after_s
        self._timeout_s = timeout_s
        self._lease_ms = round(lease_s * 1000)
        self._known = KnownLanes()
        self._foresees = True
        self._pool = PostgresPool(self._server, self._prepare, timeout_s=timeout_s)
        self._looks = Gathering(self._ready)
        self._listening: asyncio.Task[None] | None = None

    async def open(self, *, alone: bool, owner: str, wake: Callable[[], None]) -> None:
        """Connect and listen. Raises BadSettings without the driver or the tables."""
        try:
            import asyncpg as _  # noqa: F401 - said here, not deep inside the pool
        except ImportError as error:
            raise BadSettings(
                "HITL_DATABASE_URL names PostgreSQL, whose driver is not installed:"
                ' pip install "hubspot-hitl[postgres]"'
            ) from error
        if self._pool.is_open:
            return
        try:
            await self._pool.open()
            async with self._pool.connection() as connection:
                await connection.execute("SELECT lane FROM lanes LIMIT 0")
        except Exception as error:
            await self.close()
            if getattr(error, "sqlstate", None) in NOT_MIGRATED:
                raise BadSettings(
                    f"the database {self._server.where} has no ledger tables:"
                    " run `hubspot-hitl migrate`"
                ) from error
            self._raise_if_away(error)
            raise
        if alone:
            self._listening = asyncio.create_task(self._listen(owner, wake), name="ledger-listen")

    async def close(self) -> None:
        """Stop listening and disconnect. May be called twice."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
        await self._pool.close()

    async def _prepare(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Give a new connection the function that writes a group in one round trip."""
        import asyncpg

        try:
            await connection.execute(sql.CREATE_GROUP)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError) as error:
            self._foresees = False
            _log.warning(
                "ledger_groups_take_several_round_trips",
                where=self._server.where,
                sqlstate=error.sqlstate,
                cure="Grant the database user TEMPORARY on the database.",
            )

    async def commit(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in a transaction, if it can be foreseen in one round trip.

        It runs again when it could not, after a deadlock, and after a connection found dead.
        """
        if self._foresees:
            try:
                return await self._commit_foreseen(work)
            except NotForeseen:
                pass  # nothing was written
        return await self._commit_stepwise(work)

    async def _commit_foreseen(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """Raises NotForeseen when nothing was written, StoreUnavailable also when that is open.

        After a broken connection the very same group is sent again, for it can count only once:
        whatever it would add to changes a lane, and then the lanes are not as foreseen any more.
        """
        foreseen = ForeseenTransaction(self._known)
        result = await work(foreseen)
        broken: Exception | None = None
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    seqs = await self._send_group(foreseen)
                except Exception as error:
                    if attempt == _ATTEMPTS or not is_broken(error):
                        raise
                    broken = error
                    await asyncio.sleep(0.005 * attempt)
                else:
                    foreseen.settle(result, seqs)
                    return result
        except Exception as error:
            foreseen.forget()
            nothing_left = getattr(error, "sqlstate", None) in NOTHING_LEFT
            if broken is None and (nothing_left or isinstance(error, NotForeseen)):
                raise NotForeseen from error
            self._raise_if_away(broken or error)
            raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _send_group(self, foreseen: ForeseenTransaction) -> list[int]:
        """Raises NotForeseen when the lanes or keys are not as foreseen."""
        arguments = foreseen.arguments(self.clock_offset_ms, self._lease_ms)
        async with self._pool.connection() as connection:
            seqs: list[int] | None = await connection.fetchval(sql.GROUP, *arguments)
        if seqs is None:
            raise NotForeseen
        return seqs

    async def _commit_stepwise(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            ending = False
            try:
                async with self._pool.connection() as connection:
                    transaction = connection.transaction()
                    await transaction.start()
                    try:
                        statements = PostgresTransaction(
                            connection, offset_ms=self.clock_offset_ms, lease_ms=self._lease_ms
                        )
                        result = await work(statements)
                        await statements.flush()
                    except BaseException:
                        await _roll_back(transaction)
                        raise
                    ending = True
                    await transaction.commit()
                    statements.tell(self._known)
                    return result
            except Exception as error:
                if attempt < _ATTEMPTS and worth_again(error, ending):
                    await asyncio.sleep(0.005 * attempt)
                    continue
                self._raise_if_away(error)
                raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        """List deliveries for people."""
        text, values = found_by(filter_, "$")
        return [delivery_of_row(row) for row in await self._fetch(text, values)]

    async def ready(self, lane: str) -> Sequence[Delivery]:
        """What a lane has that is ready, in order; who asks meanwhile shares the next look."""
        return [one for one in await self._looks.get([lane]) if one.lane == lane]

    async def _ready(self, lanes: Sequence[str]) -> list[Delivery]:
        return [delivery_of_row(row) for row in await self._fetch(sql.READY, [lanes])]

    async def purge(self, finished_before_ms: int, now_ms: int) -> int:
        """Delete in chunks; rows that somebody works on are left for the next time."""
        gone = await self._change_all(purged_deliveries(finished_before_ms, skip_locked=True))
        await self._change_all(purged_lanes(now_ms, skip_locked=True))
        return gone

    async def redact(self, which: Redaction) -> int:
        """Blank in chunks; rows that somebody works on are left for the next time."""
        return await self._change_all(redacted(which, skip_locked=True))

    async def health(self) -> LedgerHealth:
        """Count what waits and what died."""
        return health_of_row((await self._fetch(*_compiled(health_figures())))[0])

    async def _fetch(self, text: str, arguments: Sequence[object]) -> list[asyncpg.Record]:
        try:
            async with self._pool.connection() as connection:
                return await connection.fetch(text, *arguments)
        except Exception as error:
            self._raise_if_away(error)
            raise

    async def _change_all(self, statement: Delete | Update) -> int:
        total, count = 0, PURGE_CHUNK
        while count == PURGE_CHUNK:
            count = await self._change(statement)
            total += count
        return total

    async def _change(self, statement: Delete | Update) -> int:
        text, arguments = _compiled(statement)
        try:
            async with self._pool.connection() as connection:
                status = await connection.execute(text, *arguments)
        except Exception as error:
            self._raise_if_away(error)
            raise
        return int(status.rpartition(" ")[2])

    def _raise_if_away(self, error: Exception) -> None:
        if is_away(error):
            state: str | None = getattr(error, "sqlstate", None)
            detail = f"SQLSTATE {state}" if state else type(error).__name__
            raise StoreUnavailable(
                f"PostgreSQL at {self._server.where} cannot be used ({detail}): check that the"
                " server runs, accepts connections and has free disk space"
            ) from error

    async def _listen(self, owner: str, wake: Callable[[], None]) -> None:
        """Keep one connection that hears the other replicas; the poll covers for its absence.

        It also tells them that we live, and looks which of them do not.
        """
        while True:
            lost = asyncio.Event()

            def gone(*_: object, lost: asyncio.Event = lost) -> None:
                lost.set()

            def told(*_: object) -> None:
                wake()

            connection: asyncpg.Connection[asyncpg.Record] | None = None
            try:
                connection = await self._server.connect(command_timeout=self._timeout_s)
                connection.add_termination_listener(gone)
                await connection.add_listener(sql.CHANNEL, told)
                await announce(connection, owner)
                wake()
                await self._watch(connection, owner, lost, wake)
            except Exception as error:  # whatever it is, a replica must hear again, and be seen
                _log.warning("ledger_listen_failed", error=type(error).__name__)
            finally:
                if connection is not None:
                    await _hang_up(connection)
            await asyncio.sleep(_LISTEN_AGAIN_S)

    async def _watch(
        self,
        connection: asyncpg.Connection[asyncpg.Record],
        owner: str,
        lost: asyncio.Event,
        wake: Callable[[], None],
    ) -> None:
        """Free the lanes of replicas that are gone, until our own connection is."""
        roll, offset_ms = Roll(owner, self._gone_after_s), self.clock_offset_ms
        left_ms = max(0, self._lease_ms - round(SILENCE * self._gone_after_s * 1000))
        for number in count():
            if lost.is_set():
                return
            known = [] if number % OWNERS_EVERY else await owners_in(connection, owner, offset_ms)
            gone = roll.look(await live_in(connection), known, asyncio.get_running_loop().time())
            owners = await silent_in(connection, owner, offset_ms, left_ms) if gone else []
            dead = [one for one in owners if key_of(one) in gone]
            if dead and (freed := await free(connection, dead, offset_ms)):
                _log.warning("ledger_replica_gone", owners=dead, lanes=freed)
                wake()
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), min(LOOK_S, self._gone_after_s / 3))


def _compiled(statement: Select[*tuple[Any, ...]] | Delete | Update) -> tuple[str, list[object]]:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    names: Sequence[str] = compiled.positiontup or ()
    return str(compiled), [compiled.params[name] for name in names]


async def _roll_back(transaction: ServerTransaction) -> None:
    with suppress(Exception):  # the connection is gone: the server has rolled back
        async with asyncio.timeout(PARTING_S):
            await transaction.rollback()


async def _hang_up(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    try:
        await connection.close(timeout=PARTING_S)
    except Exception:  # it was gone already
        connection.terminate()
