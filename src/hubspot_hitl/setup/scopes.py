"""Which scopes of HubSpot each feature needs. Pure; the one table everything else reads.

A missing required scope makes HubSpot refuse the consent; an optional one is left out silently when
the portal cannot have it. Both lists must equal those of the app in HubSpot: where an app marks
more as required, the operator says so (`HITL_OAUTH_REQUIRED_SCOPES`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Feature = Literal[
    "handoff",
    "contacts",
    "files",
    "transcript",
    "crm",
    "timeline",
    "lists",
    "sequences",
    "newsletter",
]
FEATURES: Final[tuple[Feature, ...]] = get_args(Feature)
DEFAULT_FEATURES: Final[tuple[Feature, ...]] = ("handoff", "contacts", "files", "transcript")


@dataclass(frozen=True, slots=True)
class Scopes:
    """What to ask for: `required` or nothing works, `optional` where the portal can."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Both lists."""
        return (*self.required, *self.optional)


def _both(name: str) -> tuple[str, str]:
    return f"{name}.read", f"{name}.write"


TABLE: Final[Mapping[Feature, Scopes]] = {
    "handoff": Scopes(
        required=(
            "conversations.custom_channels.read",
            "conversations.custom_channels.write",
            "conversations.read",
            "conversations.visitor_identification.tokens.create",
            "conversations.write",
        )
    ),
    "contacts": Scopes(optional=_both("crm.objects.contacts")),
    "files": Scopes(optional=("files",)),
    "transcript": Scopes(optional=_both("crm.schemas.contacts")),
    "crm": Scopes(
        optional=(
            *_both("crm.objects.companies"),
            *_both("crm.objects.deals"),
            "crm.objects.owners.read",
            "crm.schemas.contacts.read",
            "tickets",
        )
    ),
    "timeline": Scopes(optional=("timeline",)),
    "lists": Scopes(optional=_both("crm.lists")),
    "sequences": Scopes(
        optional=("automation.sequences.read", "automation.sequences.enrollments.write")
    ),
    "newsletter": Scopes(optional=("content", "transactional-email")),
}


def _chosen(features: Iterable[str]) -> list[Feature]:
    wanted = {"handoff", *features}
    return [name for name in FEATURES if wanted.intersection((name,))]


def scopes_for(
    features: Iterable[str] = DEFAULT_FEATURES, also_required: Iterable[str] = ()
) -> Scopes:
    """The scopes of some features; the handoff itself is always among them.

    `also_required` are asked for as required, whether a feature names them or not.

    >>> scopes_for(["files"]).optional
    ('files',)
    """
    chosen = _chosen(features)
    required = dict.fromkeys(scope for name in chosen for scope in TABLE[name].required)
    required.update(dict.fromkeys(also_required))
    optional = dict.fromkeys(scope for name in chosen for scope in TABLE[name].optional)
    return Scopes(tuple(required), tuple(scope for scope in optional if scope not in required))


def lacking(granted: Iterable[str], features: Iterable[str]) -> Mapping[Feature, tuple[str, ...]]:
    """What is missing, by the feature that cannot work for it; empty when nothing is.

    >>> lacking(["files"], ["files"])["handoff"][0]
    'conversations.custom_channels.read'
    """
    have = set(granted)
    found: dict[Feature, tuple[str, ...]] = {}
    for name in _chosen(features):
        missing = tuple(scope for scope in TABLE[name].all if scope not in have)
        if missing:
            found[name] = missing
    return found
