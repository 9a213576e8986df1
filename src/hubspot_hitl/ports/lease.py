"""Leases: work that only one replica does at a time."""

from __future__ import annotations

from typing import Protocol


class Leases(Protocol):
    """Named leases, seen by all replicas. Raises StoreUnavailable when the database is away."""

    async def acquire(self, name: str, now_ms: int, until_ms: int) -> bool:
        """True when the lease is ours until `until_ms`; False while another's has not run out.

        Whoever may hold it longer than that must take care to be idempotent.
        """
        ...

    async def release(self, name: str, until_ms: int) -> None:
        """Give a lease back early; one that somebody else has taken since is left alone."""
        ...
