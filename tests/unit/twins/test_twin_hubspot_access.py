"""Who may call the HubSpot twin: tokens, scopes, the developer key, OAuth, the rate limit."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.twins.conftest import CHANNELS, THREADS, Answer, HandClock, HubClient, Json

INBOXES = "/conversations/v3/conversations/inboxes"
BACK = "http://localhost:9/back"


@pytest.mark.parametrize("token", [None, "wrong", "wörng"])
async def test_a_wrong_token_is_refused(bare_hub: HubClient, token: str | None) -> None:
    answer = await bare_hub.call("GET", INBOXES, token=token)
    assert (answer.status, answer.json["category"]) == (401, "INVALID_AUTHENTICATION")


async def test_a_token_lives_for_half_an_hour(bare_hub: HubClient, clock: HandClock) -> None:
    clock.now += 1799
    assert (await bare_hub.call("GET", INBOXES)).status == 200
    clock.now += 1
    answer = await bare_hub.call("GET", INBOXES)
    assert (answer.status, answer.json["category"]) == (401, "EXPIRED_AUTHENTICATION")


async def test_a_missing_scope_is_named(bare_hub: HubClient) -> None:
    portal = bare_hub.twin.options.portal_id
    token = bare_hub.twin.world.issue_private(portal, frozenset({"oauth"}))
    answer = await bare_hub.call("GET", INBOXES, token=token)
    wanted = answer.json["errors"][0]["context"]["requiredGranularScopes"]
    assert (answer.status, answer.json["category"]) == (403, "MISSING_SCOPES")
    assert wanted == ["conversations.read"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"hapikey": None}, 401),
        ({"hapikey": "wrong"}, 401),
        ({"appId": None}, 400),
        ({"appId": "2"}, 403),
        ({}, 200),
    ],
)
async def test_channels_need_the_developers_key_and_the_app(
    bare_hub: HubClient, change: dict[str, str | None], status: int
) -> None:
    params = {k: v for k, v in {**bare_hub.app, **change}.items() if v is not None}
    assert (await bare_hub.call("GET", CHANNELS, params=params)).status == status


async def test_another_portals_thread_is_not_found(hub: HubClient) -> None:
    thread_id = await hub.thread()
    hub.twin.world.add_portal("7654321")
    token = hub.twin.world.issue_private("7654321")
    assert (await hub.call("GET", f"{THREADS}/{thread_id}", token=token)).status == 404


async def test_an_unknown_path_is_told_in_hubspots_shape(bare_hub: HubClient) -> None:
    answer = await bare_hub.call("GET", "/nowhere")
    assert (answer.status, answer.json["status"]) == (404, "error")
    assert (await bare_hub.call("DELETE", INBOXES)).status == 405


async def test_the_rate_limit_tells_what_is_left_and_then_refuses(bare_hub: HubClient) -> None:
    bare_hub.twin.options.rate_limit = 2
    answers = [await bare_hub.call("GET", INBOXES) for _ in range(3)]
    left = [answer.headers["X-HubSpot-RateLimit-Remaining"] for answer in answers]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert left == ["1", "0", "0"]
    assert answers[2].json["policyName"] == "TEN_SECONDLY_ROLLING"
    assert "Retry-After" not in answers[2].headers


async def test_search_has_a_limit_of_its_own(bare_hub: HubClient) -> None:
    bare_hub.twin.options.rate_limit = 110
    path = "/crm/v3/objects/contacts/search"
    statuses = [(await bare_hub.call("POST", path, {})).status for _ in range(6)]
    assert statuses == [200] * 5 + [429]


async def refresh(hub: HubClient, version: str = "2026-03", **change: str) -> Answer:
    options = hub.twin.options
    form = {
        "grant_type": "refresh_token",
        "client_id": options.client_id,
        "client_secret": options.client_secret,
        "refresh_token": options.refresh_token,
        **change,
    }
    return await hub.call("POST", f"/oauth/{version}/token", token=None, form=form)


@pytest.mark.parametrize("version", ["2026-03", "v3"])
async def test_a_refresh_token_buys_an_access_token(bare_hub: HubClient, version: str) -> None:
    answer = await refresh(bare_hub, version)
    assert answer.status == 200
    assert (answer.json["expires_in"], answer.json["hub_id"]) == (1800, 1234567)
    assert (await bare_hub.call("GET", INBOXES, token=answer.json["access_token"])).status == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"refresh_token": "wrong"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_bad_token_request_is_refused(
    bare_hub: HubClient, change: dict[str, str], status: int, error: str
) -> None:
    answer = await refresh(bare_hub, **change)
    assert (answer.status, answer.json["error"]) == (status, error)


async def test_a_token_request_in_json_is_refused(bare_hub: HubClient) -> None:
    answer = await bare_hub.call("POST", "/oauth/2026-03/token", {"grant_type": "refresh_token"})
    assert answer.status == 415


async def test_oauth_v1_is_gone_unless_switched_on(bare_hub: HubClient) -> None:
    assert (await refresh(bare_hub, "v1")).status == 404
    bare_hub.twin.options.oauth_v1 = True
    assert (await refresh(bare_hub, "v1")).status == 200


async def test_introspection_tells_a_living_token_from_a_dead_one(
    bare_hub: HubClient, clock: HandClock
) -> None:
    options = bare_hub.twin.options
    form = {"client_id": options.client_id, "client_secret": options.client_secret}
    path = "/oauth/2026-03/token/introspect"
    told = await bare_hub.call("POST", path, form={**form, "token": bare_hub.token})
    assert (told.json["active"], told.json["hub_id"]) == (True, 1234567)
    clock.now += 1801
    told = await bare_hub.call("POST", path, form={**form, "token": bare_hub.token})
    assert told.json == {"active": False}


async def test_a_revoked_grant_refreshes_no_more(bare_hub: HubClient) -> None:
    options = bare_hub.twin.options
    form = {
        "client_id": options.client_id,
        "client_secret": options.client_secret,
        "token": options.refresh_token,
    }
    await bare_hub.call("POST", "/oauth/2026-03/token/revoke", form=form)
    assert (await refresh(bare_hub)).json["error"] == "invalid_grant"
    assert (await bare_hub.call("GET", INBOXES)).status == 200


async def test_uninstalling_voids_every_token_of_the_portal(bare_hub: HubClient) -> None:
    path = "/appinstalls/2026-03/external-install"
    assert (await bare_hub.call("DELETE", path)).status == 204
    assert (await bare_hub.call("GET", INBOXES)).status == 401
    assert (await refresh(bare_hub)).status == 400


def consent(hub: HubClient, **change: str) -> dict[str, str]:
    return {
        "client_id": hub.twin.options.client_id,
        "redirect_uri": BACK,
        "scope": "oauth conversations.read",
        "state": "abc",
        **change,
    }


async def decide(hub: HubClient, query: Json, decision: str) -> dict[str, list[str]]:
    form = {**query, "portal": hub.twin.options.portal_id, "decision": decision}
    async with hub.session.post("/oauth/decision", data=form, allow_redirects=False) as answer:
        return parse_qs(urlsplit(answer.headers["Location"]).query)


async def test_consent_with_pkce_leads_to_a_token_of_the_scopes_asked(bare_hub: HubClient) -> None:
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    query = consent(bare_hub, code_challenge=challenge, code_challenge_method="S256")
    page = await bare_hub.call("GET", "/oauth/authorize", params=query)
    back = await decide(bare_hub, query, "grant")
    code = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": BACK}
    wrong = await refresh(bare_hub, **code, code_verifier="x")
    back = await decide(bare_hub, query, "grant")
    code["code"] = back["code"][0]
    answer = await refresh(bare_hub, **code, code_verifier=verifier)
    assert (page.status, back["state"]) == (200, ["abc"])
    assert (wrong.status, answer.status) == (400, 200)
    assert answer.json["scopes"] == ["conversations.read", "oauth"]


async def test_a_code_works_once_and_for_its_redirect_only(bare_hub: HubClient) -> None:
    codes = [(await decide(bare_hub, consent(bare_hub), "grant"))["code"][0] for _ in range(2)]
    form = {"grant_type": "authorization_code", "redirect_uri": BACK}
    assert (await refresh(bare_hub, **form, code=codes[0])).status == 200
    assert (await refresh(bare_hub, **form, code=codes[0])).status == 400
    elsewhere = {**form, "redirect_uri": "http://localhost:9/other"}
    assert (await refresh(bare_hub, **elsewhere, code=codes[1])).status == 400


async def test_a_denied_consent_comes_back_as_an_error(bare_hub: HubClient) -> None:
    back = await decide(bare_hub, consent(bare_hub), "deny")
    assert (back["error"], back["state"]) == (["access_denied"], ["abc"])


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "wrong"},
        {"redirect_uri": "http://example.test/back"},
        {"redirect_uri": "nonsense"},
        {"scope": "conversations.read"},
        {"scope": "oauth world.domination"},
    ],
)
async def test_the_consent_page_refuses_what_hubspot_refuses(
    bare_hub: HubClient, change: dict[str, str]
) -> None:
    bare_hub.twin.options.required_scopes = ("oauth",)
    answer = await bare_hub.call("GET", "/oauth/authorize", params=consent(bare_hub, **change))
    assert answer.status == 400


async def test_the_consent_page_shows_strangers_text_as_text(bare_hub: HubClient) -> None:
    query = consent(bare_hub, state='"><script>alert(1)</script>')
    page = await bare_hub.call("GET", "/oauth/authorize", params=query)
    assert "<script>" not in page.json
