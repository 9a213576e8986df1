"""What most commands share: the house they look through, the installations they mean, `--json`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.house import House, open_house
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.logs import configure_logging
from hubspot_hitl.settings import Settings, from_environment

InstallationId = Annotated[
    str | None, typer.Option("--installation", help="One installation, by its webhook id.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
JsonLines = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


@asynccontextmanager
async def looking(settings: Settings | None = None) -> AsyncGenerator[House]:
    """The house, without its worker; also while a server runs on the same database.

    Without `settings`, those of the environment.
    """
    configure_logging(format_="console", level="error", access_log=False)
    async with open_house(settings or from_environment(), work=False) as house:
        yield house


async def chosen(house: House, installation_id: str | None) -> Sequence[Installation]:
    """The one that is named, else all. Raises BadSettings for one that is not there."""
    if installation_id is None:
        return await house.services.installations.all()
    found = await house.services.installations.get(installation_id)
    if found is None:
        raise BadSettings(
            f"there is no installation {installation_id!r}; `hubspot-hitl status` lists them"
        )
    return [found]
