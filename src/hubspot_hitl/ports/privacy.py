"""What erasing and forgetting need beyond the other ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
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


class ArtifactKind(StrEnum):
    """What a handoff can leave at a vendor beside its messages."""

    HUBSPOT_FILE = "hubspot_file"
    HUBSPOT_NOTE = "hubspot_note"
    BOTPRESS_FILE = "botpress_file"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One of them, by the vendor's id; no content."""

    installation_id: str
    kind: ArtifactKind
    id: str
    handoff_id: str


class Artifacts(Protocol):
    """Where each is, so that an erasure finds it. Raises StoreUnavailable."""

    async def add(self, artifact: Artifact) -> None:
        """Remember one; a known one stays as it is."""
        ...

    async def of(self, handoff_id: str) -> Sequence[Artifact]:
        """All of a handoff."""
        ...

    async def drop(self, artifact: Artifact) -> None:
        """Forget one that is gone."""
        ...


class NoArtifacts:
    """Remembers nothing: an erasure cannot reach files and notes then."""

    async def add(self, artifact: Artifact) -> None:
        """Nothing is kept."""

    async def of(self, handoff_id: str) -> Sequence[Artifact]:
        """None."""
        return ()

    async def drop(self, artifact: Artifact) -> None:
        """Nothing was kept."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an erasure leaves: an entry in the audit trail, and a receipt signed with a key.

    `keys` are by id, the first one signs; all of them verify.
    """

    audit: Audit
    keys: Mapping[str, bytes] = field(repr=False)
