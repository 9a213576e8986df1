"""`hubspot-hitl version`."""

from __future__ import annotations

import json
import platform
from typing import Annotated

import typer

from hubspot_hitl import __version__
from hubspot_hitl.cli.telling import tell

app = typer.Typer()


@app.command()
def version(
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the version of this package and of Python."""
    python = platform.python_version()
    if json_:
        tell(json.dumps({"version": __version__, "python": python}))
    else:
        tell(f"hubspot-hitl {__version__} (Python {python})")
