"""`hubspot-hitl migrate`: brings the database to this version's schema, ahead of a roll-out.

`serve` does the same when it starts; the command is for deployments that want it done once, before
any replica of the new version runs.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from hubspot_hitl.cli.telling import tell
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.settings import Settings, from_environment
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.store.migrations import HEAD, current_revision
from hubspot_hitl.store.migrations import migrate as bring_up

app = typer.Typer()


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit status 1 when there is work.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring the database to this version's schema; safe to repeat and to run from many replicas."""
    settings = from_environment()
    configure_logging_from(settings)
    before, changed = asyncio.run(_migrate(settings, check=check))
    behind = before != HEAD
    if json_:
        tell(json.dumps({"before": before, "wanted": HEAD, "changed": changed}))
    elif behind:
        did = "is now at" if changed else "should be at"
        tell(f"the database was at {before or 'nothing'} and {did} {HEAD}")
    else:
        tell(f"the database is at {HEAD}: nothing to do")
    if check and behind:
        raise typer.Exit(1)


async def _migrate(settings: Settings, *, check: bool) -> tuple[str | None, bool]:
    """The revision before, and whether something was changed."""
    # A running server holds the file's lock; it has the schema already, so looking needs no lock.
    database = open_database(settings.database_url, exclusive=False)
    await database.start()
    try:
        before = await current_revision(database)
        return before, False if check else await bring_up(database)
    finally:
        await database.close()
