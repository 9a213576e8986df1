"""Connecting a portal: to HubSpot's consent page and back, and what can be asked afterwards.

A grant is stored only when everything about it fits: the state, the app, the portal of the inbox,
the scopes. Whatever fails before that leaves the installation as it was.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import structlog
from pydantic import SecretStr

from hubspot_hitl.connecting.apps import Apps
from hubspot_hitl.connecting.grant_check import check_grant, inbox_portal
from hubspot_hitl.connecting.landing import ConnectRefused, Landing
from hubspot_hitl.connecting.options import ConnectOptions, Stores
from hubspot_hitl.connecting.return_url import checked_return_url, is_private_way, same_origin
from hubspot_hitl.connecting.state import OAuthState, StateExpired, StateSigner
from hubspot_hitl.errors import (
    AuthorizationLost,
    BadSignature,
    HitlError,
    InvalidPayload,
    MissingScope,
    VendorError,
    VendorRefused,
)
from hubspot_hitl.hubspot.oauth import AppCredentials, Grant, OAuth, authorize_url
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.tokens import STATIC_PREFIX
from hubspot_hitl.integration.connection import (
    AppIdentity,
    AuthMethod,
    Connection,
    TokenState,
    fingerprint,
)
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.hubspot_records import PortalInfo
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.setup.scopes import scopes_for

log = structlog.get_logger(__name__)

CALLBACK_PATH: Final = "/oauth/hubspot/callback"
MAX_NAME: Final = 200
_NO_COOKIES: Final[Mapping[str, str]] = MappingProxyType({})
_ELSEWHERE: Final = (
    "This was begun in another browser. If you began it, open your link again in this one; if"
    " somebody sent you to HubSpot's page, do not go on."
)
CONNECTION_FAILED: Final = (
    "Connection failed. Check that the whole token was pasted, that it was not revoked, that its"
    " scopes are complete and that the HubSpot account is active."
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A way that was begun: the address of HubSpot's consent page, and the state it carries."""

    url: str
    state: OAuthState


