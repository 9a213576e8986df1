"""`hubspot-hitl webhooks`: the app's webhook target and subscriptions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import InstallationId, Json, chosen, looking
from hubspot_hitl.cli.standalone import standalone_installation
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.logs import configure_logging
from hubspot_hitl.ports.webhooks import AppWebhooks
from hubspot_hitl.settings import (
    Settings,
    from_environment,
    standalone_from_environment,
)
from hubspot_hitl.setup.subscriptions import (
    SubscriptionPlan,
    apply_subscriptions,
    neighbours_urls,
    own_urls,
    read_subscriptions,
)

app = typer.Typer()


@app.command()
def webhooks(
    url: Annotated[
        str | None,
        typer.Option(help="Use the HUBSPOT_ values of .env and send webhooks to this address."),
    ] = None,
    installation: InstallationId = None,
    apply: Annotated[bool, typer.Option("--apply", help="Change what differs.")] = False,
    json_: Json = False,
) -> None:
    """Compare the app's webhook target and subscriptions with what handoffs need.

    With --url for the app in .env, else for the installations in the database. A target URL that
    leads elsewhere is left alone. Exit status 1 when something differs and is not changed. Only
    legacy public apps can be changed like this; `hubspot-hitl plan` lists the clicks for others.
    """
    settings = from_environment()
    if url is not None:
        plans = asyncio.run(_standalone(settings, url, apply=apply))
    else:
        plans = asyncio.run(_installed(settings, installation, apply=apply))
    _show(plans, apply=apply, json_=json_)
    left = [plan for _, plan in plans if plan.stranger or (plan.drifted and not apply)]
    if left:
        raise typer.Exit(FINDING)


async def _standalone(
    settings: Settings, url: str, *, apply: bool
) -> list[tuple[str, SubscriptionPlan]]:
    if not url.startswith("https://") or "?" in url or "#" in url:
        raise BadSettings("--url must be an https address without a query: HubSpot signs it as is")
    configure_logging(format_="console", level="error", access_log=False)
    values = standalone_from_environment()
    one = standalone_installation(values)
    async with open_session() as session:
        portals = HubSpotPortals(
            settings.hubspot_api_url,
            lambda: session,
            SystemClock(),
            oauth_version=settings.hubspot_oauth_version,
        )
        return [(url, await _work(portals.of(one), [url], apply=apply))]


async def _installed(
    settings: Settings, installation_id: str | None, *, apply: bool
) -> list[tuple[str, SubscriptionPlan]]:
    async with looking(settings) as house:
        policy = house.services.policy
        return [
            (
                one.id,
                await _work(
                    house.portals.of(one),
                    own_urls(one, policy),
                    await neighbours_urls(house.services, one),
                    apply=apply,
                ),
            )
            for one in await chosen(house, installation_id)
        ]


async def _work(
    api: AppWebhooks, urls: Sequence[str], also: Sequence[str] = (), *, apply: bool
) -> SubscriptionPlan:
    if apply:
        return await apply_subscriptions(api, urls, also=also)
    return await read_subscriptions(api, urls, also=also)


def _show(plans: Sequence[tuple[str, SubscriptionPlan]], *, apply: bool, json_: bool) -> None:
    if json_:
        rows = [
            {"for": name, "drifted": plan.drifted, "applied": apply, "steps": list(plan.lines())}
            for name, plan in plans
        ]
        typer.echo(json.dumps({"webhooks": rows}))
        return
    for name, plan in plans:
        typer.echo(name)
        for line in plan.lines() or ("nothing to change",):
            typer.echo(f"  {line}")
    if not plans:
        typer.echo("no installation is known here yet", err=True)
