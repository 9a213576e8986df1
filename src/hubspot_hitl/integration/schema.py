"""From a pydantic model to the JSON Schema that Botpress publishes. Pure.

Botpress's dialect (botpress/botpress, packages/zui): draft-07, references written out, objects
closed by `additionalProperties: false`, and an `x-zui` object beside each property for its title
and how the Studio shows it. An optional field is one that `required` does not name: never a null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema

JsonSchema = dict[str, JsonValue]

DRAFT = "http://json-schema.org/draft-07/schema#"
_REFERENCE = "#/$defs/"
# `discriminator` is OpenAPI's; pydantic marks secrets by `writeOnly` and `format: password`.
_DROPPED = frozenset({"$defs", "discriminator", "writeOnly", "title"})


class _WithoutMadeUpTitles(GenerateJsonSchema):
    """Leaves out the titles pydantic derives from names: the Studio does that better itself."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def json_schema(model: type[BaseModel]) -> JsonSchema:
    """The model's schema as Botpress publishes it.

    Raises ValueError when a model contains itself: the dialect has no references.

    >>> class Point(BaseModel):
    ...     x: int
    >>> json_schema(Point)["properties"]
    {'x': {'type': 'integer'}}
    """
    raw: JsonSchema = model.model_json_schema(
        by_alias=True, mode="validation", schema_generator=_WithoutMadeUpTitles
    )
    definitions = raw.get("$defs")
    schema = _convert(raw, definitions if _is_object(definitions) else {}, ())
    # The class's name and docstring are for readers of the code.
    for key in ("description", "x-zui"):
        schema.pop(key, None)
    return {**schema, "$schema": DRAFT}


def _convert(
    node: Mapping[str, JsonValue], definitions: Mapping[str, JsonValue], path: tuple[str, ...]
) -> JsonSchema:
    """One schema node, references written out. `path` names the definitions we are inside of."""
    reference = node.get("$ref")
    if isinstance(reference, str):
        return _inline(node, reference.removeprefix(_REFERENCE), definitions, path)
    variants = _variants(node)
    if len(variants) == 1 and "anyOf" not in variants[0]:
        merged = {**variants[0], **{k: v for k, v in node.items() if k not in {"anyOf", "oneOf"}}}
        return _convert(merged, definitions, path)
    zui = _zui(node)
    result: JsonSchema = {}
    for key, value in node.items():
        if key in _DROPPED or key in {"x-zui", "anyOf", "oneOf"}:
            continue
        if key == "properties" and _is_object(value):
            result[key] = {
                name: _convert(child, definitions, path)
                for name, child in value.items()
                if _is_object(child)
            }
        elif key in {"items", "additionalProperties"} and _is_object(value):
            result[key] = _convert(value, definitions, path)
        elif key == "default" and value in (None, "", []):
            continue
        elif key == "format" and value == "password":
            zui["secret"] = True
        else:
            result[key] = value
    if variants:
        result["anyOf"] = [_convert(variant, definitions, path) for variant in variants]
    if result.get("type") == "object":
        result.setdefault("properties", {})
        result.setdefault("additionalProperties", False)
    if zui:
        result["x-zui"] = zui
    return result


def _inline(
    node: Mapping[str, JsonValue],
    name: str,
    definitions: Mapping[str, JsonValue],
    path: tuple[str, ...],
) -> JsonSchema:
    """The definition `name`, with what the referring field says of itself laid over it."""
    if name in path:
        raise ValueError(f"{name!r} contains itself; Botpress's schemas have no references")
    target = definitions[name]
    if not _is_object(target):
        raise ValueError(f"definition {name!r} is no object")
    # A class's own title and docstring describe the code, not the field that uses it.
    own = {key: value for key, value in target.items() if key not in {"title", "description"}}
    over = {key: value for key, value in node.items() if key != "$ref"}
    return _convert({**own, **over}, definitions, (*path, name))


def _variants(node: Mapping[str, JsonValue]) -> list[Mapping[str, JsonValue]]:
    """The branches of a union without its null; empty when the node is no union."""
    for key in ("anyOf", "oneOf"):
        branches = node.get(key)
        if isinstance(branches, list):
            return [b for b in branches if _is_object(b) and b.get("type") != "null"]
    return []


def _zui(node: Mapping[str, JsonValue]) -> JsonSchema:
    """The Studio's part of a node: what the field asked for, and its title."""
    given = node.get("x-zui")
    zui: JsonSchema = dict(given) if _is_object(given) else {}
    title = node.get("title")
    if isinstance(title, str):
        zui["title"] = title
    return zui


def _is_object(value: object) -> TypeGuard[Mapping[str, JsonValue]]:
    return isinstance(value, dict)