class PortalConnector:
    """Begins and ends the way over HubSpot's consent page, for any installation."""

    def __init__(
        self,
        portals: HubSpotPortals,
        stores: Stores,
        signer: StateSigner,
        policy: Policy,
        clock: Clock,
        options: ConnectOptions,
    ) -> None:
        self._portals = portals
        self._stores = stores
        self.signer = signer
        self._policy = policy
        self._clock = clock
        self.options = options
        self._apps = Apps(stores, options.shared)

    # -- out

    async def begin(
        self,
        installation_id: str,
        return_url: str = "",
        method: AuthMethod | None = None,
        *,
        in_browser: bool = False,
    ) -> Begun:
        """The way to HubSpot's consent page. Raises ConnectRefused or InvalidPayload.

        `in_browser`: the person's browser asks, and can be given a cookie; then nobody else's
        browser may end what it began, where the way back leads here.
        """
        checked = checked_return_url(return_url, self.options.return_hosts, self.options.public_url)
        installation = await self._apps.installation(installation_id)
        chosen = method or await self._apps.usual_method(installation)
        app = await self._apps.app(installation, chosen)
        redirect_uri = self.redirect_uri(installation)
        if not is_private_way(redirect_uri):
            raise ConnectRefused(
                "invalid_config",
                "HubSpot sends people back over https only: set HITL_PUBLIC_URL, or"
                " HITL_OAUTH_REDIRECT_URL, to the https address of this server.",
            )
        now_ms = self._clock.now_ms()
        public_url = self.options.public_url
        here = public_url is not None and same_origin(redirect_uri, public_url)
        text, state = self.signer.sign(
            installation.id, checked, redirect_uri, chosen, now_ms, bound=in_browser and here
        )
        scopes = self.options.scopes
        log.info("oauth_begun", installation=installation.id, auth_method=chosen)
        url = authorize_url(
            app.client_id,
            redirect_uri,
            scopes.required,
            optional_scopes=scopes.optional,
            state=text,
            code_verifier=self.signer.verifier(state),
            base=self._consent_page(installation),
        )
        return Begun(url, state)

    def redirect_uri(self, installation: Installation) -> str:
        """Where HubSpot sends the person: here, or through Botpress to here."""
        if self.options.redirect_url:
            return self.options.redirect_url
        if self.options.public_url:
            return f"{self.options.public_url.rstrip('/')}{CALLBACK_PATH}"
        return f"{self._policy.botpress_webhook(installation)}/oauth"

    def _consent_page(self, installation: Installation) -> str:
        """The consent page, with the portal chosen already where the inbox's address tells it."""
        base, portal_id = self.options.authorize_url, inbox_portal(installation)
        if portal_id is None or not base.endswith("/oauth/authorize"):
            return base
        return f"{base.removesuffix('/authorize')}/{portal_id}/authorize"

    # -- and back

    async def finish(
        self,
        query: Mapping[str, str],
        *,
        cookies: Mapping[str, str] = _NO_COOKIES,
        only_for: str | None = None,
    ) -> Landing:
        """Take in what HubSpot sent the person back with. Never raises what a person can cause."""
        text = query.get("state", "")
        if not text:
            return Landing("", "missing_params", "The address lacks 'state'. Begin again.")
        try:
            state = self.signer.read(text, self._clock.now_ms())
        except StateExpired as error:
            back = error.state.return_url if error.state else ""
            return Landing(back, "session_expired", f"{error.message} Begin again.")
        except BadSignature:
            log.warning("oauth_state_forged")
            return Landing("", "session_expired", "This link was not made here. Begin again.")
        if only_for is not None and state.installation_id != only_for:
            log.warning("oauth_state_of_another", installation=only_for)
            return Landing("", "session_expired", "This link is of another bot. Begin again.")
        if not self._is_of_this_browser(state, cookies):
            log.warning("oauth_state_of_another_browser", installation=state.installation_id)
            return Landing("", "session_expired", _ELSEWHERE)
        try:
            return await self._finish(query, state)
        except ConnectRefused as error:
            code, message = error.code, error.message
        except HitlError as error:
            log.error("oauth_failed", installation=state.installation_id, error_code=error.code)
            code, message = "internal_error", "Something failed here or at HubSpot. Try again."
        log.warning("oauth_refused", installation=state.installation_id, error_code=code)
        return Landing(state.return_url, code, message)

    def _is_of_this_browser(self, state: OAuthState, cookies: Mapping[str, str]) -> bool:
        shown = cookies.get(state.cookie, "").encode("utf-8", "replace")
        wanted = self.signer.browser_mark(state).encode()
        return not state.bound or hmac.compare_digest(shown, wanted)

    async def _finish(self, query: Mapping[str, str], state: OAuthState) -> Landing:
        code, refusal = query.get("code", ""), query.get("error", "")
        if not code and not refusal:
            raise ConnectRefused("missing_params", "The address lacks 'code'. Begin again.")
        if not await self._stores.nonces.use(f"oauth-state:{state.id}", state.expires_ms):
            raise ConnectRefused(
                "session_expired", "This link was used already. Begin again if need be."
            )
        if refusal:
            raise ConnectRefused("authorization_denied", _denied(refusal))
        remember_secret(code)
        installation = await self._apps.installation(state.installation_id)
        app = await self._apps.app(installation, state.auth_method)
        oauth = self._portals.oauth(installation.id)
        credentials = AppCredentials(app.client_id, app.client_secret)
        grant = await self._exchanged(oauth, credentials, code, state)
        info = await self._about(oauth, credentials, grant)
        check_grant(installation, app.app_id, info, self.options.scopes.required)
        connection = Connection(
            auth_method=state.auth_method,
            refresh_token=SecretStr(grant.refresh_token or ""),
            over=fingerprint(installation.configuration),
            connected_ms=self._clock.now_ms(),
            portal_id=info.portal_id,
            portal_name=info.portal_domain or "",
            scopes=info.scopes,
        )
        await self._keep(installation, connection, grant.expires_s)
        name = info.portal_domain or info.portal_id
        return Landing(
            state.return_url, None, f"{name} is connected.", info.portal_id, connection.portal_name
        )

    async def _exchanged(
        self, oauth: OAuth, app: AppCredentials, code: str, state: OAuthState
    ) -> Grant:
        try:
            grant = await oauth.exchange(
                app, code, state.redirect_uri, code_verifier=self.signer.verifier(state)
            )
        except (AuthorizationLost, VendorRefused, MissingScope) as error:
            raise ConnectRefused(
                "token_exchange_failed",
                f"HubSpot refused the code ({error.vendor_code or error.status}). Check the client"
                " secret and that the app's redirect URL is exactly the one used here.",
            ) from error
        remember_secret(grant.access_token)
        if not grant.refresh_token:
            raise ConnectRefused("token_exchange_failed", "HubSpot sent no refresh token.")
        remember_secret(grant.refresh_token)
        return grant

    async def _about(self, oauth: OAuth, app: AppCredentials, grant: Grant) -> PortalInfo:
        try:
            return await oauth.introspect(app, grant.access_token)
        except VendorError:
            if grant.portal_id is None:
                raise
        # the exchange told the portal as well, though not its name
        return PortalInfo(grant.portal_id, None, None, grant.user_id, grant.scopes, None)

    async def _keep(
        self, installation: Installation, connection: Connection, expires_s: float | None
    ) -> None:
        stores, now_ms = self._stores, connection.connected_ms
        await stores.connections.put(installation.id, connection)
        expires_ms = None if expires_s is None else now_ms + round(expires_s * 1000)
        await stores.connections.put_token_state(
            installation.id, TokenState(refreshed_ms=now_ms, expires_ms=expires_ms)
        )
        if installation.portal_id != connection.portal_id:
            await self._forget_channels(installation.id)
        await stores.installations.set_portal(installation.id, connection.portal_id)
        stores.installations.forget(installation.id)
        log.info(
            "portal_connected",
            installation=installation.id,
            portal=connection.portal_id,
            auth_method=connection.auth_method,
        )

    async def _forget_channels(self, installation_id: str) -> None:
        """Another portal's channel accounts, or another app's, carry nothing: set up anew."""
        await self._stores.installations.set_bindings(installation_id, [])

    # -- a token instead of consent

    async def test_token(self, installation_id: str, token: str) -> PortalInfo:
        """What a private app's token or a service key is, for this installation; keeps nothing.

        Raises InvalidPayload for what is no such token, ConnectRefused for one that HubSpot refuses
        or that does not fit.
        """
        text = token.strip()
        if not (text.startswith(STATIC_PREFIX) and text.isascii() and text.isprintable()):
            raise InvalidPayload(f"A private-app token or service key begins with {STATIC_PREFIX}")
        remember_secret(text)
        installation = await self._apps.installation(installation_id)
        try:
            info = await self._portals.oauth(installation.id).private_app_info(text)
        except (AuthorizationLost, VendorRefused, MissingScope) as error:
            raise ConnectRefused("token_exchange_failed", CONNECTION_FAILED) from error
        check_grant(installation, "", info, scopes_for(self.options.features).required)
        return info

    async def use_token(self, installation_id: str, token: str, name: str) -> PortalInfo:
        """Connect with a private app's token or a service key, once it has passed the test."""
        info = await self.test_token(installation_id, token)
        installation = await self._apps.installation(installation_id)
        connection = Connection(
            auth_method="token",
            refresh_token=SecretStr(token.strip()),
            over=fingerprint(installation.configuration),
            connected_ms=self._clock.now_ms(),
            portal_id=info.portal_id,
            scopes=info.scopes,
            name=name.strip()[:MAX_NAME],
        )
        await self._keep(installation, connection, None)
        return info

    async def test(self, installation_id: str) -> PortalInfo:
        """Ask HubSpot about the connection in force. Raises ConnectRefused when it does not hold.

        Other failures of HubSpot are its VendorError.
        """
        await self._apps.installation(installation_id)
        complete = await self._stores.installations.get(installation_id)
        if complete is None or not complete.configuration.refresh_token.get_secret_value().strip():
            raise ConnectRefused("invalid_config", "The portal is not connected. Connect it.")
        try:
            return await self._portals.of(complete).portal()
        except (AuthorizationLost, MissingScope) as error:
            raise ConnectRefused("token_exchange_failed", CONNECTION_FAILED) from error

    # -- and away

    async def disconnect(
        self, installation_id: str, *, revoke: bool = False, uninstall: bool = False
    ) -> None:
        """Forget the grant; at HubSpot nothing changes unless asked for.

        Uninstalling also ends the grants of other installations in the same portal. When HubSpot
        refuses, the grant here is forgotten all the same and the error is raised.
        """
        stores = self._stores
        configured = await self._apps.installation(installation_id)
        complete = await stores.installations.get(installation_id) or configured
        failure: VendorError | None = None
        try:
            if revoke or uninstall:
                await self._end_at_hubspot(complete, revoke=revoke, uninstall=uninstall)
        except VendorError as error:
            failure = error
        before = await stores.connections.get(installation_id)
        await stores.kept.forget(complete)
        ended = Connection(
            auth_method=before.auth_method if before else "own",
            refresh_token=SecretStr(""),
            over=fingerprint(configured.configuration),
            connected_ms=self._clock.now_ms(),
            disconnected=True,
        )
        await stores.connections.put(installation_id, ended)
        stores.installations.forget(installation_id)
        log.info("portal_disconnected", installation=installation_id, revoked=revoke)
        if failure is not None:
            raise failure

    async def _end_at_hubspot(
        self, installation: Installation, *, revoke: bool, uninstall: bool
    ) -> None:
        oauth, tokens = self._portals.oauth(installation.id), self._portals.of(installation).tokens
        access_token = await tokens.token()
        if revoke and not tokens.static:
            await oauth.revoke(tokens.app, tokens.refresh_token)
        if uninstall:
            await oauth.uninstall(access_token)

    # -- which app

    async def installations(self) -> Sequence[Installation]:
        """All installations."""
        return await self._stores.installations.all()

    async def save_app(self, installation_id: str, app: AppIdentity) -> None:
        """Save the app of an installation whose configuration names none."""
        await self._apps.installation(installation_id)
        remember_secret(app.client_secret)
        before = await self._stores.connections.app(installation_id)
        await self._stores.connections.put_app(installation_id, app)
        if before is not None and before.client_id != app.client_id:
            await self._forget_channels(installation_id)
        self._stores.installations.forget(installation_id)


def _denied(error: str) -> str:
    if error == "access_denied":
        return "The consent was cancelled. Begin again and grant it."
    return (
        "HubSpot did not ask for consent. Sign in as a super admin, and check that the app's scopes"
        " are those that its documentation lists."
    )
