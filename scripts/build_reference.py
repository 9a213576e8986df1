"""Write what is derived: the pages of docs/reference and .env.example."""

from __future__ import annotations

import argparse
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import typer

import hubspot_hitl
from hubspot_hitl.cli import COMMANDS, build
from hubspot_hitl.environment import is_secret
from hubspot_hitl.errors import CallerError, HitlError, ServiceError, VendorError
from hubspot_hitl.integration.actions import ACTIONS
from hubspot_hitl.integration.schema import json_schema
from hubspot_hitl.settings import ALIASES, Settings, StandaloneSettings, describe
from hubspot_hitl.web.routes import ROUTES

ROOT = Path(__file__).parents[1]
SECTIONS = (
    (Settings, "The process"),
    (StandaloneSettings, "One HubSpot installation, for the scripts and for running stand-alone"),
)


def settings_page() -> str:
    """docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        "Written by `scripts/build_reference.py`; do not edit by hand.",
        "",
        "Order of strength: the environment, then the file `.env` in the working directory, then",
        "the default. An empty value counts as unset. What is marked *secret* can also come from",
        "a file: append `_FILE` to its name and give the path; so can `HITL_DATABASE_URL`.",
        "`hubspot-hitl config` prints every value with its source, secrets masked. A value that",
        "cannot work stops the start with a message that names the variable, exit status 2.",
    ]
    for model, title in SECTIONS:
        lines += ["", f"## {title}", "", "| variable | default | meaning |", "|---|---|---|"]
        fields = list(model.model_fields.values())
        for row, field in zip(describe(model()), fields, strict=True):
            aliases = "".join(f", `{name}`" for name in ALIASES.get(row.name, ()))
            default = f"`{_value(row.value)}`" if row.value else ""
            secret = " *Secret.*" if is_secret(field) else ""
            lines.append(f"| `{row.name}`{aliases} | {default} | {row.description}{secret} |")
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """.env.example: every variable, commented out, at its default."""
    lines = [
        "# Copy to .env and uncomment what you change. The environment is stronger than this file.",
        "# A secret can also come from a file: HITL_CONSOLE_TOKEN_FILE=/run/secrets/console.",
    ]
    for model, title in SECTIONS:
        lines += ["", f"# --- {title}"]
        for row in describe(model()):
            lines += ["", *(f"# {line}" for line in textwrap.wrap(row.description, 96))]
            lines.append(f"#{row.name}={_value(row.value)}")
    return "\n".join(lines) + "\n"


def actions_page() -> str:
    """docs/reference/actions.md."""
    lines = [
        "# Actions",
        "",
        "Written by `scripts/build_reference.py`; do not edit by hand.",
        "",
        "What a bot can call, as cards in Botpress's Studio or by `callAction`. Fields without a",
        "mark are optional. Fields left blank count as not given. Ids may be numbers or texts.",
        "",
        "A refusal is a RuntimeError (400) whose text names the field, the rule and the way out.",
    ]
    for name, spec in ACTIONS.items():
        hidden = " Called by the HITL plugin, not shown in the Studio." if spec.attributes else ""
        lines += ["", f"## {name}", "", f"**{spec.title}.** {spec.description}{hidden}"]
        for side, model in (("Input", spec.input), ("Output", spec.output)):
            schema = json_schema(model)
            rows = list(_rows(schema, ""))
            lines += ["", f"{side}: an empty object." if not rows else f"{side}:"]
            if rows:
                lines += ["", "| field | type | meaning |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _rows(schema: Mapping[str, object], prefix: str) -> Iterator[str]:
    """One row for each field, those of nested objects behind their parent's."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return
    needed = cast("list[str]", required) if isinstance(required, list) else []
    for name, field in cast("dict[str, dict[str, object]]", properties).items():
        mark = " **(needed)**" if name in needed else ""
        meaning = str(field.get("description", "")).replace("|", "\\|")
        yield f"| `{prefix}{name}`{mark} | {_type(field)} | {meaning} |"
        items = field.get("items")
        if isinstance(items, dict) and "anyOf" not in items:
            yield from _rows(cast("dict[str, object]", items), f"{prefix}{name}[].")
        else:
            yield from _rows(field, f"{prefix}{name}.")


