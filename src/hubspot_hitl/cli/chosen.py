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
from hubspot_hitl.store.engine.database import SqliteDatabase, open_database
from hubspot_hitl.store.migrations import HEAD, current_revision, needs_migration

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


@asynccontextmanager
async def reading() -> AsyncGenerator[House]:
    """The house of the environment's settings, for commands that only tell what is there.

    Raises BadSettings where there is no database of this version: a command that looks must not
    make an empty one in the wrong place, nor change one that an older server is working on.
    """
    settings = from_environment()
    configure_logging(format_="console", level="error", access_log=False)
    await _must_be_there(settings)
    async with looking(settings) as house:
        yield house


async def _must_be_there(settings: Settings) -> None:
    database = open_database(settings.database_url, exclusive=False)
    where = database.where
    absent = BadSettings(
        f"there is no database yet at {where!r}: HITL_DATA_DIR or HITL_DATABASE_URL do not name"
        " the server's, or the server has not been started"
    )
    if isinstance(database, SqliteDatabase) and not database.path.exists():
        raise absent
    await database.start()
    try:
        revision = await current_revision(database)
        if revision is None:
            raise absent
        if await needs_migration(database):
            raise BadSettings(
                f"the database at {where!r} has schema {revision!r}, this version needs {HEAD!r}:"
                " use the version that the server runs, or `hubspot-hitl migrate`"
            )
    finally:
        await database.close()


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
