"""HubSpot's clock, as the Date header of any answer tells it."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import aiohttp

TIMEOUT_S = 5.0


async def vendor_ms(base_url: str) -> int | None:
    """HubSpot's time (epoch ms, to the second), None when it cannot be asked or does not tell.

    The answer to a call without a token is a refusal, and its header is all that is wanted.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(base_url, allow_redirects=False) as response,
        ):
            told = response.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError):
        return None
    return date_ms(told)


def date_ms(text: str | None) -> int | None:
    """The time in a Date header; None when it is not one.

    >>> date_ms("Thu, 01 Jan 1970 00:00:01 GMT")
    1000
    """
    try:
        return round(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
