"""Calls our own address as HubSpot would, so that the doctor can see what comes of it."""

from __future__ import annotations

import aiohttp

from hubspot_hitl.hubspot.signature import SIGNATURE_V3, TIMESTAMP, sign_v3

TIMEOUT_S = 10.0


async def get_status(url: str) -> int | None:
    """The status of a GET, without following redirects; None when nobody answers."""
    try:
        async with _session() as session, session.get(url, allow_redirects=False) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


async def post_signed(url: str, body: bytes, secret: str, now_ms: int) -> int | None:
    """The status of a webhook with a v3 signature made with `secret`; None without an answer."""
    headers = {
        "Content-Type": "application/json",
        SIGNATURE_V3: sign_v3("POST", url, body, now_ms, secret),
        TIMESTAMP: str(now_ms),
    }
    try:
        async with (
            _session() as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return response.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
