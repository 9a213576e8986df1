"""One row of the table of actions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hubspot_hitl.integration.wire import WireModel


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action as the definition declares it."""

    title: str
    description: str
    input: type[WireModel]
    output: type[WireModel]
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
