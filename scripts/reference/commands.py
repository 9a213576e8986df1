"""docs/reference/commands.md."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Protocol, cast

import typer
from scripts.reference.note import NOTE

from hubspot_hitl.cli import COMMANDS, build


class _Parameter(Protocol):
    """What typer's own click makes of an option or argument."""

    name: str | None
    param_type_name: str
    opts: list[str]
    secondary_opts: list[str]
    required: bool


class _Command(Protocol):
    """A command or a group of commands."""

    name: str | None
    help: str | None
    params: list[_Parameter]


def commands_page() -> str:
    """docs/reference/commands.md."""
    lines = [
        "# Commands",
        "",
        NOTE,
        "",
        "`hubspot-hitl COMMAND --help` says the same. Exit status: 0 fine, 1 a finding, 2 wrong",
        "use. Settings come from the environment: [settings.md](settings.md).",
    ]
    top = cast("_Command", typer.main.get_command(build([])))
    for name, command in _children(top):
        lines += _command(f"hubspot-hitl {name}", command)
    return "\n".join(lines) + "\n"


def _children(command: _Command) -> list[tuple[str, _Command]]:
    found = cast("dict[str, _Command]", getattr(command, "commands", {}))
    order = list(COMMANDS)
    return sorted(
        found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)
    )


def _command(path: str, command: _Command) -> Iterator[str]:
    children = _children(command)
    words = inspect.cleandoc(command.help or "").replace("\f", "")
    yield from ("", f"## `{path}`", "", words)
    shown = [one for one in command.params if one.name != "help"]
    if shown and not children:
        yield from ("", "| option | meaning |", "|---|---|")
        for parameter in shown:
            yield f"| {_names(parameter)} | {_help(parameter)} |"
    for name, child in children:
        yield from _command(f"{path} {name}", child)


def _names(parameter: _Parameter) -> str:
    if parameter.param_type_name == "argument":
        name = (parameter.name or "").upper()
        return f"`{name}`" if parameter.required else f"`[{name}]`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _help(parameter: _Parameter) -> str:
    return str(getattr(parameter, "help", None) or "").replace("|", "\\|").replace("\n", " ")
