"""docs/reference/configuration.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic.fields import FieldInfo
from scripts.reference.note import NOTE, limits, shown

from hubspot_hitl.integration.configuration import Configuration


def configuration_page() -> str:
    """docs/reference/configuration.md."""
    lines = [
        "# Configuration of an installation",
        "",
        NOTE,
        "",
        "What the bot owner fills in where the integration is installed in Botpress. The first six",
        "fields name the HubSpot app, the inbox and the grant; everything else is optional. Of",
        "several values the first is the default. Settings of the whole server are in",
        "[settings.md](settings.md).",
        "",
        "| field | name | value | meaning |",
        "|---|---|---|---|",
        *_rows(),
    ]
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[str]:
    for name, field in Configuration.model_fields.items():
        meaning = (field.description or "").replace("|", "\\|")
        alias = field.alias or name
        yield f"| {field.title} | `{alias}` | {_value(field)} | {meaning}{limits(field)} |"


def _value(field: FieldInfo) -> str:
    """What may stand there, the default first."""
    kind = str(field.annotation)
    if "Secret" in kind:
        return "secret"
    choices = [str(one) for one in get_args(field.annotation)] if "Literal" in kind else []
    if choices:
        first = str(field.default)
        return ", ".join(f"`{one}`" for one in sorted(choices, key=lambda one: one != first))
    if field.default in (None, "") or field.default_factory is not None:
        return {"dict": "object of texts", "list": "list of texts"}.get(
            kind.partition("[")[0].removeprefix("<class '"), "text"
        )
    return f"`{shown(str(field.default))}`"
