"""A TCP proxy that can be cut or held: a balancer before replicas, or the wire to a database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count


class Gate:
    """Forwards each connection to the next target that answers; cut, it refuses all."""

    def __init__(self, *targets: tuple[str, int]) -> None:
        self.targets = targets
        self.port = 0
        self._turn = count()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.mend()
        self.cut()  # with their connections gone, the tasks end by themselves
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection, and accept no new ones until `mend`."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def hold(self) -> None:
        """Pass nothing on until `mend`, as a machine that is gone; connections stay as they are."""
        self._flows.clear()

    def mend(self) -> None:
        self._is_cut = False
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        try:
            found = None if self._is_cut else await self._connect()
            if found is not None:
                self._writers.add(found[1])
                await asyncio.gather(
                    _pump(reader, found[1], self._flows), _pump(found[0], writer, self._flows)
                )
                self._writers.discard(found[1])
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.targets:
            host, port = self.targets[next(self._turn) % len(self.targets)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, port)
        return None


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            await flows.wait()
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def gate_to(*targets: tuple[str, int]) -> AsyncGenerator[Gate]:
    gate = Gate(*targets)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.close()
