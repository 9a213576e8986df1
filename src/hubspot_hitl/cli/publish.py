"""`hubspot-hitl publish`: make or update the integration in a Botpress workspace."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from hubspot_hitl.cli.botpress_admin import admin_client, is_access_key
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.cli.vault import open_vault
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.integration.definition import INTERFACE, INTERFACE_VERSION, NAME
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.settings import Settings, from_environment
from hubspot_hitl.setup.publishing.body import Visibility
from hubspot_hitl.setup.publishing.publish import Key, Plan, Published, PublishRequest, Signing
from hubspot_hitl.setup.publishing.publish import publish as publish_integration
from hubspot_hitl.setup.publishing.publish import validate as validate_integration

app = typer.Typer()

MASK: Final = "********"

_SIGNING: Final[dict[Signing, str]] = {
    "kept": "kept in the vault",
    "rotated": "rotated, the new one is kept in the vault; the old one works for 24 hours",
    "held": "in the vault already",
    "given": "in HITL_BOTPRESS_SIGNING_SECRETS",
    "missing": "unknown here: publish again with --rotate-signing-secret",
}
_KEY: Final[dict[Key, str]] = {
    "made": "made and kept in the vault",
    "held": "in the vault already",
    "given": "in HITL_BOTPRESS_TOKEN",
}


@app.command()
def publish(
    url: Annotated[
        str | None,
        typer.Option(help="Where Botpress reaches the server; default: from HITL_PUBLIC_URL."),
    ] = None,
    workspace: Annotated[
        str | None, typer.Option(help="Workspace id; default: HITL_BOTPRESS_WORKSPACE_ID.")
    ] = None,
    visibility: Annotated[Visibility, typer.Option(help="Who may install it.")] = "private",
    name: Annotated[str, typer.Option(help="Name after the workspace's handle.")] = NAME,
    validate: Annotated[
        bool, typer.Option("--validate", help="Let Botpress check it; change nothing.")
    ] = False,
    rotate_signing_secret: Annotated[
        bool, typer.Option("--rotate-signing-secret", help="Make a new signing secret.")
    ] = False,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print the signing secret and the access key.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Publish this integration in a workspace, or bring the published version up to date.

    Needs a personal access token: HITL_BOTPRESS_ADMIN_TOKEN, else HITL_BOTPRESS_TOKEN.
    """
    settings = from_environment()
    configure_logging_from(settings)
    request = PublishRequest(
        url=url or default_url(settings),
        name=name,
        visibility=visibility,
        rotate_signing_secret=rotate_signing_secret,
        secret_given=bool(settings.botpress_signing_secrets),
        key_given=is_access_key(settings),
    )
    remember_secret(_path_secret(request.url))
    if validate:
        _print_plan(asyncio.run(_validate(settings, workspace, request)), request, json_)
        return
    published = asyncio.run(_publish(settings, workspace, request))
    personal = settings.botpress_token is not None and not request.key_given
    next_steps = _next_steps(published, personal_token=personal)
    _print_published(published, request, next_steps, json_=json_, show_secrets=show_secrets)


def default_url(settings: Settings) -> str:
    """The address of the operations under the public URL. Raises BadSettings without one."""
    if settings.public_url is None:
        raise BadSettings("HITL_PUBLIC_URL is not set: set it, or use --url")
    secret = settings.botpress_path_secret
    tail = f"/{secret.get_secret_value()}" if secret else ""
    return f"{settings.public_url}/botpress{tail}"


async def _publish(settings: Settings, workspace: str | None, request: PublishRequest) -> Published:
    async with open_session() as session:
        admin = admin_client(session, settings, workspace)
        async with open_vault(settings) as vault:
            return await publish_integration(admin, vault, SystemClock(), request)


async def _validate(settings: Settings, workspace: str | None, request: PublishRequest) -> Plan:
    async with open_session() as session:
        return await validate_integration(admin_client(session, settings, workspace), request)


def shown_url(url: str) -> str:
    """The address without its secret path.

    >>> shown_url("https://hitl.example.com/botpress/s3cret")
    'https://hitl.example.com/botpress/********'
    """
    secret = _path_secret(url)
    return url[: -len(secret)] + MASK if secret else url


def _path_secret(url: str) -> str | None:
    path = urlsplit(url).path.strip("/")
    secret = path.removeprefix("botpress").lstrip("/")
    return secret or None


def _print_plan(plan: Plan, request: PublishRequest, json_: bool) -> None:
    would = "update" if plan.existing else "create"
    if json_:
        facts = {
            "name": plan.name,
            "version": plan.version,
            "id": plan.existing.id if plan.existing else None,
            "valid": True,
            "would": would,
            "url": shown_url(request.url),
            "visibility": request.visibility,
        }
        tell(json.dumps(facts))
        return
    tell(f"Botpress accepts {plan.name} {plan.version}; publishing would {would} it.")


def _print_published(
    published: Published,
    request: PublishRequest,
    next_steps: list[str],
    *,
    json_: bool,
    show_secrets: bool,
) -> None:
    integration = published.integration
    secrets = {
        "signingSecretValue": published.signing_secret,
        "accessKeyValue": published.access_key,
    }
    if json_:
        facts = {
            "name": integration.name,
            "version": integration.version,
            "id": integration.id,
            "did": published.did,
            "url": shown_url(request.url),
            "visibility": request.visibility,
            "interface": f"{INTERFACE} {INTERFACE_VERSION}",
            "signingSecret": published.signing,
            "accessKey": published.key,
            "next": next_steps,
        }
        tell(json.dumps({**facts, **secrets} if show_secrets else facts))
        return
    tell(f"{integration.name} {integration.version} {published.did} ({integration.id})")
    tell(f"  url             {shown_url(request.url)}")
    tell(f"  visibility      {request.visibility}")
    tell(f"  signing secret  {_SIGNING[published.signing]}")
    tell(f"  access key      {_KEY[published.key]}")
    if show_secrets:
        for label, value in secrets.items():
            tell(f"  {label}  {value or 'not known here'}")
    tell("Next:")
    for number, step in enumerate(next_steps, start=1):
        tell(f"  {number}. {step}")


def _next_steps(published: Published, *, personal_token: bool) -> list[str]:
    """What is left for the operator; `personal_token` says that the server is given one."""
    steps: list[str] = []
    if published.signing == "missing":
        steps.append(
            "Run `hubspot-hitl publish --rotate-signing-secret`: without the signing secret the"
            " server cannot tell Botpress from anybody else."
        )
    if personal_token:
        steps.append(
            "Take the personal access token out of the server's HITL_BOTPRESS_TOKEN; the access key"
            " in the vault, which may do less, takes its place."
        )
    steps.append("Start the server (`hubspot-hitl serve`), or restart it to take new secrets.")
    if published.did == "created":
        steps += [
            "In the bot, install the integration and fill in its configuration.",
            "In the bot, install the HITL plugin and choose the integration in it.",
        ]
    return steps
