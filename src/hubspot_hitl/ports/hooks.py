"""What the rest of the house needs to tell an address that the bot owner chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hubspot_hitl.errors import HookRefused


class Hooks(Protocol):
    """Posts events to public addresses only, within a time, and follows nobody elsewhere."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post JSON; returns the status, which is a 2xx.

        Raises HookRefused for an address that may not be called, HookFailed for everything else.
        """
        ...


class NoHooks:
    """Stands where nothing was handed in that could call an address."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Raises HookRefused."""
        raise HookRefused("this process was built without a way to call subscribers")
