from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from hubspot_hitl.twins.botpress.admin import AdminOptions, BotpressAdminTwin

OPTIONS = AdminOptions()
HEADERS = {
    "authorization": f"Bearer {OPTIONS.token}",
    "x-workspace-id": OPTIONS.workspace_id,
}
BODY: dict[str, Any] = {
    "name": "acme/thing",
    "version": "1.0.0",
    "url": "https://thing.example.com",
    "events": {},
    "interfaces": {"hitl<t>": {"id": OPTIONS.interfaces["hitl", "2.1.0"], "actions": {}}},
}


@pytest.fixture
async def twin() -> AsyncIterator[BotpressAdminTwin]:
    twin = BotpressAdminTwin()
    await twin.start()
    yield twin
    await twin.stop()


async def _call(
    twin: BotpressAdminTwin,
    body: Mapping[str, object],
    *,
    method: str = "POST",
    path: str = "",
    headers: Mapping[str, str] = HEADERS,
) -> tuple[int, Any]:
    url = f"{twin.url}/v1/admin/integrations{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=headers) as response,
    ):
        return response.status, await response.json()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": "thing"}, "InvalidPayload"),
    ({"name": "rival/thing"}, "Forbidden"),
    ({"version": "one"}, "InvalidPayload"),
    ({"url": "nowhere"}, "InvalidPayload"),
    ({"visibility": "secret"}, "InvalidPayload"),
    ({"unheardOf": 1}, "InvalidPayload"),
    ({"title": "x" * 65}, "InvalidPayload"),
    ({"events": {f"e{n}": {} for n in range(21)}}, "InvalidPayload"),
    ({"events": {"snake_case": {}}}, "InvalidPayload"),
    (
        {"channels": {"c": {"messages": {f"m{n}": {} for n in range(21)}}}},
        "InvalidPayload",
    ),
    ({"interfaces": {"hitl<t>": {"id": "ifver_unknown"}}}, "ReferenceNotFound"),
    (
        {
            "interfaces": {
                "hitl<t>": {
                    **BODY["interfaces"]["hitl<t>"],
                    "actions": {"startHitl": {"name": "startHitl"}},
                }
            }
        },
        "InvalidPayload",
    ),
]


@pytest.mark.parametrize(("change", "kind"), BAD)
async def test_a_bad_definition_is_refused(
    twin: BotpressAdminTwin, change: Mapping[str, object], kind: str
) -> None:
    status, answer = await _call(twin, {**BODY, **change})

    assert (400 <= status < 500, answer["type"]) == (True, kind)
    assert twin.integrations == {}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": HEADERS["authorization"]}, 400),
        ({**HEADERS, "x-workspace-id": "wkspace_other"}, 403),
    ],
)
async def test_a_caller_without_token_or_workspace_is_refused(
    twin: BotpressAdminTwin, headers: Mapping[str, str], status: int
) -> None:
    assert (await _call(twin, BODY, headers=headers))[0] == status


async def test_an_access_key_cannot_administer(twin: BotpressAdminTwin) -> None:
    _, made = await _call(twin, BODY)
    _, key = await _call(twin, {"integrationId": made["integration"]["id"]}, path="/iaks")

    headers = {**HEADERS, "authorization": f"Bearer {key['value']}"}
    assert (await _call(twin, BODY, headers=headers))[0] == 403


async def test_the_signing_secret_is_shown_once(twin: BotpressAdminTwin) -> None:
    _, made = await _call(twin, BODY)
    path = f"/{made['integration']['id']}"
    _, changed = await _call(twin, {"title": "New"}, method="PUT", path=path)
    _, rotated = await _call(twin, {}, path=f"{path}/signing-secrets/rotate")

    assert len(made["integration"]["signingSecret"]) == 43
    assert changed["integration"]["signingSecret"] == ""
    assert rotated["newSigningSecret"] != made["integration"]["signingSecret"]


async def test_a_version_is_made_once_and_keeps_its_name(twin: BotpressAdminTwin) -> None:
    _, made = await _call(twin, BODY)

    assert (await _call(twin, BODY))[0] == 409
    path = f"/{made['integration']['id']}"
    assert (await _call(twin, {"name": "acme/other"}, method="PUT", path=path))[0] == 400


async def test_what_an_update_does_not_name_stays(twin: BotpressAdminTwin) -> None:
    _, made = await _call(twin, {**BODY, "states": {"a": {}, "b": {}}})
    path = f"/{made['integration']['id']}"

    _, changed = await _call(twin, {"states": {"b": None}}, method="PUT", path=path)

    assert changed["integration"]["states"] == {"a": {}}
    assert changed["integration"]["url"] == BODY["url"]
