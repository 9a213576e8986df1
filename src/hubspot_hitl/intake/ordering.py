"""Puts an agent's messages back into the order in which they were written.

HubSpot promises neither order nor arrival of webhooks, and a webhook carries no number that would
show a gap. So the thread's history decides: it is read before a message that is newer than what was
compared last, and everything in it that the ledger does not know is accepted at once. A burst costs
one read, a single message one, a message that an earlier read has covered none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import structlog

from hubspot_hitl.errors import VendorError, is_away
from hubspot_hitl.intake.hubspot_events import MESSAGE, written_ms
from hubspot_hitl.intake.thread_history import History, history_deliveries
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Compared, Services

log = structlog.get_logger(__name__)

AGAIN = ":after-those-before"
MOST_WAITING = 1_000
CHECK_ATTEMPTS = 5
UNPLACED = 1_000_000_000
UNREAD_MS = 30_000
"""After a history that could not be read: how long the next messages wait for no second try."""


async def after_those_before(
    services: Services, message: ThreadMessage, it: Delivery
) -> NewDelivery | None:
    """The delivery that brings `message` again behind elder ones of its lane; None: it is its turn.

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
    again = any(_goes_before(one, it, compared.places) for one in waiting)
    if again or not _in_order(waiting, compared.places):
        # A message that is put behind others may be elder than some of them, so each of them has
        # to look for elders when its turn comes.
        mixed_until_ms = max(compared.through_ms, compared.mixed_until_ms)
        compared = replace(compared, mixed_until_ms=mixed_until_ms)
    services.order_checks[it.lane] = compared  # last: should something fail, it is done again
    return _again(it) if again else None


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
    known = before.newest | {_key(it)}
    missing = [one for one in found if one.dedup_key not in known]
    new = await services.ledger.accept(missing) if missing else 0
    newest_ms = max([message.created_ms, *map(written_ms, found)])
    newest = {one.dedup_key for one in found if written_ms(one) == newest_ms}
    if message.created_ms == newest_ms:
        newest.add(_key(it))
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


def _key(delivery: Delivery) -> str:
    """The key under which the message came first."""
    return delivery.dedup_key.partition(AGAIN)[0]


def _place(delivery: Delivery, places: Mapping[str, int]) -> tuple[int, int]:
    """When it was written, and where it stands among those that share the time."""
    return written_ms(delivery), places.get(_key(delivery), UNPLACED)


def _goes_before(one: Delivery, it: Delivery, places: Mapping[str, int]) -> bool:
    return written_ms(one) > 0 and _place(one, places) < _place(it, places)


def _in_order(waiting: Sequence[Delivery], places: Mapping[str, int]) -> bool:
    return all(_place(one, places) <= _place(next_, places) for one, next_ in pairwise(waiting))


def _again(it: Delivery) -> NewDelivery:
    key, _, times = it.dedup_key.partition(AGAIN)
    return it.again(f"{key}{AGAIN}{int(times or 0) + 1}")
