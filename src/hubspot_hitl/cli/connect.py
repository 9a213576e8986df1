"""`hubspot-hitl connect`: from the app's credentials to a refresh token, with a browser.

Only the token goes to standard output; what is said to the person goes to standard error.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import dotenv
import typer

from hubspot_hitl.cli.chosen import InstallationId
from hubspot_hitl.cli.connect_flow import catch_code, code_of, new_state
from hubspot_hitl.cli.connect_installed import print_link, with_token
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings, CallerError, VendorError
from hubspot_hitl.hubspot.oauth import AUTHORIZE_URL, AppCredentials, Grant, OAuth, authorize_url
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.settings import (
    Settings,
    StandaloneSettings,
    from_environment,
    standalone_from_environment,
)
from hubspot_hitl.setup.scopes import scopes_for

REDIRECT_URI = "http://localhost:8976/oauth/callback"
CATCH_TIMEOUT_S = 600.0

_EXCHANGE_CURES = {
    "invalid_grant": "a code works once and not for long: start again, and check the redirect URL",
    "BAD_AUTH_CODE": "a code works once and not for long: start again",
    "invalid_client": "copy HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET again from the Auth tab",
    "BAD_CLIENT_ID": "copy HUBSPOT_CLIENT_ID again from the app's Auth tab",
    "BAD_CLIENT_SECRET": "copy HUBSPOT_CLIENT_SECRET again from the app's Auth tab",
    "MISMATCH_REDIRECT_URI_AUTH_CODE": "use the same --redirect-uri as when the code was made",
}

app = typer.Typer()
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Consent:
    """What is asked of the person, and where HubSpot sends them afterwards."""

    redirect_uri: str = REDIRECT_URI
    scopes: Sequence[str] = scopes_for().required
    optional_scopes: Sequence[str] = scopes_for().optional
    authorize_base: str = AUTHORIZE_URL

    def url(self, client_id: str, state: str, code_verifier: str | None = None) -> str:
        """The address the person opens; `code_verifier` is PKCE's."""
        return authorize_url(
            client_id,
            self.redirect_uri,
            self.scopes,
            optional_scopes=self.optional_scopes,
            state=state,
            code_verifier=code_verifier,
            base=self.authorize_base,
        )


async def connect_portal(
    oauth: OAuth,
    credentials: AppCredentials,
    consent: Consent,
    say: Say,
    *,
    paste: Callable[[], str] | None = None,
    timeout_s: float = CATCH_TIMEOUT_S,
) -> Grant:
    """Ask for consent and return the tokens; with `paste` the person types the code in.

    Raises CallerError, with the cure, for everything that a person can mend.
    """
    state, verifier = new_state(), new_state() + new_state()
    url = consent.url(credentials.client_id, state, verifier)
    if paste is not None:
        say(f"Open this address, grant, then paste where the browser ends:\n\n{url}\n")
        code = code_of(paste(), state)
    else:
        code = await _caught(consent.redirect_uri, state, url, say, timeout_s)
    remember_secret(code)
    grant = await _explained(
        oauth.exchange(credentials, code, consent.redirect_uri, code_verifier=verifier)
    )
    if grant.refresh_token is None:
        raise CallerError("HubSpot sent no refresh token; start again")
    remember_secret(grant.refresh_token)
    remember_secret(grant.access_token)
    missing = sorted(set(consent.scopes) - set(grant.scopes)) if grant.scopes else []
    if missing:
        say(f"Not granted: {', '.join(missing)}. Add them on the app's Auth tab and connect again.")
    return grant


async def _caught(redirect_uri: str, state: str, url: str, say: Say, timeout_s: float) -> str:
    listening = asyncio.Event()

    async def announce() -> None:
        await listening.wait()
        say(f"Open this address and grant; I wait at {redirect_uri}:\n\n{url}\n")

    announcing = asyncio.create_task(announce())
    try:
        return await catch_code(redirect_uri, state, listening=listening, timeout_s=timeout_s)
    finally:
        announcing.cancel()


async def _explained(exchange: Awaitable[Grant]) -> Grant:
    try:
        return await exchange
    except VendorError as error:
        cure = _EXCHANGE_CURES.get(error.vendor_code or "")
        if cure is None:
            raise
        raise CallerError(f"HubSpot refused the code ({error.vendor_code}): {cure}") from error


def app_credentials(values: StandaloneSettings) -> AppCredentials:
    """The app's id and secret. Raises BadSettings naming the variables that are not set."""
    if values.client_id is None or values.client_secret is None:
        missing = " and ".join(values.missing("client_id", "client_secret"))
        raise BadSettings(f"{missing} not set; copy it from the app's Auth tab into .env")
    return AppCredentials(values.client_id, values.client_secret.get_secret_value())