def _type(field: Mapping[str, object]) -> str:
    values = field.get("enum")
    if isinstance(values, list):
        return " or ".join(f"`{value}`" for value in cast("list[object]", values))
    if "anyOf" in field:
        return "object"
    kind = str(field.get("type", "any"))
    if kind == "array":
        items = field.get("items")
        inner = _type(cast("dict[str, object]", items)) if isinstance(items, dict) else "any"
        return f"list of {inner}"
    if kind == "object" and isinstance(field.get("additionalProperties"), dict):
        return "object of texts"
    default = field.get("default")
    shown = "" if default in (None, {}, []) else f", default `{_value(str(default))}`"
    return {"string": "text", "boolean": "true or false"}.get(kind, kind) + shown


def _value(value: str) -> str:
    return value.lower() if value in {"True", "False"} else value


_NOTE = "Written by `scripts/build_reference.py`; do not edit by hand."
_SKIPPED = ("hubspot_hitl.twins", "hubspot_hitl.store.env", "hubspot_hitl.store.versions")


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
        _NOTE,
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


_BRANCHES: tuple[tuple[type[HitlError], str], ...] = (
    (CallerError, "The caller must change something"),
    (VendorError, "HubSpot or Botpress must act, or we must wait"),
    (ServiceError, "The operator of this service must act"),
)


def errors_page() -> str:
    """docs/reference/errors.md."""
    lines = [
        "# Errors",
        "",
        _NOTE,
        "",
        "The code is stable: it stands in logs (`error_code`), in problem+json answers (`error`),",
        "in `--json` output and in the dead letters. [Troubleshooting](../troubleshooting.md) says",
        "what to do about each.",
    ]
    for branch, title in _BRANCHES:
        lines += [
            "",
            f"## {title}",
            "",
            "| code | error | retry helps | meaning |",
            "|---|---|---|---|",
        ]
        lines += [_error(one) for one in error_classes() if issubclass(one, branch)]
    return "\n".join(lines) + "\n"


def _error(error: type[HitlError]) -> str:
    meaning = inspect.cleandoc(error.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    meaning = re.sub(r":class:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", meaning)
    helps = "yes" if error.retryable else "no"
    return f"| `{error.code}` | `{error.__name__}` | {helps} | {meaning} |"


def error_classes() -> list[type[HitlError]]:
    """Every error of this project that has a code of its own, in the order of the codes."""
    for module in pkgutil.walk_packages(hubspot_hitl.__path__, "hubspot_hitl."):
        if not module.name.startswith(_SKIPPED):
            import_module(module.name)
    found = {one for one in _below(HitlError) if "code" in vars(one)}
    return sorted(found, key=lambda one: one.code)


def _below(parent: type[HitlError]) -> Iterator[type[HitlError]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("hubspot_hitl."):
            yield child
        yield from _below(child)


def http_page() -> str:
    """docs/reference/http.md."""
    lines = [
        "# HTTP API",
        "",
        _NOTE,
        "",
        "Every route of the server, from its one list in `src/hubspot_hitl/web/routes.py`. What",
        "machines may ask is described in OpenAPI 3.1 at `/openapi.json`. Errors are problem+json",
        "(RFC 9457) with a code in `error`: [errors.md](errors.md).",
        "",
        "| method | path | what it does |",
        "|---|---|---|",
    ]
    for route in ROUTES:
        method = "any" if route.method == "*" else route.method
        handler = cast("object", route.handler)
        words = inspect.cleandoc(getattr(handler, "__doc__", None) or "").split("\n\n")[0]
        words = words.replace("\n", " ").replace("|", "\\|") or "A page of the console."
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
        lines.append(f"| {method} | `{path}` | {words} |")
    return "\n".join(lines) + "\n"


def outputs() -> dict[Path, str]:
    """Every file this script writes."""
    return {
        ROOT / "docs" / "reference" / "settings.md": settings_page(),
        ROOT / "docs" / "reference" / "actions.md": actions_page(),
        ROOT / "docs" / "reference" / "commands.md": commands_page(),
        ROOT / "docs" / "reference" / "errors.md": errors_page(),
        ROOT / "docs" / "reference" / "http.md": http_page(),
        ROOT / ".env.example": env_example(),
    }


def main() -> None:
    """Write the files."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for path, text in outputs().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
