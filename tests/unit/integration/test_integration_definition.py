from __future__ import annotations

import base64
import copy
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from hubspot_hitl.integration.definition import (
    INTERFACE_KEY,
    build_definition,
    load_definition,
    with_interface_id,
)
from hubspot_hitl.integration.limits import definition_problems


def built() -> dict[str, Any]:
    return copy.deepcopy(build_definition())


def test_our_definition_has_no_problems() -> None:
    assert definition_problems(build_definition()) == []


def test_the_definition_is_found_and_is_this_code_s() -> None:
    assert load_definition() == build_definition()


def test_the_publisher_puts_the_id_of_the_interface_in() -> None:
    definition = with_interface_id(build_definition(), "ifver_1")
    interfaces = definition["interfaces"]
    assert isinstance(interfaces, dict)
    interface = interfaces[INTERFACE_KEY]
    assert isinstance(interface, dict)
    assert (interface["id"], interface["version"]) == ("ifver_1", "2.1.0")


def test_icon_and_readme_are_readable() -> None:
    definition = built()
    icon = ET.fromstring(base64.b64decode(definition["icon"]))  # noqa: S314 - our own file
    assert icon.tag == "{http://www.w3.org/2000/svg}svg"
    assert base64.b64decode(definition["readme"]).decode().startswith("# ")


def test_secrets_of_the_configuration_are_marked() -> None:
    properties = built()["configuration"]["schema"]["properties"]
    secret = {name for name, field in properties.items() if field["x-zui"].get("secret")}
    assert secret == {"developerApiKey", "clientSecret", "refreshToken", "eventsWebhook"}


def test_every_field_a_person_fills_in_says_what_it_is() -> None:
    definition = built()
    schemas = [
        definition["configuration"]["schema"],
        definition["entities"]["hitlSession"]["schema"],
    ]
    schemas += [action["input"]["schema"] for action in definition["actions"].values()]
    for schema in schemas:
        for name, field in schema["properties"].items():
            assert field["x-zui"].get("title"), name
            assert field["description"].endswith("."), name


REFUSED: list[tuple[tuple[str, ...], object, str]] = [
    (("name",), "Not Ours", "name 'Not Ours'"),
    (("version",), "1", "version '1'"),
    (("title",), "x" * 65, "title has 65 of at most 64"),
    (("actions", "sendMessage", "description"), "x" * 257, "description has 257"),
    (("actions", "send_message"), {}, "actions.send_message must be in camelCase"),
    (("events",), {f"e{n}": {} for n in range(21)}, "events: 21 of at most 20"),
    (("channels",), {f"c{n}": {} for n in range(11)}, "channels: 11 of at most 10"),
    (
        ("channels", "hitl", "messages"),
        {f"m{n}": {} for n in range(21)},
        "channels.hitl.messages: 21 of at most 20",
    ),
    (("states", "userInfo", "schema"), {"type": "objekt"}, "no JSON Schema of draft-07"),
    (("states", "userInfo", "schema"), {"type": "object"}, "must say additionalProperties"),
]


@pytest.mark.parametrize(("place", "value", "words"), REFUSED)
def test_what_botpress_would_refuse_is_found(
    place: tuple[str, ...], value: object, words: str
) -> None:
    definition = built()
    node = definition
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    assert any(words in problem for problem in definition_problems(definition))
