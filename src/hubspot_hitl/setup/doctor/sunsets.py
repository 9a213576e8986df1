"""HubSpot's announced endings that touch this integration, as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal

Use = Literal["private_app", "pipelines_v1", "oauth_v1", "crm", "v3"]


@dataclass(frozen=True, slots=True)
class Sunset:
    """What changes on a day, whom it hits (`use`) and what to do about it."""

    day: date
    use: Use
    what: str
    cure: str

    def days_left(self, now_ms: int) -> int:
        """Days from now (epoch ms, UTC) until it; negative afterwards."""
        return (self.day - datetime.fromtimestamp(now_ms / 1000, UTC).date()).days


CALENDAR: Final = (
    Sunset(
        date(2026, 9, 1),
        "crm",
        "API version 2026-09 enforces the administrators' validation rules on CRM writes",
        "look at `hubspot-hitl deliveries list --error vendor_refused` for refused writes",
    ),
    Sunset(
        date(2026, 10, 26),
        "private_app",
        "no new legacy private apps can be made (new accounts: since 2026-09-28)",
        "a token that exists goes on working; its successor is a service key",
    ),
    Sunset(date(2026, 12, 4), "pipelines_v1", "the Pipelines API v1 ends", "use a newer version"),
    Sunset(
        date(2027, 2, 16),
        "oauth_v1",
        "the OAuth endpoints v1 end",
        "unset HITL_HUBSPOT_OAUTH_VERSION; the default is 2026-03",
    ),
    Sunset(
        date(2027, 9, 1),
        "v3",
        "HubSpot stops supporting its APIs v1 to v3, and legacy public and private apps",
        "update this integration before: it uses v3 for conversations and webhooks",
    ),
)
"""In order of their days. This integration has no call of Pipelines v1.

HubSpot named a month for the last: https://developers.hubspot.com/changelog, "Legacy APIs and
legacy apps: what's going unsupported and when".
"""


def coming(uses: Iterable[Use]) -> tuple[Sunset, ...]:
    """The endings that hit one of these uses.

    >>> [one.day.isoformat() for one in coming(["oauth_v1"])]
    ['2027-02-16']
    """
    wanted = set(uses)
    return tuple(one for one in CALENDAR if one.use in wanted)
