"""What the end of one attempt means for its delivery; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hubspot_hitl.errors import CircuitOpen, HitlError, NoTurn, ServiceError, VendorError
from hubspot_hitl.ledger import observer
from hubspot_hitl.ledger.backoff import Bury, Policy, Retry, decide, error_code
from hubspot_hitl.ledger.rows import FinishRow, NewRow, is_storable, new_row, storable
from hubspot_hitl.ports.circuits import waiting_for
from hubspot_hitl.ports.ledger import Delivery, DeliveryState, Done, Outcome

OUTAGE_PATIENCE = 6
"""How many times more often than usual is tried what a vendor that is away has failed."""
TURN_PATIENCE_MS = 600_000
"""How long a delivery with a limit of tries may wait for its turn in a rate limit uncounted."""
_LONGEST_WAIT_S = 10 * 365 * 24 * 3600.0


class UnknownKind(ServiceError):
    """No handler is registered for the kind of a delivery."""

    code = "unknown_kind"


class HandlerTimeout(ServiceError):
    """A handler did not finish in time; its effect may or may not have happened."""

    code = "handler_timeout"
    retryable = True


class LaneLost(ServiceError):
    """Another replica owns the lane by now: the handler must not go on."""

    code = "lane_lost"
    retryable = True


@dataclass(frozen=True, slots=True)
class Settled:
    """What to write, what to accept and cancel with it, what to try again, what to tell."""

    row: FinishRow
    event: observer.Event | None
    again: Delivery | None = None
    then: Sequence[NewRow] = ()
    cancel: Sequence[str] = ()
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a handler. `cancelled`: somebody cancelled the delivery while it ran."""

    delivery: Delivery
    began_ms: int
    took_s: float
    cancelled: bool
    now_ms: int

    def succeeded(self, outcome: Outcome) -> Settled:
        """Done, or postponed. Raises InvalidPayload when a follow-up cannot be stored."""
        delivery = self.delivery
        if isinstance(outcome, Done):
            then = [new_row(new) for new in outcome.then]
            cancel = tuple(key for key in outcome.cancel if is_storable(key))
            waited_ms = self.began_ms - max(delivery.due_ms, delivery.accepted_ms)
            event = observer.Finished(delivery, max(0, waited_ms), self.took_s)
            row = self._row(DeliveryState.DONE, note=outcome.note)
            return Settled(row, event, then=then, cancel=cancel)
        if self.cancelled:
            return self._cancelled()
        wait_s = outcome.after_s if outcome.after_s > 0 else 0.0  # nan is no wait either
        at_ms = self.now_ms + max(1, round(min(wait_s, _LONGEST_WAIT_S) * 1000))
        again = replace(delivery, due_ms=at_ms, note=storable(outcome.reason))
        row = self._row(
            DeliveryState.READY,
            due_ms=at_ms,
            code=delivery.error_code,
            error=delivery.error,
            note=outcome.reason,
        )
        return Settled(row, observer.Postponed(delivery, at_ms), again=again)

    def failed(
        self,
        error: BaseException,
        policy: Policy,
        random: Callable[[], float],
        *,
        open_s: float | None = None,
    ) -> Settled:
        """Retried, parked, buried, or cancelled if somebody asked for that meanwhile.

        `open_s`: the vendor that failed fails this installation altogether, and is looked at again
        after so many seconds. A limit of attempts is wider then; it still holds, for it may be this
        delivery alone that the vendor chokes on.
        """
        if self.cancelled:
            return self._cancelled()
        delivery = self.delivery
        if isinstance(error, CircuitOpen | NoTurn) and not self._too_long(error, policy):
            return self._parked(error)
        if open_s is not None and policy.max_attempts is not None:
            policy = replace(policy, max_attempts=policy.max_attempts * OUTAGE_PATIENCE)
        attempts = delivery.attempts + 1
        verdict = decide(
            error,
            attempts=attempts,
            accepted_ms=delivery.accepted_ms,
            now_ms=self.now_ms,
            policy=policy,
            random=random,
        )
        text = _for_people(error, delivery.kind)
        match verdict:
            case Retry(at_ms, code):
                return self._retried(error, at_ms, code, text, attempts=attempts, open_s=open_s)
            case Bury(reason, code):
                row = self._row(DeliveryState.DEAD, attempts=attempts, code=code, error=text)
                return Settled(row, observer.Buried(delivery, reason, code), dead=True)

    def _retried(
        self,
        error: BaseException,
        at_ms: int,
        code: str,
        text: str | None,
        *,
        attempts: int,
        open_s: float | None,
    ) -> Settled:
        note = None
        if open_s is not None and isinstance(error, VendorError):
            note = waiting_for(error.vendor)
            if error.retry_after_s is None:
                at_ms = min(at_ms, self.now_ms + max(1, round(open_s * 1000)))
        again = replace(
            self.delivery,
            attempts=attempts,
            due_ms=at_ms,
            error_code=code,
            error=text,
            note=note,
        )
        row = self._row(
            DeliveryState.READY,
            attempts=attempts,
            due_ms=at_ms,
            code=code,
            error=text,
            note=note,
        )
        return Settled(row, observer.Retried(self.delivery, at_ms, code), again=again)

    def _too_long(self, error: CircuitOpen | NoTurn, policy: Policy) -> bool:
        """Whether waiting for a turn counts as a try: else no limit of tries would ever hold."""
        waited_ms = self.now_ms - self.delivery.accepted_ms
        limited = policy.max_attempts is not None
        return isinstance(error, NoTurn) and limited and waited_ms >= TURN_PATIENCE_MS

    def _parked(self, error: CircuitOpen | NoTurn) -> Settled:
        """Nothing was tried: no attempt is counted, and what an earlier one met with stays known.

        Handlers read from `error_code` whether an effect is in doubt.
        """
        delivery = self.delivery
        at_ms = self.now_ms + max(1, round((error.retry_after_s or 0.0) * 1000))
        note = waiting_for(error.vendor)
        row = self._row(
            DeliveryState.READY,
            due_ms=at_ms,
            code=delivery.error_code,
            error=delivery.error,
            note=note,
        )
        again = replace(delivery, due_ms=at_ms, note=note)
        return Settled(row, observer.Postponed(delivery, at_ms), again=again)

    def _cancelled(self) -> Settled:
        return Settled(self._row(DeliveryState.CANCELLED), None)

    def _row(
        self,
        state: DeliveryState,
        *,
        attempts: int | None = None,
        due_ms: int | None = None,
        code: str | None = None,
        error: str | None = None,
        note: str | None = None,
    ) -> FinishRow:
        return FinishRow(
            seq=self.delivery.seq,
            state=state,
            attempts=self.delivery.attempts if attempts is None else attempts,
            due_ms=self.delivery.due_ms if due_ms is None else due_ms,
            finished_ms=None if state is DeliveryState.READY else self.now_ms,
            error_code=code,
            error=error,
            note=storable(note),
        )


def _for_people(error: BaseException, kind: str) -> str | None:
    """Our own messages are safe to show; those of others may hold a person's words."""
    if isinstance(error, HitlError):
        return storable(error.message)
    return f"{type(error).__name__} in the handler of {kind!r}: see the log ({error_code(error)})"
