"""The processes that are measured: started, watched in /proc (Linux), ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.http11 import request

_TICKS = os.sysconf("SC_CLK_TCK")
_HEALTH = request("GET", "/health", {}, b"")
ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Running:
    """A process that answers on `port`, `ready_s` and `ready_cpu_s` after it was started."""

    pid: int
    port: int
    ready_s: float
    ready_cpu_s: float = 0.0

    @property
    def cpu_s(self) -> float:
        """CPU seconds spent so far, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def rss_mib(self) -> float:
        """Resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


@asynccontextmanager
async def running(
    arguments: Sequence[str],
    port: int,
    *,
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
    health: bytes = _HEALTH,
    log: Path | None = None,
) -> AsyncGenerator[Running]:
    """A Python process with these arguments, once it answers; SIGTERM at the end."""
    began_s = time.monotonic()
    out = log.open("wb") if log else None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**_inherited(), **(environment or {})},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=out,
    )
    try:
        if core is not None and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(process.pid, {core})
        while not _answers(port, health):
            if process.returncode is not None:
                raise RuntimeError(f"{arguments} ended with status {process.returncode}")
            if time.monotonic() - began_s > 60:
                raise TimeoutError(f"{arguments} did not answer within a minute")
            await asyncio.sleep(0.005)
        ready = Running(process.pid, port, time.monotonic() - began_s)
        yield replace(ready, ready_cpu_s=ready.cpu_s)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()
        if out is not None:
            out.close()


def _inherited() -> dict[str, str]:
    """The environment without settings of a server, and with this repository importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HITL_")}
    path = [*filter(None, [kept.get("PYTHONPATH")]), str(ROOT), str(ROOT / "src")]
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}


def _answers(port: int, health: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.2) as probe:
            probe.settimeout(1)
            probe.sendall(health)
            return probe.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
