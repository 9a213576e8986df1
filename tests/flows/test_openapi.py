"""The server against its own OpenAPI description, with generated requests."""

# schemathesis leaves its types open
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import SecretStr
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Err
from tests.flows.conftest import House

from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage
from hubspot_hitl.web.openapi import description
from hubspot_hitl.web.routes import ROUTES

TOKEN = "console-token"
EXAMPLES = 5
SCHEMA = schemathesis.openapi.from_dict(description())
OPERATIONS = {
    f"{found.method} {found.path}": found
    for found in (one.ok() for one in SCHEMA.get_all_operations() if not isinstance(one, Err))
}
load_all_checks()
CONFORMS: list[Any] = [
    CHECKS.get_one(name)
    for name in (
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "unsupported_method",
    )
]


async def _serve(folder: Path, up: threading.Event, down: asyncio.Event, told: list[str]) -> None:
    stage = Stage(
        HubSpotOptions(rate_limit=None), BotpressOptions(rate_limit_per_s=None), load_definition()
    )
    await stage.start()
    token = SecretStr(TOKEN)
    changes = {
        "console_token": token,
        "registrations_token": token,
        "public_url": "http://x.example",
    }
    house = House(stage, folder, dict(changes))
    await house.open()
    await stage.install(house.url)
    told.append(house.url)
    up.set()
    await down.wait()
    await house.close()
    await stage.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in a thread of its own: the client blocks."""
    loop, up, told = asyncio.new_event_loop(), threading.Event(), list[str]()
    down = asyncio.Event()
    folder = tmp_path_factory.mktemp("openapi")
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(_serve(folder, up, down, told)), daemon=True
    )
    thread.start()
    assert up.wait(30)
    yield told[0]
    loop.call_soon_threadsafe(down.set)
    thread.join(30)
    loop.close()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("authorized", [True, False])
def test_the_server_keeps_to_its_own_description(server: str, name: str, authorized: bool) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"} if authorized else {}

    @settings(
        max_examples=EXAMPLES,
        phases=(Phase.generate,),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=OPERATIONS[name].as_strategy(GenerationMode.POSITIVE))
    def conforms(case: Case[Any]) -> None:
        with requests.Session() as session:
            case.call_and_validate(
                base_url=server,
                session=session,
                headers=headers,
                checks=CONFORMS,
                allow_redirects=False,
                timeout=20,
            )

    conforms()


def test_every_route_for_machines_is_described() -> None:
    described = set(OPERATIONS)
    undescribed = {
        f"{route.method.lower()} {re.sub(r':[^}]*', '', route.path)}"
        for route in ROUTES
        if not route.path.startswith("/console") and route.method != "*"
    } - described
    # the two old names of the callback stay for apps that were registered with them
    assert undescribed == {
        "get /oauth/hubspot/HubSpotCallback",
        "get /v1/UserAgentOAuth/HubSpotCallback",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/readyz", 405), ("POST", "/oauth/hubspot/refresh", 401)],
)
def test_errors_are_problems(server: str, method: str, path: str, status: int) -> None:
    answer = requests.request(method, f"{server}{path}", timeout=20)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["status"] == status
    assert answer.json()["error"]
