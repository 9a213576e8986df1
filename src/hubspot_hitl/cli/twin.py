"""`hubspot-hitl twin hubspot|botpress`: one stand-in alone, for those who test against it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer

from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.twins.botpress.admin import BotpressAdminTwin
from hubspot_hitl.twins.botpress.app import BotpressTwin
from hubspot_hitl.twins.host import Twin
from hubspot_hitl.twins.hubspot.app import HubSpotTwin

app = typer.Typer()


class Vendor(StrEnum):
    """Whose stand-in."""

    HUBSPOT = "hubspot"
    BOTPRESS = "botpress"


PORTS = {Vendor.HUBSPOT: 8091, Vendor.BOTPRESS: 8092}


@app.command()
def twin(
    vendor: Annotated[Vendor, typer.Argument(help="Whose stand-in to run.")],
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="8091 or 8092 by default; 0: a free one.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run one stand-in until Ctrl-C or SIGTERM; its remote control is under /_twin.

    Its credentials are well known: never let strangers reach it.
    """
    made: Twin = (
        HubSpotTwin()
        if vendor is Vendor.HUBSPOT
        else BotpressTwin(definition=load_definition(), admin=BotpressAdminTwin())
    )
    run_loop(lambda: _serve(made, host, PORTS[vendor] if port is None else port))


async def _serve(made: Twin, host: str, port: int) -> None:
    try:
        url = await made.start(host, port)
    except OSError as error:
        raise BadSettings(
            f"--port: cannot listen on {host}:{port}: {error.strerror or error}"
        ) from error
    stop = asyncio.Event()
    with suppress(NotImplementedError):  # Windows' loop has no signals; Ctrl-C ends the process
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tell(f"listening on {url}, remote control at {url}/_twin/log")
    try:
        await stop.wait()
        tell("stopped")
    finally:
        await made.stop()
