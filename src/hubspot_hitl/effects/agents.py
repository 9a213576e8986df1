"""Mirrors a HubSpot agent as a user of the bot, before anything is said in the agent's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from hubspot_hitl.errors import VendorError, VendorNotFound
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.handoff.texts import TextKey, Texts
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.tags import UserTag
from hubspot_hitl.ports.hubspot_records import Actor
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)
T = TypeVar("T")

FRESH_MS = 10 * 60_000
UNKNOWN_MS = 60_000
"""How long HubSpot's word that it does not know, or does not tell, an actor is taken for true."""
# Speaks where no person does: our own texts, and messages whose author HubSpot does not name.
SYSTEM_ACTOR = "S-hubspot"


async def mirror_agent(
    services: Services, installation: Installation, actor_id: str, name: str | None = None
) -> Person:
    """Return the agent as a bot user with name and picture, reading HubSpot at most every 10 min.

    A failed look-up does not hold the agent's words back: what is known stands in (the last known
    person, else `name` as the message had it, else a general name). The next message looks again;
    where HubSpot refused, the next after a minute, or the first that carries a name.
    """
    known = await services.people.agent(installation.id, actor_id)
    now_ms = services.clock.now_ms()
    general = general_name(installation)
    hidden = not installation.configuration.agent_name
    unnamed = known is not None and known.name == general and name is not None and not hidden
    if known is not None and now_ms - known.seen_ms < FRESH_MS and not unnamed:
        return known
    try:
        if actor_id == SYSTEM_ACTOR:
            support = general_name(installation, TextKey.NAME_SUPPORT)
            actor = Actor(id=SYSTEM_ACTOR, type="SYSTEM", name=support)
        else:
            actor = await services.hubspot.of(installation).actor(actor_id)
        seen_ms = now_ms
    except VendorError as error:
        log.warning("agent_unknown", actor=actor_id, error=error.code)
        seen_ms = 0 if error.retryable else now_ms - FRESH_MS + UNKNOWN_MS
        if known is not None and not unnamed:
            if seen_ms:
                await services.people.remember(dataclasses.replace(known, seen_ms=seen_ms))
            return known
        actor = Actor(id=actor_id, type="AGENT", name=name or general)
    return await _write(services, installation, actor, known, seen_ms)


async def as_agent(
    services: Services,
    installation: Installation,
    agent: Person,
    call: Callable[[str], Awaitable[T]],
) -> T:
    """Do something at the bot in the name of the agent's user, by its id.

    Whoever deletes users there deletes mirrors too; then the agent is mirrored anew. Raises what
    `call` does, VendorNotFound only when something else is missing.
    """
    try:
        return await call(agent.user_id)
    except VendorNotFound:
        if await _lives(services, installation, agent):
            raise
    log.info("agent_mirrored_anew", actor=agent.actor_id, user=agent.user_id)
    actor = Actor(agent.actor_id or "", "AGENT", agent.name, agent.email, agent.picture_url)
    return await call((await _write(services, installation, actor, None, agent.seen_ms)).user_id)


async def _lives(services: Services, installation: Installation, agent: Person) -> bool:
    try:
        await services.bots.of(installation).get_user(agent.user_id)
    except VendorNotFound:
        return False
    return True


async def _write(
    services: Services,
    installation: Installation,
    actor: Actor,
    known: Person | None,
    seen_ms: int,
) -> Person:
    actor = _shown(installation, actor)
    name = (actor.name or actor.email or general_name(installation))[:200]
    bot = services.bots.of(installation)
    user_id = known.user_id if known else None
    if user_id is None:
        tags = {UserTag.ACTOR_ID.value: actor.id}
        if actor.email:
            tags[UserTag.EMAIL.value] = actor.email
        user, created = await bot.get_or_create_user(
            tags,
            discriminate_by=[UserTag.ACTOR_ID.value],
            name=name,
            picture_url=actor.avatar_url,
        )
        user_id = user.id
        stale = not created and (user.name, user.picture_url) != (name, actor.avatar_url)
    else:
        stale = known is not None and (known.name, known.picture_url) != (name, actor.avatar_url)
    if stale:
        try:
            await bot.update_user(user_id, name=name, picture_url=actor.avatar_url)
        except VendorNotFound:
            if known is None:
                raise
            return await _write(services, installation, actor, None, seen_ms)
    person = Person(
        installation_id=installation.id,
        user_id=user_id,
        name=name,
        email=actor.email,
        picture_url=actor.avatar_url,
        actor_id=actor.id,
        seen_ms=seen_ms,
    )
    await services.people.remember(person)
    return person


def _shown(installation: Installation, actor: Actor) -> Actor:
    """The actor as the bot owner wants agents to be shown; names may be pseudonyms by law."""
    configuration = installation.configuration
    person = actor.id != SYSTEM_ACTOR
    return dataclasses.replace(
        actor,
        name=actor.name if configuration.agent_name or not person else general_name(installation),
        email=actor.email if configuration.agent_email else None,
        avatar_url=actor.avatar_url if configuration.agent_photo else None,
    )


def general_name(installation: Installation, key: TextKey = TextKey.NAME_AGENT) -> str:
    """What an agent without a name of their own is called, and who speaks where no person does.

    One name for all chats, as an agent is one user of the bot: in the agents' language.
    """
    configuration = installation.configuration
    return Texts(configuration.texts).placeholder(key, configuration.agent_language or None)
