"""A primary and its synchronous stand-by, made of the PostgreSQL programs of this machine."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from tests.ports import own_port

STANDBY = "standby"
START_S = 60.0


def programs() -> Path:
    """Where the server's programs lie; skips the test when nobody may or can run them."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_basebackup").exists():
            return folder
    pytest.skip("no programs of a PostgreSQL server (initdb, pg_basebackup) on this machine")


def owner() -> str | None:
    """Who runs the servers, which refuse to run as root; None: whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres' here")


@dataclass(slots=True)
class Node:
    """A server process with a folder and a port of its own."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def ask(self, question: str) -> object:
        """The first value of the answer."""
        connection = await asyncpg.connect(f"postgresql://postgres@{self.host}/postgres")
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    def strike(self, number: signal.Signals) -> None:
        """Send a signal to the server and everything it has started, at once."""
        os.killpg(self.process.pid, number)

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self.strike(signal.SIGKILL)
        await self.process.wait()


@dataclass(slots=True)
class Pair:
    """Both; what is committed on the primary is on the stand-by too."""

    primary: Node
    standby: Node

    def url(self) -> str:
        return f"postgresql://postgres@{self.primary.host},{self.standby.host}/postgres"

    async def promote(self) -> None:
        """Make the stand-by the one that takes writes; returns when it does."""
        assert await self.standby.ask("SELECT pg_promote(true, 60)") is True


@asynccontextmanager
async def pair() -> AsyncGenerator[Pair]:
    """Two servers; nothing of them is left afterwards."""
    tools, user = programs(), owner()
    with tempfile.TemporaryDirectory(prefix="hitl-pair-") as made:
        folder = Path(made)
        if user:
            shutil.chown(folder, user)
        cluster = _Cluster(folder, tools, user)
        primary = await cluster.primary()
        try:
            standby = await cluster.standby(primary)
            try:
                yield Pair(primary, standby)
            finally:
                await standby.end()
        finally:
            await primary.end()


@dataclass(frozen=True, slots=True)
class _Cluster:
    folder: Path
    tools: Path
    user: str | None

    async def primary(self) -> Node:
        data = self.folder / "primary"
        await self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        return await self._start(data, f"synchronous_standby_names={STANDBY}")

    async def standby(self, primary: Node) -> Node:
        data = self.folder / STANDBY
        at = f"host=127.0.0.1 port={primary.port} user=postgres application_name={STANDBY}"
        await self._run(
            "pg_basebackup", "-d", at, "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync"
        )
        node = await self._start(data)
        state = "SELECT sync_state FROM pg_stat_replication"
        deadline = asyncio.get_running_loop().time() + START_S
        while await primary.ask(state) != "sync":
            assert asyncio.get_running_loop().time() < deadline, "the stand-by does not follow"
            await asyncio.sleep(0.05)
        return node

    async def _run(self, program: str, *arguments: str | Path) -> None:
        process = await asyncio.create_subprocess_exec(
            self.tools / program,
            *arguments,
            user=self.user,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, f"{program}: {said.decode()}"

    async def _start(self, data: Path, *settings: str) -> Node:
        """Start a server. It need not outlive a power cut, so nothing waits for the disk."""
        port = own_port()
        usual = (
            "listen_addresses=127.0.0.1",
            f"port={port}",
            "unix_socket_directories=",
            "fsync=off",
            "synchronous_commit=on",
            "max_connections=60",
        )
        options = [word for setting in (*usual, *settings) for word in ("-c", setting)]
        with (self.folder / f"{data.name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                self.tools / "postgres",
                "-D",
                data,
                *options,
                user=self.user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        node = Node(data, port, process)
        deadline = asyncio.get_running_loop().time() + START_S
        while True:
            with suppress(OSError, asyncpg.PostgresError):
                await node.ask("SELECT 1")
                return node
            assert process.returncode is None, f"it ended with {process.returncode}"
            assert asyncio.get_running_loop().time() < deadline, "it does not answer"
            await asyncio.sleep(0.05)
