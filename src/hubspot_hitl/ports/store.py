"""Installations, handoffs, people: what is remembered beside the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from hubspot_hitl.handoff.records import Handoff, Person
from hubspot_hitl.integration.installation import ChannelBinding, Installation


class Handoffs(Protocol):
    """All handoffs. Raises StoreUnavailable when the database is away."""

    async def open(self, handoff: Handoff) -> Handoff:
        """Insert a handoff in state `starting`.

        When an active handoff with the same `start_key` exists, returns that one instead: the
        database keeps one active handoff per installation and start key.
        """
        ...

    async def get(self, handoff_id: str, *, fresh: bool = False) -> Handoff | None:
        """Read by our own id; `fresh` is for who is not in its lane, where others may write it."""
        ...

    async def by_conversation(self, installation_id: str, conversation_id: str) -> Handoff | None:
        """Read by the Botpress conversation."""
        ...

    async def by_threads(
        self, installation_id: str, thread_ids: Sequence[str]
    ) -> Mapping[str, Handoff]:
        """Read by HubSpot thread ids; threads that are not ours are absent. One indexed query."""
        ...

    async def by_integration_threads(
        self, installation_id: str, integration_thread_ids: Sequence[str]
    ) -> Mapping[str, Handoff]:
        """Read by our own thread ids."""
        ...

    async def of_user(
        self, installation_id: str, user_id: str, *, active: bool | None = None
    ) -> Sequence[Handoff]:
        """All handoffs of a Botpress user, newest first. One indexed query."""
        ...

    async def of_person(
        self, known_by: Literal["user_id", "contact_id"], value: str
    ) -> Sequence[Handoff]:
        """All handoffs in which a person has this id, of every installation, newest first.

        Looks at every handoff there is.
        """
        ...

    async def save(self, handoff: Handoff) -> Handoff:
        """Write it if `version` is still the stored one; returns it with the next version.

        What it is, whose, and since when (`created_ms`) never changes and is not written.

        Raises :class:`~hubspot_hitl.errors.Stale` when somebody else wrote in between.
        """
        ...

    async def starting(self, installation_id: str, since_ms: int, by_ms: int | None = None) -> bool:
        """Whether a start is in flight, so that an unknown thread may still turn out to be ours.

        Starts that began before `since_ms` are dead: their process ended in the middle. Those that
        began after `by_ms` do not count.
        """
        ...

    async def find(
        self,
        *,
        installation_id: str | None = None,
        active: bool | None = None,
        text: str | None = None,
        limit: int = 100,
        before_ms: int | None = None,
    ) -> Sequence[Handoff]:
        """List handoffs, newest first; `text` matches any id of either side or the user's name."""
        ...

    async def count_by_state(self) -> Mapping[str, int]:
        """Handoffs by state."""
        ...


class People(Protocol):
    """What we know of end users and agents, per installation."""

    async def remember(self, person: Person) -> None:
        """Insert or replace."""
        ...

    async def user(self, installation_id: str, user_id: str) -> Person | None:
        """Read by Botpress user id."""
        ...

    async def agent(self, installation_id: str, actor_id: str) -> Person | None:
        """Read an agent by HubSpot actor id."""
        ...

    async def forget(self, installation_id: str, user_id: str) -> bool:
        """Delete an end user; agents stay. Returns whether there was one."""
        ...


class Installations(Protocol):
    """All installations; configuration is encrypted at rest."""

    async def remember(self, installation: Installation) -> Installation:
        """Insert or update when something changed; cheap when nothing did."""
        ...

    async def get(self, installation_id: str) -> Installation | None:
        """Read by webhook id."""
        ...

    async def by_app(self, app_id: str, portal_id: str | None) -> Sequence[Installation]:
        """Installations of an app, of one portal when its id is known."""
        ...

    async def all(self) -> Sequence[Installation]:
        """All that are not removed."""
        ...

    async def remove(self, installation_id: str) -> None:
        """Forget its secrets; handoffs stay as evidence."""
        ...

    async def removed(self, installation_id: str) -> bool:
        """Whether `remove` was the last word on it; False when it was never known here.

        Does not read the configuration, which need not be readable.
        """
        ...

    async def bindings(self, installation_id: str) -> Sequence[ChannelBinding]:
        """The channel accounts that `register` made or found."""
        ...

    async def set_bindings(self, installation_id: str, bindings: Sequence[ChannelBinding]) -> None:
        """Replace them. Raises UnknownInstallation for one that is not there or removed."""
        ...

    async def set_portal(self, installation_id: str, portal_id: str) -> None:
        """Remember the portal that the token belongs to."""
        ...


class Vault(Protocol):
    """Secrets at rest: AES-256-GCM, bound to the row they belong to."""

    async def put(self, scope: str, name: str, value: bytes) -> None:
        """Encrypt and store."""
        ...

    async def get(self, scope: str, name: str) -> bytes | None:
        """Read and decrypt; None when absent."""
        ...

    async def delete(self, scope: str, name: str | None = None) -> None:
        """Forget one secret, or all of a scope."""
        ...
