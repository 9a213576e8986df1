"""Whose content is to go: from a handoff, a user or a contact to the handoffs and people meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hubspot_hitl.errors import CallerError
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.ports.services import Services

TargetKind = Literal["contact", "user", "handoff"]


class CannotErase(CallerError):
    """Nothing is there to erase, or it is still in use."""

    code = "cannot_erase"


class NotOver(CannotErase):
    """Some of the handoffs go on; `handoffs` are those."""

    def __init__(self, handoffs: Sequence[Handoff]) -> None:
        others = f" (and {len(handoffs) - 1} more)" if len(handoffs) > 1 else ""
        super().__init__(
            f"Handoff {handoffs[0].id!r}{others} is not over. Close its conversation in HubSpot"
            " first, then erase."
        )
        self.handoffs = tuple(handoffs)


@dataclass(frozen=True, slots=True)
class Target:
    """A HubSpot contact, a Botpress user of an installation, or one of our handoffs, by its id.

    A contact's id means something in one portal only: `installation_id` says in which.
    """

    kind: TargetKind
    id: str
    installation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a target stands for. `people` are pairs of installation id and Botpress user id."""

    handoffs: tuple[Handoff, ...]
    people: tuple[tuple[str, str], ...]


async def find(services: Services, target: Target) -> Found:
    """All handoffs of the target, and the people who are known by nothing else.

    Raises CannotErase when there is nothing or it is not clear who is meant, NotOver when a handoff
    goes on: its content would come back with the next message.
    """
    handoffs = await _handoffs(services, target)
    people = await _people(services, target, handoffs)
    if not handoffs and not people:
        raise CannotErase(
            f"Nothing is known of {target.kind} {target.id!r}. Check the id and its kind."
        )
    await _refuse_ambiguity(services, target, handoffs)
    active = [one for one in handoffs if one.active]
    if active:
        raise NotOver(active)
    return Found(tuple(handoffs), tuple(people))


async def _handoffs(services: Services, target: Target) -> Sequence[Handoff]:
    if target.kind == "handoff":
        one = await services.handoffs.get(target.id)
        return [one] if one is not None else []
    found = await services.handoffs.of_person(
        "user_id" if target.kind == "user" else "contact_id", target.id
    )
    within = await _within(services, target)
    return [one for one in found if within is None or one.installation_id in within]


async def _within(services: Services, target: Target) -> frozenset[str] | None:
    """The installations that are meant: for a contact all of the portal; None for every one."""
    if target.installation_id is None:
        return None
    if target.kind != "contact":
        return frozenset({target.installation_id})
    return await same_portal(services, target.installation_id)


async def same_portal(services: Services, installation_id: str) -> frozenset[str]:
    """The installations in whose portal a contact is the same person; this one at least."""
    meant = await services.installations.get(installation_id)
    if meant is None or not meant.portal_id:
        return frozenset({installation_id})
    every = await services.installations.all()
    return frozenset(one.id for one in every if one.portal_id == meant.portal_id)


async def _refuse_ambiguity(
    services: Services, target: Target, handoffs: Sequence[Handoff]
) -> None:
    """Two portals may have a contact of the same id, and they are two people."""
    if target.kind != "contact" or target.installation_id is not None:
        return
    portals: dict[str, str] = {}
    for installation_id in sorted({one.installation_id for one in handoffs}):
        known = await services.installations.get(installation_id)
        portal = known.portal_id if known is not None and known.portal_id else installation_id
        portals.setdefault(portal, installation_id)
    if len(portals) > 1:
        raise CannotErase(
            f"Contact {target.id!r} is somebody else in each of several portals. Say which by"
            f" one of the installations {', '.join(portals.values())}."
        )


async def _people(
    services: Services, target: Target, handoffs: Sequence[Handoff]
) -> list[tuple[str, str]]:
    named = dict.fromkeys((one.installation_id, one.user_id) for one in handoffs)
    if target.kind == "user":
        for installation in await services.installations.all():
            if target.installation_id in (None, installation.id):
                named[installation.id, target.id] = None
    found: list[tuple[str, str]] = []
    for installation_id, user_id in named:
        person = await services.people.user(installation_id, user_id)
        if person is None or person.actor_id is not None:
            continue
        if target.kind != "handoff" or await _is_only(services, handoffs[0]):
            found.append((installation_id, user_id))
    return found


async def _is_only(services: Services, handoff: Handoff) -> bool:
    """Whether its user has no other handoff."""
    every = await services.handoffs.of_user(handoff.installation_id, handoff.user_id)
    return all(one.id == handoff.id for one in every)
