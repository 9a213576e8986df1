"""Runs `serve`, and dies by SIGKILL before or after the k-th step once it is armed.

Its arguments: [before|after call|commit K] [--journal FILE]. A step is a call of a port, or a
transaction of the ledger or the store. Armed by SIGUSR1. The journal gets one line for each step
while armed.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hubspot_hitl.botpress.client import BotpressRuntime
from hubspot_hitl.cli import run
from hubspot_hitl.hubspot.client import HubSpotClient
from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.ledger import Ledger
from hubspot_hitl.ports.store import Handoffs, Installations, People
from hubspot_hitl.store.engine.postgres import PostgresDatabase
from hubspot_hitl.store.engine.sqlite import SqliteDatabase
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.installations import SqlInstallations
from hubspot_hitl.store.people import SqlPeople

PORTS: tuple[tuple[type, type], ...] = (
    (HubSpot, HubSpotClient),
    (BotRuntime, BotpressRuntime),
    (Handoffs, SqlHandoffs),
    (People, SqlPeople),
    (Installations, SqlInstallations),
    (Ledger, LaneLedger),
)
# The ledger on SQLite commits through its database.
COMMITS: tuple[tuple[type, str], ...] = (
    (PostgresEngine, "commit"),
    (PostgresDatabase, "write"),
    (SqliteDatabase, "write"),
)
# Called by their own timers, or by nobody on the main path: counting them would make runs differ.
NOT_COUNTED = frozenset({"purge", "health", "count_by_state", "all", "find"})


class Trap:
    """Counts steps and kills the process at one of them."""

    def __init__(self, when: str, kind: str, number: int, journal: Path | None) -> None:
        self._point = (when, kind, number)
        self._journal = journal
        self._steps: Counter[str] = Counter()
        self._armed = False
        signal.signal(signal.SIGUSR1, self._arm)

    def _arm(self, *_: object) -> None:
        self._armed = True

    def around(
        self, kind: str, name: str, call: Callable[..., Awaitable[Any]]
    ) -> Callable[..., Any]:
        @functools.wraps(call)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not self._armed:
                return await call(*args, **kwargs)
            self._steps[kind] += 1
            number = self._steps[kind]
            if self._journal:
                with self._journal.open("a") as journal:
                    journal.write(f"{kind} {number} {name}\n")
            self._perhaps("before", kind, number)
            result = await call(*args, **kwargs)
            self._perhaps("after", kind, number)
            return result

        return wrapped

    def _perhaps(self, when: str, kind: str, number: int) -> None:
        if (when, kind, number) == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


def set_trap(trap: Trap) -> None:
    for port, adapter in PORTS:
        for name in vars(port):
            if not name.startswith("_") and name not in NOT_COUNTED:
                method = getattr(adapter, name)
                setattr(adapter, name, trap.around("call", f"{port.__name__}.{name}", method))
    for owner, name in COMMITS:
        around = trap.around("commit", f"{owner.__name__}.{name}", getattr(owner, name))
        setattr(owner, name, around)


def serve(environment: Mapping[str, str], arguments: Sequence[str]) -> NoReturn:
    """What a child does with its life."""
    os.environ.clear()
    os.environ.update(environment)
    left = list(arguments)
    journal = None
    if "--journal" in left:
        at = left.index("--journal")
        journal = Path(left[at + 1])
        del left[at : at + 2]
    when, kind, number = left or ("never", "call", "0")
    set_trap(Trap(when, kind, int(number), journal))
    sys.exit(run(["serve"]))
