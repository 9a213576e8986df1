"""Group commit: what gathers while one transaction is written goes into the next, together.

One transaction at a time means that the process hears of its own changes in the order in which
they became durable; the worker's picture of its lanes rests on that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ledger.engine import Engine, Transaction
from hubspot_hitl.ledger.requests import Committed, Hold, Reply, Request
from hubspot_hitl.ledger.transaction import Circumstances, carry_out

_log = structlog.get_logger(__name__)
_BATCH_LIMIT: Final = 500
_PROOF: Final = "ledger:proof"
"""A lane of nothing, written to see whether writing works."""


@dataclass(slots=True)
class _Submission:
    requests: Sequence[Request]
    replies: asyncio.Future[Sequence[Reply]]


class Committer:
    """Carries out requests in groups.

    `circumstances` is asked at the start of each transaction (with whether an earlier one ended in
    doubt); `apply` hears what was committed before those who asked do.
    """

    def __init__(
        self,
        engine: Engine,
        circumstances: Callable[[bool], Circumstances],
        apply: Callable[[Committed], None],
    ) -> None:
        self._engine = engine
        self._circumstances = circumstances
        self._apply = apply
        self._waiting: deque[_Submission] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._in_doubt = False

    def start(self) -> None:
        """Begin to commit."""
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="ledger-committer")

    async def submit(self, *requests: Request) -> Sequence[Reply]:
        """Carry out all in one transaction; returns when it is durable.

        Cancelling the caller does not take the requests back. Raises StoreUnavailable.
        """
        if self._task is None or self._closing:
            raise StoreUnavailable("the ledger is not running; nothing was accepted")
        replies: asyncio.Future[Sequence[Reply]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Submission(requests, replies))
        self._arrived.set()
        return await replies

    async def prove(self) -> None:
        """Write something if the last attempt to write failed. Raises StoreUnavailable.

        A database that is full or read-only can be read all the same.
        """
        if self._in_doubt and self._task is not None:
            await self.submit(Hold(_PROOF, 0))

    async def close(self) -> None:
        """Commit what was handed in, then end."""
        task, self._closing = self._task, True
        self._arrived.set()
        if task is not None:
            await task
        self._task = None

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            group = self._gathered()
            if group:
                await self._commit(group)
            elif self._closing:
                return
            else:
                self._arrived.clear()

    def _gathered(self) -> list[_Submission]:
        group: list[_Submission] = []
        while self._waiting and len(group) < _BATCH_LIMIT:
            group.append(self._waiting.popleft())
        return group

    async def _commit(self, group: list[_Submission]) -> None:
        try:
            await self._commit_together(group)
        except StoreUnavailable as error:
            self._in_doubt = True
            _fail(group, error)
        except Exception as error:
            # A statement that the database refuses must not take its neighbours with it.
            if len(group) == 1:
                _log.exception("ledger_request_failed", error=type(error).__name__)
                _fail(group, error)
                return
            for submission in group:
                await self._commit([submission])

    async def _commit_together(self, group: list[_Submission]) -> None:
        batch = [request for submission in group for request in submission.requests]
        doubt = self._in_doubt
        at = self._circumstances(doubt)

        async def work(tx: Transaction) -> Committed:
            return await carry_out(tx, batch, at)

        committed = await self._engine.commit(work)
        if doubt:
            self._in_doubt = False
        self._apply(committed)
        replies = iter(committed.replies)
        for submission in group:
            mine = [next(replies) for _ in submission.requests]
            if not submission.replies.done():
                submission.replies.set_result(mine)


def _fail(group: Sequence[_Submission], error: Exception) -> None:
    for submission in group:
        if not submission.replies.done():
            submission.replies.set_exception(error)
