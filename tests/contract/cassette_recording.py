"""Cassettes of the HubSpot client: played by default, recorded with `RECORD_CASSETTES=1`.

A request is cleaned in the same way when it is recorded and when it is compared, so what a cassette
locks is everything but the secrets and the address: method, path, query, headers, body.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiohttp
import vcr
from pydantic import SecretStr
from tests.unit.hubspot.fake_clock import FakeClock
from vcr.record_mode import RecordMode
from vcr.request import Request

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.hubspot.client import HubSpotClient
from hubspot_hitl.hubspot.limiter import RateLimiter
from hubspot_hitl.hubspot.oauth import AppCredentials, OAuth
from hubspot_hitl.hubspot.rest import DeveloperKey
from hubspot_hitl.hubspot.tokens import TokenSource
from hubspot_hitl.hubspot.transport import Transport, open_session
from hubspot_hitl.integration.inboxes import inbox_id_of
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.settings import standalone_from_environment
from hubspot_hitl.twins.hubspot.app import HubSpotTwin

CASSETTES = Path(__file__).parent / "cassettes"
SOURCE = CASSETTES / "source.json"
RECORDING = os.environ.get("RECORD_CASSETTES") == "1"
NAMES = ("refresh_token", "client_id", "client_secret", "developer_api_key", "app_id", "inbox_id")

HUBSPOT = "https://api.hubapi.com"
APP_ID, PORTAL_ID = "1000001", "2000002"
_SECRET_FIELDS = frozenset(
    {"access_token", "refresh_token", "token", "client_id", "client_secret", "hapikey"}
)
_EMAIL = re.compile(r"[\w.+-]+@(?!example\.com\b)[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class Recorded:
    """The client in front of a cassette, or of HubSpot while recording."""

    client: HubSpotClient
    tokens: TokenSource
    clock: Clock
    inbox_id: str
    all_played: Callable[[], bool]


class _Told(Protocol):
    """A request as vcrpy hands it over."""

    method: str
    uri: str
    body: aiohttp.FormData | aiohttp.Payload | bytes | None
    headers: Mapping[str, str]


class _Tape(Protocol):
    """A cassette as vcrpy hands it over."""

    @property
    def all_played(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Access:
    base_url: str
    app_id: str
    client_id: str
    client_secret: str
    key: str
    refresh_token: str
    portal_id: str = ""


@asynccontextmanager
async def cassette(name: str) -> AsyncGenerator[Recorded]:
    """Play `name`, or record it: from a real portal when all HUBSPOT_* are set, else the twin."""
    if not RECORDING:
        access = _Access(HUBSPOT, APP_ID, "client", "secret", "key", "refresh")
        inbox_id = json.loads(SOURCE.read_text())["inbox_id"]
        async with _tape(name, access, FakeClock(auto=True), inbox_id) as recorded:
            yield recorded
        return
    (CASSETTES / name).unlink(missing_ok=True)
    settings = standalone_from_environment()
    if not settings.missing(*NAMES):
        values = {n: _plain(getattr(settings, n)) for n in NAMES if n != "inbox_id"}
        real = _Access(HUBSPOT, key=values.pop("developer_api_key"), **values)
        inbox_id = inbox_id_of(settings.inbox_id or "")
        _note("a real portal", inbox_id)
        async with _tape(name, real, SystemClock(), inbox_id) as recorded:
            yield recorded
        return
    twin = HubSpotTwin()
    await twin.start()
    try:
        it = twin.options
        key, secret = it.developer_api_key, it.client_secret
        access = _Access(
            twin.url, it.app_id, it.client_id, secret, key, it.refresh_token, it.portal_id
        )
        inbox_id = next(iter(twin.world.portals[it.portal_id].inboxes))
        _note("the HubSpot twin", inbox_id)
        async with _tape(name, access, SystemClock(), inbox_id) as recorded:
            yield recorded
    finally:
        await twin.stop()


@asynccontextmanager
async def _tape(
    name: str, access: _Access, clock: Clock, inbox_id: str
) -> AsyncGenerator[Recorded]:
    cleaner = _Cleaner(access)
    player = vcr.VCR(
        record_mode=RecordMode.ONCE if RECORDING else RecordMode.NONE,
        before_record_request=cleaner.request,
        before_record_response=cleaner.response,
        match_on=("method", "uri", "headers", "body"),
    )
    async with open_session() as session:
        oauth = OAuth(access.base_url, lambda: session, clock)
        app = AppCredentials(access.client_id, access.client_secret)
        tokens = TokenSource(oauth, app, access.refresh_token, clock)
        client = _client(access, session, clock, oauth, tokens)
        playing = cast("AbstractContextManager[_Tape]", player.use_cassette(str(CASSETTES / name)))  # pyright: ignore[reportUnknownMemberType]  # vcrpy has no types
        with playing as tape:
            yield Recorded(client, tokens, clock, inbox_id, lambda: tape.all_played)


def _note(recorded_from: str, inbox_id: str) -> None:
    """Keep what the cassettes are: README.md points here."""
    told = {"recorded_from": recorded_from, "inbox_id": inbox_id}
    SOURCE.write_text(json.dumps(told, indent=2) + "\n")


def _client(
    access: _Access,
    session: aiohttp.ClientSession,
    clock: Clock,
    oauth: OAuth,
    tokens: TokenSource,
) -> HubSpotClient:
    transport = Transport(
        access.base_url, lambda: session, clock, tokens=tokens, limiter=RateLimiter(clock)
    )
    auth = DeveloperKey(access.app_id, SecretStr(access.key))
    return HubSpotClient(transport, auth, oauth, tokens, clock)


class _Cleaner:
    """Takes secrets, addresses of people and of machines out, the same way every time."""

    def __init__(self, access: _Access) -> None:
        self._access = access

    def request(self, request: _Told) -> Request:
        """A request as a cassette holds it."""
        parts = urlsplit(request.uri)
        query = urlencode([(n, self._value(n, v)) for n, v in parse_qsl(parts.query)])
        body, headers = request.body, {n.lower(): v for n, v in request.headers.items()}
        if isinstance(body, aiohttp.FormData):
            body = body()
        if isinstance(body, aiohttp.Payload):
            headers["content-type"] = body.content_type
            body = body.decode().encode()
        if (
            isinstance(body, bytes)
            and headers.get("content-type") == "application/x-www-form-urlencoded"
        ):
            fields = parse_qsl(body.decode())
            body = urlencode([(n, self._value(n, v)) for n, v in fields]).encode()
        if "authorization" in headers:
            headers["authorization"] = "Bearer [access_token]"
        host = urlsplit(HUBSPOT)
        uri = urlunsplit((host.scheme, host.netloc, self._named(parts.path), query, ""))
        return Request(request.method, uri, body, headers)

    def response(self, response: dict[str, Any]) -> dict[str, Any]:  # vcrpy's own shape
        """An answer as a cassette holds it."""
        headers = {
            name: values
            for name, values in response["headers"].items()
            if name.lower() in {"content-type", "retry-after", "location"}
        }
        raw = response["body"].get("string") or b""
        try:
            text = json.dumps(self._json(json.loads(raw)), ensure_ascii=False)
        except ValueError:
            text = raw.decode(errors="replace")
        return {**response, "headers": headers, "body": {"string": self._named(text).encode()}}

    def _json(self, value: object) -> object:
        if isinstance(value, dict):
            items = cast("dict[str, object]", value).items()
            return {n: self._value(n, v) if isinstance(v, str) else self._json(v) for n, v in items}
        if isinstance(value, list):
            return [self._json(item) for item in cast("list[object]", value)]
        return value

    def _value(self, name: str, value: str) -> str:
        if name in _SECRET_FIELDS:
            return f"[{name}]"
        return self._named(value)

    def _named(self, text: str) -> str:
        """The text without what names this app, this portal, its people or a twin's port."""
        it = self._access
        for value, name in ((it.app_id, APP_ID), (it.portal_id, PORTAL_ID)):
            text = text.replace(value, name) if value else text
        text = re.sub(r"http://127\.0\.0\.1:\d+", HUBSPOT, text)
        return _EMAIL.sub("person@example.com", text)


def _plain(value: SecretStr | str | None) -> str:
    if value is None:
        return ""
    return value.get_secret_value() if isinstance(value, SecretStr) else value
