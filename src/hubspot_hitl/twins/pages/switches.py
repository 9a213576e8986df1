"""The page's fault switches: what each breaks, in the twins' own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hubspot_hitl.twins.faults import Fault, FaultKind, Faults
from hubspot_hitl.twins.stage import Stage
from hubspot_hitl.twins.wire import Json


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch. `side` is the twin that misbehaves; `promise` is what must hold meanwhile."""

    label: str
    promise: str
    side: str
    fault: Fault


SWITCHES: Mapping[str, Switch] = {
    "slow": Switch(
        "Slow HubSpot",
        "Every call takes 2 s longer; webhooks are still acknowledged at once.",
        "hubspot",
        Fault(FaultKind.LATENCY, seconds=2.0),
    ),
    "limit": Switch(
        "429: too many requests",
        "Every second call is refused; it waits as long as HubSpot asks and tries again.",
        "hubspot",
        Fault(FaultKind.RATE_LIMIT, probability=0.5, retry_after_s=1),
    ),
    "outage": Switch(
        "HubSpot is down",
        "What the user writes waits in the ledger and arrives in order afterwards.",
        "hubspot",
        Fault(FaultKind.ERROR_503),
    ),
    "bot_outage": Switch(
        "Botpress is down",
        "What the agent writes waits and arrives in order afterwards.",
        "botpress",
        Fault(FaultKind.ERROR_503),
    ),
    "lost": Switch(
        "Lose message webhooks",
        "Answers whose webhook never comes are found in the thread's history, at the latest"
        " when the conversation is closed.",
        "hubspot",
        Fault(FaultKind.SILENCE, ("webhook.channel.*",)),
    ),
    "doubled": Switch(
        "Double every webhook",
        "Each message arrives once all the same.",
        "hubspot",
        Fault(FaultKind.REDELIVER, ("webhook.*",), copies=2, seconds=1.0),
    ),
}


class Switchboard:
    """Puts switches on and off, leaving other faults alone."""

    def __init__(self, stage: Stage) -> None:
        self._twins: Mapping[str, Faults] = {
            "hubspot": stage.hubspot.faults,
            "botpress": stage.botpress.faults,
        }
        self._on: dict[str, int] = {}

    def put(self, name: str, on: bool) -> None:
        """Put a switch on or off; again changes nothing. Raises KeyError for an unknown one."""
        switch = SWITCHES[name]
        faults = self._twins[switch.side]
        if on and name not in self._on:
            self._on[name] = faults.add(switch.fault)
        elif not on and name in self._on:
            faults.remove(self._on.pop(name))

    def as_json(self) -> list[Json]:
        """All switches, for the page."""
        return [
            {"name": name, "label": one.label, "promise": one.promise, "on": name in self._on}
            for name, one in SWITCHES.items()
        ]
