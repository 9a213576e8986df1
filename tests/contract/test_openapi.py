"""The server does what `/openapi.json` says of it, also when asked strange things."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeArgument=false
# Schemathesis is typed in part only.

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.fuzz.doors import Doors, doors

from hubspot_hitl.web.openapi import description
from hubspot_hitl.web.routes import ROUTES

TOKEN = "console-token"
SCHEMA = schemathesis.openapi.from_dict(description())
FOUND = [one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)]
OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in FOUND}
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]


@pytest.fixture(scope="module")
def server() -> Iterator[Doors]:
    token = SecretStr(TOKEN)
    changes = {
        "console_token": token,
        "registrations_token": token,
        "public_url": "http://x.example",
    }
    with doors(**changes) as (it, _):
        yield it


@pytest.fixture(autouse=True)
def _listening(server: Doors) -> None:
    server.listen()  # what a test sets up for logging is forgotten after it


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@settings(max_examples=20, derandomize=True, phases=(Phase.explicit, Phase.generate), database=None)
@given(data=st.data(), is_known=st.booleans())
def test_answers_are_those_described(
    name: str, data: st.DataObject, is_known: bool, server: Doors
) -> None:
    case = data.draw(OPERATIONS[name].as_strategy())
    headers = {"Authorization": f"Bearer {TOKEN}"} if is_known else {}
    answer = case.call(base_url=server.house.url, headers=headers, allow_redirects=False)
    case.validate_response(
        answer, checks=CHECKS[1:] if _is_not_botpress(answer) else CHECKS, headers=headers
    )
    assert server.crashes == []


def _is_not_botpress(answer: Response) -> bool:
    """Botpress's own server answers 500 to a request that lacks Botpress's headers; so do we."""
    return answer.status_code == 500 and set(answer.json()) == {"error"}


def test_every_route_for_machines_is_described_and_exists() -> None:
    routes = {
        f"{route.method} {re.sub(r':[^}]*', '', route.path)}"
        for route in ROUTES
        if not route.path.startswith("/console") and route.method != "*"
    }
    # the two old names of the callback stay for apps that were registered with them
    assert routes - set(OPERATIONS) == {
        "GET /oauth/hubspot/HubSpotCallback",
        "GET /v1/UserAgentOAuth/HubSpotCallback",
    }
    paths = {route.path for route in ROUTES}
    assert {name.split(" ", 1)[1] for name in OPERATIONS} <= paths
    assert set(SCHEMA.raw_schema["paths"]) == {name.split(" ", 1)[1] for name in OPERATIONS}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/readyz", 405), ("POST", "/oauth/hubspot/refresh", 401)],
)
def test_errors_are_problems(server: Doors, method: str, path: str, status: int) -> None:
    answer = requests.request(method, f"{server.house.url}{path}", timeout=20)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["status"] == status
    assert answer.json()["error"]
