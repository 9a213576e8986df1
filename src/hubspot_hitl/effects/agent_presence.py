"""Tells subscribers which agents are online, as far as what they do here shows it.

HubSpot tells nobody when an agent comes or goes. What we see is that one writes. An agent who does
counts as online; where the bot owner set a session length, one who has written nothing for so long
counts as offline, as in Botpress v12's `agentSessionTimeout`. Activity is kept in steps of a tenth
of a session, at least a minute: so much later at most comes the word that somebody is gone.
"""

from __future__ import annotations

from typing import Final

from hubspot_hitl.effects.webhook_out import EVENT, subscribers
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import installation_of
from hubspot_hitl.ports.services import Services

SEEN: Final = "agent.seen"
IDLE: Final = "agent.idle"
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000


def agent_seen(
    installation: Installation, handoff: Handoff, actor_id: str, now_ms: int
) -> list[NewDelivery]:
    """What is to be done because an agent wrote; nothing where nobody listens.

    Without a session length there is no offline, and online is told once a day.
    """
    if not actor_id.startswith("A-") or not subscribers(installation):
        return []
    session_ms = _session_ms(installation)
    if not session_ms:
        key = f"{now_ms // DAY_MS}"
        return [_event(installation, handoff.id, actor_id, key, online=True)]
    step_ms = _step_ms(session_ms)
    step = now_ms // step_ms
    return [
        NewDelivery(
            dedup_key=f"{SEEN}:{installation.id}:{actor_id}:{step_ms}:{step}",
            lane=_lane(installation, actor_id),
            kind=SEEN,
            installation_id=installation.id,
            handoff_id=handoff.id,
            body={"agentId": actor_id, "atMs": (step + 1) * step_ms},
        )
    ]


async def seen(services: Services, it: Delivery) -> Outcome:
    """Tell that the agent is online, unless that is known; look again when a session is over."""
    installation = await installation_of(services, it)
    session_ms = _session_ms(installation)
    if not session_ms:
        return Done(note="sessions are switched off")
    agent_id, at_ms = _agent(it), _at_ms(it)
    before = [one for one in await _sightings(services, it) if one.seq < it.seq]
    known = any(at_ms - _at_ms(one) <= session_ms for one in before)
    idle = NewDelivery(
        dedup_key=f"{IDLE}:{it.dedup_key}",
        lane=it.lane,
        kind=IDLE,
        installation_id=it.installation_id,
        handoff_id=it.handoff_id,
        body={"agentId": agent_id, "atMs": at_ms},
        due_ms=at_ms + session_ms,
        timer=True,
    )
    if known:
        return Done(note="online already", then=[idle])
    online = _event(installation, it.handoff_id, agent_id, str(at_ms), online=True)
    return Done(note="online", then=[online, idle])


async def idle(services: Services, it: Delivery) -> Outcome:
    """Tell that the agent is offline, unless they wrote since."""
    installation = await installation_of(services, it)
    if not _session_ms(installation):
        return Done(note="sessions are switched off")
    if any(_at_ms(one) > _at_ms(it) for one in await _sightings(services, it)):
        return Done(note="online still")
    offline = _event(installation, it.handoff_id, _agent(it), str(_at_ms(it)), online=False)
    return Done(note="offline", then=[offline])


async def _sightings(services: Services, it: Delivery) -> list[Delivery]:
    """The latest times at which the agent was seen."""
    return list(await services.ledger.find(DeliveryFilter(lane=it.lane, kind=SEEN, limit=3)))


def _event(
    installation: Installation, handoff_id: str | None, agent_id: str, key: str, *, online: bool
) -> NewDelivery:
    state = "online" if online else "offline"
    return NewDelivery(
        dedup_key=f"{EVENT}:agent:{installation.id}:{agent_id}:{state}:{key}",
        lane=f"{EVENT}:agent:{installation.id}:{agent_id}",
        kind=EVENT,
        installation_id=installation.id,
        handoff_id=handoff_id,
        body={"type": "agent", "agentId": agent_id, "online": online},
    )


def _lane(installation: Installation, agent_id: str) -> str:
    return f"{SEEN}:{installation.id}:{agent_id}"


def _session_ms(installation: Installation) -> int:
    return installation.configuration.agent_session_minutes * MINUTE_MS


def _step_ms(session_ms: int) -> int:
    return max(MINUTE_MS, session_ms // 10)


def _agent(it: Delivery) -> str:
    return str(it.body["agentId"])


def _at_ms(it: Delivery) -> int:
    """When the step ended in which the agent was seen (epoch ms); 0 for an erased sighting."""
    return it.number("atMs") if "atMs" in it.body else 0


DELIVERIES = {SEEN: seen, IDLE: idle}
"""Kind of delivery -> who handles it."""
