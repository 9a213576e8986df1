"""What handoffs left at the vendors, by id."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from hubspot_hitl.ports.privacy import Artifact, ArtifactKind
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.tables import artifacts

_a = artifacts.c


class SqlArtifacts:
    """:class:`~hubspot_hitl.ports.privacy.Artifacts` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_into(database.dialect, artifacts).on_conflict_do_nothing()

    async def add(self, artifact: Artifact) -> None:
        """Insert; a known one stays."""
        row = {
            "installation_id": artifact.installation_id,
            "kind": artifact.kind.value,
            "id": artifact.id,
            "handoff_id": artifact.handoff_id,
        }
        await self._database.write(lambda c: c.execute(self._insert, row).close())

    async def of(self, handoff_id: str) -> Sequence[Artifact]:
        """All of a handoff, in an order that does not change."""
        statement = (
            select(_a.installation_id, _a.kind, _a.id, _a.handoff_id)
            .where(_a.handoff_id == handoff_id)
            .order_by(_a.kind, _a.id)
        )

        def look(connection: Connection) -> list[Artifact]:
            return [
                Artifact(row.installation_id, ArtifactKind(row.kind), row.id, row.handoff_id)
                for row in connection.execute(statement)
            ]

        return await self._database.read(look)

    async def drop(self, artifact: Artifact) -> None:
        """Delete the row."""
        statement = delete(artifacts).where(
            _a.installation_id == artifact.installation_id,
            _a.kind == artifact.kind.value,
            _a.id == artifact.id,
        )
        await self._database.write(lambda c: c.execute(statement).close())
