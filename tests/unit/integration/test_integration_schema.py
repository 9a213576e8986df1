from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from hubspot_hitl.integration.schema import json_schema
from hubspot_hitl.integration.wire import WireModel, studio


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Cat(WireModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1)


class Dog(WireModel):
    kind: Literal["dog"]


class Everything(WireModel):
    """Not for the Studio."""

    first_name: str = Field(title="First name", description="As in the passport.")
    nick: str | None = Field(default=None, title="Nick", json_schema_extra=studio(placeholder="A"))
    key: SecretStr = Field(default=SecretStr(""))
    colour: Colour = Colour.RED
    pets: tuple[Annotated[Cat | Dog, Field(discriminator="kind")], ...] = ()
    either: str | int | None = None
    best: Cat | None = Field(default=None, title="Best", description="The best cat.")
    counts: dict[str, int] = Field(default_factory=dict[str, int])


def property_(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {**json_schema(Everything)}
    return dict(schema["properties"][name])


def test_titles_go_to_the_studios_part_and_made_up_ones_are_left_out() -> None:
    assert property_("firstName") == {
        "type": "string",
        "description": "As in the passport.",
        "x-zui": {"title": "First name"},
    }


def test_an_optional_field_is_not_required_and_has_no_null() -> None:
    assert json_schema(Everything)["required"] == ["firstName"]
    assert property_("nick") == {"type": "string", "x-zui": {"title": "Nick", "placeholder": "A"}}
    assert property_("either") == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def test_a_secret_is_marked_and_has_no_format() -> None:
    assert property_("key") == {"type": "string", "x-zui": {"secret": True}}


def test_a_default_and_an_enumeration_are_kept() -> None:
    assert property_("colour") == {"type": "string", "enum": ["red", "blue"], "default": "red"}


def test_references_are_written_out_and_a_field_describes_itself() -> None:
    best = property_("best")
    assert best == {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "const": "cat"},
            "lives": {"type": "integer", "minimum": 1},
        },
        "required": ["kind", "lives"],
        "additionalProperties": False,
        "description": "The best cat.",
        "x-zui": {"title": "Best"},
    }


def test_a_discriminated_union_is_an_any_of() -> None:
    items = property_("pets")["items"]
    assert set(items) == {"anyOf"}
    assert len(items["anyOf"]) == 2


def test_an_open_mapping_stays_open() -> None:
    assert property_("counts")["additionalProperties"] == {"type": "integer"}


def test_objects_are_closed_and_the_root_names_its_draft() -> None:
    schema = json_schema(Everything)
    assert schema["additionalProperties"] is False
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "description" not in schema
    assert "x-zui" not in schema
    assert "$defs" not in schema


def test_a_field_named_like_a_keyword_is_a_field() -> None:
    class Odd(WireModel):
        title: str
        properties: int

    assert json_schema(Odd)["properties"] == {
        "title": {"type": "string"},
        "properties": {"type": "integer"},
    }


class Node(BaseModel):
    next: Node | None = None


class Holder(BaseModel):
    node: Node


def test_a_model_that_contains_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="'Node' contains itself"):
        json_schema(Holder)


def test_the_studios_display_of_a_paragraph() -> None:
    assert studio(hidden=True, display="paragraph") == {
        "x-zui": {
            "hidden": True,
            "displayAs": [
                "text",
                {"allowDynamicVariable": True, "multiLine": True, "growVertically": True},
            ],
        }
    }
