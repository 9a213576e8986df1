"""The stand-alone mode: the six values, this server, a bot of one's own; no Botpress."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from examples.standalone_chat import build
from tests.commands import SCRIPTS, run_command, run_script
from tests.ports import own_port
from yarl import URL

from hubspot_hitl.settings import from_environment
from hubspot_hitl.setup.subscriptions import WANTED
from hubspot_hitl.twins.hubspot.app import HubSpotTwin
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import reached

WITHIN_S = 60.0


@dataclass(slots=True)
class Alone:
    """A folder with a .env, the twin, and where the bot will listen."""

    folder: Path
    twin: HubSpotTwin
    url: str

    async def command(self, *arguments: str) -> tuple[int, str]:
        said = await run_command(*arguments, env={}, folder=self.folder)
        return said.status, said.out

    async def script(self, name: str, *arguments: str) -> tuple[int, str]:
        said = await run_script(name, *arguments, env={}, folder=self.folder)
        return said.status, said.out


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Alone]:
    twin = HubSpotTwin(HubSpotOptions(rate_limit=None, default_subscriptions=False))
    await twin.start()
    port = own_port()
    options, url = twin.options, f"http://127.0.0.1:{port}"
    inbox = next(iter(twin.world.portals[options.portal_id].inboxes))
    (tmp_path / ".env").write_text(
        f"""HITL_HUBSPOT_API_URL={twin.url}
HITL_PUBLIC_URL={url}/hitl
HITL_PORT={port}
HITL_BOTPRESS_PATH_SECRET=a-word-for-tests
HITL_START_MARGIN_MS=50
HUBSPOT_APP_ID={options.app_id}
HUBSPOT_CLIENT_ID={options.client_id}
HUBSPOT_CLIENT_SECRET={options.client_secret}
HUBSPOT_DEVELOPER_API_KEY={options.developer_api_key}
HUBSPOT_REFRESH_TOKEN={options.refresh_token}
HUBSPOT_INBOX_ID={inbox}
"""
    )
    yield Alone(tmp_path, twin, url)
    await twin.stop()


async def test_the_six_values_are_planned_applied_and_drift_no_more(alone: Alone) -> None:
    world = alone.twin.world
    status, out = await alone.command("plan", "--standalone", "--json")
    (row,) = json.loads(out)["installations"]
    assert (status, row["drifted"]) == (0, True)
    assert not world.channels

    assert (await alone.command("apply", "--standalone"))[0] == 0
    status, out = await alone.command("drift", "--standalone")

    assert status == 0, out
    (channel,) = world.channels.values()
    assert channel.fields["webhookUrl"] == f"{alone.url}/hitl/hubspot/webhooks/standalone"
    assert world.hook_settings is not None
    assert world.hook_settings["targetUrl"] == channel.fields["webhookUrl"]


async def test_a_bot_of_ones_own_hands_a_chat_over_and_hears_the_agent(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await alone.command("apply", "--standalone"))[0] == 0
    monkeypatch.chdir(alone.folder)
    settings = from_environment({})
    runner = web.AppRunner(build(settings))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", settings.port).start()
    try:
        async with aiohttp.ClientSession() as http:
            for text in ("hello", "/human", "are you there?"):
                async with http.post(f"{alone.url}/chat/ada", data=text) as answer:
                    assert answer.status == 200, await answer.text()
            (thread_id,) = alone.twin.world.threads
            agent = alone.twin.agents.list()[0].actor_id
            assert await reached(
                lambda: "are you there?" in str(alone.twin.transcript(thread_id)), WITHIN_S
            )
            alone.twin.agents.assign(thread_id, agent)
            alone.twin.agents.reply(thread_id, agent, "yes, I am")
            alone.twin.agents.close(thread_id, agent)
            lines: list[str] = []
            for _ in range(1_000):
                async with http.get(f"{alone.url}/chat/ada") as answer:
                    lines = await answer.json()
                if "hitlStopped" in lines and "yes, I am" in lines:
                    break
                await asyncio.sleep(0.05)
            assert {"hitlAssigned", "hitlStopped", "yes, I am"} <= set(lines)
            status, out = await alone.command("doctor", "--round-trip", "--json")
            assert status == 0, out
    finally:
        await runner.cleanup()


async def test_an_empty_configuration_opens_nothing_without_a_proof(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await alone.command("apply", "--standalone"))[0] == 0
    monkeypatch.chdir(alone.folder)
    settings = from_environment({}).model_copy(update={"botpress_path_secret": None})
    runner = web.AppRunner(build(settings))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", settings.port).start()
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{alone.url}/chat/eve", data="/human") as answer,
        ):
            refused = await answer.text()
    finally:
        await runner.cleanup()
    assert "HITL_BOTPRESS_PATH_SECRET" in refused
    assert not alone.twin.world.threads


async def test_the_scripts_read_env_and_do_what_their_names_say(alone: Alone) -> None:
    world, url = alone.twin.world, "https://bot.example/hook"

    status, out = await alone.script("subscribe_webhooks.py", "--url", url)
    assert status == 0, out
    assert (world.hook_settings or {})["targetUrl"] == url
    assert len(world.subscriptions) == len(WANTED)
    again = await alone.command("webhooks", "--apply", "--url", url)
    assert again[1].count("nothing") == 1

    assert (await alone.command("apply", "--standalone"))[0] == 0
    status, out = await alone.script("list_channels.py", "--json")
    (listed,) = json.loads(out)["channels"]
    assert (status, listed["id"]) == (0, next(iter(world.channels)))
    assert (await alone.command("channels", "--remove", listed["id"]))[0] == 2
    assert (await alone.command("channels", "--remove", listed["id"], "--yes"))[0] == 0
    assert world.channels[listed["id"]].archived


async def test_keys_are_rotated_by_their_script_while_nothing_is_lost(alone: Alone) -> None:
    assert (await alone.command("apply", "--standalone"))[0] == 0
    old = (alone.folder / "data" / "secret.key").read_text().strip()
    with (alone.folder / ".env").open("a") as file:
        file.write(f"HITL_SECRET_KEYS=new:{'B' * 43}=,{old}\n")

    status, out = await alone.script("rotate_keys.py", "--json")

    assert status == 0, out
    assert (await alone.command("drift", "--standalone"))[0] == 0


async def test_the_refresh_token_script_ends_in_the_env_file(alone: Alone) -> None:
    port = own_port()
    back = f"http://localhost:{port}/cb"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPTS / "get_refresh_token.py"),
        *("--store", ".env", "--redirect-uri", back),
        *("--authorize", f"{alone.twin.url}/oauth/authorize"),
        cwd=alone.folder,
        env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = ""
    while "/oauth/authorize?" not in said:
        said = (await asyncio.wait_for(process.stderr.readline(), WITHIN_S)).decode()
        assert said, "the script ended"
    url = said.strip()
    async with aiohttp.ClientSession() as http:
        form = dict(URL(url).query) | {"portal": "1234567", "decision": "grant"}
        async with http.post(f"{alone.twin.url}/oauth/decision", data=form) as page:
            assert page.status == 200
    assert await asyncio.wait_for(process.wait(), WITHIN_S) == 0

    text = (alone.folder / ".env").read_text()
    stored = next(line for line in text.splitlines() if line.startswith("HUBSPOT_REFRESH_TOKEN="))
    assert stored.partition("=")[2].strip("'") in alone.twin.world.grants
    assert alone.twin.options.refresh_token not in stored
