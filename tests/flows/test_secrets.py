"""Everything is driven with marked secrets; none of them may come out anywhere."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import secrets as random_secrets
import sys
import time
import traceback
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr
from tests.flows.conftest import DEFINITION, WITHIN_S
from tests.flows.console_desk import session

from hubspot_hitl.app import create_app
from hubspot_hitl.cli.serve import start_server
from hubspot_hitl.errors import HitlError
from hubspot_hitl.hubspot.signature import signed_headers_v3
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services
from hubspot_hitl.redaction import redact_text
from hubspot_hitl.settings import Settings
from hubspot_hitl.settings.environment import describe
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.app import HubSpotTwin
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.web.keys import SERVICES

MARKED = {
    "developer key": "marked-developer-key-0001",
    "client secret": "marked-client-secret-0002",
    "refresh token": "marked-refresh-token-0003",
    "Botpress token": "marked-botpress-token-0004",
    "signing secret": "bWFya2VkLXNpZ25pbmctc2VjcmV0LTAwMDU",
    "path secret": "marked-path-secret-0006",
    "console token": "marked-console-token-0007",
    "reader token": "marked-reader-token-0008",
    "registrations token": "marked-registrations-0009",
    "admin token": "marked-admin-token-0010",
    "shared client secret": "marked-shared-secret-0011",
    "shared developer key": "marked-shared-key-0012",
    "key ring": base64.b64encode(b"marked-key-ring-of-32-bytes-0013").decode(),
    "subscriber secret": "whsec_bWFya2VkLXN1YnNjcmliZXItMDAxNA==",
    "subscriber header": "marked-header-0015",
    "subscriber address": "marked-address-0016",
}
SUBSCRIBER = {
    "url": f"https://127.0.0.1:9/{MARKED['subscriber address']}",
    "secret": MARKED["subscriber secret"],
    "headers": {"authorization": f"Bearer {MARKED['subscriber header']}"},
}
PAGES = ("", "/handoffs", "/deliveries", "/connections", "/doctor", "/plan", "/rules", "/audit")


class EchoingTwin(HubSpotTwin):
    """HubSpot on a bad day: while `echoing`, its errors repeat the caller's credentials."""

    echoing = False

    def application(self) -> web.Application:
        app = super().application()
        app.middlewares.append(self._echo)
        return app

    @web.middleware
    async def _echo(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.echoing or request.path.startswith("/_twin"):
            return await handler(request)
        said = (
            f"{request.headers.get('Authorization')} {request.query_string} {await request.text()}"
        )
        tokens = " ".join([*self.world.tokens, *MARKED.values()])
        body = {"status": "error", "message": f"refused {tokens} {said}", "category": "X"}
        return web.json_response(body, status=400)


@dataclass(slots=True)
class Bench:
    """A house with every secret marked, and everything that comes out of it."""

    stage: Stage
    folder: Path
    hubspot: EchoingTwin
    logged: io.StringIO = field(default_factory=io.StringIO)
    out: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    issued: set[str] = field(default_factory=set[str])
    url: str = ""

    def keep(self, place: str, text: str) -> None:
        self.out.setdefault(place, []).append(text)

    def keep_files(self) -> None:
        for file in self.folder.iterdir():
            self.keep("files", file.read_bytes().decode("latin-1"))

    def remember_issued(self) -> None:
        self.issued |= set(self.hubspot.world.tokens)

    @property
    def secrets(self) -> list[str]:
        assert self.issued, "the twin issued no access token"
        return [*MARKED.values(), *self.issued]

    def settings(self) -> Settings:
        return Settings(
            host="127.0.0.1",
            port=0,
            data_dir=self.folder,
            database_url=f"sqlite:///{self.folder}/house.db",
            start_margin_ms=50,
            start_timeout_s=3,
            botpress_api_url=self.stage.botpress.url,
            botpress_webhook_url=self.stage.botpress.url,
            botpress_token=SecretStr(MARKED["Botpress token"]),
            botpress_signing_secrets=(SecretStr(MARKED["signing secret"]),),
            botpress_path_secret=SecretStr(MARKED["path secret"]),
            botpress_admin_token=SecretStr(MARKED["admin token"]),
            console_token=SecretStr(MARKED["console token"]),
            console_readonly_token=SecretStr(MARKED["reader token"]),
            registrations_token=SecretStr(MARKED["registrations token"]),
            secret_keys=SecretStr(f"k1:{MARKED['key ring']}"),
            hubspot_client_id="shared-client",
            hubspot_client_secret=SecretStr(MARKED["shared client secret"]),
            hubspot_developer_api_key=SecretStr(MARKED["shared developer key"]),
            hubspot_api_url=self.hubspot.url,
            log_format="json",
            log_level="debug",
            access_log=True,
        )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    options = HubSpotOptions(
        client_secret=MARKED["client secret"],
        developer_api_key=MARKED["developer key"],
        refresh_token=MARKED["refresh token"],
        rate_limit=None,
        hook_retry_base_s=0.05,
    )
    stage = Stage(options, BotpressOptions(token=MARKED["Botpress token"]), definition=DEFINITION)
    twin = stage.hubspot = EchoingTwin(options)
    await stage.start()
    yield Bench(stage, tmp_path, twin)
    await stage.stop()


async def raised(bench: Bench, call: Callable[[], Awaitable[object]]) -> str:
    """The error's class name; its text, repr and whole traceback are kept."""
    try:
        await call()
    except HitlError as error:
        told = "".join(traceback.format_exception(error))
        bench.keep("exceptions", f"{error} {error!r} {vars(error)} {told}")
        structlog.get_logger("test").exception("caught", error=error)
        return type(error).__name__
    return "nothing"


async def talk(bench: Bench) -> str:
    """A handoff from the request to the close, with a message both ways; returns its thread."""
    chat, thread_id = await bench.stage.open()
    agents = bench.stage.hubspot.agents
    agents.assign(thread_id, "A-1111")
    bench.stage.botpress.plugin.say(chat, "Hello")
    agents.reply(thread_id, "A-1111", "Hello yourself")
    assert await reached(lambda: bench.stage.heard_by_user(chat) == ["Hello yourself"], WITHIN_S)
    assert await reached(lambda: bench.stage.heard_by_agent(thread_id) == ["Hello"], WITHIN_S)
    agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    return thread_id


async def vendor_errors(bench: Bench, hubspot: HubSpot) -> list[str]:
    """Each way in which a call to HubSpot fails."""
    twin, seen = bench.hubspot, list[str]()
    for kind in (FaultKind.ERROR_500, FaultKind.RESET_AFTER):
        twin.faults.set(Fault(kind, retry_after_s=60))
        seen.append(await raised(bench, hubspot.channels))
    twin.faults.set(Fault(FaultKind.RATE_LIMIT, retry_after_s=60))
    seen.append(await raised(bench, lambda: hubspot.search_contacts("email", "a@example.com")))
    twin.faults.clear()
    twin.echoing = True
    seen.append(await raised(bench, hubspot.channels))
    twin.echoing = False
    for token in twin.world.tokens.values():
        token.scopes = frozenset({"oauth"})
    seen.append(await raised(bench, lambda: hubspot.channel_accounts("1")))
    twin.world.revoke_grants()
    seen.append(await raised(bench, hubspot.inboxes))
    twin.world.reinstate_grants()
    return seen


async def dead_letter(bench: Bench, services: Services) -> None:
    """A message that HubSpot refuses for good, with words that repeat the credentials."""
    chat, _ = await bench.stage.open(2)
    bench.hubspot.echoing = True
    bench.stage.botpress.plugin.say(chat, "Lost")
    wanted = DeliveryFilter(states=[DeliveryState.DEAD])
    deadline = time.monotonic() + WITHIN_S
    while not (dead := await services.ledger.find(wanted)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    bench.hubspot.echoing = False
    bench.keep("dead letters", repr(dead))


async def strangers(bench: Bench, webhook_id: str) -> list[int]:
    """Bad requests at every door; their answers are kept by the application's own signal."""
    operations = f"{bench.url}/botpress/{MARKED['path secret']}"
    hook = f"{bench.url}/hubspot/webhooks/{webhook_id}"
    now_ms = int(time.time() * 1000)
    signed = signed_headers_v3("POST", hook, b"not json", now_ms, MARKED["client secret"])
    wrong = signed_headers_v3("POST", hook, b"[]", now_ms, "another secret")
    token = {"Authorization": f"Bearer {MARKED['console token']}"}
    calls: list[tuple[str, str, bytes, dict[str, str]]] = [
        ("POST", operations, b"not json", {"x-bp-signature": "x"}),
        ("POST", f"{bench.url}/botpress/{MARKED['path secret']}x", b"", {}),
        ("POST", hook, b"not json", dict(signed)),
        ("POST", hook, b"[]", dict(wrong)),
        ("GET", f"{bench.url}/oauth/hubspot/callback?code=marked&state=marked", b"", {}),
        *(("GET", f"{bench.url}{path}", b"", token) for path in ("/livez", "/readyz", "/console")),
    ]
    statuses: list[int] = []
    async with aiohttp.ClientSession() as http:
        for method, url, body, headers in calls:
            async with http.request(method, url, data=body, headers=headers) as answer:
                bench.keep("answers", f"{answer.headers} {await answer.text()}")
                statuses.append(answer.status)
    return statuses


async def look_at_everything(bench: Bench, services: Services) -> None:
    """The console as an operator sees it, each handoff's bundle, the metrics, a widget's call."""
    handoffs = await services.handoffs.find()
    async with session() as http:
        token = {"token": MARKED["console token"], "next": "/console/"}
        assert (await http.post(f"{bench.url}/console/login", data=token)).status == 200
        for page in ("/metrics", "/openapi.json", *(f"/console{one}" for one in PAGES)):
            async with http.get(f"{bench.url}{page}") as answer:
                assert answer.status == 200, page
        for one in handoffs:
            async with http.get(f"{bench.url}/console/handoffs/{one.id}/bundle.zip") as answer:
                with zipfile.ZipFile(io.BytesIO(await answer.read())) as bundle:
                    for name in bundle.namelist():
                        bench.keep("bundles", bundle.read(name).decode())
        widget = {"Authorization": f"Bearer {MARKED['registrations token']}"}
        body = {"firstName": "Ada", "lastName": "L", "email": "ada@example.com"}
        async with http.post(f"{bench.url}/registrations", json=body, headers=widget) as answer:
            assert answer.status != 401


async def test_no_secret_comes_out_anywhere(bench: Bench) -> None:
    settings = bench.settings()
    configure_logging_from(settings, stream=bench.logged)
    app = create_app(settings)

    async def kept(_: web.Request, response: web.StreamResponse) -> None:
        body = response.body if isinstance(response, web.Response) else b""
        bench.keep("answers", f"{response.headers} {body!r}")

    app.on_response_prepare.append(kept)
    runner = await start_server(app, settings)
    bench.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        await drive(bench, app[SERVICES], settings)
    finally:
        await runner.cleanup()
    bench.keep_files()
    lines = [json.loads(line) for line in bench.logged.getvalue().splitlines()]
    events = {line["event"] for line in lines}
    assert {"hubspot_called", "registered", "operation_failed", "webhook_refused"} <= events
    bench.keep("log", bench.logged.getvalue())
    places = {"log", "exceptions", "answers", "files", "dead letters", "reprs", "bundles"}
    assert places == set(bench.out)
    found = {
        (place, secret)
        for place, texts in bench.out.items()
        for secret in bench.secrets
        for text in texts
        if secret in text
    }
    assert found == set()


async def drive(bench: Bench, services: Services, settings: Settings) -> None:
    operations = f"{bench.url}/botpress/{MARKED['path secret']}"
    keys = (MARKED["signing secret"],)
    installation = await bench.stage.install(
        operations, signing_secrets=keys, eventsWebhook=json.dumps(SUBSCRIBER)
    )
    known = await services.installations.get(installation.webhook_id)
    assert known is not None
    hubspot = services.hubspot.of(known)
    await talk(bench)
    bench.remember_issued()
    for value in (settings, describe(settings), known, known.configuration, hubspot, services):
        bench.keep("reprs", f"{value!r} {value}")
    await dead_letter(bench, services)
    bench.hubspot.echoing = True
    refused = await bench.stage.botpress.register(installation)
    assert "HubSpot could not be set up" in refused.message
    bench.hubspot.echoing = False
    assert await vendor_errors(bench, hubspot) == [
        "VendorFault",
        "VendorUnreachable",
        "VendorThrottled",
        "VendorRefused",
        "MissingScope",
        "AuthorizationLost",
    ]
    await look_at_everything(bench, services)
    statuses = await strangers(bench, installation.webhook_id)
    assert statuses[:5] == [401, 404, 400, 401, 400]
    bench.remember_issued()
    bench.keep_files()
    await bench.stage.botpress.operations.unregister(installation)
    await bench.hubspot.stop()
    assert await raised(bench, hubspot.inboxes) in {"VendorUnreachable", "AuthorizationLost"}


async def test_the_demo_prints_no_secret_of_its_twins() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from hubspot_hitl.cli import main; main()",
        "demo",
        "--headless",
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await asyncio.wait_for(process.communicate(), 60))[0].decode()
    assert process.returncode == 0, printed
    hubspot, botpress = HubSpotOptions(), BotpressOptions()
    its = [hubspot.client_secret, hubspot.developer_api_key, hubspot.refresh_token, botpress.token]
    assert not [value for value in (*its, "twin-access-") if value in printed]


def test_a_marked_secret_would_be_found_without_redaction() -> None:
    """The marks have no shape that the redaction's patterns would know."""
    for name, value in MARKED.items():
        assert value in redact_text(f"said {value} {random_secrets.token_hex(2)}"), name
