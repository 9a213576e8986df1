"""Calls the handler of a delivery and settles what became of it; never raises for a handler."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

import structlog

from hubspot_hitl.errors import CircuitOpen, HitlError, NoTurn, VendorError
from hubspot_hitl.ledger.attempt import Attempt, HandlerTimeout, Settled, UnknownKind
from hubspot_hitl.ledger.backoff import Policies
from hubspot_hitl.ledger.circuits import LANE, MAY_GIVE_UP, is_outage
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.ledger import Delivery, Handler, Outcome

_log = structlog.get_logger(__name__)


class Caller:
    """Kind -> handler, with a time limit, the policies for failures and a line in the log."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        clock: Clock,
        policies: Policies,
        timeout_s: float,
        circuits: Circuits | None = None,
        given_up: frozenset[str] = frozenset(),
    ) -> None:
        self._handlers = handlers
        self._clock = clock
        self._policies = policies
        self._timeout_s = timeout_s
        self._circuits = circuits
        self._given_up = given_up
        self._random = random.Random()  # noqa: S311 - spreads retries, keeps no secret

    async def call(
        self, delivery: Delivery, standing: Callable[[], tuple[Delivery | None, bool]]
    ) -> Settled:
        """Run the handler to its end.

        `standing` tells, after that, the delivery as it stands by now and whether somebody
        cancelled it. Raises CancelledError only when the task itself is cancelled.
        """
        began_ms, began_s = self._clock.now_ms(), self._clock.monotonic()
        error: Exception | None = None
        outcome: Outcome | None = None
        try:
            outcome = await self._handle(delivery)
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            error = RuntimeError("the handler cancelled itself")
            error.__cause__ = cancelled
        except Exception as raised:
            error = raised
        current, is_cancelled = standing()
        attempt = Attempt(
            current or delivery,
            began_ms,
            self._clock.monotonic() - began_s,
            is_cancelled,
            self._clock.now_ms(),
        )
        if outcome is not None:
            try:
                return attempt.succeeded(outcome)
            except HitlError as refused:
                error = refused
        error = error or TypeError("the handler returned neither Done nor Later")
        settled = attempt.failed(
            error,
            self._policies.of(delivery.kind),
            self._random.random,
            open_s=self._open_s(delivery, error),
        )
        _log_failure(delivery, settled, error)
        return settled

    def _open_s(self, delivery: Delivery, error: Exception) -> float | None:
        """When the vendor that failed is looked at again; None unless it fails altogether."""
        if self._circuits is None or not isinstance(error, VendorError) or not is_outage(error):
            return None
        return self._circuits.wait_s(delivery.installation_id, error.vendor)

    async def _handle(self, delivery: Delivery) -> Outcome:
        handler = self._handlers.get(delivery.kind)
        if handler is None:
            raise UnknownKind(
                f"no handler for deliveries of kind {delivery.kind!r}: was it written by a newer"
                " version? Upgrade, then replay it"
            )
        limit = asyncio.timeout(self._timeout_s)
        lane = LANE.set(delivery.lane)
        mine = MAY_GIVE_UP.set(delivery.seq if delivery.kind in self._given_up else None)
        try:
            async with limit:
                return await handler(delivery)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise HandlerTimeout(
                f"the handler of {delivery.kind!r} did not end within {self._timeout_s:g} s"
            ) from error
        finally:
            MAY_GIVE_UP.reset(mine)
            LANE.reset(lane)


def _log_failure(delivery: Delivery, settled: Settled, error: Exception) -> None:
    row = settled.row
    if isinstance(error, CircuitOpen | NoTurn):
        return  # the circuit said so when it opened; a busy portal is no failure
    bug = None if isinstance(error, HitlError) else error
    _log.log(
        logging.ERROR if settled.dead or bug else logging.WARNING,
        "delivery_buried" if settled.dead else "delivery_retried",
        seq=delivery.seq,
        kind=delivery.kind,
        lane=delivery.lane,
        handoff_id=delivery.handoff_id,
        installation_id=delivery.installation_id,
        attempts=row.attempts,
        error_code=row.error_code,
        due_ms=row.due_ms,
        exc_info=bug,
    )
