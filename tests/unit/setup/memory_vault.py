"""A vault that forgets everything at the end of a test."""

from __future__ import annotations

from hubspot_hitl.errors import StoreUnavailable


class MemoryVault:
    """The vault without encryption."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], bytes] = {}
        self.full = False

    async def put(self, scope: str, name: str, value: bytes) -> None:
        if self.full:
            raise StoreUnavailable("the disk is full")
        self.rows[scope, name] = value

    async def get(self, scope: str, name: str) -> bytes | None:
        return self.rows.get((scope, name))

    async def delete(self, scope: str, name: str | None = None) -> None:
        for row in [row for row in self.rows if row[0] == scope and name in (None, row[1])]:
            del self.rows[row]
