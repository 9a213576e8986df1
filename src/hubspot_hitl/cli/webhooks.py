"""`hubspot-hitl webhooks`: the app's webhook target and subscriptions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import InstallationId, Json, chosen, looking
from hubspot_hitl.cli.standalone import standalone_installation
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings, MissingScope, VendorError, VendorRefused
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
    if any(one.left(apply=apply) for one in plans):
        raise typer.Exit(FINDING)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one installation's app needs, or why that cannot be known."""

    name: str
    plan: SubscriptionPlan | None = None
    error: str | None = None

    def left(self, *, apply: bool) -> bool:
        """Whether something is left to do."""
        plan = self.plan
        return plan is None or plan.stranger is not None or (plan.drifted and not apply)

    def lines(self) -> tuple[str, ...]:
        """The steps for people."""
        return self.plan.lines() if self.plan else (self.error or "",)


async def _standalone(settings: Settings, url: str, *, apply: bool) -> list[_Looked]:
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
        return [await _work(url, portals.of(one), [url], apply=apply)]


async def _installed(
    settings: Settings, installation_id: str | None, *, apply: bool
) -> list[_Looked]:
    async with looking(settings) as house:
        policy = house.services.policy
        return [
            await _work(
                one.id,
                house.portals.of(one),
                own_urls(one, policy),
                await neighbours_urls(house.services, one),
                apply=apply,
            )
            for one in await chosen(house, installation_id)
        ]


async def _work(
    name: str, api: AppWebhooks, urls: Sequence[str], also: Sequence[str] = (), *, apply: bool
) -> _Looked:
    """One app's plan, carried out if wanted; a refusal hides nothing of the other apps."""
    do = apply_subscriptions if apply else read_subscriptions
    try:
        return _Looked(name, await do(api, urls, also=also))
    except (MissingScope, VendorRefused) as error:
        return _Looked(
            name,
            error=f"HubSpot's API does not serve this app ({error.vendor_code or error.code}): it"
            " is for legacy public apps with their developer key. `hubspot-hitl plan` lists the"
            " clicks for others.",
        )
    except VendorError as error:
        return _Looked(name, error=f"{error.message} [{error.code}]")


def _show(plans: Sequence[_Looked], *, apply: bool, json_: bool) -> None:
    if json_:
        tell(json.dumps({"webhooks": [_row(one, apply=apply) for one in plans]}))
        return
    for one in plans:
        tell(one.name)
        for line in one.lines() or ("nothing to change",):
            tell(f"  {line}")
    if not plans:
        tell("no installation is known here yet", err=True)


def _row(one: _Looked, *, apply: bool) -> dict[str, object]:
    plan = one.plan
    return {
        "for": one.name,
        "drifted": plan.drifted if plan else None,
        "applied": apply and plan is not None,
        "steps": list(plan.lines()) if plan else [],
        "error": one.error,
    }
