"""The Botpress twin as one object: Runtime API, webhook front, and a bot with the HITL plugin."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from hubspot_hitl.twins.botpress import messages, people, states
from hubspot_hitl.twins.botpress.admin import BotpressAdminTwin
from hubspot_hitl.twins.botpress.control import Control
from hubspot_hitl.twins.botpress.endpoint import mount
from hubspot_hitl.twins.botpress.front import Front
from hubspot_hitl.twins.botpress.operations import OperationAnswer, Operations
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.botpress.plugin import HitlPlugin
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.faults import Faults
from hubspot_hitl.twins.host import Host, run_until_cancelled
from hubspot_hitl.twins.wire import Json

ROUTES = (*people.ROUTES, *messages.ROUTES, *states.ROUTES)
MOST_BODY_BYTES = 64 * 1024 * 1024


class BotpressTwin:
    """Botpress on a local port.

    `plugin` is the bot and its users, `operations` sends operations by hand, `faults` is what may
    go wrong, `journal` what happened, `world` the whole state. `definition` is the content of
    `integration.definition.json`: with it, undeclared names and unfit payloads are refused. With
    `admin` the same address serves the Admin API, and what is published there can be installed.
    """

    def __init__(
        self,
        options: BotpressOptions | None = None,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
        definition: Json | None = None,
        admin: BotpressAdminTwin | None = None,
    ) -> None:
        self.options = options or BotpressOptions()
        self.faults = faults or Faults()
        self.world = World(self.options, self.faults, clock, definition)
        self.journal = self.world.journal
        self.operations = Operations(self.world)
        self.plugin = HitlPlugin(self.world, self.operations)
        self.admin = admin
        if admin is not None:
            self.world.access_keys = admin.access_keys
            self.world.published = admin.newest
        self.url = ""
        self._host = Host()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; port 0 takes a free one. Returns the address of API and webhook front."""
        await self.operations.start()
        self.url = await self._host.start(self.application(), host, port)
        self.world.url = self.url
        return self.url

    async def stop(self) -> None:
        """Stop listening and give up operations under way."""
        await self.plugin.stop()
        await self._host.stop()
        await self.operations.stop()

    def application(self) -> web.Application:
        """A new aiohttp application over this twin's state."""
        app = web.Application(client_max_size=MOST_BODY_BYTES)
        Control(self.world, self.operations, self.plugin).mount(app)
        mount(app, self.world, ROUTES)
        states.mount_files(app, self.world)
        if self.admin is not None:
            app.add_routes(self.admin.routes())
        Front(self.world, self.operations).mount(app)
        return app

    def install(
        self,
        url: str,
        configuration: Json,
        *,
        webhook_id: str | None = None,
        bot_id: str | None = None,
        alias: str | None = None,
        configuration_type: str | None = None,
        signing_secrets: tuple[str, ...] = (),
    ) -> Installation:
        """Install the integration at `url` in a bot, without calling `register`."""
        return self.world.install(
            url,
            configuration,
            webhook_id=webhook_id,
            bot_id=bot_id,
            alias=alias,
            configuration_type=configuration_type,
            signing_secrets=signing_secrets,
        )

    async def register(self, installation: Installation) -> OperationAnswer:
        """Call `register`; the installation's status follows."""
        return await self.operations.register(installation)

    def webhook_url(self, installation: Installation) -> str:
        """The public webhook URL of an installation."""
        return f"{self.url}/{installation.webhook_id}"

    async def settled(self) -> None:
        """Return when no operation is waiting or in flight."""
        await self.plugin.settled()


async def serve(
    host: str = "127.0.0.1", port: int = 8092, options: BotpressOptions | None = None
) -> None:
    """Serve a Botpress twin until cancelled."""
    await run_until_cancelled(BotpressTwin(options), host, port)
