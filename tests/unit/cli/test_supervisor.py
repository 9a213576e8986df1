from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hubspot_hitl.cli.supervisor import Supervisor
from hubspot_hitl.settings import supervision


@pytest.fixture(params=["path", "abstract"])
def listening(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, socket.socket]]:
    """Where systemd listens, as `NOTIFY_SOCKET` names it, and its end."""
    abstract = f"@hubspot-hitl-{os.getpid()}"
    address = abstract if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(address.replace("@", "\0", 1) if address == abstract else address)
        end.settimeout(60)
        yield address, end


async def test_readiness_life_and_the_end_are_told_in_order(
    listening: tuple[str, socket.socket],
) -> None:
    address, end = listening
    async with Supervisor(address, watchdog_s=0.003).watching():
        told = [await asyncio.to_thread(end.recv, 100) for _ in range(3)]
    assert told == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    rest = [end.recv(100)]
    while rest[-1] != b"STOPPING=1":
        rest.append(end.recv(100))
    assert set(rest[:-1]) <= {b"WATCHDOG=1"}


async def test_without_a_watchdog_only_start_and_end_are_told(
    listening: tuple[str, socket.socket],
) -> None:
    address, end = listening
    async with Supervisor(address).watching():
        await asyncio.sleep(0.01)
    assert [end.recv(100), end.recv(100)] == [b"READY=1", b"STOPPING=1"]


async def test_a_supervisor_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with Supervisor(str(tmp_path / "gone")).watching():
            pass
    assert [(one["event"], one["state"]) for one in logs] == [
        ("supervisor_not_told", "READY=1"),
        ("supervisor_not_told", "STOPPING=1"),
    ]


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({}, (None, None)),
        ({"NOTIFY_SOCKET": "/run/n"}, ("/run/n", None)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000"}, ("/run/n", 30.0)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, (None, None)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, (None, 30.0)),
        ({"WATCHDOG_USEC": "soon"}, (None, None)),
    ],
)
def test_what_systemd_asks_for_is_read(
    env: dict[str, str], found: tuple[str | None, float | None]
) -> None:
    assert supervision(env) == found
