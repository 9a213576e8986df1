"""Secrets at rest, sealed by the key ring and bound to their row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection, bindparam, delete, func, select, tuple_, update

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.secrets.keyring import KeyRing
from hubspot_hitl.store.tables import secrets

_log = structlog.get_logger(__name__)

_GET: Final = select(secrets.c.value).where(
    secrets.c.scope == bindparam("scope"), secrets.c.name == bindparam("name")
)

UNSEALED = "plain"
"""The key id of a row that no key seals: the key ring that lies in the database itself."""


def put_secret(connection: Connection, keys: KeyRing, scope: str, name: str, value: bytes) -> None:
    """Seal and store within the caller's transaction."""
    statement = insert_into(connection.dialect.name, secrets)
    row = {
        "scope": scope,
        "name": name,
        "key_id": keys.first_id,
        "value": keys.seal(scope, name, value),
    }
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "name"],
            set_={"key_id": statement.excluded.key_id, "value": statement.excluded.value},
        ),
        row,
    )


def get_secret(connection: Connection, keys: KeyRing, scope: str, name: str) -> bytes | None:
    """Read and open within the caller's transaction; None when absent."""
    blob = connection.execute(_GET, {"scope": scope, "name": name}).scalar()
    return None if blob is None else keys.open(scope, name, bytes(blob))


def delete_secrets(connection: Connection, scope: str, name: str | None = None) -> None:
    """Forget one secret, or all of a scope, within the caller's transaction."""
    statement = delete(secrets).where(secrets.c.scope == scope)
    if name is not None:
        statement = statement.where(secrets.c.name == name)
    connection.execute(statement)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What `rotate` did. `unreadable` names the secrets that no key of the ring opens."""

    rotated: int
    unreadable: tuple[tuple[str, str], ...]


class SqlVault:
    """:class:`~hubspot_hitl.ports.store.Vault` on a database."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self.keys = keys

    async def put(self, scope: str, name: str, value: bytes) -> None:
        """Encrypt and store."""
        await self._database.write(lambda c: put_secret(c, self.keys, scope, name, value))

    async def get(self, scope: str, name: str) -> bytes | None:
        """Read and decrypt; None when absent. Raises BadSettings when no key opens it."""
        return await self._database.read(lambda c: get_secret(c, self.keys, scope, name))

    async def delete(self, scope: str, name: str | None = None) -> None:
        """Forget one secret, or all of a scope."""
        await self._database.write(lambda c: delete_secrets(c, scope, name))

    async def usage(self) -> Mapping[str, int]:
        """How many secrets each key seals, by its id; keys that seal none are absent."""
        statement = select(secrets.c.key_id, func.count()).group_by(secrets.c.key_id)

        def look(connection: Connection) -> dict[str, int]:
            return {str(row[0]): int(row[1]) for row in connection.execute(statement)}

        return await self._database.read(look)

    async def rotate(self, *, batch: int = 100) -> Rotation:
        """Seal everything anew with the first key, a batch per transaction, while serving.

        A secret that is written meanwhile is left to its writer. Once `unreadable` is empty, the
        older keys can be taken from the ring of every replica.
        """
        rotated = 0
        unreadable: list[tuple[str, str]] = []
        after = ("", "")
        while True:
            step = await self._database.write(
                partial(_rotate_batch, keys=self.keys, after=after, limit=batch)
            )
            rotated += step.rotated
            unreadable += step.unreadable
            if step.last is None:
                break
            after = step.last
        _log.info("secrets_rotated", rotated=rotated, unreadable=len(unreadable))
        return Rotation(rotated, tuple(unreadable))


@dataclass(frozen=True, slots=True)
class _Step:
    rotated: int
    unreadable: tuple[tuple[str, str], ...]
    last: tuple[str, str] | None


def _rotate_batch(
    connection: Connection, keys: KeyRing, after: tuple[str, str], limit: int
) -> _Step:
    key = tuple_(secrets.c.scope, secrets.c.name)
    rows = connection.execute(
        select(secrets.c.scope, secrets.c.name, secrets.c.value)
        .where(secrets.c.key_id.not_in([keys.first_id, UNSEALED]), key > after)
        .order_by(secrets.c.scope, secrets.c.name)
        .limit(limit)
        .with_for_update()
    ).all()
    rotated = 0
    unreadable: list[tuple[str, str]] = []
    for scope, name, blob in rows:
        try:
            value = keys.open(scope, name, bytes(blob))
        except BadSettings:
            unreadable.append((scope, name))
            continue
        connection.execute(
            update(secrets)
            .where(secrets.c.scope == scope, secrets.c.name == name)
            .values(key_id=keys.first_id, value=keys.seal(scope, name, value))
        )
        rotated += 1
    last = (str(rows[-1].scope), str(rows[-1].name)) if rows else None
    return _Step(rotated, tuple(unreadable), last)
