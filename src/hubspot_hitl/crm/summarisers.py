"""Finds the summariser that the settings name among the installed packages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final, cast

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.handoff.summary import Extract, Summariser

GROUP: Final = "hubspot_hitl.summarisers"


def summariser(name: str | None) -> Summariser:
    """The one of this name, made by calling what its package offers; quotes where none is named.

    Raises BadSettings when no package offers it.
    """
    if not name:
        return Extract()
    offered = next(iter(entry_points(group=GROUP, name=name)), None)
    if offered is None:
        raise BadSettings(f"HITL_SUMMARISER is {name!r}, but no installed package offers it")
    return cast("Callable[[], Summariser]", offered.load())()
