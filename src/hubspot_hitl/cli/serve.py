"""`hubspot-hitl serve`: runs the integration server until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Annotated, Any

import structlog
import typer
from aiohttp import web

from hubspot_hitl.app import create_app
from hubspot_hitl.cli.supervisor import Supervisor
from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.settings import Settings, from_environment, supervision

app = typer.Typer()
log = structlog.get_logger(__name__)

# Botpress sends the configuration, up to 20 KB of JSON as base64, in one header; aiohttp's default
# of 8,190 bytes would refuse it.
HEADER_BYTES = 64 * 1024
AGAIN_S = 1.0


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Listen here instead of HITL_PORT.")] = None,
) -> None:
    """Run the integration server; settings come from the environment (see `config`)."""
    settings = from_environment()
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    configure_logging_from(settings)
    supervisor = Supervisor(*supervision())
    run_loop(lambda: _serve(settings, supervisor))


def run_loop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main` on uvloop where it exists, else on asyncio's own loop."""
    if sys.platform == "win32":
        asyncio.run(main())
        return
    try:
        import uvloop
    except ImportError:  # an interpreter that uvloop is not built for
        asyncio.run(main())
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def start_server(application: web.Application, settings: Settings) -> web.AppRunner:
    """Start `application` and listen; the caller calls `cleanup()` on what is returned.

    Raises BadSettings when the address cannot be listened on.
    """
    runner = web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        max_field_size=HEADER_BYTES,
        max_line_size=HEADER_BYTES,
        shutdown_timeout=settings.shutdown_grace_s,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, backlog=1024).start()
    except OSError as error:
        await runner.cleanup()
        raise BadSettings(
            f"HITL_HOST and HITL_PORT: cannot listen on {settings.host}:{settings.port}:"
            f" {error.strerror or error}"
        ) from error
    return runner


async def start_patiently(settings: Settings, stop: asyncio.Event) -> web.AppRunner | None:
    """Start the server, again for `database_wait_s` while PostgreSQL is away.

    None when `stop` came first. Raises BadSettings at once, StoreUnavailable when the time is over.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + (0.0 if settings.is_sqlite else settings.database_wait_s)
    while not stop.is_set():
        try:
            return await start_server(create_app(settings), settings)
        except StoreUnavailable as error:
            left_s = until_s - loop.time()
            if left_s <= 0:
                raise
            log.warning("database_away_at_start", error=error.message, left_s=round(left_s))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(AGAIN_S, left_s))
    return None


async def _serve(settings: Settings, supervisor: Supervisor) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = await start_patiently(settings, stop)
    if runner is None:
        return
    log.info("listening", addresses=[f"{name[0]}:{name[1]}" for name in runner.addresses])
    try:
        async with supervisor.watching():
            await stop.wait()
            log.info("stopping", grace_s=settings.shutdown_grace_s)
    finally:
        await runner.cleanup()
        log.info("stopped")
