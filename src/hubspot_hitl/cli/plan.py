"""`hubspot-hitl plan`: what `apply` would change at HubSpot. Writes nothing."""

from __future__ import annotations

import json
from typing import NoReturn

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import InstallationId, Json, chosen, looking
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.standalone import Standalone, addressed_standalone
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import BadSettings, HitlError
from hubspot_hitl.settings import from_environment
from hubspot_hitl.setup.apply import plan_for

app = typer.Typer()


@app.command()
def plan(
    installation: InstallationId = None, standalone: Standalone = False, json_: Json = False
) -> None:
    """Show what HubSpot holds and what `apply` would change.

    Exit status 1 when an installation cannot be read.
    """
    rows = show_plans(installation, standalone=standalone, json_=json_)
    if any("error" in row for row in rows):
        raise typer.Exit(FINDING)


def show_plans(
    installation: str | None, *, standalone: bool, json_: bool
) -> list[dict[str, object]]:
    """Print the plans of the chosen installations, and return them as for `--json`."""
    rows: list[dict[str, object]] = []
    lines: list[str] = []

    async def main() -> None:
        settings = from_environment()
        async with looking(settings) as house:
            every = (
                [addressed_standalone(settings)]
                if standalone
                else await chosen(house, installation)
            )
            for one in every:
                try:
                    found = await plan_for(house.services, one)
                except HitlError as error:
                    installation_failed(one.id, error, rows, lines)
                    continue
                steps = [step.as_json() for step in found.steps]
                rows.append(
                    {
                        "installation": one.id,
                        "drifted": found.drifted,
                        "steps": steps,
                        "problems": list(found.problems),
                        "clicks": list(found.by_hand),
                    }
                )
                lines.append(f"installation {one.id}")
                lines.extend(f"  {step.as_text()}" for step in found.steps)
                lines.extend(f"  problem: {problem}" for problem in found.problems)
                lines.extend(f"  by hand: {line}" for line in found.by_hand)

    run_loop(main)
    if not rows:
        no_installation()
    tell(json.dumps({"installations": rows}) if json_ else "\n".join(lines))
    return rows


def installation_failed(
    installation_id: str, error: HitlError, rows: list[dict[str, object]], lines: list[str]
) -> None:
    """Say of one installation why it failed; the others go on."""
    rows.append({"installation": installation_id, "error": error.code, "message": error.message})
    lines.append(f"installation {installation_id}\n  error: {error.message} [{error.code}]")


def no_installation() -> NoReturn:
    """Raises BadSettings: there is nothing to look at."""
    raise BadSettings(
        "no installation is known here yet: start the server, then install the integration in a bot"
        " and save its configuration"
    )
