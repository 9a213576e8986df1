"""Carries out a call to a twin under the faults in force, and writes it into the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from hubspot_hitl.twins.faults import STATUS_OF, Fault, FaultKind, Faults
from hubspot_hitl.twins.journal import Journal


class Vendor(Protocol):
    """What a twin brings to :func:`carry_out`."""

    faults: Faults
    journal: Journal

    def fault_answer(self, fault: Fault, status: int) -> web.Response:
        """The vendor's own error answer for a status fault."""
        ...

    def caller_of(self, request: web.Request) -> str:
        """Who calls, for faults that strike some only; empty when the request does not tell."""
        ...

    def spoil_credentials(self, kind: FaultKind, request: web.Request) -> None:
        """Expire the caller's tokens or revoke the grant."""
        ...


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def carry_out(
    vendor: Vendor,
    operation: str,
    request: web.Request,
    effect: Callable[[], Awaitable[web.Response]],
) -> web.Response:
    """Answer a call: faults before the effect, the effect, faults after it, the journal entry."""
    began = time.perf_counter()
    struck = vendor.faults.draw(operation, vendor.caller_of(request))
    response = await _with_faults(vendor, struck, request, effect) if struck else await effect()
    vendor.journal.add(
        "call",
        operation=operation,
        method=request.method,
        path=request.path,
        status=response.status,
        ms=round((time.perf_counter() - began) * 1000, 2),
        faults=[fault.kind.value for fault in struck],
    )
    return response


async def _with_faults(
    vendor: Vendor,
    struck: tuple[Fault, ...],
    request: web.Request,
    effect: Callable[[], Awaitable[web.Response]],
) -> web.Response:
    for fault in struck:
        if fault.kind in (FaultKind.TOKEN_EXPIRED, FaultKind.GRANT_REVOKED):
            vendor.spoil_credentials(fault.kind, request)
        elif fault.kind is FaultKind.LATENCY and not fault.after:
            await asyncio.sleep(fault.seconds)
    for fault in struck:
        if fault.kind is FaultKind.SILENCE:
            await asyncio.sleep(fault.seconds)
            return _reset(request)
        if fault.kind is FaultKind.RESET_BEFORE:
            return _reset(request)
        if fault.kind in STATUS_OF and not fault.after:
            return vendor.fault_answer(fault, STATUS_OF[fault.kind])
    response = await effect()
    for fault in struck:
        if fault.kind is FaultKind.LATENCY and fault.after:
            await asyncio.sleep(fault.seconds)
        elif fault.kind is FaultKind.RESET_AFTER:
            return _reset(request)
        elif fault.kind in STATUS_OF and fault.after:
            return vendor.fault_answer(fault, STATUS_OF[fault.kind])
        elif fault.kind is FaultKind.CUT_OFF and isinstance(response.body, bytes):
            response.body = response.body[: len(response.body) // 2]
    return response
