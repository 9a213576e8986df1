"""Circuit breakers: one for each installation and vendor, asked before each call."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from hubspot_hitl.errors import Vendor

VENDORS: Final[tuple[Vendor, ...]] = ("hubspot", "botpress")


class Circuits(Protocol):
    """What the vendors' clients and the metrics know of the breakers."""

    def calling(
        self, installation_id: str, vendor: Vendor, operation: str
    ) -> AbstractAsyncContextManager[None]:
        """Surround one request; what it raises tells how the vendor is.

        Entering raises CircuitOpen instead of letting a request out that would fail.
        """
        ...

    def check(self, installation_id: str, vendor: Vendor, operation: str) -> None:
        """Raise CircuitOpen if `calling` surely would: before a place in a queue is taken."""
        ...

    def wait_s(self, installation_id: str, vendor: Vendor) -> float | None:
        """Seconds until another look at the vendor is worth it; None while calls go through."""
        ...

    def open_by_vendor(self) -> Mapping[Vendor, int]:
        """How many installations each vendor does not answer."""
        ...


def waiting_for(vendor: Vendor) -> str:
    """The note of a delivery that waits for a vendor to answer again."""
    return f"waiting for {vendor}"


def awaited(note: str | None) -> Vendor | None:
    """The vendor that a note of a delivery names, if it waits for one."""
    return next((vendor for vendor in VENDORS if note == waiting_for(vendor)), None)
