"""`serve` as its users run it: a process, environment variables, and the wire protocols."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tests.commands import begin_command, run_command
from tests.ports import own_port

from hubspot_hitl.twins.stage import Stage, Tally, reached

WITHIN_S = 60.0


async def answers(url: str) -> bool:
    async with aiohttp.ClientSession() as http:
        try:
            async with http.get(f"{url}/health") as answer:
                return await answer.text() == "ok"
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def serving(
    stage: Stage, folder: Path, port: int, **more: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A server process that answers; ended by SIGTERM if it still runs."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HITL_")},
        **stage.environment(),
        "HITL_HOST": "127.0.0.1",
        "HITL_PORT": str(port),
        "HITL_DATA_DIR": str(folder),
        "HITL_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HITL_START_MARGIN_MS": "100",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from hubspot_hitl.cli import main; main()",
        "serve",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WITHIN_S
        while not await answers(f"http://127.0.0.1:{port}"):
            assert process.returncode is None, (await process.communicate())[1].decode()
            assert loop.time() < deadline
            await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


async def test_serve_plays_a_handoff_with_nothing_but_environment_variables(
    stage: Stage, tmp_path: Path
) -> None:
    port = own_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WITHIN_S)
        more = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        async with serving(stage, tmp_path, port, **more) as process:
            await stage.install(f"http://127.0.0.1:{port}")
            tally = Tally()
            await stage.play(1, 5, tally, within_s=WITHIN_S)
            assert systemd.recv(100) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        assert systemd.recv(100) == b"STOPPING=1"
    assert tally == Tally(handoffs=1, user_messages=5, agent_messages=5)


async def test_a_killed_server_goes_on_where_it_was(stage: Stage, tmp_path: Path) -> None:
    port = own_port()
    async with serving(stage, tmp_path, port) as process:
        await stage.install(f"http://127.0.0.1:{port}")
        chat, thread_id = await stage.open()
        for number in range(10):
            stage.botpress.plugin.say(chat, f"user {number}")
            stage.hubspot.agents.reply(thread_id, "A-1111", f"agent {number}")
        await reached(lambda: len(stage.heard_by_agent(thread_id)) >= 2, WITHIN_S)
        process.kill()
        await process.wait()
    async with serving(stage, tmp_path, port):
        await reached(
            lambda: (
                len(stage.heard_by_agent(thread_id)) >= 10 and len(stage.heard_by_user(chat)) >= 10
            ),
            WITHIN_S,
        )
    assert stage.heard_by_agent(thread_id) == [f"user {number}" for number in range(10)]
    assert stage.heard_by_user(chat) == [f"agent {number}" for number in range(10)]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HITL_PORT", "eighty", "HITL_PORT"),
        ("HITL_DATABASE_URL", "mysql://x", "HITL_DATABASE_URL"),
        ("HITL_PUBLIC_URL", "not a url", "HITL_PUBLIC_URL"),
    ],
)
async def test_wrong_settings_end_with_a_sentence_and_status_2(
    tmp_path: Path, variable: str, value: str, words: str
) -> None:
    said = await run_command("serve", env={"HITL_DATA_DIR": str(tmp_path), variable: value})
    assert said.status == 2, said
    assert words in said.err
    assert said.err.count("\n") == 1


async def test_wrong_keys_end_a_start_with_a_sentence_and_status_2(tmp_path: Path) -> None:
    env = {"HITL_DATA_DIR": str(tmp_path), "HITL_SECRET_KEYS": "a:b"}
    process = await begin_command("serve", env=env)
    out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    said = (out + err).decode()
    assert process.returncode == 2, said
    assert "HITL_SECRET_KEYS" in said
    assert "Traceback" not in said
