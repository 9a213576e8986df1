"""`hubspot-hitl drift`: whether HubSpot still holds what it should. For a scheduler."""

from __future__ import annotations

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import InstallationId, Json
from hubspot_hitl.cli.plan import show_plans
from hubspot_hitl.cli.standalone import Standalone

app = typer.Typer()


@app.command()
def drift(
    installation: InstallationId = None, standalone: Standalone = False, json_: Json = False
) -> None:
    """Show the plan; exit status 1 when HubSpot differs from it."""
    rows = show_plans(installation, standalone=standalone, json_=json_)
    if any(row.get("drifted") or "error" in row for row in rows):
        raise typer.Exit(FINDING)
