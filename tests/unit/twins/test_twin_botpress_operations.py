"""Operations and the webhook front of the Botpress twin."""

from __future__ import annotations

import base64
import hashlib
import hmac

import orjson
import pytest
from tests.unit.twins.conftest import BotClient, Sink
from yarl import URL

from hubspot_hitl.twins.botpress.operations import sign
from hubspot_hitl.twins.faults import Fault, FaultKind

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def test_the_signature_agrees_with_the_real_verifier() -> None:
    body = '{"type":"startHitl","input":{"userId":"user_01J","title":"Hé"}}'.encode()
    expected = "1767225600000,rMkzAZHsI_R990XeWaTS50HJbg9eFHeuULz01-xTU30"
    assert sign((SECRET,), body, 1767225600000) == expected


async def test_an_operation_carries_the_real_headers(bot: BotClient, sink: Sink) -> None:
    bot.installation.signing_secrets = (SECRET, SECRET)
    answer = await bot.twin.register(bot.installation)
    (request,) = sink.operations("register")
    configuration = orjson.loads(base64.b64decode(request.headers["x-bp-configuration"]))
    stamp, first, second = request.headers["X-BP-Signature"].split(",")
    key = base64.urlsafe_b64decode(SECRET + "=")
    digest = hmac.digest(key, f"{stamp}.".encode() + request.raw, hashlib.sha256)
    assert (answer.accepted, bot.installation.status) == (True, "registered")
    assert request.json == {"webhookUrl": f"{bot.twin.url}/wh-1"}
    assert configuration == {"appId": "1"}
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == first == second
    for name in (
        "x-bot-id",
        "x-bot-user-id",
        "x-integration-id",
        "x-integration-alias",
        "x-webhook-id",
        "traceparent",
    ):
        assert request.headers[name]
    assert "x-bp-configuration-type" not in request.headers


async def test_without_a_signing_secret_nothing_is_signed(bot: BotClient, sink: Sink) -> None:
    await bot.twin.operations.ping(bot.installation)
    assert "X-BP-Signature" not in sink.received[0].headers


async def test_a_refused_register_fails_the_installation(bot: BotClient, sink: Sink) -> None:
    sink.statuses = [400]
    await bot.twin.register(bot.installation)
    assert bot.installation.status == "registration_failed"


async def test_a_webhook_is_wrapped_and_its_answer_relayed(bot: BotClient, sink: Sink) -> None:
    sink.replies["webhook_received"] = {"fine": True}
    sink.headers["x-foo"] = "bar"
    headers = {"X-HubSpot-Signature-v3": "abc", "Content-Type": "application/json"}
    url = URL(f"{bot.twin.url}/wh-1/sub/path?a=1&b=%2F", encoded=True)
    async with bot.session.post(url, data="{ }", headers=headers) as response:
        relayed = (response.status, await response.json(), response.headers["x-foo"])
    (request,) = sink.operations("webhook_received")
    req = request.json["req"]
    assert relayed == (200, {"fine": True}, "bar")
    assert (req["method"], req["path"], req["query"]) == ("POST", "/sub/path", "a=1&b=%2F")
    assert (req["headers"]["x-hubspot-signature-v3"], req["body"]) == ("abc", "{ }")


async def test_a_get_has_no_body_and_the_bare_url_no_path(bot: BotClient, sink: Sink) -> None:
    async with bot.session.get("/wh-1") as response:
        assert response.status == 200
    req = sink.operations("webhook_received")[0].json["req"]
    assert (req["path"], req["query"], "body" in req) == ("", "", False)


@pytest.mark.parametrize("status", [204, 401, 418, 500, 503])
async def test_any_status_is_relayed_one_to_one(bot: BotClient, sink: Sink, status: int) -> None:
    sink.statuses = [status]
    async with bot.session.post("/wh-1", data="{}") as response:
        assert response.status == status


async def test_an_unknown_webhook_is_not_found(bot: BotClient) -> None:
    assert (await bot.call("POST", "/wh-2", {})).status == 404


async def test_a_dead_integration_is_a_bad_gateway(bot: BotClient) -> None:
    bot.installation.url = "http://127.0.0.1:9/"
    assert (await bot.call("POST", "/wh-1", {})).status == 502


async def test_shared_entries_find_the_installation(bot: BotClient, sink: Sink) -> None:
    body = {"identifier": "1234567"}
    await bot.call("POST", "/v1/chat/integrations/configure", body)
    shared = await bot.call("POST", "/integration/global/hubspot", [{"portalId": 1234567}])
    state = await bot.call("GET", "/oauth?state=wh-1&code=x")
    stranger = await bot.call("POST", "/integration/global/hubspot", [{"portalId": 1}])
    assert (shared.status, state.status, stranger.status) == (200, 200, 404)
    assert sink.operations("webhook_received")[1].json["req"]["path"] == "/oauth"


async def test_an_action_answers_its_output(bot: BotClient, sink: Sink) -> None:
    sink.replies["createUser"] = {"output": {"userId": "u"}, "meta": {"cost": 0}}
    path = "/_twin/installations/wh-1/actions/createUser"
    told = (await bot.call("POST", path, {"name": "Uma"})).json
    assert (told["status"], told["body"]["output"]) == (200, {"userId": "u"})
    assert sink.received[0].json == {"type": "createUser", "input": {"name": "Uma"}}


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        (Fault(FaultKind.RESET_BEFORE), 0),
        (Fault(FaultKind.RESET_AFTER), 1),
        (Fault(FaultKind.SILENCE), 0),
    ],
)
async def test_an_operations_answer_can_be_lost(
    bot: BotClient, sink: Sink, fault: Fault, arrived: int
) -> None:
    bot.twin.faults.add(fault)
    answer = await bot.twin.operations.ping(bot.installation)
    assert (answer.status, len(sink.received)) == (None, arrived)


async def test_an_operation_can_be_sent_again(bot: BotClient, sink: Sink) -> None:
    bot.twin.faults.add(Fault(FaultKind.REDELIVER, ("operation.ping",), copies=2))
    await bot.twin.operations.ping(bot.installation)
    assert len(sink.received) == 3
