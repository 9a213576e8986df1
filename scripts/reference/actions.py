"""docs/reference/actions.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

from scripts.reference.note import NOTE, shown

from hubspot_hitl.integration.action_examples import EXAMPLES
from hubspot_hitl.integration.actions import ACTIONS
from hubspot_hitl.integration.schema import json_schema


def actions_page() -> str:
    """docs/reference/actions.md."""
    lines = [
        "# Actions",
        "",
        NOTE,
        "",
        "What a bot can call, as cards in Botpress's Studio or by `callAction`. Fields without a",
        "mark are optional. Fields left blank count as not given. Ids may be numbers or texts.",
        "",
        "A refusal is a RuntimeError (400) whose text names the field, the rule and the way out.",
        "The examples are inputs; a test runs each of them.",
    ]
    for name, spec in ACTIONS.items():
        hidden = " Called by the HITL plugin, not shown in the Studio." if spec.attributes else ""
        lines += ["", f"## {name}", "", f"**{spec.title}.** {spec.description}{hidden}"]
        if name in EXAMPLES:
            example = json.dumps(EXAMPLES[name], indent=2, ensure_ascii=False)
            lines += ["", "```json", example, "```"]
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
    said = "" if default in (None, {}, []) else f", default `{shown(str(default))}`"
    return {"string": "text", "boolean": "true or false"}.get(kind, kind) + said
