from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from tests.commands import run_command

from hubspot_hitl.cli.connect import (
    Consent,
    app_credentials,
    connect_portal,
    store_refresh_token,
)
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings, CallerError
from hubspot_hitl.hubspot.oauth import AppCredentials, OAuth, code_challenge
from hubspot_hitl.settings import StandaloneSettings, standalone_from_environment
from hubspot_hitl.setup.scopes import scopes_for

SCOPES = scopes_for().required
OPTIONAL_SCOPES = scopes_for().optional
APP = AppCredentials("client-1", "secret-1")


@pytest.mark.parametrize(
    "arguments", [["--test"], ["--test", "--link"], ["--link", "--token"], ["--test", "--paste"]]
)
async def test_options_of_connect_that_exclude_each_other_are_wrong_use(
    arguments: list[str], tmp_path: Path
) -> None:
    said = await run_command("connect", *arguments, env={}, folder=tmp_path)
    assert (said.status, "--test needs --token" in said.err) == (2, True)


class TokenEndpoint:
    """Answers the token endpoint with what a test wants and remembers the forms."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.status = 200
        self.answer: dict[str, object] = {
            "access_token": "access-token-1",
            "refresh_token": "refresh-token-1",
            "expires_in": 1800,
            "hub_id": 77,
            "scopes": list(SCOPES),
        }

    async def answer_token(self, request: web.Request) -> web.Response:
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
def endpoint() -> TokenEndpoint:
    return TokenEndpoint()


@pytest.fixture
async def oauth(endpoint: TokenEndpoint) -> AsyncIterator[OAuth]:
    application = web.Application()
    application.router.add_post("/oauth/2026-03/token", endpoint.answer_token)
    async with TestServer(application) as server, ClientSession() as session:
        yield OAuth(str(server.make_url("/")), lambda: session, SystemClock())


class Person:
    """Opens the address that was said and pastes where the browser ends."""

    def __init__(self, query: str = "code=code-1&state={state}") -> None:
        self.said: list[str] = []
        self._query = query

    def say(self, text: str) -> None:
        self.said.append(text)

    def paste(self) -> str:
        url = next(word for word in self.said[0].split() if word.startswith("https://app.hubspot"))
        state = parse_qs(urlsplit(url).query)["state"][0]
        return f"http://localhost:8976/oauth/callback?{self._query.format(state=state)}"


async def test_a_pasted_redirect_becomes_a_refresh_token(
    oauth: OAuth, endpoint: TokenEndpoint
) -> None:
    person = Person()

    grant = await connect_portal(oauth, APP, Consent(), person.say, paste=person.paste)

    assert (grant.refresh_token, grant.portal_id) == ("refresh-token-1", "77")
    assert endpoint.forms[0]["grant_type"] == "authorization_code"
    assert endpoint.forms[0]["code"] == "code-1"
    assert endpoint.forms[0]["redirect_uri"] == "http://localhost:8976/oauth/callback"
    opened = parse_qs(urlsplit(person.said[0].split()[-1]).query)
    assert opened["code_challenge"] == [code_challenge(endpoint.forms[0]["code_verifier"])]


def test_the_authorize_url_asks_for_the_five_scopes_separated_by_spaces() -> None:
    url = Consent().url("client-1", "state-1")

    query = parse_qs(urlsplit(url).query)
    assert query["scope"][0].split(" ") == list(SCOPES)
    assert query["optional_scope"][0].split(" ") == list(OPTIONAL_SCOPES)
    assert query["state"] == ["state-1"]
    assert query["response_type"] == ["code"]
    assert "%20conversations.read" in url


async def test_a_forged_state_is_refused_before_the_exchange(
    oauth: OAuth, endpoint: TokenEndpoint
) -> None:
    person = Person("code=code-1&state=forged")

    with pytest.raises(CallerError, match="another state"):
        await connect_portal(oauth, APP, Consent(), person.say, paste=person.paste)

    assert endpoint.forms == []


@pytest.mark.parametrize(
    ("error", "cure"),
    [("invalid_grant", "works once"), ("invalid_client", "HUBSPOT_CLIENT_SECRET again")],
)
async def test_a_refused_exchange_names_the_cure_and_no_secret(
    oauth: OAuth, endpoint: TokenEndpoint, error: str, cure: str
) -> None:
    endpoint.status = 400
    endpoint.answer = {"error": error, "message": "no code-1 secret-1"}
    person = Person()

    with pytest.raises(CallerError, match=cure) as caught:
        await connect_portal(oauth, APP, Consent(), person.say, paste=person.paste)

    assert "secret-1" not in str(caught.value)


async def test_scopes_that_were_not_granted_are_named(
    oauth: OAuth, endpoint: TokenEndpoint
) -> None:
    endpoint.answer["scopes"] = list(SCOPES[1:])
    person = Person()

    await connect_portal(oauth, APP, Consent(), person.say, paste=person.paste)

    assert person.said[-1].startswith(f"Not granted: {SCOPES[0]}.")


def test_missing_credentials_are_named() -> None:
    with pytest.raises(BadSettings, match="HUBSPOT_CLIENT_SECRET not set"):
        app_credentials(StandaloneSettings(client_id="x"))
    found = app_credentials(StandaloneSettings(client_id="x", client_secret=SecretStr("y")))
    assert found == AppCredentials("x", "y")


def test_the_stored_token_replaces_the_old_one_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\nHUBSPOT_REFRESH_TOKEN=old\nB=2\n")

    store_refresh_token(path, "new-token")

    assert "old" not in path.read_text()
    assert path.read_text().splitlines() == ["A=1", "HUBSPOT_REFRESH_TOKEN='new-token'", "B=2"]
    assert standalone_from_environment({}, env_file=path).refresh_token == SecretStr("new-token")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["missing/.env", "."])
async def test_a_file_that_cannot_be_written_is_told_before_anybody_is_asked(
    place: str, tmp_path: Path
) -> None:
    env = {"HUBSPOT_CLIENT_ID": "client-1", "HUBSPOT_CLIENT_SECRET": "secret-1"}
    said = await run_command("connect", "--paste", "--store", place, env=env, folder=tmp_path)
    assert (said.status, said.out) == (2, "")
    assert f"{place!r} cannot be written" in said.err
    assert "Open this address" not in said.err
