"""The command line: `hubspot-hitl ...`.

Each command is a module with a typer application called `app`; only the module of the command that
was asked for is imported, so `hubspot-hitl version` needs no HTTP stack. Exit status: 0 fine, 1 a
finding, 2 wrong use.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

import typer

from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import BadSettings, HitlError

# command -> module; the order is the one `--help` shows
COMMANDS = {
    "connect": "hubspot_hitl.cli.connect",
    "channels": "hubspot_hitl.cli.channels",
    "webhooks": "hubspot_hitl.cli.webhooks",
    "publish": "hubspot_hitl.cli.publish",
    "serve": "hubspot_hitl.cli.serve",
    "migrate": "hubspot_hitl.cli.migrate",
    "dev": "hubspot_hitl.cli.dev",
    "demo": "hubspot_hitl.cli.demo",
    "twin": "hubspot_hitl.cli.twin",
    "doctor": "hubspot_hitl.cli.doctor",
    "status": "hubspot_hitl.cli.status",
    "plan": "hubspot_hitl.cli.plan",
    "apply": "hubspot_hitl.cli.apply",
    "drift": "hubspot_hitl.cli.drift",
    "rules": "hubspot_hitl.cli.rules",
    "sessions": "hubspot_hitl.cli.sessions",
    "deliveries": "hubspot_hitl.cli.deliveries",
    "reconcile": "hubspot_hitl.cli.reconcile",
    "keys": "hubspot_hitl.cli.keys",
    "report": "hubspot_hitl.cli.report",
    "erase": "hubspot_hitl.cli.erase",
    "config": "hubspot_hitl.cli.config",
    "version": "hubspot_hitl.cli.version",
}

FINDING = 1
WRONG_USE = 2
LOOK_FOR_GARBAGE = (10_000, 10, 10)
"""After how many new objects Python looks for cycles, and how much more often among young ones.

Nothing on the main path leaves cycles behind. With Python's 700 a tenth of a server's time went
into looking, and each second all messages waited for a look at everything.
"""


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application with the command that `arguments` name, or with all when they name none."""
    application = typer.Typer(
        name="hubspot-hitl",
        help="Hands Botpress conversations to human agents in HubSpot.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # they print local variables, and so secrets
    )
    application.callback()(_root)
    wanted = arguments[:1] if arguments and arguments[0] in COMMANDS else list(COMMANDS)
    if list(wanted) == ["serve"]:
        _load_structlog()
    for name in wanted:
        application.add_typer(cast("typer.Typer", import_module(COMMANDS[name]).app))
    return application


def _root() -> None:
    """Hands Botpress conversations to human agents in HubSpot."""


def _load_structlog() -> None:
    """Import structlog without rich, which it would load to draw tracebacks: a server draws none.

    That spares a thirtieth of its start.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # an import of it fails, says the language
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    return _carry_out(_command(arguments), arguments)


def main() -> None:
    """Entry point of the `hubspot-hitl` command."""
    gc.disable()  # a sixth of the start would go into looking at modules, which stay
    command = _command(sys.argv[1:])
    gc.freeze()  # nor are they looked at later
    gc.set_threshold(*LOOK_FOR_GARBAGE)
    gc.enable()
    sys.exit(_carry_out(command, sys.argv[1:]))


def _command(arguments: Sequence[str]) -> Callable[..., object]:
    return typer.main.get_command(build(arguments))


def _carry_out(command: Callable[..., object], arguments: Sequence[str]) -> int:
    try:
        command(args=list(arguments), prog_name="hubspot-hitl")
    except HitlError as error:
        tell(f"error: {error.message} [{error.code}]", err=True)
        return WRONG_USE if isinstance(error, BadSettings) else FINDING
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0
    return 0
