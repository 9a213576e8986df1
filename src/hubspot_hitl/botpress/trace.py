"""The trace a request belongs to, carried from the operation being served to the calls it makes.

Pure. Format of the two values: https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass

_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}[ -~]{0,64}")
_STATE = re.compile(r"[ -~]{1,512}")


@dataclass(frozen=True, slots=True)
class Trace:
    """`traceparent` and `tracestate`, each None when absent or not well formed."""

    traceparent: str | None = None
    tracestate: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What an outgoing call carries on."""
        pairs = (("traceparent", self.traceparent), ("tracestate", self.tracestate))
        return {name: value for name, value in pairs if value is not None}

    @property
    def trace_id(self) -> str | None:
        """The 32 hex digits that name the trace in logs."""
        return self.traceparent[3:35] if self.traceparent else None


current_trace: ContextVar[Trace] = ContextVar("hubspot_hitl_trace")


def trace_of(traceparent: str | None, tracestate: str | None) -> Trace:
    """The trace in two header values; what is malformed is left out, as the standard asks.

    >>> trace_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None).trace_id
    '0af7651916cd43dd8448eb211c80319c'
    >>> trace_of("nonsense", "a=1")
    Trace(traceparent=None, tracestate=None)
    """
    if traceparent is None or not _PARENT.fullmatch(traceparent):
        return Trace()
    good_state = tracestate is not None and _STATE.fullmatch(tracestate)
    return Trace(traceparent, tracestate if good_state else None)
