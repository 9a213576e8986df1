"""`hubspot-hitl config`: what the process would run with, and where each value comes from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from hubspot_hitl.cli.telling import tell
from hubspot_hitl.settings import from_environment, standalone_from_environment, unknown_variables
from hubspot_hitl.settings.environment import SettingRow, describe

app = typer.Typer()


@app.command()
def config(
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print every setting, its value (secrets masked) and its source.

    Exit status: 1 when a variable beginning with HITL_ means nothing, 2 when a value cannot work.
    """
    rows = (*describe(from_environment()), *describe(standalone_from_environment()))
    unknown = unknown_variables()
    if json_:
        settings = [asdict(row) for row in rows]
        tell(json.dumps({"settings": settings, "unknown": unknown}))
    else:
        _print_table(rows)
        for name in unknown:
            tell(f"unknown variable {name}: remove it or correct its name", err=True)
    if unknown:
        raise typer.Exit(1)


def _print_table(rows: tuple[SettingRow, ...]) -> None:
    name_width = max(len(row.name) for row in rows)
    value_width = max(len(row.value) for row in rows)
    for row in rows:
        tell(f"{row.name:{name_width}}  {row.value:{value_width}}  {row.source}")
