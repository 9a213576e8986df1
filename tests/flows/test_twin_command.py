"""`hubspot-hitl twin`: each stand-in alone, as a process."""

from __future__ import annotations

import asyncio
import signal
import sys

import aiohttp
import pytest

WITHIN_S = 60.0


@pytest.mark.parametrize(
    ("vendor", "path", "how"),
    [("hubspot", "agents", signal.SIGINT), ("botpress", "chats", signal.SIGTERM)],
)
async def test_a_twin_runs_alone_until_it_is_told_to_stop(
    vendor: str, path: str, how: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from hubspot_hitl.cli import main; main()",
        "twin",
        vendor,
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), WITHIN_S)).decode()
        url = line.split()[2].rstrip(",")
        async with aiohttp.ClientSession() as http, http.get(f"{url}/_twin/{path}") as answer:
            assert answer.status == 200
            assert isinstance(await answer.json(), list)
        process.send_signal(how)
        out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
        assert "stopped" in out.decode(), err.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
