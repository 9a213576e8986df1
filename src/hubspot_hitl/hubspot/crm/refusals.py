"""Why HubSpot refused a CRM call, in one sentence that names the field and the rule. Pure.

HubSpot tells its reasons in two shapes: as `errors[]`, and as JSON inside the text of `message`
("Property values were not valid: [...]"). Both may hold the refused value, which is never repeated
here: it can be anything that a user typed.

Source: https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hubspot_hitl.errors import MissingScope, VendorError
from hubspot_hitl.hubspot.answers import Answer, error_of
from hubspot_hitl.hubspot.fields import Fields, ShapeError, parse_json
from hubspot_hitl.json_values import is_list
from hubspot_hitl.ports.crm_records import BatchProblem, FieldProblem, FieldsRefused

MAX_NAMED: Final = 10
MAX_NAME: Final = 100
MAX_RULE: Final = 160

RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PROPERTY_DOESNT_EXIST": "there is no such property",
        "INVALID_OPTION": "the value is none of its options",
        "READ_ONLY_VALUE": "it is read-only",
        "READ_ONLY_PROPERTY": "it is read-only",
        "CALCULATED_PROPERTY": "HubSpot calculates it, so it is read-only",
        "INVALID_EMAIL": "the value is not an email address",
        "INVALID_INTEGER": "the value is not a whole number",
        "INVALID_LONG": "the value is not a whole number or a time in milliseconds",
        "INVALID_NUMBER": "the value is not a number",
        "INVALID_DOUBLE": "the value is not a number",
        "INVALID_DATE": "the value is not a date (midnight UTC, as 2026-05-31)",
        "INVALID_BOOLEAN": "the value is not true or false",
        "REQUIRED_FIELD": "it is required",
        "REQUIRED_PROPERTY": "it is required",
        "NON_UNIQUE_VALUE": "another record has this value already",
        "CONFLICTING_UNIQUE_VALUE": "another record has this value already",
        "PROPERTY_TOO_LONG": "the value is too long",
    }
)
"""HubSpot's codes in plain words; the list is open, others are told in HubSpot's own words."""

_TIERS: Final = (
    ("sequences.", "Sales Hub or Service Hub Professional, with a seat for the user"),
    ("leads.", "Sales Hub Professional"),
    ("visitor_tokens.", "a Professional edition"),
    ("timeline.", "a public app: private apps and service keys have no time line events"),
    ("emails.", "the transactional email add-on of Marketing Hub"),
)
_VALUES: Final = re.compile(r"\[\{.*\}\]", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'|\u201c[^\u201d]*\u201d")


def refusal(answer: Answer, operation: str, now_ms: int) -> VendorError:
    """The error of a 4xx answer: :class:`FieldsRefused`, MissingScope with what is missing, ..."""
    plain = error_of(answer, operation, now_ms)
    body = _body(answer)
    if isinstance(plain, MissingScope):
        return _missing(plain, body, operation)
    if answer.status != 400:
        return plain
    problems = field_problems(body)
    if not problems:
        return plain
    error = FieldsRefused(
        f"HubSpot refused {operation}: " + "; ".join(_sentence(one) for one in problems),
        vendor="hubspot",
        operation=operation,
        status=answer.status,
        vendor_code=problems[0].rule or plain.vendor_code,
        correlation_id=plain.correlation_id,
    )
    error.problems = problems
    return error


def field_problems(body: Fields) -> tuple[FieldProblem, ...]:
    """The fields that an error body names, each once, at most ten."""
    found: dict[str, FieldProblem] = {}
    for one in (*_in_message(body), *_in_details(body)):
        if _NAME.fullmatch(one.name):
            found.setdefault(one.name, one)
    return tuple(found.values())[:MAX_NAMED]


def batch_problem(raw: Fields) -> BatchProblem:
    """One entry of `errors` in a 207 answer."""
    problems = field_problems(raw)
    text = "; ".join(_sentence(one) for one in problems) or _without_values(raw.text("message"))
    return BatchProblem(
        message=text or "HubSpot gave no reason",
        category=raw.text("category"),
        ids=raw.child("context").ids("ids"),
    )


def existing_id(error: VendorError) -> str | None:
    """The id that a conflict names ("Existing ID: 123").

    >>> from hubspot_hitl.errors import VendorConflict
    >>> existing_id(VendorConflict("... Existing ID: 12", vendor="hubspot", operation="x"))
    '12'
    """
    match = re.search(r"[Ee]xisting ID: ?([0-9]{1,20})", error.message)
    return match[1] if match else None


def _sentence(problem: FieldProblem) -> str:
    rule = RULES.get(problem.rule) or problem.told or f"the value breaks the rule {problem.rule!r}"
    return f"{problem.name!r}: {rule}"


def _in_message(body: Fields) -> list[FieldProblem]:
    message = body.text("message") or ""
    match = _VALUES.search(message)
    results: list[Fields] = body.children("validationResults")
    if match is not None:
        try:
            value: object = parse_json(match[0].encode())
        except ShapeError:
            value = None
        if is_list(value):
            results += Fields({"items": value}).children("items")
    return [_problem(one.text("name"), one.text("error"), one.text("message")) for one in results]


def _in_details(body: Fields) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    for detail in body.children("errors"):
        named = detail.child("context").items("propertyName")
        name = str(named[0]) if named else detail.text("in")
        found.append(_problem(name, detail.text("code"), detail.text("message")))
    return found


def _problem(name: str | None, rule: str | None, told: str | None) -> FieldProblem:
    known = rule if rule and re.fullmatch(r"[A-Za-z_.]{1,80}", rule) else ""
    return FieldProblem((name or "")[:MAX_NAME], known, _without_values(told))


def _without_values(told: str | None) -> str:
    """HubSpot's sentence with everything in quotation marks taken out."""
    line = " ".join(_QUOTED.sub("...", told or "").split())
    return line if len(line) <= MAX_RULE else line[: MAX_RULE - 3] + "..."


def _missing(plain: MissingScope, body: Fields, operation: str) -> MissingScope:
    scopes = [
        str(scope)
        for detail in body.children("errors")
        for name in ("requiredGranularScopes", "requiredScopes", "missingScopes")
        for scope in detail.child("context").items(name)
    ]
    scopes = [one for one in dict.fromkeys(scopes) if _NAME.fullmatch(one)]
    tier = next((tier for prefix, tier in _TIERS if operation.startswith(prefix)), None)
    wanted = f" Add one of the scopes {', '.join(scopes)} to the app" if scopes else ""
    wanted += " and connect the portal again." if scopes else " Check the app's scopes."
    wanted += f" It also needs {tier}." if tier else ""
    return MissingScope(
        f"HubSpot does not allow {operation}.{wanted}",
        vendor="hubspot",
        operation=operation,
        status=plain.status,
        vendor_code=plain.vendor_code,
        correlation_id=plain.correlation_id,
    )


def _body(answer: Answer) -> Fields:
    try:
        return Fields.of(parse_json(answer.body))
    except ShapeError:
        return Fields({})
