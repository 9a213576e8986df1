"""How many lanes at a time one installation may run, so that none takes the places of all; pure.

An installation may take another place while it holds less than `GREED` times what is free. One
whose portal is slow, or whose calls wait for its rate limit, ends with three quarters of the
places; two end with three sevenths each; there is always a place for whoever holds none. What can
wait, such as CRM work, counts for itself and takes a quarter at most: chat is never kept waiting by
it. Source of the rule: Choudhury and Hahne, Dynamic queue length thresholds for shared-memory
packet switches, https://doi.org/10.1109/90.664262

>>> shares = Shares(8)
>>> [shares.begin("a", 0.0) for _ in range(6)]
[None, None, None, None, None, None]
>>> shares.begin("a", 0.0) is None, shares.begin("b", 0.0) is None
(False, True)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GREED: Final = 3.0
PATIENT_GREED: Final = 1 / GREED
SOONEST_S: Final = 0.02
LONGEST_STEP_S: Final = 0.25
LATEST_S: Final = 10.0
_SMOOTHING: Final = 0.2


@dataclass(slots=True)
class _Tenant:
    """Who holds places. Times are seconds of a monotonic clock.

    `ended_s` is when a place of its own was given back last, `gap_s` the usual time between two
    such moments, `back_s` when the last of those sent away comes back.
    """

    ended_s: float
    held: int = 0
    gap_s: float = 0.001
    back_s: float = 0.0


class Shares:
    """The places of one process."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0
        self._tenants: dict[tuple[str, bool], _Tenant] = {}

    def begin(self, installation_id: str, now_s: float, *, patient: bool = False) -> float | None:
        """Take a place (None), or say after how many seconds to come back.

        Those who are sent away come back one after the other, as fast as places have become free.
        """
        key = (installation_id, patient)
        tenant = self._tenants.get(key) or _Tenant(now_s)
        greed = PATIENT_GREED if patient else GREED
        free = self._places - self._taken
        if tenant.held and tenant.held >= greed * free:
            return _back(tenant, now_s)
        tenant.held += 1
        self._taken += 1
        self._tenants[key] = tenant
        return None

    def end(self, installation_id: str, now_s: float, *, patient: bool = False) -> None:
        """Give a place back."""
        key = (installation_id, patient)
        tenant = self._tenants[key]
        self._taken -= 1
        tenant.held -= 1
        tenant.gap_s += _SMOOTHING * (now_s - tenant.ended_s - tenant.gap_s)
        tenant.ended_s = now_s
        if not tenant.held:
            del self._tenants[key]


def _back(tenant: _Tenant, now_s: float) -> float:
    """Spread over the time ahead; from its start again when that is full."""
    step_s = min(max(tenant.gap_s, now_s - tenant.ended_s), LONGEST_STEP_S)
    back_s = max(tenant.back_s, now_s + SOONEST_S) + step_s
    if back_s > now_s + LATEST_S:
        back_s = now_s + SOONEST_S + step_s
    tenant.back_s = back_s
    return back_s - now_s
