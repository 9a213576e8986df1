"""`hubspot-hitl report`: how handoffs went over the last hour, day or week."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer
from rich.table import Table

from hubspot_hitl.cli.chosen import reading
from hubspot_hitl.cli.lines import Terminal
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.ports.ledger import LedgerHealth
from hubspot_hitl.web.console.figures import Report, as_csv, as_json, gather
from hubspot_hitl.web.console.render import share_text, span_text
from hubspot_hitl.web.console.spans import SPANS

app = typer.Typer()


@app.command()
def report(
    span: Annotated[Literal["hour", "day", "week"], typer.Option(help="How far back.")] = "day",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for spreadsheets.")] = False,
) -> None:
    """Show how many handoffs there were, how they ended, how long people waited.

    Reads the database that the settings name, also while a server runs on it. Exit status 1 when
    there are dead letters.
    """
    dead = 0

    async def main() -> None:
        nonlocal dead
        async with reading() as house:
            found = await gather(
                house.storage.figures, house.rates, house.services.clock, SPANS[span]
            )
            health = await house.services.ledger.health()
        dead = health.dead
        if json_:
            ledger = {"waiting": health.ready, "dead": health.dead}
            tell(json.dumps({**as_json(found), "ledger": ledger}))
        elif csv:
            tell(as_csv(found), nl=False)
        else:
            _show(found, health)

    run_loop(main)
    raise typer.Exit(1 if dead else 0)


def _show(found: Report, health: LedgerHealth) -> None:
    console = Terminal()
    console.print(f"Handoffs, {found.span.label}", style="bold")
    for name, count in found.outcomes.totals.most_common():
        console.print(f"{count:>8}  {name}")
    if not found.outcomes.totals:
        console.print("       0")
    table = Table(box=None, pad_edge=False)
    for name in ("", "count", "median", "90 %", "most"):
        table.add_column(name, justify="left" if not name else "right")
    for one in found.durations:
        whole = one.whole
        times = map(span_text, (whole.median_ms, whole.p90_ms, whole.most_ms))
        table.add_row(one.label, str(whole.count), *times)
    console.print()
    console.print(table)
    console.print()
    for used in found.rate.portals:
        most = share_text(used.most)
        console.print(f"Portal {used.budget.portal}: at most {most} of HubSpot's rate limit in use")
    console.print(f"Waiting deliveries and timers: {health.ready}; dead letters: {health.dead}")
    if health.dead:
        console.print("hubspot-hitl deliveries list --state dead", style="bold")
