"""`hubspot-hitl doctor`: what is wrong, why, and how to mend it. Changes nothing."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import InstallationId, Json, chosen, looking
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.house import House
from hubspot_hitl.settings import Settings, from_environment
from hubspot_hitl.setup.doctor.examine import Surroundings, examine
from hubspot_hitl.setup.doctor.findings import Finding, Severity, fine, problem
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.store.migrations import HEAD, current_revision, needs_migration
from hubspot_hitl.web.surroundings import surroundings as surroundings_of

app = typer.Typer()


@app.command()
def doctor(
    installation: InstallationId = None,
    round_trip: Annotated[
        bool,
        typer.Option("--round-trip", help="Send a marked message into each inbox and back."),
    ] = False,
    json_: Json = False,
) -> None:
    """Check settings, keys, clock, database, and each installation's bot, portal and channel.

    Exit status 1 when something is in error. The codes are explained in docs/how-to/doctor.md.
    """
    settings = from_environment()
    found: list[Finding] = []

    async def main() -> None:
        found.append(await check_schema(settings))
        if found[0].severity is Severity.ERROR:
            return  # opening the house would migrate the database, or fail the same way
        async with looking(settings) as house:
            around = await surroundings(settings, house)
            installations = await chosen(house, installation)
            found.extend(await examine(house.services, around, installations, trip=round_trip))

    run_loop(main)
    wrong = any(one.severity is Severity.ERROR for one in found)
    if json_:
        shown = [one.as_json() for one in found]
        tell(json.dumps({"ok": not wrong, "findings": shown}))
    else:
        tell("\n".join(one.as_text() for one in found))
    if wrong:
        raise typer.Exit(FINDING)


async def check_schema(settings: Settings) -> Finding:
    """Whether the database can be opened and has this version's schema; a new one gets it."""
    try:
        database = open_database(settings.database_url, exclusive=False)
        await database.start()
        try:
            revision = await current_revision(database)
            if revision is not None and await needs_migration(database):
                return problem("schema_behind", f"the schema is {revision}, not {HEAD}")
        finally:
            await database.close()
    except StoreUnavailable as error:
        return problem("database_unavailable", error.message)
    except BadSettings as error:
        return problem("bad_settings", error.message)
    return fine("schema", f"the database has schema {HEAD}")


async def surroundings(settings: Settings, house: House) -> Surroundings:
    """What the checks cannot know from the services."""
    return await surroundings_of(
        settings, house.storage.vault, signing_secret=bool(house.signing_secrets)
    )
