"""The installation of the stand-alone mode: one bot of your own, no Botpress.

Its configuration are the six `HUBSPOT_` values, its webhooks come straight to this server.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from pydantic import SecretStr

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.house import House
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import STANDALONE, Installation
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.settings import Settings, StandaloneSettings, standalone_from_environment
from hubspot_hitl.settings.environment import secrets_of

Standalone = Annotated[
    bool,
    typer.Option(
        "--standalone", help="The bot of your own that the HUBSPOT_ values of .env describe."
    ),
]


def standalone_installation(values: StandaloneSettings) -> Installation:
    """The installation that the `HUBSPOT_` variables describe.

    Raises BadSettings naming the ones that are needed to reach HubSpot and not set.
    """
    missing = values.missing("app_id", "client_id", "client_secret", "refresh_token")
    if missing:
        raise BadSettings(f"{', '.join(missing)} not set; put them into the environment or .env")
    for secret in secrets_of(values):
        remember_secret(secret)
    configuration = Configuration(
        developer_api_key=values.developer_api_key,
        app_id=values.app_id or "",
        client_id=values.client_id or "",
        client_secret=values.client_secret or SecretStr(""),
        refresh_token=values.refresh_token or SecretStr(""),
        inbox_id=values.inbox_id or "",
    )
    return Installation(STANDALONE, STANDALONE, STANDALONE, STANDALONE, configuration)


def addressed_standalone(settings: Settings) -> Installation:
    """The same, with the address at which this server takes its webhooks. Raises BadSettings."""
    if settings.public_url is None:
        raise BadSettings(
            "HITL_PUBLIC_URL is not set: HubSpot has to reach this server, set its https address"
        )
    url = f"{settings.public_url.rstrip('/')}/hubspot/webhooks/{STANDALONE}"
    return replace(standalone_installation(standalone_from_environment()), webhook_url=url)


async def remember_standalone(house: House, settings: Settings) -> Installation:
    """Let the server know the installation, and its portal where the token tells it."""
    installations = house.services.installations
    one = await installations.remember(addressed_standalone(settings))
    info = await house.services.hubspot.of(one).portal()
    await installations.set_portal(one.id, info.portal_id)
    return await installations.get(one.id) or one
