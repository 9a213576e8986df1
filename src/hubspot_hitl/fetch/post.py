"""Posts events to the addresses of subscribers, under the same guard as files are fetched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from yarl import URL

from hubspot_hitl.errors import HookFailed, HookRefused
from hubspot_hitl.fetch.addresses import problem_of
from hubspot_hitl.fetch.resolver import NotPublicError, PublicResolver
from hubspot_hitl.ports.hooks import Hooks

TIMEOUT_S: Final = 15.0
AT_A_TIME: Final = 32
_LONGEST_WAIT_S: Final = 3_600.0


class WebHooks:
    """:class:`~hubspot_hitl.ports.hooks.Hooks` over its own session, see :func:`open_hooks`."""

    def __init__(self, session: aiohttp.ClientSession, *, allow_private: bool = False) -> None:
        self._session = session
        self._allow_private = allow_private

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post JSON and read nothing of the answer but its head. See the port for what it raises.

        Errors are translated here: aiohttp's texts hold the address, and that may hold a key.
        """
        problem = problem_of(url, allow_private=self._allow_private)
        if problem is not None:
            raise HookRefused(f"the subscriber is not called: {problem}")
        told = {**headers, "Content-Type": "application/json"}
        try:
            async with self._session.post(
                URL(url), data=body, headers=told, allow_redirects=False
            ) as response:
                status, wait_s = response.status, _wait_s(response.headers.get("Retry-After"))
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, NotPublicError):
                raise HookRefused("the subscriber's address is not a public one") from None
            raise HookFailed("the subscriber cannot be reached") from None
        except (ValueError, aiohttp.InvalidURL):
            raise HookRefused("the subscriber's address is not readable") from None
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            raise HookFailed("the subscriber did not answer") from None
        if not 200 <= status < 300:
            raise HookFailed(
                f"the subscriber answered {status}", status=status, retry_after_s=wait_s
            )
        return status


def _wait_s(header: str | None) -> float | None:
    return min(float(header), _LONGEST_WAIT_S) if header and header.isdecimal() else None


@asynccontextmanager
async def open_hooks(*, allow_private: bool = False) -> AsyncGenerator[Hooks]:
    """A poster with a session of its own: no cookies, no proxies, no kept connections or names.

    `allow_private` switches the check of addresses off, for demos and tests on one machine.
    """
    connector = aiohttp.TCPConnector(
        resolver=None if allow_private else PublicResolver(),
        use_dns_cache=False,
        force_close=True,
        limit=AT_A_TIME,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": "hubspot-hitl"},
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
    ) as session:
        yield WebHooks(session, allow_private=allow_private)
