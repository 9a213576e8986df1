"""Everything of the store in dictionaries, for tests and for bots that keep nothing.

The same promises as the database, by the same contract suite; gone when the process ends.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from hubspot_hitl.errors import IllegalMove, Stale, UnknownInstallation
from hubspot_hitl.handoff.records import Handoff, HandoffState, Person
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.ports.audit import AuditEntry, AuditReport
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.privacy import Artifact
from hubspot_hitl.store.audit import GENESIS, canonical, chained, first_misfit
from hubspot_hitl.store.handoffs import grouped, latest
from hubspot_hitl.store.installations import merged


class MemoryHandoffs:
    """:class:`~hubspot_hitl.ports.store.Handoffs` in a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[str, Handoff] = {}

    async def open(self, handoff: Handoff) -> Handoff:
        """Insert, or return the active handoff of the same start key."""
        other = self._rival(handoff) or self._rows.get(handoff.id)
        if other is not None:
            return other
        self._rows[handoff.id] = handoff
        return handoff

    def _rival(self, handoff: Handoff) -> Handoff | None:
        for one in self._rows.values():
            same = (one.installation_id, one.start_key) == (
                handoff.installation_id,
                handoff.start_key,
            )
            if same and one.active:
                return one
        return None

    async def get(self, handoff_id: str, *, fresh: bool = False) -> Handoff | None:
        """Read by our own id."""
        return self._rows.get(handoff_id)

    async def by_conversation(self, installation_id: str, conversation_id: str) -> Handoff | None:
        """Read by the Botpress conversation."""
        return latest(
            one
            for one in self._rows.values()
            if (one.installation_id, one.conversation_id) == (installation_id, conversation_id)
        )

    async def by_threads(
        self, installation_id: str, thread_ids: Sequence[str]
    ) -> Mapping[str, Handoff]:
        """Read by HubSpot thread ids."""
        return grouped(
            (one.thread_id, one)
            for one in self._rows.values()
            if one.installation_id == installation_id and one.thread_id in thread_ids
        )

    async def by_integration_threads(
        self, installation_id: str, integration_thread_ids: Sequence[str]
    ) -> Mapping[str, Handoff]:
        """Read by our own thread ids."""
        return grouped(
            (one.integration_thread_id, one)
            for one in self._rows.values()
            if one.installation_id == installation_id
            and one.integration_thread_id in integration_thread_ids
        )

    async def of_user(
        self, installation_id: str, user_id: str, *, active: bool | None = None
    ) -> Sequence[Handoff]:
        """All handoffs of a Botpress user, newest first."""
        return _newest_first(
            one
            for one in self._rows.values()
            if (one.installation_id, one.user_id) == (installation_id, user_id)
            and (active is None or one.active is active)
        )

    async def of_person(
        self, known_by: Literal["user_id", "contact_id"], value: str
    ) -> Sequence[Handoff]:
        """All handoffs in which a person has this id, of every installation, newest first."""
        return _newest_first(one for one in self._rows.values() if getattr(one, known_by) == value)

    async def save(self, handoff: Handoff) -> Handoff:
        """Write all fields if nobody wrote in between."""
        stored = self._rows.get(handoff.id)
        if stored is None or stored.version != handoff.version:
            raise Stale(
                f"handoff {handoff.id!r} was written by somebody else after version"
                f" {handoff.version}: read it again and repeat"
            )
        rival = self._rival(handoff) if handoff.active else None
        if rival is not None and rival.id != handoff.id:
            raise IllegalMove(
                f"handoff {handoff.id!r} cannot be {handoff.state.value}: another handoff of the"
                " same user conversation is active"
            )
        saved = replace(handoff, version=handoff.version + 1, created_ms=stored.created_ms)
        self._rows[handoff.id] = saved
        return saved

    async def starting(self, installation_id: str, since_ms: int, by_ms: int | None = None) -> bool:
        """Whether a start that began at `since_ms` or later, by `by_ms`, is in flight."""
        return any(
            one.installation_id == installation_id
            and one.state is HandoffState.STARTING
            and since_ms <= one.created_ms <= (one.created_ms if by_ms is None else by_ms)
            for one in self._rows.values()
        )

    async def find(
        self,
        *,
        installation_id: str | None = None,
        active: bool | None = None,
        text: str | None = None,
        limit: int = 100,
        before_ms: int | None = None,
    ) -> Sequence[Handoff]:
        """List handoffs, newest first."""
        found = [
            one
            for one in self._rows.values()
            if (installation_id is None or one.installation_id == installation_id)
            and (active is None or one.active is active)
            and (not text or _matches(one, text))
            and (before_ms is None or one.created_ms < before_ms)
        ]
        return _newest_first(found)[:limit]

    async def count_by_state(self) -> Mapping[str, int]:
        """Handoffs by state."""
        return Counter(one.state.value for one in self._rows.values())


