"""What erasing and forgetting need beyond the other ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hubspot_hitl.ports.audit import Audit


class Content(Protocol):
    """People's words and names outside of the ledger. Raises StoreUnavailable."""

    async def blank_handoffs(self, ended_before_ms: int) -> int:
        """Blank name, title, description and session of handoffs that ended before.

        The rows stay; returns how many held something.
        """
        ...

    async def forget_people(self, before_ms: int) -> int:
        """Delete end users last seen before that have no handoff since; returns how many."""
        ...

    async def scrub(self) -> None:
        """Leave nothing readable of what was deleted, as far as the database can see to that."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an erasure leaves: an entry in the audit trail, and a receipt signed with a key.

    `keys` are by id, the first one signs; all of them verify.
    """

    audit: Audit
    keys: Mapping[str, bytes] = field(repr=False)
