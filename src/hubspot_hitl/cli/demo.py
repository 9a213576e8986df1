"""`hubspot-hitl demo`: a handoff between the twins of both vendors, on this machine alone.

Twins and server listen on free loopback ports in one process and speak the real wire protocols.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from hubspot_hitl.app import create_app
from hubspot_hitl.cli.serve import run_loop, start_server
from hubspot_hitl.cli.timeline import JsonTimeline, Timeline, follow
from hubspot_hitl.errors import BadSettings, HitlError
from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.logs import configure_logging
from hubspot_hitl.settings import Settings
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
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
    database_url: Annotated[
        str | None, typer.Option(help="Where to keep the ledger; a new SQLite file by default.")
    ] = None,
) -> None:
    """Play handoffs between the twins and show what crosses the bridge.

    Exit status 0 only if nothing was lost, doubled or reordered. Without --headless it stays for
    you to play both sides until Ctrl-C.
    """
    timeline = JsonTimeline() if json_ else Timeline(quiet=handoffs > 3)
    clean = False

    async def main() -> None:
        nonlocal clean
        with tempfile.TemporaryDirectory(prefix="hubspot-hitl-demo-") as folder:
            clean = await _demo(
                Path(folder), database_url, handoffs, messages, timeline, stay=not headless
            )

    configure_logging(format_="json", level="error", access_log=False)
    run_loop(main)
    raise typer.Exit(0 if clean else 1)


async def _demo(
    folder: Path,
    database_url: str | None,
    handoffs: int,
    messages: int,
    timeline: Timeline | JsonTimeline,
    *,
    stay: bool,
) -> bool:
    # The limits of both vendors would make a play with many handoffs last minutes.
    stage = Stage(
        HubSpotOptions(rate_limit=None),
        BotpressOptions(rate_limit_per_s=None),
        definition=load_definition(),
    )
    await stage.start()
    try:
        settings = _settings(stage, folder, database_url)
        runner = await start_server(create_app(settings), settings)
        try:
            url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
            await stage.install(url)
            timeline.began(url, stage)
            tally = await _play(stage, timeline, handoffs, messages)
            if stay:
                await _stay(stage, timeline, handoffs + 1)
        finally:
            await runner.cleanup()
    finally:
        await stage.stop()
    return tally.clean


def _settings(stage: Stage, folder: Path, database_url: str | None) -> Settings:
    return Settings(
        host=LOOPBACK,
        port=0,
        data_dir=folder,
        database_url=database_url or f"sqlite:///{folder}/demo.db",
        secret_keys=None if database_url is None else _throwaway_key(),
        botpress_api_url=stage.botpress.url,
        botpress_webhook_url=stage.botpress.url,
        botpress_token=stage.botpress.options.token,
        hubspot_api_url=stage.hubspot.url,
        start_margin_ms=100,
    )


def _throwaway_key() -> str:
    from hubspot_hitl.store.keyring import new_key  # only for a database of the person's own

    return new_key()


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


async def _stay(stage: Stage, timeline: Timeline | JsonTimeline, number: int) -> None:
    """Open one more handoff and keep everything running for a person until Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    except NotImplementedError as error:  # Windows' loop has none; Ctrl-C ends the process there
        raise BadSettings("this system has no signals; use --headless") from error
    chat, thread_id = await stage.open(number)
    timeline.stays(stage, chat, thread_id)
    following = asyncio.create_task(follow(stage, timeline))
    await stop.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
