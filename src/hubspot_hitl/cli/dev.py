"""`hubspot-hitl dev`: the server on this machine, called by Botpress through its own tunnel.

Development has a database of its own (`dev/` in the data directory), so that it neither takes the
deliveries of a running server nor leaves any to it.
"""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from aiohttp import web
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from hubspot_hitl.app import create_app
from hubspot_hitl.botpress.frames import Answer, RequestFrame
from hubspot_hitl.botpress.tunnel import LocalServer, TunnelTail, public_address
from hubspot_hitl.cli.botpress_admin import admin_client
from hubspot_hitl.cli.serve import run_loop, start_server
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.cli.vault import open_vault
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.integration.definition import NAME
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.ports.publishing import BotpressAdmin, PublishedIntegration
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.settings import Settings, from_environment
from hubspot_hitl.setup.publishing.botpress_credentials import (
    SCOPE,
    SIGNING_SECRET,
    keep_signing_secret,
    read_credentials,
)
from hubspot_hitl.setup.publishing.publish import PublishRequest, publish_dev

app = typer.Typer()

STATE_FILE = "tunnel.json"
Say = Callable[[str], None]


class DevState(BaseModel):
    """What a later run takes up again: the address of the tunnel, the integration behind it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    tunnel_id: str
    integration_id: str | None = None


@dataclass(frozen=True, slots=True)
class DevOptions:
    """What the command line says."""

    workspace: str | None = None
    name: str = NAME
    tunnel_id: str | None = None
    require_signature: bool = False


@app.command()
def dev(
    workspace: Annotated[
        str | None, typer.Option(help="Workspace id; default: HITL_BOTPRESS_WORKSPACE_ID.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name after the workspace's handle.")] = NAME,
    tunnel_id: Annotated[
        str | None, typer.Option(help="Hold this tunnel instead of the remembered one.")
    ] = None,
    require_signature: Annotated[
        bool,
        typer.Option(
            "--require-signature",
            help="Refuse unsigned operations. Whether Botpress signs through the tunnel is not"
            " documented.",
        ),
    ] = False,
) -> None:
    """Run the integration on this machine without a public address, until Ctrl-C.

    Makes a development integration in the workspace that calls through Botpress's tunnel. Needs a
    personal access token: HITL_BOTPRESS_ADMIN_TOKEN, else HITL_BOTPRESS_TOKEN.
    """
    settings = from_environment()
    configure_logging_from(settings)
    options = DevOptions(workspace, name, tunnel_id, require_signature)
    run_loop(lambda: _until_signal(settings, options))


async def _until_signal(settings: Settings, options: DevOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await develop(settings, options, stop, lambda text: tell(text))


async def develop(settings: Settings, options: DevOptions, stop: asyncio.Event, say: Say) -> None:
    """Run tunnel, integration and server until `stop` is set.

    The tunnel comes first, so that a second process with its id changes nothing; what arrives
    before the server runs waits for it. Raises CallerError when another process holds the tunnel,
    and what publishing raises.
    """
    local = dev_settings(settings)
    place = local.data_dir / STATE_FILE
    state = _read_state(place, options.tunnel_id)
    url = public_address(settings.botpress_tunnel_url, state.tunnel_id)
    server: asyncio.Future[LocalServer] = asyncio.get_running_loop().create_future()

    async def forward(frame: RequestFrame) -> Answer:
        return await (await asyncio.shield(server))(frame)

    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session())
        admin = admin_client(session, settings, options.workspace)
        tail = TunnelTail(
            session,
            tunnel_url=settings.botpress_tunnel_url,
            tunnel_id=state.tunnel_id,
            forward=forward,
            clock=SystemClock(),
        )
        async with _held(tail) as lost:
            await _first(tail.connected.wait(), stop.wait(), lost=lost)
            if stop.is_set():
                return
            request = PublishRequest(url=url, name=options.name)
            integration = await publish_dev(admin, request, state.integration_id)
            _write_state(place, DevState(tunnel_id=state.tunnel_id, integration_id=integration.id))
            secrets = await _signing_secrets(
                local, admin, integration, wanted=options.require_signature
            )
            local = _with_secrets(local, secrets)
            runner = await start_server(create_app(local), local)
            stack.push_async_callback(runner.cleanup)
            server.set_result(LocalServer(session, _address(runner)))
            say(f"{integration.name} {integration.version} ({integration.id}), development")
            say(f"Botpress calls {url}. Install it in a bot; stop with Ctrl-C.")
            await _first(stop.wait(), lost=lost)


def dev_settings(settings: Settings) -> Settings:
    """The same settings for a server that only the tunnel reaches, with a database of its own."""
    data_dir = settings.data_dir / "dev"
    # An access key belongs to the published integration; development acts as the person.
    token = settings.botpress_admin_token or settings.botpress_token
    return settings.model_copy(
        update={
            "host": "127.0.0.1",
            "port": 0,
            "data_dir": data_dir,
            "database_url": f"sqlite:///{data_dir}/hubspot-hitl.db",
            "botpress_token": token,
            "botpress_path_secret": None,  # the tunnel's address has no room for it
            "botpress_signing_secrets": (),  # those of the published integration do not fit
            "botpress_unsigned": "anywhere",  # who knows the tunnel's id, which nobody else does
            "hubspot_webhook_route": "botpress",
        }
    )


@asynccontextmanager
async def _held(tail: TunnelTail) -> AsyncGenerator[asyncio.Task[None]]:
    """The running tunnel; its task ends only by failing."""
    task = asyncio.create_task(tail.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _first(*events: Coroutine[Any, Any, bool], lost: asyncio.Task[None]) -> None:
    """Return at the first of `events`; raise what ended the tunnel if that comes before."""
    waiting = [asyncio.create_task(event) for event in events]
    try:
        await asyncio.wait({*waiting, lost}, return_when=asyncio.FIRST_COMPLETED)
        if lost.done():
            lost.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _signing_secrets(
    settings: Settings, admin: BotpressAdmin, integration: PublishedIntegration, *, wanted: bool
) -> tuple[str, ...]:
    """The development integration's secret, made anew when nobody knows it; none unless wanted."""
    async with open_vault(settings) as vault:
        if not wanted:
            await vault.delete(SCOPE, SIGNING_SECRET)  # its presence would make it obligatory
            return ()
        secret = integration.signing_secret
        if secret is None:
            secret = (await read_credentials(vault)).signing_secret(integration.id)
        if secret is None:
            secret = await admin.rotate_signing_secret(integration.id)
        remember_secret(secret)
        await keep_signing_secret(vault, integration.id, secret, SystemClock().now_ms())
        return (secret,)


def _with_secrets(settings: Settings, secrets: tuple[str, ...]) -> Settings:
    wrapped = tuple(SecretStr(secret) for secret in secrets)
    return settings.model_copy(update={"botpress_signing_secrets": wrapped})


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


def _read_state(place: Path, tunnel_id: str | None) -> DevState:
    """What the last run left; another tunnel id keeps the integration and moves it."""
    state = DevState(tunnel_id=tunnel_id or str(uuid.uuid4()))
    try:
        known = DevState.model_validate_json(place.read_bytes())
    except FileNotFoundError:
        return state
    except (OSError, ValidationError) as error:
        raise BadSettings(f"{str(place)!r} cannot be read: remove it") from error
    return known.model_copy(update={"tunnel_id": tunnel_id}) if tunnel_id else known


def _write_state(place: Path, state: DevState) -> None:
    """Keep it from others: who knows the tunnel's id can take its place."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o600)
        place.write_text(state.model_dump_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise BadSettings(
            f"{str(place)!r} cannot be written ({error.strerror}): make HITL_DATA_DIR writable"
        ) from error
