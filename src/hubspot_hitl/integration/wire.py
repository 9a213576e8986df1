"""The base of every model whose JSON Schema Botpress publishes. Pure.

Published schemas are strict; parsing is lenient: fields that Botpress adds later are ignored.
"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """Frozen; camelCase on the wire; unknown fields ignored; input never shown in an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        defer_build=True,  # at first use: a server needs few of them to answer its first request
    )


def studio(
    *,
    placeholder: str | None = None,
    secret: bool = False,
    hidden: bool = False,
    display: Literal["line", "paragraph"] | None = None,
) -> dict[str, JsonValue]:
    """How Botpress's Studio shows a field; goes into `Field(json_schema_extra=...)`.

    Keys are those of Botpress's zui 2.4 (botpress/botpress, packages/zui).

    >>> studio(placeholder="1263703960")
    {'x-zui': {'placeholder': '1263703960'}}
    """
    zui: dict[str, JsonValue] = {}
    if placeholder is not None:
        zui["placeholder"] = placeholder
    if secret:
        zui["secret"] = True
    if hidden:
        zui["hidden"] = True
    if display is not None:
        options: dict[str, JsonValue] = {"allowDynamicVariable": True}
        if display == "paragraph":
            options |= {"multiLine": True, "growVertically": True}
        zui["displayAs"] = ["text", options]
    return {"x-zui": zui}


def number_as_text(value: object) -> object:
    """A whole number as text, the rest as it is: HubSpot's ids are pasted as either."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def json_as_text(value: object) -> object:
    """An object or a list as JSON text, the rest as it is: both ways of writing one are taken."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def problems_of(error: ValidationError, *, limit: int = 5) -> str:
    """What is wrong and where, as one line; never the value that was given.

    A union's branches report their own failures: only the first `limit` are kept.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"{_place(item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
        for item in found[:limit]
    ]
    rest = len(found) - len(lines)
    return "; ".join(lines) + (f"; and {rest} more" if rest > 0 else "")


def _place(location: tuple[int | str, ...]) -> str:
    """A dotted path, each part cut: keys come from the caller and may be of any size."""
    return ".".join(str(part)[:64] for part in location) or "(the whole)"
