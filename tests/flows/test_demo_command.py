"""`hubspot-hitl demo` as a person runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import ClientSession
from tests.commands import begin_command, run_command


@asynccontextmanager
async def demo(folder: Path, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The command as a process, which never outlives the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from hubspot_hitl.cli import main; main()",
        "demo",
        "--json",
        *arguments,
        cwd=folder,
        env={},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def event(process: asyncio.subprocess.Process, name: str) -> dict[str, str]:
    """The next line of the timeline that tells of `name`."""
    assert process.stdout is not None
    async for line in process.stdout:
        told = json.loads(line)
        if told.get("event") == name:
            return dict(told)
    raise AssertionError(f"the demo ended without {name!r}")


async def test_the_figures_are_the_last_line_and_decide_the_exit_status() -> None:
    said = await run_command("demo", "--json", "--headless", "--handoffs", "2", env={})
    told = json.loads(said.out.splitlines()[-1])
    assert said.status == 0
    assert (told["handoffs"], told["lost"], told["duplicates"], told["out_of_order"]) == (
        2,
        0,
        0,
        0,
    )


async def test_the_page_is_served_a_kill_is_survived_and_nothing_is_left_running(
    tmp_path: Path,
) -> None:
    started = demo(tmp_path, "--no-browser")
    async with asyncio.timeout(60), started as process, ClientSession() as http:
        listening, opened = await event(process, "listening"), await event(process, "open")
        page = opened["page"]
        assert "hubspot-hitl" in await (await http.get(page)).text()
        await say(http, page, opened["chat"], "Hello?")
        assert (await http.post(f"{page}/api/crash", json={})).status == 202
        await say(http, page, opened["chat"], "Are you still there?")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert not await serves(http, listening["integration"])


async def say(http: ClientSession, page: str, chat: str, text: str) -> None:
    """Say something as the user and wait until the agent reads it."""
    address = f"{page}/api/chats/{chat}/say"
    assert (await http.post(address, json={"text": text})).status == 200
    async with http.get(f"{page}/events") as timeline:
        async for _ in timeline.content:
            state = await (await http.get(f"{page}/api/state", params={"chat": chat})).json()
            if text in str(state["chosen"]["entries"]):
                return


async def serves(http: ClientSession, url: str) -> bool:
    try:
        async with http.get(f"{url}/livez") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def test_a_port_that_is_taken_is_told_before_anything_is_played() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        process = await begin_command("demo", "--no-browser", "--port", str(port), env={})
        out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert f"cannot listen on port {port}" in err.decode()
