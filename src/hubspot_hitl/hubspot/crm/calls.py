"""How the CRM part calls HubSpot: behind live chat, with refusals explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from hubspot_hitl.hubspot.answers import Answer
from hubspot_hitl.hubspot.crm.refusals import refusal
from hubspot_hitl.hubspot.fields import Fields
from hubspot_hitl.hubspot.rest import Rest, record_of
from hubspot_hitl.hubspot.transport import Call, query_of
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.hubspot import Priority

Record = TypeVar("Record")

EXPLAINED: Final = frozenset({400, 403})
MISSING: Final = frozenset({404})


class CrmCalls:
    """Sends calls over the client of one portal. The parts of the CRM client build on it."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock

    async def _send(self, call: Call) -> Answer:
        """Send a call. Raises FieldsRefused, MissingScope or another VendorError."""
        answer = await self._rest.send(replace(call, accept=call.accept | EXPLAINED))
        if answer.status in EXPLAINED:
            raise refusal(answer, call.operation, self._clock.now_ms())
        return answer

    async def _read(self, call: Call, of: Callable[[Fields], Record]) -> Record:
        return record_of(await self._send(call), call.operation, of)

    async def _read_if_there(self, call: Call, of: Callable[[Fields], Record]) -> Record | None:
        """The record, None for a 404."""
        answer = await self._send(replace(call, accept=MISSING))
        return None if answer.status in MISSING else record_of(answer, call.operation, of)

    async def _pages(
        self, call: Call, of: Callable[[Fields], Record], *, limit: int | None = None
    ) -> Sequence[Record]:
        return await self._rest.pages(call, of, limit=limit)


def get(operation: str, path: str, **query: str | int | bool | None) -> Call:
    """A reading call."""
    return Call(operation, "GET", path, query=query_of(query), priority=Priority.CRM)


def send(
    operation: str, method: str, path: str, body: object = None, *, repeatable: bool | None = None
) -> Call:
    """A call with a body; `repeatable` tells what the method does not."""
    return Call(operation, method, path, body=body, priority=Priority.CRM, idempotent=repeatable)
