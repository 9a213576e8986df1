"""`hubspot-hitl channels`: what custom channels the app has; removes only the ones it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

import typer

from hubspot_hitl.cli.channel_list import ListedChannel, list_channels, remove_channels
from hubspot_hitl.cli.standalone import standalone_installation
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.ports.hubspot_records import Channel
from hubspot_hitl.settings import (
    Settings,
    from_environment,
    standalone_from_environment,
)

app = typer.Typer()


@app.command()
def channels(
    remove: Annotated[
        list[str] | None, typer.Option(help="Id of a channel to remove; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really remove.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the custom channels of the app with their accounts, or remove the named ones.

    Reads the HUBSPOT_ values from the environment or .env. Conversations of a removed channel can
    no longer be answered.
    """
    settings, values = from_environment(), standalone_from_environment()
    configure_logging_from(settings)
    installation = standalone_installation(values)
    if remove and not yes:
        tell(f"would remove {', '.join(remove)}; add --yes to do it", err=True)
        raise typer.Exit(2)
    listed, removed = asyncio.run(_work(settings, installation, remove or ()))
    if json_:
        shown = [one.as_json() for one in listed]
        tell(json.dumps({"channels": shown, "removed": [one.id for one in removed]}))
        return
    for channel in removed:
        tell(f"removed channel {channel.id}  {channel.name!r}")
    for one in listed:
        tell("\n".join(one.as_lines()))
    if not listed:
        tell("the app has no custom channels", err=True)


async def _work(
    settings: Settings, installation: Installation, remove: Sequence[str]
) -> tuple[list[ListedChannel], list[Channel]]:
    async with open_session() as session:
        portals = HubSpotPortals(
            settings.hubspot_api_url,
            lambda: session,
            SystemClock(),
            oauth_version=settings.hubspot_oauth_version,
        )
        hubspot = portals.of(installation)
        removed = await remove_channels(hubspot, remove) if remove else []
        return await list_channels(hubspot), removed
