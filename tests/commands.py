"""`hubspot-hitl ...` as a person runs it: in this process where that is enough, else in its own."""

from __future__ import annotations

import asyncio
import io
import os
import runpy
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hubspot_hitl.cli import run

OURS = ("HITL_", "HUBSPOT_", "BP_")
SCRIPTS = Path(__file__).parents[1] / "scripts"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left behind."""

    status: int
    out: str
    err: str


_ONE_AT_A_TIME = threading.Lock()  # environment, folder and streams belong to the process


async def run_command(
    *arguments: str, env: Mapping[str, str], folder: Path | None = None, stdin: str = ""
) -> Said:
    """Run a command on a thread with a loop of its own; a new process takes ten times longer.

    It sees `env` and nothing else of ours. Commands that wait for a signal need `begin_command`.
    """
    return await asyncio.to_thread(_run, lambda: run(arguments), env, folder, stdin)


async def run_script(
    name: str, *arguments: str, env: Mapping[str, str], folder: Path | None = None
) -> Said:
    """Run one of `scripts/` in the same way."""
    return await asyncio.to_thread(_run, lambda: _status_of(name, arguments), env, folder)


def _status_of(name: str, arguments: tuple[str, ...]) -> int:
    before, sys.argv = sys.argv, [name, *arguments]
    try:
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.argv = before
    return 0


async def begin_command(
    *arguments: str, env: Mapping[str, str], folder: Path | None = None
) -> asyncio.subprocess.Process:
    """Start a command as a process of its own, both its streams piped."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from hubspot_hitl.cli import main; main()",
        *arguments,
        cwd=folder,
        env={**clean_environment(), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of ours."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OURS)}


class _OfOneThread(io.StringIO):
    """Keeps what its thread writes; what the server beside it writes goes where it always goes."""

    def __init__(self, others: TextIO) -> None:
        super().__init__()
        self._others = others
        self._thread = threading.get_ident()

    def write(self, text: str, /) -> int:
        mine = threading.get_ident() == self._thread
        return super().write(text) if mine else self._others.write(text)


def _run(
    work: Callable[[], int], env: Mapping[str, str], folder: Path | None, stdin: str = ""
) -> Said:
    out, err = _OfOneThread(sys.stdout), _OfOneThread(sys.stderr)
    with (
        _ONE_AT_A_TIME,
        _environment(env),
        _input(stdin),
        chdir(folder or Path.cwd()),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        status = work()
    return Said(status, out.getvalue(), err.getvalue())


@contextmanager
def _input(text: str) -> Generator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before


@contextmanager
def _environment(env: Mapping[str, str]) -> Generator[None]:
    before = dict(os.environ)
    after = {**clean_environment(), **env}
    os.environ.clear()
    os.environ.update(after)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
