from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hubspot_hitl.errors import BadSettings, InvalidPayload, StoreUnavailable
from hubspot_hitl.web.errors import errors


async def answer_to(error: Exception) -> tuple[int, str, str | None]:
    """Status, body and `Retry-After` of the answer when a route raises this."""

    async def failing(_: web.Request) -> web.Response:
        raise error

    app = web.Application(middlewares=[errors])
    app.router.add_get("/", failing)
    async with TestClient(TestServer(app)) as client, client.get("/") as answer:
        return answer.status, await answer.text(), answer.headers.get("Retry-After")


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (InvalidPayload("the field 'x' is missing"), 400, "the field 'x' is missing"),
        (StoreUnavailable("the disk is full"), 503, "store_unavailable"),
        (BadSettings("HITL_X is wrong"), 502, "bad_settings"),
        (ValueError("a secret detail"), 500, "internal_error"),
        (web.HTTPNotFound(), 404, "Not Found"),
    ],
)
async def test_each_failure_has_its_status_and_its_code(
    error: Exception, status: int, told: str
) -> None:
    got, body, _ = await answer_to(error)
    assert got == status
    assert told in body


async def test_only_an_absent_store_asks_to_come_again() -> None:
    assert (await answer_to(StoreUnavailable("locked")))[2] == "5"
    assert (await answer_to(ValueError()))[2] is None


@pytest.mark.parametrize(
    "error", [StoreUnavailable("secret"), BadSettings("secret"), OSError("secret")]
)
async def test_what_only_the_operator_may_know_is_not_told(error: Exception) -> None:
    assert "secret" not in (await answer_to(error))[1]
