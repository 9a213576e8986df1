"""Write what is derived: docs/reference/settings.md, docs/reference/actions.md, .env.example."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from hubspot_hitl.environment import is_secret
from hubspot_hitl.integration.actions import ACTIONS
from hubspot_hitl.integration.schema import json_schema
from hubspot_hitl.settings import ALIASES, Settings, StandaloneSettings, describe

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


def outputs() -> dict[Path, str]:
    """Every file this script writes."""
    return {
        ROOT / "docs" / "reference" / "settings.md": settings_page(),
        ROOT / "docs" / "reference" / "actions.md": actions_page(),
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
