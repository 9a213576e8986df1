"""Journeys as OpenTelemetry spans: one trace for each handoff, from the user's words to the answer.

The trace's id is the handoff's id without its dashes, so every replica puts its spans into the same
trace, restarts included, and a trace is found without a search. Spans are made when a journey is
over; nothing happens while the work runs. Needs the extra `otel`, which is imported only here.
"""

from __future__ import annotations

import hashlib
import random
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hubspot_hitl import __version__
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.ports.flight import CallMade, Journey

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

START = "action startHitl"
_wanted: ContextVar[tuple[int, int] | None] = ContextVar("hubspot_hitl_span_ids", default=None)


def trace_id_of(handoff_id: str) -> int:
    """The trace of a handoff.

    >>> f"{trace_id_of('7e8a1c52-6a6e-4f0e-9c58-2c1f0d3b5a10'):032x}"
    '7e8a1c526a6e4f0e9c582c1f0d3b5a10'
    """
    try:
        return UUID(handoff_id).int
    except ValueError:
        return int.from_bytes(hashlib.sha256(handoff_id.encode()).digest()[:16])


def root_span_id_of(handoff_id: str) -> int:
    """The span of the handoff's start, under which everything else lies."""
    return int.from_bytes(hashlib.sha256(f"root:{handoff_id}".encode()).digest()[:8]) or 1


class _Ids:
    """Random ids, unless the root of a handoff is being made."""

    def generate_trace_id(self) -> int:
        wanted = _wanted.get()
        return wanted[0] if wanted else random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        wanted = _wanted.get()
        return wanted[1] if wanted else random.getrandbits(64) or 1

    def is_trace_id_random(self) -> bool:
        return True


class Tracer:
    """A sink of journeys. `exporter` takes the spans instead of OTLP (the `OTEL_*` variables)."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

                exporter = OTLPSpanExporter()
        except ImportError as error:
            raise BadSettings(
                "HITL_TRACES is on, but OpenTelemetry is not installed: install hubspot-hitl[otel]"
            ) from error
        self._api: Any = trace
        ids: Any = _Ids()
        resource = Resource.create({"service.name": "hubspot-hitl", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, id_generator=ids)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("hubspot_hitl", __version__)

    def add(self, journey: Journey) -> None:
        """Make the journey's span and one for each call in it."""
        attributes: dict[str, str | int] = {
            "hitl.outcome": journey.outcome,
            "hitl.installation.id": journey.installation_id,
        }
        if journey.handoff_id:
            attributes["hitl.handoff.id"] = journey.handoff_id
        if journey.seq is not None:
            attributes |= {"hitl.delivery.seq": journey.seq, "hitl.failures": journey.failures}
        if journey.accepted_ms is not None:
            attributes["hitl.waited_ms"] = max(0, journey.at_ms - journey.accepted_ms)
        is_root = journey.name == START and journey.handoff_id is not None
        token = _wanted.set(_ids_of(journey.handoff_id) if is_root else None)
        try:
            span = self._tracer.start_span(
                journey.name,
                context=None if is_root else self._under_the_start(journey.handoff_id),
                kind=self._api.SpanKind.SERVER if journey.seq is None else self._consumer,
                attributes=attributes,
                links=self._caller(journey.parent),
                start_time=journey.at_ms * 1_000_000,
            )
        finally:
            _wanted.reset(token)
        inside = self._api.set_span_in_context(span)
        for call in journey.calls:
            self._call(call, inside)
        if journey.outcome not in ("ok", "later"):
            span.set_status(self._api.Status(self._api.StatusCode.ERROR, journey.outcome))
        span.end(end_time=_ns(journey.at_ms + journey.took_ms))

    def shutdown(self) -> None:
        """Send what is left; blocks for as long as the exporter's time-out."""
        self._provider.shutdown()

    @property
    def _consumer(self) -> Any:
        return self._api.SpanKind.CONSUMER

    def _call(self, call: CallMade, inside: Context) -> None:
        attributes: dict[str, str | int] = {"peer.service": call.vendor}
        if call.status is not None:
            attributes["http.response.status_code"] = call.status
        if call.correlation_id is not None:
            attributes[f"{call.vendor}.correlation_id"] = call.correlation_id
        span = self._tracer.start_span(
            f"{call.vendor} {call.operation}",
            context=inside,
            kind=self._api.SpanKind.CLIENT,
            attributes=attributes,
            start_time=call.at_ms * 1_000_000,
        )
        if call.outcome != "ok":
            span.set_status(self._api.Status(self._api.StatusCode.ERROR, call.outcome))
        span.end(end_time=_ns(call.at_ms + call.took_ms))

    def _under_the_start(self, handoff_id: str | None) -> Context | None:
        if handoff_id is None:
            return None
        trace_id, span_id = _ids_of(handoff_id)
        context = self._api.SpanContext(
            trace_id, span_id, is_remote=True, trace_flags=self._api.TraceFlags(1)
        )
        found: Context = self._api.set_span_in_context(self._api.NonRecordingSpan(context))
        return found

    def _caller(self, traceparent: str | None) -> list[Any]:
        """A link to the trace in which Botpress called."""
        if traceparent is None:
            return []
        _, trace_id, span_id, _ = traceparent.split("-")[:4]
        context = self._api.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True)
        return [self._api.Link(context)]


def _ids_of(handoff_id: str | None) -> tuple[int, int]:
    handoff_id = handoff_id or ""
    return trace_id_of(handoff_id), root_span_id_of(handoff_id)


def _ns(ms: float) -> int:
    return round(ms * 1_000_000)
