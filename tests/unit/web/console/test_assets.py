"""The vendored scripts are what their makers published; no page uses what evals."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files

import pytest

from hubspot_hitl.web.console.assets import FILES, PACKAGE, asset, asset_path

STATIC = files(PACKAGE) / "static"
VENDORED: list[dict[str, str]] = json.loads((STATIC / "vendor" / "vendored.json").read_text())
TEMPLATES = {one.name: one.read_text() for one in (files(PACKAGE) / "templates").iterdir()}


@pytest.mark.parametrize("one", VENDORED, ids=lambda one: one["package"])
def test_a_vendored_script_is_pinned_by_its_hash_and_brings_its_licence(
    one: dict[str, str],
) -> None:
    raw = (STATIC / "vendor" / one["file"]).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == one["sha256"]
    licence = (STATIC / "vendor" / one["package"] / "LICENSE").read_text()
    assert one["licence"] == "0BSD"
    assert re.search(r"Zero[- ]Clause BSD|BSD Zero Clause", licence)


def test_htmx_itself_says_the_version_that_is_written_down() -> None:
    (htmx,) = (one for one in VENDORED if one["package"] == "htmx.org")
    assert f'version:"{htmx["version"]}"'.encode() in asset("htmx.js")


def test_every_vendored_script_is_served_and_nothing_else() -> None:
    served = {file for file in FILES.values() if file.startswith("vendor/")}
    assert served == {f"vendor/{one['file']}" for one in VENDORED}


def test_an_address_changes_with_the_contents() -> None:
    digest = hashlib.sha256(asset("console.css")).hexdigest()
    assert asset_path("console.css") == f"/static/console.css?v={digest[:12]}"


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_no_template_needs_what_the_policy_forbids(name: str) -> None:
    text = TEMPLATES[name]
    assert not re.search(r"<script(?! src=)|\s(?:style|on\w+)=", text)
    assert not re.search(r"hx-on|hx-vars|[\"']js:|javascript:", text)
    # htmx compiles `event[condition]`, and idiomorph a configuration after `morph:`
    assert not re.search(r'hx-trigger="[^"]*\[', text)
    assert set(re.findall(r'hx-swap="(\w+:?\w*)', text)) <= {"morph:innerHTML", "outerHTML"}


def test_htmx_is_told_to_eval_nothing_and_to_remember_nothing() -> None:
    found = re.search(r"name=\"htmx-config\" content='([^']+)'", TEMPLATES["macros.html"])
    assert found
    assert json.loads(found[1]) == {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "historyEnabled": False,
        "historyCacheSize": 0,
    }
