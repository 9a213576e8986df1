"""What Botpress is told about this integration: the body that publishing sends.

Built from the models, written to `integration.definition.json`, kept true by a test. Left out is
what only the publisher knows: `url`, `secrets` and the id of the interface's version. Body:
botpress/botpress, packages/cli/src/api/integration-body.ts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from hubspot_hitl import __version__
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.integration.actions import ACTIONS, HitlSession
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.events import EVENTS, HITL_ASSIGNED, HITL_STOPPED
from hubspot_hitl.integration.messages import CHANNEL, MESSAGES
from hubspot_hitl.integration.schema import json_schema
from hubspot_hitl.integration.states import STATES
from hubspot_hitl.integration.tags import CONVERSATION_TAGS, MESSAGE_TAGS, USER_TAGS, TagText

Definition = dict[str, JsonValue]
Tag = TypeVar("Tag", bound=StrEnum)

FILE_NAME = "integration.definition.json"
NAME = "hubspot-hitl"
TITLE = "HubSpot human handoff"
DESCRIPTION = (
    "Hands a conversation to a person in a HubSpot inbox or help desk and brings it back:"
    " every message delivered once, in order, in both directions."
)
ENTITY = "hitlSession"
INTERFACE = "hitl"
INTERFACE_VERSION = "2.1.0"
SDK_VERSION = "7.2.2"
"""The version of Botpress's SDK whose protocol the server speaks."""
INTERFACE_KEY = f"{INTERFACE}<{ENTITY}>"
INTERFACE_IDS: Mapping[str, str] = {"2.0.0": "ifver_01K0STHY79Y0GFGFGDXXGQKDVE"}
"""Ids known without asking; for others `GET /v1/admin/hub/interfaces/hitl/<version>`."""

_ROOM = "hubspot_hitl.integration"
_ADAPTER: TypeAdapter[Definition] = TypeAdapter(Definition)


def build_definition(version: str = __version__, *, name: str = NAME) -> Definition:
    """The definition of this version of the code. `name` is `<workspace handle>/<name>` in the hub.

    Reads the icon and the readme of the package.
    """
    return {
        "name": name,
        "version": version,
        "title": TITLE,
        "description": DESCRIPTION,
        "icon": _base64("icon.svg"),
        "readme": _base64("hub.md"),
        "configuration": {
            "schema": json_schema(Configuration),
            "identifier": {"required": False},
        },
        "configurations": {},
        "identifier": {},
        "actions": _actions(),
        "events": _events(),
        "channels": {CHANNEL: _channel()},
        "states": {
            key: {"type": spec.kind, "schema": json_schema(spec.payload)}
            for key, spec in STATES.items()
        },
        "user": {"tags": _tags(USER_TAGS)},
        "entities": {
            ENTITY: {
                "title": "HITL session",
                "description": "What a flow may say about one handoff.",
                "schema": json_schema(HitlSession),
            }
        },
        "interfaces": {INTERFACE_KEY: _interface()},
        "attributes": {},
        # `message_updated` is served, yet not asked for: each tag of ours would be one, while the
        # HITL plugin changes no message. `conversation_updated` needs nothing of us.
        "extraOperations": {},
        "sdkVersion": SDK_VERSION,
        "visibility": "private",
    }


def with_interface_id(definition: Definition, id_: str) -> Definition:
    """The definition with the id that Botpress's hub gives the interface's version."""
    interface: Definition = {**_interface(), "id": id_}
    return {**definition, "interfaces": {INTERFACE_KEY: interface}}


def as_text(definition: Definition) -> str:
    """The definition as it is written to its file: sorted, stable, a newline at the end."""
    return json.dumps(definition, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def load_definition() -> Definition:
    """The definition that was built with this code: of the package, else of the source tree.

    Raises BadSettings when neither is there or the file is not one.
    """
    for place in _places():
        if place.is_file():
            try:
                definition = _ADAPTER.validate_json(place.read_bytes())
            except ValidationError:
                definition = {}
            if "interfaces" not in definition:
                raise BadSettings(f"{FILE_NAME} is damaged. Run scripts/build_definition.py.")
            return definition
    raise BadSettings(f"{FILE_NAME} is missing. Install the package again.")


def _places() -> tuple[Traversable, ...]:
    return files(_ROOM) / FILE_NAME, Path(__file__).parents[3] / FILE_NAME


def _base64(file_name: str) -> str:
    return base64.b64encode((files(_ROOM) / file_name).read_bytes()).decode("ascii")


def _actions() -> Definition:
    return {
        name: {
            "title": spec.title,
            "description": spec.description,
            "input": {"schema": json_schema(spec.input)},
            "output": {"schema": json_schema(spec.output)},
            "attributes": dict(spec.attributes),
        }
        for name, spec in ACTIONS.items()
    }


def _events() -> Definition:
    return {
        name: {
            "title": spec.title,
            "description": spec.description,
            "schema": json_schema(spec.payload),
            "attributes": dict(spec.attributes),
        }
        for name, spec in EVENTS.items()
    }


def _channel() -> Definition:
    return {
        "title": "HITL",
        "description": "The conversation with the agent in HubSpot.",
        "messages": {name: {"schema": json_schema(model)} for name, model in MESSAGES.items()},
        "conversation": {"tags": _tags(CONVERSATION_TAGS)},
        "message": {"tags": _tags(MESSAGE_TAGS)},
    }


def _interface() -> Definition:
    """How the interface's names map to ours: all are the same."""
    return {
        "name": INTERFACE,
        "version": INTERFACE_VERSION,
        "entities": {ENTITY: {"name": ENTITY}},
        "actions": {name: {"name": name} for name in ("createUser", "startHitl", "stopHitl")},
        "events": {name: {"name": name} for name in (HITL_ASSIGNED, HITL_STOPPED)},
        "channels": {CHANNEL: {"name": CHANNEL}},
    }


def _tags(tags: Mapping[Tag, TagText]) -> Definition:
    return {
        key.value: {"title": text.title, "description": text.description}
        for key, text in tags.items()
    }
