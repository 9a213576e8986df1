"""Watches the work and tells whoever records it: metrics, the flight recorder, traces.

The handlers and the vendors' clients know nothing of this; `house` puts it around them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from hubspot_hitl.botpress.trace import Trace, current_trace
from hubspot_hitl.errors import HitlError
from hubspot_hitl.observing.metrics import Metrics, Observed
from hubspot_hitl.ports import flight
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.flight import CallMade, Journey
from hubspot_hitl.ports.ledger import Delivery, Done, Handler, Outcome

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

FIRST_AGENT = "first_agent_ms"

T = TypeVar("T")
Sink = Callable[[Journey], None]


class ObservedHubSpot(Observed, Protocol):
    """What is told of a call to HubSpot beside what metrics need."""

    @property
    def correlation_id(self) -> str | None:
        """HubSpot's own name of the call."""
        ...


class ObservedBotpress(Protocol):
    """What is told of a request to Botpress; `error_id` is Botpress's own name of a failure."""

    @property
    def operation(self) -> str:
        """Which request."""
        ...

    @property
    def outcome(self) -> str:
        """`ok` or the error's code."""
        ...

    @property
    def seconds(self) -> float:
        """Botpress's time."""
        ...

    @property
    def status(self) -> int | None:
        """HTTP status of a refusal."""
        ...

    @property
    def error_id(self) -> str | None:
        """The `id` in a refusal's body."""
        ...


@dataclass(slots=True)
class Observing:
    """Metrics, and every finished journey to each of the `sinks`."""

    metrics: Metrics
    clock: Clock
    sinks: list[Sink] = field(default_factory=list[Sink])

    def hubspot(self, installation_id: str, observed: ObservedHubSpot) -> None:
        """The HubSpot clients' observer."""
        self.metrics.hubspot(installation_id, observed)
        took_ms = observed.seconds * 1000
        flight.called(
            CallMade(
                "hubspot",
                observed.operation,
                self.clock.now_ms() - round(took_ms),
                round(took_ms, 1),
                observed.error_code or "ok",
                observed.status,
                observed.correlation_id,
            )
        )

    def botpress(self, observed: ObservedBotpress) -> None:
        """The Botpress clients' observer."""
        self.metrics.botpress(observed.operation, observed.outcome, observed.seconds)
        took_ms = observed.seconds * 1000
        flight.called(
            CallMade(
                "botpress",
                observed.operation,
                self.clock.now_ms() - round(took_ms),
                round(took_ms, 1),
                observed.outcome,
                observed.status,
                observed.error_id,
            )
        )

    def handler(self, handle: Handler) -> Handler:
        """The handler, watched: one journey for each attempt."""

        async def watched(it: Delivery) -> Outcome:
            journey = Journey(
                it.kind,
                self.clock.now_ms(),
                it.installation_id,
                it.handoff_id,
                it.seq,
                it.attempts,
                it.accepted_ms,
            )
            outcome = await self._during(journey, handle(it))
            if not isinstance(outcome, Done):
                journey.outcome = "later"
            self._tell(journey)
            return outcome

        return watched

    async def operation(self, name: str, installation_id: str, work: Awaitable[T]) -> T:
        """Work for an operation of Botpress, watched."""
        journey = Journey(name, self.clock.now_ms(), installation_id)
        journey.parent = current_trace.get(Trace()).traceparent
        found = await self._during(journey, work)
        self._tell(journey)
        return found

    async def _during(self, journey: Journey, work: Awaitable[T]) -> T:
        began_s = self.clock.monotonic()
        token = flight.current.set(journey)
        try:
            return await work
        except BaseException as error:
            journey.outcome = error.code if isinstance(error, HitlError) else type(error).__name__
            journey.took_ms = (self.clock.monotonic() - began_s) * 1000
            self._tell(journey)
            raise
        finally:
            journey.took_ms = (self.clock.monotonic() - began_s) * 1000
            flight.current.reset(token)

    def _tell(self, journey: Journey) -> None:
        waited_ms = journey.notes.pop(FIRST_AGENT, None)
        if isinstance(waited_ms, int) and journey.outcome == "ok":
            self.metrics.first_agent.add(max(0, waited_ms) / 1000)
        for sink in self.sinks:
            sink(journey)


@asynccontextmanager
async def open_traces(
    observing: Observing, *, wanted: bool, exporter: SpanExporter | None = None
) -> AsyncGenerator[None]:
    """Make traces of journeys, if they are wanted or somebody takes them.

    Raises BadSettings when OpenTelemetry is not installed.
    """
    if not wanted and exporter is None:
        yield
        return
    from hubspot_hitl.observing.tracing import Tracer  # the extra `otel`

    tracer = Tracer(exporter)
    observing.sinks.append(tracer.add)
    try:
        yield
    finally:
        await asyncio.to_thread(tracer.shutdown)
