"""Whose content is to go: from a handoff, a user or a contact to the handoffs and people meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hubspot_hitl.errors import CallerError
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.ports.services import Services

TargetKind = Literal["contact", "user", "handoff"]

MOST_HANDOFFS = 10_000


class CannotErase(CallerError):
    """Nothing is there to erase, or it is still in use."""

    code = "cannot_erase"


@dataclass(frozen=True, slots=True)
class Target:
    """A HubSpot contact, a Botpress user of an installation, or one of our handoffs, by its id."""

    kind: TargetKind
    id: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a target stands for. `people` are pairs of installation id and Botpress user id."""

    handoffs: tuple[Handoff, ...]
    people: tuple[tuple[str, str], ...]


async def find(services: Services, target: Target) -> Found:
    """All handoffs of the target, and the people who are known by nothing else.

    Raises CannotErase when there is nothing, or when one of the handoffs is not over: its content
    would come back with the next message.
    """
    handoffs = await _handoffs(services, target)
    people = await _people(services, target, handoffs)
    if not handoffs and not people:
        raise CannotErase(
            f"Nothing is known of {target.kind} {target.id!r}. Check the id and its kind."
        )
    for one in handoffs:
        if one.active:
            raise CannotErase(
                f"Handoff {one.id!r} is not over. Close its conversation in HubSpot first, then"
                " erase."
            )
    return Found(tuple(handoffs), tuple(people))


async def _handoffs(services: Services, target: Target) -> Sequence[Handoff]:
    if target.kind == "handoff":
        one = await services.handoffs.get(target.id)
        return [one] if one is not None else []
    return [
        one
        for one in await services.handoffs.find(text=target.id, limit=MOST_HANDOFFS)
        if target.id == (one.user_id if target.kind == "user" else one.contact_id)
    ]


async def _people(
    services: Services, target: Target, handoffs: Sequence[Handoff]
) -> list[tuple[str, str]]:
    named = dict.fromkeys((one.installation_id, one.user_id) for one in handoffs)
    if target.kind == "user":
        for installation in await services.installations.all():
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
    others = await services.handoffs.find(
        installation_id=handoff.installation_id, text=handoff.user_id, limit=MOST_HANDOFFS
    )
    return all(one.id == handoff.id for one in others if one.user_id == handoff.user_id)
