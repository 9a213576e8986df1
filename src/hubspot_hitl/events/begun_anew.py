"""The bot began its session anew: an answer of ours was lost, and with it all that came before."""

from __future__ import annotations

from dataclasses import replace

from hubspot_hitl.effects.agents import SYSTEM_ACTOR, mirror_agent
from hubspot_hitl.effects.carry_out import NEXT_NOTE, Stage, carry_out
from hubspot_hitl.effects.relay import relay
from hubspot_hitl.effects.unheard import BEGUN_ANEW, unheard
from hubspot_hitl.events.operator_send_message import author_of
from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.records import EndReason, Handoff
from hubspot_hitl.handoff.thread_effects import EmitStopped
from hubspot_hitl.handoff.thread_events import Assigned
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services


async def handle_begun_anew(services: Services, it: Delivery) -> Outcome:
    """Tell the bot who answers, as if for the first time, and what was said to nobody.

    If the handoff has ended meanwhile, the bot may have been told before its session began, when
    it hears nothing: it is told again. The plugin ignores what it has heard already.
    """
    handoff = await handoff_of(services, it)
    if not handoff.active:
        return await _told_of_the_end(services, it, handoff)
    if "marks" not in it.body:
        return Done(note="nothing was said since")
    installation = await installation_of(services, it)
    anew = replace(handoff, announced=(), history_marks=str(it.body["marks"]))
    if anew != handoff:
        anew = await services.handoffs.save(anew)
    at_ms = max(services.clock.now_ms(), anew.assigned_ms or 0)
    told: Outcome = Done()
    if anew.agent_actor_id is not None:
        told = await happen(services, it, Assigned(anew.agent_actor_id, at_ms))
    for message in await unheard(services, anew):
        agent = await mirror_agent(services, installation, author_of(message) or SYSTEM_ACTOR)
        again = f":{it.body['mark']}"
        await relay(services, installation, anew, message, agent, repetition=again)
    return told


async def _told_of_the_end(services: Services, it: Delivery, handoff: Handoff) -> Outcome:
    stage = Stage(services, await installation_of(services, it), handoff, it)
    await carry_out(stage, EmitStopped(handoff.end_reason or EndReason.INTERNAL_ERROR))
    return Done(note=NEXT_NOTE.join(stage.notes))


DELIVERIES = {BEGUN_ANEW: handle_begun_anew}
"""Kind of delivery -> who handles it."""