def _newest_first(found: Iterable[Handoff]) -> list[Handoff]:
    return sorted(found, key=lambda one: (one.created_ms, one.id), reverse=True)


def _matches(one: Handoff, text: str) -> bool:
    ids = {
        one.id,
        one.user_id,
        one.conversation_id,
        one.thread_id,
        one.integration_thread_id,
        one.contact_id,
        one.agent_actor_id,
        one.agent_user_id,
        one.installation_id,
    }
    return text in ids or text.lower() in (one.user_name or "").lower()


class MemoryPeople:
    """:class:`~hubspot_hitl.ports.store.People` in a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Person] = {}

    async def remember(self, person: Person) -> None:
        """Insert or replace."""
        self._rows[person.installation_id, person.user_id] = person

    async def user(self, installation_id: str, user_id: str) -> Person | None:
        """Read by Botpress user id."""
        return self._rows.get((installation_id, user_id))

    async def agent(self, installation_id: str, actor_id: str) -> Person | None:
        """Read an agent by HubSpot actor id; the one seen last when several users mirror it."""
        found = [
            one
            for one in self._rows.values()
            if (one.installation_id, one.actor_id) == (installation_id, actor_id)
        ]
        return min(found, key=lambda one: (-one.seen_ms, one.user_id), default=None)

    async def forget(self, installation_id: str, user_id: str) -> bool:
        """Delete an end user; agents stay. Returns whether there was one."""
        known = self._rows.get((installation_id, user_id))
        if known is None or known.actor_id is not None:
            return False
        del self._rows[installation_id, user_id]
        return True


class MemoryInstallations:
    """:class:`~hubspot_hitl.ports.store.Installations` in a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[str, Installation] = {}
        self._bindings: dict[str, tuple[ChannelBinding, ...]] = {}
        self._removed: set[str] = set()

    async def remember(self, installation: Installation) -> Installation:
        """Insert or update; what is None in it keeps what is known."""
        wanted = merged(self._rows.get(installation.id), installation)
        self._rows[installation.id] = wanted
        self._removed.discard(installation.id)
        return wanted

    async def get(self, installation_id: str) -> Installation | None:
        """Read by webhook id."""
        return self._rows.get(installation_id)

    async def by_app(self, app_id: str, portal_id: str | None) -> Sequence[Installation]:
        """Installations of an app, of one portal when its id is known."""
        return [
            one
            for one in await self.all()
            if one.configuration.app_id == app_id
            and (portal_id is None or one.portal_id == portal_id)
        ]

    async def all(self) -> Sequence[Installation]:
        """All that are not removed, by id."""
        return [self._rows[key] for key in sorted(self._rows)]

    async def remove(self, installation_id: str) -> None:
        """Forget it and its bindings."""
        if self._rows.pop(installation_id, None) is not None:
            self._removed.add(installation_id)
        self._bindings.pop(installation_id, None)

    async def removed(self, installation_id: str) -> bool:
        """Whether it was removed, which one that was never known is not."""
        return installation_id in self._removed

    async def bindings(self, installation_id: str) -> Sequence[ChannelBinding]:
        """The channel accounts that `register` made or found."""
        return self._bindings.get(installation_id, ())

    async def set_bindings(self, installation_id: str, bindings: Sequence[ChannelBinding]) -> None:
        """Replace them; raises UnknownInstallation for one that is not there or removed."""
        if installation_id not in self._rows:
            raise UnknownInstallation(f"no installation {installation_id!r} to bind")
        self._bindings[installation_id] = tuple(bindings)

    async def set_portal(self, installation_id: str, portal_id: str) -> None:
        """Remember the portal that the token belongs to."""
        known = self._rows.get(installation_id)
        if known is not None:
            self._rows[installation_id] = replace(known, portal_id=portal_id)


