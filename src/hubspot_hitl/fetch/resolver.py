"""Resolves names to public addresses only, so that the connection goes where was checked.

The connector connects to exactly what this answers; asking twice (once to check, once to connect)
would let a name change its mind in between.
"""

from __future__ import annotations

import socket
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from hubspot_hitl.fetch.addresses import is_public

NOT_PUBLIC: Final = "the name has no public address"


class NotPublicError(OSError):
    """A name that resolves to addresses that are not public, and to no other."""


class PublicResolver(AbstractResolver):
    """The system's resolver without the addresses that may not be asked."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a name. Raises NotPublicError when there is none."""
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if found and not public:
            raise NotPublicError(NOT_PUBLIC)
        return public

    async def close(self) -> None:
        """Let the inner resolver go."""
        await self._inner.close()