def store_refresh_token(path: Path, refresh_token: str) -> None:
    """Put HUBSPOT_REFRESH_TOKEN into an env file that only its owner can read; the rest stays."""
    must_be_writable(path)
    dotenv.set_key(path, "HUBSPOT_REFRESH_TOKEN", refresh_token, quote_mode="auto")
    path.chmod(0o600)


def must_be_writable(path: Path) -> None:
    """Raise BadSettings if the env file cannot be written, before a token is asked for in vain."""
    try:
        path.touch(mode=0o600)
        with path.open("a"):
            pass
    except OSError as error:
        raise BadSettings(
            f"{str(path)!r} cannot be written ({error.strerror}): name another file by --store"
        ) from error


@app.command()
def connect(
    redirect_uri: Annotated[
        str, typer.Option(help="A redirect URL of the app's Auth tab.")
    ] = REDIRECT_URI,
    scope: Annotated[
        list[str] | None, typer.Option(help="A required scope; repeat it to replace the list.")
    ] = None,
    optional_scope: Annotated[
        list[str] | None, typer.Option(help="An optional scope; repeat it to replace the list.")
    ] = None,
    paste: Annotated[
        bool, typer.Option("--paste", help="Do not listen; take the pasted code or address.")
    ] = False,
    store: Annotated[
        Path | None, typer.Option(help="Store the refresh token in this .env file.")
    ] = None,
    authorize: Annotated[
        str | None, typer.Option(help="HubSpot's consent page, if yours is another.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link for an admin of the portal instead.")
    ] = False,
    hours: Annotated[int, typer.Option(min=1, max=168, help="How long the link works.")] = 24,
    token: Annotated[
        bool,
        typer.Option("--token", help="Read a private-app token or service key from stdin instead."),
    ] = False,
    name: Annotated[str, typer.Option(help="A friendly name for the token's connection.")] = "",
    test: Annotated[
        bool, typer.Option("--test", help="Only test the token; keep nothing.")
    ] = False,
    installation: InstallationId = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Connect a HubSpot portal and print or store its refresh token.

    Reads HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET from the environment or .env, and asks for the
    scopes of HITL_OAUTH_FEATURES. With --link or --token it connects an installation that the
    server knows; both use the server's database and keys.
    """
    settings = from_environment()
    if (test and not token) or (link and token):
        tell("--test needs --token; --link and --token are two ways: choose one", err=True)
        raise typer.Exit(2)
    if link:
        print_link(settings, installation, hours=hours, json_=json_)
        return
    if token:
        with_token(settings, installation, name=name, keep=not test, json_=json_)
        return
    configure_logging_from(settings)
    if store is not None:
        must_be_writable(store)
    usual = scopes_for(settings.oauth_features, settings.oauth_required_scopes)
    consent = Consent(
        redirect_uri,
        scope or usual.required,
        usual.optional if optional_scope is None else optional_scope,
        authorize or settings.hubspot_authorize_url,
    )
    _hand_over(_granted(settings, consent, paste=paste), store, json_=json_)


def _granted(settings: Settings, consent: Consent, *, paste: bool) -> Grant:
    credentials = app_credentials(standalone_from_environment())
    remember_secret(credentials.client_secret)
    ask = (lambda: str(typer.prompt("Code or address", err=True))) if paste else None
    return asyncio.run(_with_session(settings, credentials, consent, ask))


def _hand_over(grant: Grant, store: Path | None, *, json_: bool) -> None:
    """Store the refresh token, or else print it."""
    granted = grant.refresh_token or ""
    if store is not None:
        store_refresh_token(store, granted)
        _say(f"HUBSPOT_REFRESH_TOKEN of portal {grant.portal_id} stored in {store}.")
    if json_:
        shown = None if store is not None else granted
        portal = {"portalId": grant.portal_id, "scopes": grant.scopes, "refreshToken": shown}
        tell(json.dumps(portal))
    elif store is None:
        _say(f"Portal {grant.portal_id} is connected. Its refresh token:")
        tell(granted)


async def _with_session(
    settings: Settings,
    credentials: AppCredentials,
    consent: Consent,
    paste: Callable[[], str] | None,
) -> Grant:
    async with open_session() as session:
        oauth = OAuth(
            settings.hubspot_api_url,
            lambda: session,
            SystemClock(),
            version=settings.hubspot_oauth_version,
        )
        return await connect_portal(oauth, credentials, consent, _say, paste=paste)


def _say(text: str) -> None:
    tell(text, err=True)
