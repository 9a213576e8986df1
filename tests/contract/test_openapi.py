"""The server does what `/openapi.json` says of it, also when asked strange things."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeArgument=false
# Schemathesis is typed in part only.

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.fuzz.doors import Doors, doors

from hubspot_hitl.web.openapi import description
from hubspot_hitl.web.routes import ROUTES

SCHEMA = schemathesis.openapi.from_dict(description())
FOUND = [one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)]
OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in FOUND}
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def server() -> Iterator[Doors]:
    with doors() as (it, _):
        yield it


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@settings(max_examples=12, derandomize=True, phases=(Phase.explicit, Phase.generate), database=None)
@given(data=st.data())
def test_answers_are_those_described(name: str, data: st.DataObject, server: Doors) -> None:
    case = data.draw(OPERATIONS[name].as_strategy())
    answer = case.call(base_url=server.house.url)
    case.validate_response(answer, checks=CHECKS[1:] if _is_not_botpress(answer) else CHECKS)
    assert server.crashes == []


def _is_not_botpress(answer: Response) -> bool:
    """Botpress's own server answers 500 to a request that lacks Botpress's headers; so do we."""
    return answer.status_code == 500 and set(answer.json()) == {"error"}


def test_what_is_described_exists() -> None:
    paths = {route.path for route in ROUTES}
    described = {name.split(" ", 1)[1] for name in OPERATIONS}
    assert len(described) == len(SCHEMA.raw_schema["paths"])
    assert described <= paths
