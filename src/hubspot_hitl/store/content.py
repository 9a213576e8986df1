"""Forgets what people said and were called, by age; the rows that count stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, delete, exists, func, or_, select, update

from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.handoffs import ACTIVE_VALUES
from hubspot_hitl.store.tables import handoffs, people

CHUNK: Final = 500
_h = handoffs.c
_HOLDS_CONTENT: Final = or_(
    _h.user_name.is_not(None),
    _h.title.is_not(None),
    _h.description.is_not(None),
    _h.session != "{}",
    _h.history_marks != "",
)


def _nobody_cares(handoff_id: str) -> None:
    """Default of `on_blanked`."""


class SqlContent:
    """:class:`~hubspot_hitl.ports.privacy.Content` in a database.

    `on_blanked` is told the id of each handoff that was changed: what is cached of it is old.
    """

    def __init__(
        self, database: Database, *, on_blanked: Callable[[str], None] = _nobody_cares
    ) -> None:
        self._database = database
        self._on_blanked = on_blanked

    async def blank_handoffs(self, ended_before_ms: int) -> int:
        """Blank in chunks. The version grows, so that no stale copy is written back."""
        old = (
            select(_h.id)
            .where(
                _h.state.not_in(ACTIVE_VALUES),
                func.coalesce(_h.ended_ms, _h.created_ms) < ended_before_ms,
                _HOLDS_CONTENT,
            )
            .limit(CHUNK)
        )
        statement = (
            update(handoffs)
            .where(_h.id.in_(old.scalar_subquery()))
            .values(
                user_name=None,
                title=None,
                description=None,
                session="{}",
                history_marks="",
                version=_h.version + 1,
            )
            .returning(_h.id)
        )

        def blank(connection: Connection) -> list[str]:
            return [str(id_) for id_ in connection.execute(statement).scalars()]

        blanked, ids = 0, [""] * CHUNK
        while len(ids) == CHUNK:
            ids = await self._database.write(blank)
            blanked += len(ids)
            for id_ in ids:
                self._on_blanked(id_)
        return blanked

    async def forget_people(self, before_ms: int) -> int:
        """Delete end users whom nothing newer than `before_ms` tells of."""
        recent = exists().where(
            _h.installation_id == people.c.installation_id,
            _h.user_id == people.c.user_id,
            or_(
                _h.state.in_(ACTIVE_VALUES),
                func.coalesce(_h.ended_ms, _h.created_ms) >= before_ms,
            ),
        )
        statement = delete(people).where(
            people.c.actor_id.is_(None), people.c.seen_ms < before_ms, ~recent
        )
        return await self._database.write(lambda c: c.execute(statement).rowcount)

    async def scrub(self) -> None:
        """Leave no deleted bytes in the files, as far as the engine can."""
        await self._database.scrub()
