"""`hubspot-hitl apply`: brings HubSpot to what the installations need. Twice is as good as once."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import InstallationId, Json, chosen, looking
from hubspot_hitl.cli.plan import installation_failed, no_installation
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.standalone import Standalone, remember_standalone
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import HitlError
from hubspot_hitl.settings import from_environment
from hubspot_hitl.setup.apply import Applied
from hubspot_hitl.setup.apply import apply as apply_to
from hubspot_hitl.setup.plan import Verb

app = typer.Typer()


@app.command()
def apply(
    installation: InstallationId = None,
    fold: Annotated[
        bool, typer.Option("--fold", help="Delete further channels with our webhook URL.")
    ] = False,
    standalone: Standalone = False,
    json_: Json = False,
) -> None:
    """Create or repair what handoffs need in HubSpot; leave alone what is right.

    Exit status 1 when an installation could not be brought there.
    """
    rows: list[dict[str, object]] = []
    lines: list[str] = []

    async def main() -> None:
        settings = from_environment()
        async with looking(settings) as house:
            every = (
                [await remember_standalone(house, settings)]
                if standalone
                else await chosen(house, installation)
            )
            for one in every:
                try:
                    done = await apply_to(house.services, one, fold=fold)
                except HitlError as error:
                    installation_failed(one.id, error, rows, lines)
                    continue
                await house.storage.audit.append(
                    "command line", "apply", one.id, {"folded": done.folded}
                )
                rows.append(
                    {"installation": one.id, **_shown(done), "clicks": list(done.plan.by_hand)}
                )
                lines.append(f"installation {one.id}")
                lines.extend(_lines(done))
                lines.extend(f"  by hand: {line}" for line in done.plan.by_hand)

    run_loop(main)
    if not rows:
        no_installation()
    tell(json.dumps({"installations": rows}) if json_ else "\n".join(lines))
    if any("error" in row for row in rows):
        raise typer.Exit(FINDING)


def _shown(done: Applied) -> dict[str, object]:
    written = [one.as_json() for one in done.plan.steps if one.verb in (Verb.CREATE, Verb.UPDATE)]
    return {"done": written, "folded": list(done.folded), "left": list(done.left)}


def _lines(done: Applied) -> list[str]:
    lines = [
        f"  {one.as_text()}"
        for one in done.plan.steps
        if one.verb in (Verb.CREATE, Verb.UPDATE, Verb.STRANGER)
    ]
    lines += [f"  folded     channel {one}" for one in done.folded]
    lines += [f"  left       channel {one}: a handoff still runs over it" for one in done.left]
    waiting = len(done.plan.having(Verb.DUPLICATE)) - len(done.folded) - len(done.left)
    if waiting:
        lines.append(f"  {waiting} duplicate channel(s): add --fold to delete them")
    return lines or ["  nothing to do"]
