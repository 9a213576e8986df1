"""Puts an agent's messages back into the order in which they were written.

HubSpot promises neither order nor arrival of webhooks, and a webhook carries no number that would
show a gap. So the thread's history decides: it is read before a message that is newer than what was
compared last, and everything in it that the ledger does not know is accepted at once. A burst costs
one read, a single message one, a message that an earlier read has covered none.

A lane that turns out to be in disorder is put in order at once: each message that stands before an
elder one, and all that are newer, move behind the others in the order of their writing. Were only
the message at the front put behind, it would stand behind newer ones, and each of these would have
to follow it: one message out of place would turn the whole lane round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import structlog

from hubspot_hitl.errors import VendorError, is_away
from hubspot_hitl.intake.hubspot_events import MESSAGE, written_ms
from hubspot_hitl.intake.thread_history import History, history_deliveries
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, Done, NewDelivery
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Compared, Services

log = structlog.get_logger(__name__)

AGAIN = ":after-those-before"
MOVED = "after earlier messages"
"""Note of a delivery whose message was put behind elder ones."""
MOST_WAITING = 1_000
CHECK_ATTEMPTS = 5
UNPLACED = 1_000_000_000
UNREAD_MS = 30_000
"""After a history that could not be read: how long the next messages wait for no second try."""


async def after_those_before(
    services: Services, message: ThreadMessage, it: Delivery
) -> Done | None:
    """The outcome that puts `message` behind elder ones of its lane; None: it is its turn.

    What no webhook has brought yet is accepted on the way. When HubSpot cannot be asked for long,
    the message is not held back for that.
    """
    compared = services.order_checks.get(it.lane, Compared())
    unexpected = False
    if _is_to_compare(services, message, it, compared):
        compared, unexpected = await _compare(services, message, it, compared)
    elif message.created_ms > compared.mixed_until_ms:
        return None
    waiting = await _waiting(services, it, written_down=unexpected)
    late = to_move(it, waiting, compared.places)
    if late or not _in_order(waiting, compared.places):
        # Others may come in between before the late ones have moved, so each of them has to look
        # for elders when its turn comes.
        mixed_until_ms = max(compared.through_ms, compared.mixed_until_ms)
        compared = replace(compared, mixed_until_ms=mixed_until_ms)
    services.order_checks[it.lane] = compared  # last: should something fail, it is done again
    return _moved(it, late) if late else None


def _is_to_compare(
    services: Services, message: ThreadMessage, it: Delivery, compared: Compared
) -> bool:
    if message.created_ms <= compared.through_ms:
        return False
    policy = services.policy
    return (
        policy.order_check == "always"
        or it.accepted_ms - message.created_ms >= policy.order_check_age_ms
    )


async def _compare(
    services: Services, message: ThreadMessage, it: Delivery, before: Compared
) -> tuple[Compared, bool]:
    """Accept what the history has and the ledger has not; times are HubSpot's, never ours.

    Also tells whether the ledger knew something that neither this message nor the last look did:
    another process may have taken it in.
    """
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    try:
        history = await history_deliveries(
            services, installation, handoff, since_ms=before.through_ms
        )
    except VendorError as error:
        now_ms = services.clock.now_ms()
        hopeless = it.attempts >= CHECK_ATTEMPTS or is_away(error, it.waited_s(now_ms))
        if error.retryable and not hopeless and now_ms >= before.unread_until_ms:
            raise
        log.warning("order_not_checked", handoff=handoff.id, error=error.code)
        return replace(before, unread_until_ms=now_ms + UNREAD_MS), True
    found = _before_ties(history, message)
    known = before.newest | {first_key(it)}
    missing = [one for one in found if one.dedup_key not in known]
    new = await services.ledger.accept(missing) if missing else 0
    newest_ms = max([message.created_ms, *map(written_ms, found)])
    newest = {one.dedup_key for one in found if written_ms(one) == newest_ms}
    if message.created_ms == newest_ms:
        newest.add(first_key(it))
    compared = Compared(
        newest_ms,
        newest_ms if new else before.mixed_until_ms,
        places={**before.places, **history.places} if history.places else before.places,
        newest=frozenset(newest),
    )
    return compared, new < len(missing)


def _before_ties(history: History, message: ThreadMessage) -> list[NewDelivery]:
    """What the history can put in order: up to where the order of a time that is shared is open.

    There the order in which the webhooks come is better evidence. Should they not come, the next
    message that is newer finds them in the history.
    """
    until = min((at for at in history.tied_ms if at >= message.created_ms), default=None)
    return [one for one in history.deliveries if until is None or written_ms(one) < until]


async def _waiting(services: Services, it: Delivery, *, written_down: bool) -> Sequence[Delivery]:
    """The other messages of the lane that wait, in the order in which they stand in it.

    `written_down` asks for what stands in the database, not for what this process knows of it.
    """
    if not written_down:
        return [one for one in await services.ledger.beside(it) if one.kind == MESSAGE]
    waiting = await services.ledger.find(
        DeliveryFilter(
            lane=it.lane,
            states=(DeliveryState.READY,),
            kind=MESSAGE,
            limit=MOST_WAITING,
            newest_first=False,
        )
    )
    return [one for one in waiting if one.seq != it.seq]


def first_key(delivery: Delivery) -> str:
    """The key under which the message came first: each later place in its lane has its own."""
    return delivery.dedup_key.partition(AGAIN)[0]


def _place(delivery: Delivery, places: Mapping[str, int]) -> tuple[int, int]:
    """When it was written, and where it stands among those that share the time."""
    return written_ms(delivery), places.get(first_key(delivery), UNPLACED)


def to_move(
    it: Delivery, waiting: Sequence[Delivery], places: Mapping[str, int]
) -> Sequence[Delivery]:
    """What has to move behind the rest of its lane, in order; empty when it is the turn of `it`.

    A delivery that was tried stays where it is: what is known of its tries would be lost.
    """
    dated = [one for one in waiting if written_ms(one) > 0]
    if all(_place(it, places) <= _place(one, places) for one in dated):
        return ()
    lane = [it, *dated]
    stand = [_place(one, places) for one in lane]
    eldest = [*accumulate(reversed(stand), min)][::-1]  # from each on
    first = min(place for place, elder in zip(stand, eldest, strict=True) if elder < place)
    late = [one for one in lane if _place(one, places) >= first and (one is it or _untried(one))]
    return sorted(late, key=lambda one: _place(one, places))


def _untried(one: Delivery) -> bool:
    return not (one.attempts or one.started or one.error_code)


def _in_order(waiting: Sequence[Delivery], places: Mapping[str, int]) -> bool:
    return all(_place(one, places) <= _place(next_, places) for one, next_ in pairwise(waiting))


def _moved(it: Delivery, late: Sequence[Delivery]) -> Done:
    return Done(
        note=MOVED,
        then=[_again(one) for one in late],
        cancel=[one.dedup_key for one in late if one is not it],
    )


def _again(it: Delivery) -> NewDelivery:
    key, _, times = it.dedup_key.partition(AGAIN)
    return it.again(f"{key}{AGAIN}{int(times or 0) + 1}")
