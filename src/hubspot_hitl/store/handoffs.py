"""Handoffs in the database: the only place that writes them.

A lookup is one indexed query; reads by our own id go through a bounded cache. Another replica's
write makes a cached handoff old: the ledger tells so by `forget`, and `save` never trusts the cache
but the stored version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Final, Literal

from cachetools import LRUCache
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from hubspot_hitl.errors import IllegalMove, Stale
from hubspot_hitl.gathering import Gathering
from hubspot_hitl.handoff.records import ACTIVE_STATES, EndReason, Handoff, HandoffState
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.tables import handoffs

_Place = Literal["conversation_id", "thread_id", "integration_thread_id"]
_Pair = tuple[str, str]
_FIELDS: Final = tuple(field.name for field in fields(Handoff))
ACTIVE_VALUES: Final = tuple(sorted(state.value for state in ACTIVE_STATES))
_IDS: Final = (
    handoffs.c.id,
    handoffs.c.user_id,
    handoffs.c.conversation_id,
    handoffs.c.thread_id,
    handoffs.c.integration_thread_id,
    handoffs.c.contact_id,
    handoffs.c.agent_actor_id,
    handoffs.c.agent_user_id,
    handoffs.c.installation_id,
)
_INDEXED: Final = (
    handoffs.c.id,
    handoffs.c.conversation_id,
    handoffs.c.thread_id,
    handoffs.c.integration_thread_id,
)


def _by_pairs(column: ColumnElement[str | None]) -> Select[*tuple[object, ...]]:
    """Handoffs of many places of many installations, by two arrays of the same length."""
    arrays = (bindparam("owners", type_=ARRAY(Text)), bindparam("keys", type_=ARRAY(Text)))
    pairs = func.unnest(*arrays).table_valued("owner", "place").render_derived()
    return select(handoffs).where(
        handoffs.c.installation_id == pairs.c.owner, column == pairs.c.place
    )


_BY_ID: Final = select(handoffs).where(handoffs.c.id == bindparam("id"))
_OF_INSTALLATION: Final = select(handoffs).where(handoffs.c.installation_id == bindparam("owner"))
_PLACES: Final[Mapping[_Place, ColumnElement[str | None]]] = {
    "conversation_id": handoffs.c.conversation_id,
    "thread_id": handoffs.c.thread_id,
    "integration_thread_id": handoffs.c.integration_thread_id,
}
_BY_PLACE: Final = {
    place: _OF_INSTALLATION.where(column.in_(bindparam("keys", expanding=True)))
    for place, column in _PLACES.items()
}
_BY_PAIRS: Final = {place: _by_pairs(column) for place, column in _PLACES.items()}
_ACTIVE_START: Final = _OF_INSTALLATION.where(
    handoffs.c.start_key == bindparam("start_key"), handoffs.c.state.in_(ACTIVE_VALUES)
)
_NEWEST_FIRST: Final = (handoffs.c.created_ms.desc(), handoffs.c.id.desc())
_OF_USER: Final = _OF_INSTALLATION.where(handoffs.c.user_id == bindparam("user")).order_by(
    *_NEWEST_FIRST
)
_FIXED: Final = frozenset({"id", "installation_id", "user_id", "created_ms"})
"""What never changes in a handoff: saving it would only write indexes anew."""
_UPDATE: Final = (
    update(handoffs)
    .where(handoffs.c.id == bindparam("key"), handoffs.c.version == bindparam("expected"))
    .values({name: bindparam(name) for name in _FIELDS if name not in _FIXED})
)


def _in_state(active: bool | None) -> tuple[ColumnElement[bool], ...]:
    is_active = handoffs.c.state.in_(ACTIVE_VALUES)
    return () if active is None else (is_active if active else ~is_active,)


def to_row(handoff: Handoff) -> dict[str, object]:
    """The columns of a handoff."""
    row: dict[str, object] = {name: getattr(handoff, name) for name in _FIELDS}
    row["state"] = handoff.state.value
    row["announced"] = json.dumps(handoff.announced)
    row["end_reason"] = handoff.end_reason.value if handoff.end_reason else None
    return row


def from_row(row: RowMapping) -> Handoff:
    """The handoff of a row."""
    values = {name: row[name] for name in _FIELDS}
    values["state"] = HandoffState(row["state"])
    values["announced"] = tuple(str(actor) for actor in json.loads(row["announced"]))
    values["end_reason"] = EndReason(row["end_reason"]) if row["end_reason"] else None
    return Handoff(**values)


def latest(found: Iterable[Handoff]) -> Handoff | None:
    """The one that owns the conversation: the active one, else the newest."""
    return max(found, key=lambda one: (one.active, one.created_ms, one.id), default=None)


class SqlHandoffs:
    """:class:`~hubspot_hitl.ports.store.Handoffs` on a database.

    `cache_size` bounds the memory: a cached handoff costs about 2 KiB.
    """

    def __init__(self, database: Database, *, cache_size: int = 10_000) -> None:
        self._database = database
        self._cache: LRUCache[str, Handoff] = LRUCache(cache_size)
        self._owners: LRUCache[tuple[str, _Place, str], str] = LRUCache(3 * cache_size)
        self._alone = database.dialect == "sqlite"
        self._gathered: dict[_Place, Gathering[_Pair, list[Handoff]]] = {
            place: Gathering(partial(self._read_pairs, place)) for place in _PLACES
        }
        self._forgotten = 0
        self._insert = insert_into(database.dialect, handoffs)

    def forget(self, handoff_id: str) -> None:
        """Read it from the database next time: somebody else may have written it."""
        self._forgotten += 1  # a read under way may carry the old row: it must not be kept
        self._cache.pop(handoff_id, None)

    async def open(self, handoff: Handoff) -> Handoff:
        """Insert, or return the active handoff of the same start key."""
        statement = self._insert.on_conflict_do_nothing().returning(handoffs.c.id)
        row = to_row(handoff)

        def insert_or_read(connection: Connection) -> Handoff | None:
            if connection.execute(statement, row).scalar() is not None:
                return handoff
            key = {"owner": handoff.installation_id, "start_key": handoff.start_key}
            active = connection.execute(_ACTIVE_START, key).mappings().first()
            if active is None:  # the same id again, after it ended
                active = connection.execute(_BY_ID, {"id": handoff.id}).mappings().first()
            return from_row(active) if active is not None else None

        for _ in range(3):  # the one in the way may end between the two statements
            opened = await self._database.write(insert_or_read)
            if opened is not None:
                self._keep(opened)
                return opened
        raise Stale(f"handoff {handoff.id!r} could not be opened: its start key changes hands")

    async def get(self, handoff_id: str, *, fresh: bool = False) -> Handoff | None:
        """Read by our own id, from the cache when it is there, unless it has to be `fresh`."""
        cached = None if fresh else self._cache.get(handoff_id)
        if cached is not None:
            return cached
        before = self._forgotten

        def look(connection: Connection) -> Handoff | None:
            row = connection.execute(_BY_ID, {"id": handoff_id}).mappings().first()
            return from_row(row) if row is not None else None

        found = await self._database.read(look)
        if found is not None and before == self._forgotten:
            self._keep(found)
        return found

    async def by_conversation(self, installation_id: str, conversation_id: str) -> Handoff | None:
        """Read by the Botpress conversation."""
        owner = self._owner("conversation_id", installation_id, conversation_id)
        if owner is not None:
            return owner
        return latest(await self._read("conversation_id", installation_id, [conversation_id]))

    def _owner(self, place: _Place, installation_id: str, value: str | None) -> Handoff | None:
        """The active handoff of a place, if it is certain without asking the database.

        Only where this process alone writes: elsewhere the place may have been given to another
        handoff by another replica.
        """
        if value is None:
            return None
        handoff_id = self._owners.get((installation_id, place, value))
        owner = self._cache.get(handoff_id) if handoff_id is not None else None
        if owner is None or not owner.active or getattr(owner, place) != value:
            return None
        return owner

    async def by_threads(
        self, installation_id: str, thread_ids: Sequence[str]
    ) -> Mapping[str, Handoff]:
        """Read by HubSpot thread ids."""
        owners = self._all_owners("thread_id", installation_id, thread_ids)
        if owners is not None:
            return owners
        found = await self._read("thread_id", installation_id, thread_ids)
        return grouped((one.thread_id, one) for one in found)

    async def by_integration_threads(
        self, installation_id: str, integration_thread_ids: Sequence[str]
    ) -> Mapping[str, Handoff]:
        """Read by our own thread ids."""
        owners = self._all_owners("integration_thread_id", installation_id, integration_thread_ids)
        if owners is not None:
            return owners
        found = await self._read("integration_thread_id", installation_id, integration_thread_ids)
        return grouped((one.integration_thread_id, one) for one in found)

    async def of_user(
        self, installation_id: str, user_id: str, *, active: bool | None = None
    ) -> Sequence[Handoff]:
        """All handoffs of a Botpress user, newest first."""
        values = {"owner": installation_id, "user": user_id}
        return await self._look(_OF_USER.where(*_in_state(active)), values)

    async def of_person(
        self, known_by: Literal["user_id", "contact_id"], value: str
    ) -> Sequence[Handoff]:
        """All handoffs in which a person has this id, of every installation, newest first."""
        statement = select(handoffs).where(handoffs.c[known_by] == bindparam("value"))
        return await self._look(statement.order_by(*_NEWEST_FIRST), {"value": value})

    def _all_owners(
        self, place: _Place, installation_id: str, values: Sequence[str]
    ) -> dict[str, Handoff] | None:
        """The active handoffs of all these places, None when the database has to be asked."""
        owners: dict[str, Handoff] = {}
        for value in values:
            owner = self._owner(place, installation_id, value)
            if owner is None:
                return None
            owners[value] = owner
        return owners

    async def _read(
        self, place: _Place, installation_id: str, keys: Sequence[str]
    ) -> list[Handoff]:
        if not keys:
            return []
        if not self._alone:
            pairs = [(installation_id, key) for key in dict.fromkeys(keys)]
            wanted = set(pairs)
            return [
                one
                for one in await self._gathered[place].get(pairs)
                if (one.installation_id, getattr(one, place)) in wanted
            ]
        values = {"owner": installation_id, "keys": list(dict.fromkeys(keys))}
        return await self._look(_BY_PLACE[place], values)

    async def _read_pairs(self, place: _Place, pairs: Sequence[_Pair]) -> list[Handoff]:
        values = {"owners": [owner for owner, _ in pairs], "keys": [key for _, key in pairs]}
        return await self._look(_BY_PAIRS[place], values)

    async def _look(
        self, statement: Select[*tuple[object, ...]], values: Mapping[str, object]
    ) -> list[Handoff]:
        before = self._forgotten

        def look(connection: Connection) -> list[Handoff]:
            return [from_row(row) for row in connection.execute(statement, values).mappings()]

        found = await self._database.read(look)
        if before == self._forgotten:
            for one in found:
                self._keep(one)
        return found

    async def save(self, handoff: Handoff) -> Handoff:
        """Write what may change of it, if nobody wrote in between."""
        saved = replace(handoff, version=handoff.version + 1)
        row = {name: value for name, value in to_row(saved).items() if name not in _FIXED}
        row |= {"key": handoff.id, "expected": handoff.version}

        def write(connection: Connection) -> bool:
            return connection.execute(_UPDATE, row).rowcount == 1

        try:
            written = await self._database.write(write)
        except IntegrityError as error:
            raise IllegalMove(
                f"handoff {handoff.id!r} cannot be {handoff.state.value}: another handoff of the"
                " same user conversation is active"
            ) from error
        except BaseException:
            self.forget(handoff.id)  # it may have been written all the same
            raise
        if not written:
            self.forget(handoff.id)
            raise Stale(
                f"handoff {handoff.id!r} was written by somebody else after version"
                f" {handoff.version}: read it again and repeat"
            )
        self._keep(saved)
        return saved

    async def starting(self, installation_id: str, since_ms: int, by_ms: int | None = None) -> bool:
        """Whether a start that began at `since_ms` or later, by `by_ms`, is in flight."""
        statement = (
            select(handoffs.c.id)
            .where(
                handoffs.c.installation_id == installation_id,
                handoffs.c.state == "starting",
                handoffs.c.created_ms >= since_ms,
                *(() if by_ms is None else (handoffs.c.created_ms <= by_ms,)),
            )
            .limit(1)
        )
        return await self._database.read(lambda c: c.execute(statement).first() is not None)

    async def find(
        self,
        *,
        installation_id: str | None = None,
        active: bool | None = None,
        text: str | None = None,
        limit: int = 100,
        before_ms: int | None = None,
    ) -> Sequence[Handoff]:
        """List handoffs, newest first. `before_ms` bounds the creation time, for the next page."""
        statement = select(handoffs)
        if installation_id is not None:
            statement = statement.where(handoffs.c.installation_id == installation_id)
        statement = statement.where(*_in_state(active))
        if before_ms is not None:
            statement = statement.where(handoffs.c.created_ms < before_ms)
        statement = statement.order_by(*_NEWEST_FIRST)
        looks = [statement.limit(limit)]
        if text:
            # An id that an index knows is found at once; a name needs a look at every handoff.
            named = func.lower(handoffs.c.user_name).contains(text.lower(), autoescape=True)
            by_id = or_(*(column == text for column in _INDEXED))
            by_any = or_(named, *(column == text for column in _IDS))
            looks = [statement.where(by_id).limit(limit), statement.where(by_any).limit(limit)]

        def look(connection: Connection) -> list[Handoff]:
            found: list[Handoff] = []
            for one in looks:
                found = [from_row(row) for row in connection.execute(one).mappings()]
                if found:
                    break
            return found

        return await self._database.read(look)

    async def count_by_state(self) -> Mapping[str, int]:
        """Handoffs by state; states without any are absent."""
        statement = select(handoffs.c.state, func.count()).group_by(handoffs.c.state)

        def look(connection: Connection) -> dict[str, int]:
            return {str(state): int(count) for state, count in connection.execute(statement)}

        return await self._database.read(look)

    def _keep(self, handoff: Handoff) -> None:
        known = self._cache.get(handoff.id)
        if known is None or known.version <= handoff.version:
            self._cache[handoff.id] = handoff
            if self._alone:
                self._settle("conversation_id", handoff)
                self._settle("thread_id", handoff)
                self._settle("integration_thread_id", handoff)

    def _settle(self, place: _Place, handoff: Handoff) -> None:
        """Remember whose the place is: the active handoff's, the newest of several."""
        value: str | None = getattr(handoff, place)
        if value is None:
            return
        known = self._owner(place, handoff.installation_id, value)
        owner = latest(one for one in (handoff, known) if one is not None)
        if owner is not None:
            self._owners[handoff.installation_id, place, value] = owner.id


def grouped(pairs: Iterable[tuple[str | None, Handoff]]) -> dict[str, Handoff]:
    """One handoff for each key: the `latest`."""
    found: dict[str, Handoff] = {}
    for key, one in pairs:
        if key is not None:
            found[key] = latest([one, found[key]]) or one if key in found else one
    return found
