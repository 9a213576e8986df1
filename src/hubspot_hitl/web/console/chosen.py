"""Which installation a page looks at: the one that is asked for, else the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hubspot_hitl.errors import CallerError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.web.console.gate import Visit


@dataclass(frozen=True, slots=True)
class Chosen:
    """All installations, and the one that was chosen; None when there is none at all."""

    every: Sequence[Installation]
    one: Installation | None


async def chosen(visit: Visit) -> Chosen:
    """Read `?installation=`. Raises CallerError for one that is not there."""
    every = await visit.desk.services.installations.all()
    wanted = visit.request.query.get("installation", "")
    if not wanted:
        return Chosen(every, every[0] if every else None)
    found = next((one for one in every if one.id == wanted), None)
    if found is None:
        raise CallerError("There is no such installation.")
    return Chosen(every, found)
