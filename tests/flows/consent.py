"""The person at HubSpot's consent page, for flows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
from pydantic import SecretStr
from tests.flows.conftest import DEFINITION, House

from hubspot_hitl.setup.scopes import scopes_for
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.hubspot.options import DEFAULT_SCOPES, HubSpotOptions
from hubspot_hitl.twins.stage import Stage

CONSOLE = "console-token-for-tests"
RETURN = "https://app.example.com/done?keep=1"
API = {"x-api-key": CONSOLE}


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@dataclass(slots=True)
class Desk:
    """A server with an installation that has no refresh token yet, and a browser."""

    house: House
    stage: Stage
    installation: Installation
    http: aiohttp.ClientSession

    @property
    def id(self) -> str:
        return self.installation.webhook_id

    async def call(self, name: str, **body: object) -> dict[str, object]:
        """A call in the agent platform's shape."""
        async with self.http.post(
            f"{self.house.url}/v1/{name}", json=body, headers=API
        ) as response:
            return dict(await response.json())

    async def begin(self, return_url: str = RETURN, **more: str) -> str:
        """The consent page's address."""
        answer = await self.call(
            "UserAgentOAuth/HubSpotConnect",
            userAgentGuid=self.id,
            redirectUrl=return_url,
            **more,
        )
        assert answer["result"], answer
        return str(answer["authorizeUrl"])

    async def consent(self, url: str, decision: str = "grant", portal: str | None = None) -> str:
        """Decide on the consent page; returns the address that HubSpot sends the browser to."""
        async with self.http.get(url) as page:
            assert page.status == 200, await page.text()
        form = query_of(url) | {
            "portal": portal or self.stage.hubspot.options.portal_id,
            "decision": decision,
        }
        address = f"{self.stage.hubspot.url}/oauth/decision"
        async with self.http.post(address, data=form, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return response.headers["Location"]

    async def follow(self, url: str) -> tuple[int, str]:
        """Open an address; returns the status and where it leads, or the page."""
        async with self.http.get(url, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def connect(self, **more: str) -> dict[str, str]:
        """All the way; returns what the caller's URL is told."""
        _, location = await self.follow(await self.consent(await self.begin(**more)))
        return query_of(location)

    async def status(self) -> dict[str, object]:
        return await self.call("UserAgentOAuth/HubSpotStatus", userAgentGuid=self.id)

    async def sees(self, operation: str = "createUser") -> None:
        """Let the server see the installation once, as Botpress would."""
        await self.stage.botpress.register(self.installation)


@asynccontextmanager
async def open_desk(folder: Path, **changes: object) -> AsyncGenerator[Desk]:
    """A desk whose installation is known to the server, without a refresh token."""
    scopes = (*DEFAULT_SCOPES, *scopes_for().all)
    stage = Stage(
        HubSpotOptions(rate_limit=None, hook_retry_base_s=0.05, scopes=scopes),
        BotpressOptions(rate_limit_per_s=None),
        definition=DEFINITION,
    )
    await stage.start()
    house = House(stage, folder)
    house.changes = {
        "public_url": house.url,
        "console_token": SecretStr(CONSOLE),
        "oauth_return_hosts": ("app.example.com",),
        "hubspot_authorize_url": f"{stage.hubspot.url}/oauth/authorize",
    } | changes
    await house.open()
    configuration = stage.configuration(refreshToken="")
    installation = stage.botpress.install(house.url, configuration)
    await stage.botpress.register(installation)  # refused, and known from now on
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        try:
            yield Desk(house, stage, installation, http)
        finally:
            await house.close()
            await stage.stop()
