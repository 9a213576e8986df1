"""The published definition against Botpress's `hitl` interface, its schemas and real payloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from tests.commands import run_script

from hubspot_hitl.integration.actions import ACTIONS, parse_input
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.crm.actions import CRM_ACTIONS
from hubspot_hitl.integration.events import EVENTS, HandoffReopened, HitlAssigned, HitlStopped
from hubspot_hitl.integration.messages import MESSAGES

ROOT = Path(__file__).parents[2]
INTERFACE_FILE = ROOT.parent / "shared" / "contracts" / "hitl-2.1.0.interface.json"
Json = dict[str, Any]

DEFINITION: Json = json.loads((ROOT / "integration.definition.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def interface() -> Json:
    if not INTERFACE_FILE.is_file():
        pytest.skip("the recorded interface (../shared/contracts) is not on this machine")
    loaded: Json = json.loads(INTERFACE_FILE.read_text(encoding="utf-8"))
    return loaded


def differences(theirs: Json, ours: Json, place: str) -> list[str]:
    """Where our schema does not take, or give, exactly what the interface's does.

    Optional properties of our own are allowed; titles and descriptions are not compared.
    """
    if "$ref" in theirs:  # an entity: ours replaces it
        return [] if ours.get("type") == "object" and not ours.get("required") else [place]
    if "anyOf" in theirs:
        return branch_differences(theirs["anyOf"], ours.get("anyOf", []), place)
    keywords = ("type", "const", "enum", "minLength", "maxLength", "additionalProperties")
    found = [f"{place}: {k}" for k in keywords if theirs.get(k) != ours.get(k)]
    if set(theirs.get("required", [])) != set(ours.get("required", [])):
        found.append(f"{place}: required")
    for name, schema in theirs.get("properties", {}).items():
        if name not in ours.get("properties", {}):
            found.append(f"{place}.{name}: missing")
        else:
            found += differences(schema, ours["properties"][name], f"{place}.{name}")
    if "items" in theirs:
        found += differences(theirs["items"], ours.get("items", {}), f"{place}[]")
    return found


def branch_differences(theirs: list[Json], ours: list[Json], place: str) -> list[str]:
    by_type = {branch["properties"]["type"]["const"]: branch for branch in ours}
    found: list[str] = []
    for branch in theirs:
        kind = branch["properties"]["type"]["const"]
        found += differences(branch, by_type.get(kind, {}), f"{place}<{kind}>")
    return found


def test_the_actions_of_the_interface_are_ours(interface: Json) -> None:
    for name, theirs in interface["actions"].items():
        ours = DEFINITION["actions"][name]
        for side in ("input", "output"):
            assert differences(theirs[side]["schema"], ours[side]["schema"], name) == []
        assert ours["attributes"] == theirs["attributes"]


def test_the_events_of_the_interface_are_ours(interface: Json) -> None:
    for name, theirs in interface["events"].items():
        ours = DEFINITION["events"][name]
        assert differences(theirs["schema"], ours["schema"], name) == []
        assert ours["attributes"] == theirs["attributes"]


def test_the_channel_takes_every_message_of_the_interface(interface: Json) -> None:
    for channel, theirs in interface["channels"].items():
        messages = DEFINITION["channels"][channel]["messages"]
        for name, message in theirs["messages"].items():
            assert differences(message["schema"], messages[name]["schema"], name) == []


def test_the_comparison_sees_what_is_wrong(interface: Json) -> None:
    theirs = interface["actions"]["startHitl"]["input"]["schema"]
    ours = json.loads(json.dumps(DEFINITION["actions"]["startHitl"]["input"]["schema"]))
    ours["required"].append("title")
    ours["properties"]["userId"]["type"] = "integer"
    entries = ours["properties"]["messageHistory"]["items"]["anyOf"]
    entries[0]["properties"]["payload"]["properties"].clear()
    assert differences(theirs, ours, "startHitl") == [
        "startHitl: required",
        "startHitl.userId: type",
        "startHitl.messageHistory[]<text>.payload.text: missing",
    ]


def test_the_interface_block_names_every_part_and_only_what_exists(interface: Json) -> None:
    block = DEFINITION["interfaces"]["hitl<hitlSession>"]
    assert (block["name"], block["version"]) == (interface["name"], interface["version"])
    for part in ("actions", "events", "channels", "entities"):
        assert set(block[part]) == set(interface[part])
        assert {entry["name"] for entry in block[part].values()} <= set(DEFINITION[part])


async def test_the_file_is_what_the_script_writes(tmp_path: Path) -> None:
    script, out = "build_definition.py", tmp_path / "definition.json"
    check = await run_script(script, "--check", env={})
    assert (check.status, check.err) == (0, "")
    out.write_text("{}")
    assert (await run_script(script, "--check", "--out", str(out), env={})).status == 1
    assert (await run_script(script, "--out", str(out), env={})).status == 0
    assert out.read_bytes() == (ROOT / "integration.definition.json").read_bytes()
    assert out.read_bytes().endswith(b"}\n")


def schemas(node: Json) -> list[Json]:
    children: list[Json] = [value for value in node.values() if isinstance(value, dict)]
    own: list[Json] = [node["schema"]] if isinstance(node.get("schema"), dict) else []
    return own + [schema for child in children for schema in schemas(child)]


def test_every_schema_is_draft_07_without_references() -> None:
    found = schemas(DEFINITION)
    assert len(found) >= 2 * len(ACTIONS) + len(EVENTS) + len(MESSAGES) + 2
    for schema in found:
        Draft7Validator.check_schema(schema)
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
        assert "$ref" not in json.dumps(schema)
        assert '"null"' not in json.dumps(schema)


def refusals(schema: Json, value: Json) -> list[str]:
    validator: Any = Draft7Validator(schema)
    return [str(error.message) for error in validator.iter_errors(value)]


words = st.text(min_size=1, max_size=20)
url = st.just("https://files.example.com/a.bin")
titled = {"title": words}
button = st.fixed_dictionaries(
    {"action": st.sampled_from(["postback", "url", "say"]), "label": words, "value": words}
)
card = st.fixed_dictionaries(
    {"title": words, "actions": st.lists(button, max_size=2)},
    optional={"subtitle": words, "imageUrl": url},
)
choice = st.fixed_dictionaries(
    {
        "text": words,
        "options": st.lists(st.fixed_dictionaries({"label": words, "value": words}), max_size=3),
    }
)
PAYLOADS: dict[str, st.SearchStrategy[Json]] = {
    "text": st.fixed_dictionaries({"text": words}),
    "markdown": st.fixed_dictionaries({"markdown": words}),
    "image": st.fixed_dictionaries({"imageUrl": url}, optional=titled),
    "audio": st.fixed_dictionaries({"audioUrl": url}, optional=titled),
    "video": st.fixed_dictionaries({"videoUrl": url}, optional=titled),
    "file": st.fixed_dictionaries({"fileUrl": url}, optional=titled),
    "location": st.fixed_dictionaries(
        {"latitude": st.floats(-90, 90), "longitude": st.integers(-180, 180)},
        optional={"address": st.text(max_size=9), "title": st.text(max_size=9)},
    ),
    "card": card,
    "carousel": st.fixed_dictionaries({"items": st.lists(card, max_size=2)}),
    "choice": choice,
    "dropdown": choice,
}
BLOC = ("text", "markdown", "image", "audio", "video", "file", "location")


def parts(kinds: tuple[str, ...]) -> st.SearchStrategy[Json]:
    return st.one_of(
        [st.fixed_dictionaries({"type": st.just(k), "payload": PAYLOADS[k]}) for k in kinds]
    )


PAYLOADS["bloc"] = st.fixed_dictionaries({"items": st.lists(parts(BLOC), max_size=3)})
source = st.just({"type": "bot"}) | st.fixed_dictionaries(
    {"type": st.just("user"), "userId": words}
)
history = st.tuples(parts(tuple(PAYLOADS)), source).map(lambda it: {**it[0], "source": it[1]})
sessions = st.fixed_dictionaries(
    {},
    optional={
        "inboxId": st.just("126"),
        "priority": st.sampled_from(["low", "medium", "high", "urgent"]),
        "language": st.sampled_from(["de", "en-GB"]),
        # what only looks blank, such as U+0085, counts as not given
        "subject": words.filter(str.strip),
        "reason": words.filter(str.strip),
        "pageUrl": url,
    },
)
INPUTS: dict[str, st.SearchStrategy[Json]] = {
    "createUser": st.fixed_dictionaries(
        {"name": words}, optional={"email": words, "pictureUrl": url}
    ),
    "startHitl": st.fixed_dictionaries(
        {"userId": words, "messageHistory": st.lists(history, max_size=4)},
        optional={"title": words, "description": words, "hitlSession": sessions},
    ),
    "stopHitl": st.fixed_dictionaries({"conversationId": words}),
    "markRead": st.fixed_dictionaries(
        {"conversationId": words}, optional={"readAt": st.just("2026-05-31T09:00:00Z")}
    ),
    "checkAvailability": st.fixed_dictionaries({}, optional={"inboxId": st.just("126")}),
    "sendMessage": st.fixed_dictionaries(
        {"conversationId": words, "message": parts(tuple(PAYLOADS))}, optional={"userId": words}
    )
    | st.fixed_dictionaries(
        {"conversationId": words, "text": words}, optional={"idempotencyKey": words}
    ),
}


OUTPUTS: dict[str, Json] = {
    "markRead": {"marked": 2},
    "checkAvailability": {"inboxId": "126", "open": True, "waiting": 1, "running": 2},
}


def test_every_action_and_message_is_tried_below() -> None:
    assert {*INPUTS, *CRM_ACTIONS} == set(ACTIONS) == set(DEFINITION["actions"])
    assert set(PAYLOADS) == set(MESSAGES) == set(DEFINITION["channels"]["hitl"]["messages"])


@pytest.mark.parametrize("name", sorted(INPUTS))
@given(data=st.data())
def test_what_the_schema_allows_is_parsed_without_loss(name: str, data: st.DataObject) -> None:
    sent = data.draw(INPUTS[name])
    schema = DEFINITION["actions"][name]["input"]["schema"]
    assert refusals(schema, sent) == []
    assert refusals(schema, {**sent, "unknown": 1}) != []
    parsed = parse_input(name, {**sent, "unknown": 1})
    assert parsed.model_dump(by_alias=True, mode="json", exclude_unset=True) == sent


@pytest.mark.parametrize("type_", sorted(PAYLOADS))
@given(data=st.data())
def test_every_message_is_parsed_without_loss(type_: str, data: st.DataObject) -> None:
    sent = {**data.draw(PAYLOADS[type_]), "userId": "user_1", "additionalData": "{}"}
    schema = DEFINITION["channels"]["hitl"]["messages"][type_]["schema"]
    assert refusals(schema, sent) == []
    parsed = MESSAGES[type_].model_validate({**sent, "type": type_})
    assert parsed.model_dump(by_alias=True, mode="json", exclude_unset=True) == sent


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_the_output_of_every_action_fits_its_schema(name: str) -> None:
    model = ACTIONS[name].output
    texts = {field: "id_1" for field in model.model_fields}
    output = model.model_validate(OUTPUTS.get(name, texts))
    schema = DEFINITION["actions"][name]["output"]["schema"]
    assert refusals(schema, output.model_dump(by_alias=True, exclude_none=True)) == []


def test_the_payloads_of_the_events_fit_their_schemas() -> None:
    payloads = {
        "hitlAssigned": HitlAssigned(conversation_id="conv_1", user_id="user_1"),
        "hitlStopped": HitlStopped(conversation_id="conv_1"),
        "handoffReopened": HandoffReopened(conversation_id="conv_1"),
    }
    assert set(payloads) == set(EVENTS)
    for name, payload in payloads.items():
        schema = DEFINITION["events"][name]["schema"]
        assert refusals(schema, payload.model_dump(by_alias=True, exclude_none=True)) == []


def test_the_configuration_s_schema_takes_the_brief_s_names_and_the_defaults_hold() -> None:
    schema = DEFINITION["configuration"]["schema"]
    names = ["developerApiKey", "appId", "clientId", "clientSecret", "inboxId", "refreshToken"]
    assert refusals(schema, dict.fromkeys(names, "1")) == []
    assert refusals(schema, {}) == []
    assert refusals(schema, {"historyMode": "loud"}) != []
    for name, field in Configuration.model_fields.items():
        published = schema["properties"][field.alias]
        if "default" in published:
            assert published["default"] == getattr(Configuration(), name)
