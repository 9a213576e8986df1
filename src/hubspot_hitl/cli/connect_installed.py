"""Connecting an installation that the server knows: a link for the portal's admin, or a token."""

from __future__ import annotations

import json
import sys
from urllib.parse import quote

import typer

from hubspot_hitl.cli.chosen import chosen, looking
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.house import House
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.settings import Settings


async def the_one(house: House, installation_id: str | None) -> Installation:
    """The installation that is named, else the only one. Raises BadSettings."""
    found = await chosen(house, installation_id)
    if len(found) != 1:
        listed = ", ".join(one.id for one in found) or "none yet"
        raise BadSettings(f"name one with --installation; this server knows {listed}")
    return found[0]


def print_link(settings: Settings, installation_id: str | None, *, hours: int, json_: bool) -> None:
    """Print an address that lets whoever opens it connect one installation, for some hours.

    Raises BadSettings without a public URL.
    """
    if settings.public_url is None:
        raise BadSettings("HITL_PUBLIC_URL is not set: the link leads to this server")
    base = settings.public_url
    found: list[tuple[str, str]] = []

    async def main() -> None:
        async with looking(settings) as house:
            one = await the_one(house, installation_id)
            signer, clock = house.connector.signer, house.services.clock
            link = signer.link(one.id, clock.now_ms(), hours * 3600)
            found.append((one.id, f"{base}/oauth/hubspot/connect?link={quote(link, safe='')}"))
            await house.storage.audit.append(
                "command line", "connect-link", one.id, {"hours": hours}
            )

    run_loop(main)
    one_id, url = found[0]
    if json_:
        tell(json.dumps({"installation": one_id, "url": url, "hours": hours}))
        return
    tell(f"Send this to an admin of the portal; it works for {hours} h:", err=True)
    tell(url)


def with_token(
    settings: Settings, installation_id: str | None, *, name: str, keep: bool, json_: bool
) -> None:
    """Test a private app's token or a service key, and with `keep` connect with it.

    It is read from standard input, never from the arguments. Raises BadSettings, ConnectRefused,
    InvalidPayload or VendorError.
    """
    token = _read_token()
    shown: list[dict[str, object]] = []

    async def main() -> None:
        async with looking(settings) as house:
            one, connector = await the_one(house, installation_id), house.connector
            if keep:
                info = await connector.use_token(one.id, token, name)
                await house.storage.audit.append(
                    "command line", "connect-token", one.id, {"name": name}
                )
            else:
                info = await connector.test_token(one.id, token)
            shown.append(
                {
                    "installation": one.id,
                    "status": "CONNECTED" if keep else "TESTED",
                    "portalId": info.portal_id,
                    "scopes": list(info.scopes),
                }
            )

    run_loop(main)
    row = shown[0]
    if json_:
        tell(json.dumps(row))
        return
    tell(f"{row['status']}: portal {row['portalId']}, installation {row['installation']}")


def _read_token() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Private-app token or service key", hide_input=True, err=True))
    return sys.stdin.readline().strip()