class MemoryVault:
    """:class:`~hubspot_hitl.ports.store.Vault` in a dictionary, in clear."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], bytes] = {}

    async def put(self, scope: str, name: str, value: bytes) -> None:
        """Store."""
        self._values[scope, name] = value

    async def get(self, scope: str, name: str) -> bytes | None:
        """Read; None when absent."""
        return self._values.get((scope, name))

    async def delete(self, scope: str, name: str | None = None) -> None:
        """Forget one secret, or all of a scope."""
        for key in [key for key in self._values if key[0] == scope and name in {None, key[1]}]:
            del self._values[key]


class MemoryAudit:
    """:class:`~hubspot_hitl.ports.audit.Audit` in a list."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[AuditEntry] = []

    async def append(
        self, actor: str, action: str, subject: str, detail: Mapping[str, object] | None = None
    ) -> AuditEntry:
        """Add an entry at the end of the chain."""
        last = (self._entries[-1].seq, self._entries[-1].hash) if self._entries else None
        stored: dict[str, object] = json.loads(canonical(dict(detail or {})))
        entry = chained(last, self._clock.now_ms(), actor, action, subject, stored)
        self._entries.append(entry)
        return entry

    async def list(
        self,
        *,
        subject: str | None = None,
        action: str | None = None,
        before_seq: int | None = None,
        limit: int = 100,
    ) -> Sequence[AuditEntry]:
        """Entries, newest first."""
        found = [
            one
            for one in reversed(self._entries)
            if (subject is None or one.subject == subject)
            and (action is None or one.action == action)
            and (before_seq is None or one.seq < before_seq)
        ]
        return found[:limit]

    async def verify(self) -> AuditReport:
        """Recompute the whole chain."""
        head = self._entries[-1].hash if self._entries else GENESIS
        return AuditReport(len(self._entries), head, first_misfit(self._entries, 0, GENESIS))


class MemoryArtifacts:
    """:class:`~hubspot_hitl.ports.privacy.Artifacts` in a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Artifact] = {}

    async def add(self, artifact: Artifact) -> None:
        """Insert; a known one stays."""
        self._rows.setdefault((artifact.installation_id, artifact.kind, artifact.id), artifact)

    async def of(self, handoff_id: str) -> Sequence[Artifact]:
        """All of a handoff, in an order that does not change."""
        return [self._rows[key] for key in sorted(self._rows) if self._of(key) == handoff_id]

    def _of(self, key: tuple[str, str, str]) -> str:
        return self._rows[key].handoff_id

    async def drop(self, artifact: Artifact) -> None:
        """Forget one."""
        self._rows.pop((artifact.installation_id, artifact.kind, artifact.id), None)


class MemoryNonces:
    """:class:`~hubspot_hitl.ports.audit.Nonces` in a dictionary."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    async def use(self, name: str, expires_ms: int) -> bool:
        """True the first time, False ever after."""
        if name in self._used:
            return False
        self._used[name] = expires_ms
        return True

    async def purge(self, now_ms: int) -> int:
        """Forget names that expired before `now_ms`; returns how many."""
        expired = [name for name, expires_ms in self._used.items() if expires_ms < now_ms]
        for name in expired:
            del self._used[name]
        return len(expired)


class MemoryLeases:
    """:class:`~hubspot_hitl.ports.lease.Leases` of one process."""

    def __init__(self) -> None:
        self._until_ms: dict[str, int] = {}

    async def acquire(self, name: str, now_ms: int, until_ms: int) -> bool:
        """True when the lease is ours until `until_ms`."""
        if self._until_ms.get(name, 0) > now_ms:
            return False
        self._until_ms[name] = until_ms
        return True

    async def release(self, name: str, until_ms: int) -> None:
        """Give a lease back early."""
        if self._until_ms.get(name) == until_ms:
            del self._until_ms[name]
