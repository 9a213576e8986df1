"""The row that watches over a handoff's silences, and how patient it is."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.silence import Patience
from hubspot_hitl.integration.actions import HitlSession
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import NewDelivery

WATCH: Final = "handoff.watch"


def patience_of(installation: Installation, handoff: Handoff) -> Patience:
    """How long is waited in this handoff: as its session says, else as the owner does."""
    session = HitlSession.model_validate_json(handoff.session)
    owner = installation.configuration

    def chosen(own: int | None, usual: int) -> int:
        return usual if own is None else own

    return Patience(
        no_agent_s=chosen(session.no_agent_seconds, owner.no_agent_seconds),
        agent_nudge_s=chosen(session.agent_nudge_seconds, owner.agent_nudge_seconds),
        agent_silent_s=chosen(session.agent_silent_seconds, owner.agent_silent_seconds),
        user_nudge_s=chosen(session.user_nudge_seconds, owner.user_nudge_seconds),
        user_silent_s=chosen(session.user_silent_seconds, owner.user_silent_seconds),
    )


def watch_key(handoff: Handoff) -> str:
    """The key of the watch of this period of activity."""
    return f"watch:{handoff.id}:{handoff.ended_ms or 0}"


def watch(
    installation: Installation, handoff: Handoff, now_ms: int, key: str | None = None
) -> list[NewDelivery]:
    """The watch over a handoff that begins or goes on; none when nothing is limited."""
    shortest_s = patience_of(installation, handoff).shortest_s
    if not shortest_s:
        return []
    return [
        NewDelivery(
            dedup_key=key or watch_key(handoff),
            lane=handoff.id,
            kind=WATCH,
            installation_id=handoff.installation_id,
            handoff_id=handoff.id,
            body={},
            due_ms=now_ms + shortest_s * 1000,
            timer=True,
        )
    ]
