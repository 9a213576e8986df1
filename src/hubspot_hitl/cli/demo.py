"""`hubspot-hitl demo`: a handoff between the twins of both vendors, on this machine alone.

Twins and server listen on free loopback ports and speak the real wire protocols. With --headless
all run in one process; for a person the server is a process of its own, so that it can be killed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import tempfile
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hubspot_hitl.app import create_app
from hubspot_hitl.cli.bridge_process import BridgeProcess
from hubspot_hitl.cli.serve import run_loop, start_server
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.cli.timeline import JsonTimeline, Timeline, follow
from hubspot_hitl.errors import BadSettings, HitlError
from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.logs import configure_logging
from hubspot_hitl.settings import Settings
from hubspot_hitl.setup.scopes import scopes_for
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import DEFAULT_SCOPES, HubSpotOptions
from hubspot_hitl.twins.pages.page import DemoPage
from hubspot_hitl.twins.pages.server import PageServer
from hubspot_hitl.twins.showcase import Showcase
from hubspot_hitl.twins.stage import Stage, Tally

app = typer.Typer()

CONCURRENT = 25
LOOPBACK = "127.0.0.1"


@app.command()
def demo(
    headless: Annotated[bool, typer.Option(help="End after the play.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    handoffs: Annotated[int, typer.Option(min=1, max=10_000, help="How many to play.")] = 1,
    messages: Annotated[int, typer.Option(min=1, max=1_000, help="Messages each way.")] = 3,
    every_kind: Annotated[
        bool,
        typer.Option(
            "--every-kind", help="Play one handoff with every kind; print what each side saw."
        ),
    ] = False,
    database_url: Annotated[
        str | None, typer.Option(help="Where to keep the ledger; a new SQLite file by default.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the demo page; 0 takes a free one.")
    ] = 0,
    browser: Annotated[bool, typer.Option(help="Open the demo page in your browser.")] = True,
) -> None:
    """Play handoffs between stand-ins for both vendors and show every call.

    Exit status 0 only if nothing was lost, doubled or reordered. Without --headless it stays until
    Ctrl-C and opens a page on which you play both sides.
    """
    timeline = JsonTimeline() if json_ else Timeline(quiet=handoffs > 3)
    clean = False

    async def main() -> None:
        nonlocal clean
        with tempfile.TemporaryDirectory(prefix="hubspot-hitl-demo-") as folder:
            stage = Stage(
                # The vendors' limits would make a play with many handoffs last minutes.
                HubSpotOptions(rate_limit=None, scopes=(*DEFAULT_SCOPES, *scopes_for().all)),
                BotpressOptions(rate_limit_per_s=None),
                definition=load_definition(),
            )
            await stage.start()
            try:
                play = _Play(stage, timeline, handoffs, messages)
                settings = server_values(stage, Path(folder), database_url)
                if every_kind:
                    clean = await _every_kind(stage, settings, json_=json_)
                elif headless:
                    clean = await _alone(play, settings)
                else:
                    clean = await _for_a_person(play, settings, port, browser and not json_)
            finally:
                await stage.stop()

    configure_logging(format_="json", level="error", access_log=False)
    run_loop(main)
    raise typer.Exit(0 if clean else 1)


@dataclass(frozen=True, slots=True)
class _Play:
    """What is played, and who is told."""

    stage: Stage
    timeline: Timeline | JsonTimeline
    handoffs: int
    messages: int

    async def at(self, url: str) -> bool:
        """Install the integration at `url`, play, print the figures; whether all went well."""
        await self.stage.install(url)
        self.timeline.began(url, self.stage)
        return (await _play(self.stage, self.timeline, self.handoffs, self.messages)).clean


async def _alone(play: _Play, values: dict[str, object]) -> bool:
    """Play with the server in this process."""
    settings = Settings.model_validate(values)
    runner = await start_server(create_app(settings), settings)
    try:
        return await play.at(f"http://{LOOPBACK}:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


async def _every_kind(stage: Stage, values: dict[str, object], *, json_: bool) -> bool:
    """Play the showcase with the server in this process and print both transcripts."""
    settings = Settings.model_validate(values)
    runner = await start_server(create_app(settings), settings)
    try:
        await stage.install(f"http://{LOOPBACK}:{runner.addresses[0][1]}")
        seen = await Showcase(stage).play()
    except RuntimeError as error:
        tell(str(error), err=True)
        return False
    finally:
        await runner.cleanup()
    if json_:
        tell(json.dumps({"byUser": seen.by_user, "byAgent": seen.by_agent}))
        return True
    for who, lines in (("user", seen.by_user), ("agents", seen.by_agent)):
        tell("\n".join([f"# What the {who} saw", *lines, ""]))
    return True


async def _for_a_person(play: _Play, values: dict[str, object], port: int, browser: bool) -> bool:
    """Play with the server as a process, then keep everything running behind the demo page."""
    token = secrets.token_urlsafe(12)
    bridge = BridgeProcess({**values, "console_token": token}, f"/console/login#token={token}")
    stop = _stop_signal()
    server = PageServer(DemoPage(play.stage, bridge))
    try:
        url = await _page(server, port)  # first of all: the port may be taken
        await bridge.start()
        clean = await play.at(bridge.url)
        chat, thread_id = await play.stage.open(play.handoffs + 1)
        play.timeline.stays(play.stage, chat, thread_id, url)
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        following = asyncio.create_task(follow(play.stage, play.timeline))
        await stop.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    finally:
        await server.stop()
        await bridge.stop()
    return clean


async def _page(server: PageServer, port: int) -> str:
    """Start the demo page and return its address. Raises BadSettings when the port is taken."""
    try:
        return await server.start(LOOPBACK, port)
    except OSError as error:
        raise BadSettings(
            f"the demo page cannot listen on port {port} ({error.strerror}): name another by --port"
        ) from error


def server_values(stage: Stage, folder: Path, database_url: str | None) -> dict[str, object]:
    """What the server is told, as JSON can carry it."""
    return {
        "host": LOOPBACK,
        "port": 0,
        "data_dir": str(folder),
        "database_url": database_url or f"sqlite:///{folder}/demo.db",
        "botpress_api_url": stage.botpress.url,
        "botpress_webhook_url": stage.botpress.url,
        "botpress_token": stage.botpress.options.token,
        "hubspot_api_url": stage.hubspot.url,
        "hubspot_authorize_url": f"{stage.hubspot.url}/oauth/authorize",
        "start_margin_ms": 100,
        "fetch_allow_private": True,  # the twins' files live on this machine
    }


async def _play(
    stage: Stage, timeline: Timeline | JsonTimeline, handoffs: int, messages: int
) -> Tally:
    """Play all handoffs, some at a time, and print the figures."""
    tally = Tally()
    within_s = 60.0 + handoffs * messages * 0.05
    gate = asyncio.Semaphore(CONCURRENT)
    began = time.perf_counter()

    async def one(number: int) -> None:
        async with gate:
            try:
                await stage.play(number, messages, tally, within_s=within_s)
            except (RuntimeError, KeyError, HitlError) as error:
                tally.problems.append(f"handoff {number}: {type(error).__name__}: {error}")

    following = asyncio.create_task(follow(stage, timeline))
    await asyncio.gather(*(one(number) for number in range(1, handoffs + 1)))
    await asyncio.sleep(0)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    timeline.ended(tally, time.perf_counter() - began)
    return tally


def _stop_signal() -> asyncio.Event:
    """Set on SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    except NotImplementedError as error:  # Windows' loop has none; Ctrl-C ends the process there
        raise BadSettings("this system has no signals; use --headless") from error
    return stop
