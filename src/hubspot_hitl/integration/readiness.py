"""Reads a configuration leniently, and says in plain words what is wrong with it or missing.

`parse_configuration` takes what Botpress sends with every operation; `require_ready` is what
`register` and `startHitl` ask before they rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.handoff.redaction import compile_patterns
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.json_values import is_object


def parse_configuration(raw: object) -> Configuration:
    """The configuration in a JSON object that Botpress or an operator sent.

    Raises BadConfiguration that names each wrong field, what is wrong and how to mend it, and
    repeats no value.
    """
    if not is_object(raw):
        raise BadConfiguration(
            "The configuration is not a JSON object. Save it in the Studio again."
        )
    try:
        return Configuration.model_validate(dict(raw))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise BadConfiguration(
            "The configuration cannot be read. " + " ".join(_in_plain_words(d) for d in details)
        ) from None


def require_ready(configuration: Configuration) -> None:
    """Check that everything is there that opening a conversation in HubSpot needs.

    Raises BadConfiguration that names every field to fill in or to mend, so that one round is
    enough. Nothing is asked of HubSpot.
    """
    wrong = [f"{_named(name)} is missing. {cure}" for name, cure in _missing(configuration)]
    if re.search(r"\s", configuration.app_id):
        wrong.append(f"{_named('app_id')} must be the app's number. {_CURES['app_id']}")
    wrong += _inbox_problems(configuration)
    wrong += _pattern_problems(configuration)
    if wrong:
        raise BadConfiguration("The integration is not set up yet. " + " ".join(wrong))


_CURES: Mapping[str, str] = {
    "developer_api_key": "Copy it from Development > Keys in your HubSpot developer account.",
    "app_id": "Copy it from the app's Auth tab in HubSpot.",
    "client_id": "Copy it from the app's Auth tab in HubSpot.",
    "client_secret": "Copy it from the app's Auth tab in HubSpot.",
    "inbox_id": "Copy it, or the whole address, from the inbox's settings in HubSpot.",
    "refresh_token": "Connect the portal with scripts/get_refresh_token.py and paste its answer.",
}


def _missing(configuration: Configuration) -> list[tuple[str, str]]:
    values: Mapping[str, str] = {
        "developer_api_key": _reveal(configuration.developer_api_key),
        "app_id": configuration.app_id,
        "client_id": configuration.client_id,
        "client_secret": _reveal(configuration.client_secret),
        "inbox_id": configuration.inbox_id,
        "refresh_token": _reveal(configuration.refresh_token),
    }
    return [(name, _CURES[name]) for name, value in values.items() if not value.strip()]


def _inbox_problems(configuration: Configuration) -> list[str]:
    if not configuration.inbox_id.strip():
        return []
    try:
        inboxes = configuration.inboxes
    except ValueError as error:
        return [f"{_named('inbox_id')} cannot be used: {error}"]
    if not inboxes:
        return [f"{_named('inbox_id')} is missing. {_CURES['inbox_id']}"]
    portals = sorted({inbox.portal_id for inbox in inboxes if inbox.portal_id})
    if len(portals) > 1:
        return [
            f"{_named('inbox_id')} names inboxes of the portals {', '.join(portals)}; one"
            " installation serves one portal. Install the integration once more for the other."
        ]
    return []


def _pattern_problems(configuration: Configuration) -> list[str]:
    try:
        compile_patterns(configuration.redaction_patterns)
    except BadConfiguration as error:
        return [error.message]
    return []


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _named(name: str) -> str:
    """A field as the Studio titles it, with its published name."""
    info = Configuration.model_fields[name]
    return f"{info.title} ({info.alias})"


_BY_ALIAS: Mapping[str, str] = {
    info.alias: name for name, info in Configuration.model_fields.items() if info.alias
}


def _in_plain_words(detail: ErrorDetails) -> str:
    key = str(detail["loc"][0]) if detail["loc"] else ""
    name = _BY_ALIAS.get(key, key)
    if name not in Configuration.model_fields:
        return "It has a shape that is not understood. Save it in the Studio again."
    context = detail.get("ctx", {})
    match detail["type"]:
        case "string_type":
            problem = "must be text."
        case "string_too_long" | "too_long":
            problem = f"is longer than {context.get('max_length')} characters."
        case "int_type" | "int_parsing" | "int_from_float":
            problem = "must be a whole number."
        case "greater_than_equal" | "less_than_equal":
            problem = "is out of its range."
        case "dict_type":
            problem = "must be an object of texts by key."
        case "bool_type" | "bool_parsing":
            problem = "must be true or false."
        case "literal_error":
            problem = f"must be {context.get('expected')}."
        case _:
            problem = "is not readable."
    cure = _CURES.get(name, "Leave it empty for the default.")
    return f"{_named(name)} {problem} {cure}"
