"""Server processes that start at once: forked from one that has imported everything already.

Each is a process of its own all the same: it is killed by a signal and has its own exit status.
`tests/flows/test_serve.py` starts the command as its users do.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Mapping, Sequence

from tests.chaos.serve_child import serve

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["hubspot_hitl.app", "hubspot_hitl.cli.serve", "hubspot_hitl.ledger.postgres.engine", "uvloop"]
)


class Child:
    """One running server. `returncode` is None until it has ended, negative after a signal."""

    def __init__(self, environment: Mapping[str, str], arguments: Sequence[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[int] = self._loop.create_future()
        self._process = _FORKS.Process(target=serve, args=(dict(environment), list(arguments)))
        self._process.start()
        self.pid = self._process.pid or 0
        self._loop.add_reader(self._process.sentinel, self._end)

    @property
    def returncode(self) -> int | None:
        return self._over.result() if self._over.done() else None

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for the end; returns the exit status."""
        return await asyncio.shield(self._over)

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._process.join()
        self._over.set_result(self._process.exitcode or 0)
        self._process.close()
