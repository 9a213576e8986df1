"""One event of a thread, decided and done: the frame that the three operator handlers share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import structlog

from hubspot_hitl.effects.carry_out import NEXT_NOTE, Stage, carry_out
from hubspot_hitl.effects.ending import CHECKED
from hubspot_hitl.effects.held import held_before, may_hold, wake_held
from hubspot_hitl.effects.moved import save_moved
from hubspot_hitl.effects.tagging import tags_later
from hubspot_hitl.effects.watching import watch, watch_key
from hubspot_hitl.errors import VendorError, is_away
from hubspot_hitl.handoff import thread_events as domain
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.thread_effects import EmitStopped, RelayMessage, WaitForStart
from hubspot_hitl.intake.hubspot_events import MESSAGE, written_ms
from hubspot_hitl.intake.thread_history import history_deliveries
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, Done, Later, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 0.25
LOOK_AGAIN_LATER_S = 5.0
HELD_FIRST_S = 0.1
# A close is looked at twice: first the thread's last messages are put before it, then it is done,
# once none of them waits any more.
BEHIND = ":behind"
CHECK_ATTEMPTS = 3


async def happen(
    services: Services,
    it: Delivery,
    event: domain.ThreadEvent,
    message: ThreadMessage | None = None,
) -> Outcome:
    """Decide what `event` does to the delivery's handoff, do it, and save the handoff.

    The effects come before the save: a crash in between repeats them, and each is safe to repeat.
    """
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if message is None and _is_of_a_left_thread(it, handoff):
        return Done(note="the chat has left this thread")
    now_ms = services.clock.now_ms()
    decision = domain.decide(handoff, event, now_ms, _policy(installation))
    if WaitForStart() in decision.effects:
        # Its end, if it comes to nothing, is told as any: what an agent wrote is answered then.
        overdue = now_ms - handoff.created_ms > services.policy.start_overdue_ms
        wait_s = LOOK_AGAIN_LATER_S if overdue else LOOK_AGAIN_S
        return Later(wait_s, "the handoff is starting")
    if _ends(decision):
        first = await last_words_first(services, it, handoff, event.at_ms)
        if first is not None:
            return first
    stage = Stage(services, installation, handoff, it, message)
    if await _behind_held(stage, decision):
        return Later(HELD_FIRST_S, "what is held for the user comes first")
    for effect in decision.effects:
        await carry_out(stage, effect)
    saved = await _save(services, stage, decision.handoff)
    then = [*stage.then, *tags_later(it, handoff, saved)]
    if may_hold(installation) and saved.announced and not handoff.announced:
        await wake_held(services, saved)
    if saved.active and not handoff.active:
        then += watch(installation, saved, now_ms)
    over = handoff.active and not saved.active and it.dedup_key != watch_key(handoff)
    cancel = [watch_key(handoff)] if over else []
    return Done(note=NEXT_NOTE.join(stage.notes) or "nothing to do", then=then, cancel=cancel)


def _is_of_a_left_thread(it: Delivery, handoff: Handoff) -> bool:
    """Whether it came while the chat was being transferred, of the thread where it was before."""
    thread_id = it.body.get("threadId")
    return bool(thread_id) and handoff.thread_id is not None and thread_id != handoff.thread_id


def _policy(installation: Installation) -> domain.Policy:
    configuration = installation.configuration
    return domain.Policy(
        reopen=configuration.reopen, reopen_window_ms=configuration.reopen_hours * 3_600_000
    )


def _ends(decision: domain.Decision) -> bool:
    return any(isinstance(effect, EmitStopped) for effect in decision.effects)


async def _behind_held(stage: Stage, decision: domain.Decision) -> bool:
    """Whether an agent's message has to wait for what is held; the agent is announced already.

    What is held has a lane of its own and goes out only to a user whose agent is announced. It is
    delivered or dies within the ledger's patience, so the wait ends as one in the same lane would.
    """
    services, decided = stage.services, decision.handoff
    relays = any(isinstance(effect, RelayMessage) for effect in decision.effects)
    reachable = decided.announced and decided.conversation_id is not None
    if not (relays and reachable and may_hold(stage.installation)):
        return False
    if not await held_before(services, stage.it, decided):
        return False
    for effect in decision.effects:
        if not isinstance(effect, RelayMessage):
            await carry_out(stage, effect)
    saved = await _save(services, stage, decided)
    await services.ledger.accept([*stage.then, *tags_later(stage.it, stage.handoff, saved)])
    await wake_held(services, saved, failed=False)
    return True


async def last_words_first(
    services: Services, it: Delivery, handoff: Handoff, until_ms: int
) -> Outcome | None:
    """What to do before the handoff leaves its thread; None when it may.

    Agent messages of up to `until_ms` (HubSpot's clock) that no webhook has brought yet are put
    into the lane, and `it` once more behind them.
    """
    if it.dedup_key.endswith(CHECKED):
        if not await _words_wait(services, it, until_ms):
            return None
        return Done(note="what was written before comes first", then=[_checked(it)])
    installation = await installation_of(services, it)
    missing: Sequence[NewDelivery] = ()
    try:
        missing = (await history_deliveries(services, installation, handoff)).deliveries
    except VendorError as error:
        waited_s = it.waited_s(services.clock.now_ms())
        hopeless = it.attempts >= CHECK_ATTEMPTS or is_away(error, waited_s)
        if error.retryable and not hopeless:
            raise
        log.warning("last_messages_not_checked", handoff=handoff.id, error=error.code)
    return Done(note="the thread's last messages come first", then=[*missing, _checked(it)])


async def _words_wait(services: Services, it: Delivery, until_ms: int) -> bool:
    """Whether agent messages of up to then stand behind the end.

    Webhooks come in any order: a message that overtook an elder one was put behind it, and so
    perhaps behind the end as well.
    """
    beside = await services.ledger.beside(it)
    return any(one.kind == MESSAGE and written_ms(one) <= until_ms for one in beside)


def _checked(it: Delivery) -> NewDelivery:
    """The end once more, behind what its lane has by then."""
    key, _, times = it.dedup_key.removesuffix(CHECKED).partition(BEHIND)
    suffix = f"{BEHIND}{int(times or 0) + 1}" if it.dedup_key.endswith(CHECKED) else ""
    return it.again(f"{key}{suffix}{CHECKED}")


async def _save(services: Services, stage: Stage, decided: Handoff) -> Handoff:
    """Save what changed; the time of the last message alone is not worth a write."""
    agent = stage.agents.get(decided.agent_actor_id or "")
    if agent is not None and agent.user_id != decided.agent_user_id:
        decided = dataclasses.replace(decided, agent_user_id=agent.user_id)
    before = stage.handoff
    if dataclasses.replace(before, last_agent_ms=decided.last_agent_ms) == decided:
        return before
    saved = await save_moved(services, stage.installation, before, decided)
    if before.state is not decided.state:
        log.info(
            "handoff_moved",
            handoff=decided.id,
            before=before.state.value,
            after=decided.state.value,
            reason=decided.end_reason,
            agent=decided.agent_actor_id,
        )
    return saved
