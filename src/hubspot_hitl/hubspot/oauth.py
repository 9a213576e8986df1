"""HubSpot's OAuth endpoints: exchange, refresh, introspect, revoke, uninstall.

Stateless: :mod:`hubspot_hitl.hubspot.tokens` keeps the tokens. Secrets travel in form bodies only.
Endpoints of version 2026-03, by setting v3 or v1; v1 ends on 2027-02-16.

Source: https://developers.hubspot.com/docs/api-reference/latest/authentication/oauth-tokens/guide
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote, urlencode

import aiohttp

from hubspot_hitl.errors import AuthorizationLost, MissingScope, VendorNotFound, VendorRefused
from hubspot_hitl.hubspot import paths, records
from hubspot_hitl.hubspot.answers import Answer, json_of, unexpected
from hubspot_hitl.hubspot.fields import Fields, ShapeError
from hubspot_hitl.hubspot.transport import Call, Observer, SessionFactory, Transport
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.hubspot_records import PortalInfo
from hubspot_hitl.redaction import remember_secret

AUTHORIZE_URL: Final = "https://app.hubspot.com/oauth/authorize"
_DEFAULT_LIFE_S: Final = 1800.0
# A person must act on these, whatever status carries them.
_GRANT_GONE: Final = frozenset(
    {
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
        "BAD_REFRESH_TOKEN",
        "BAD_AUTH_CODE",
        "BAD_CLIENT_ID",
        "BAD_CLIENT_SECRET",
        "MISMATCH_REDIRECT_URI_AUTH_CODE",
    }
)


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """What identifies the app at the token endpoint; the secret is not shown."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """An answer of the token endpoint; tokens are not shown. `portal_id` is HubSpot's `hub_id`."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_s: float
    portal_id: str | None
    scopes: tuple[str, ...]
    user_id: str | None


def authorize_url(
    client_id: str,
    redirect_uri: str,
    scopes: Sequence[str],
    *,
    optional_scopes: Sequence[str] = (),
    state: str | None = None,
    code_verifier: str | None = None,
    base: str = AUTHORIZE_URL,
) -> str:
    """The address of HubSpot's consent page; with `code_verifier` it carries a PKCE challenge.

    >>> authorize_url("id", "https://a.test/cb", ["oauth"], state="s")
    'https://app.hubspot.com/oauth/authorize?client_id=id&redirect_uri=https%3A%2F%2Fa.test%2Fcb&scope=oauth&response_type=code&state=s'
    """
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "response_type": "code",
    }
    if optional_scopes:
        query["optional_scope"] = " ".join(optional_scopes)
    if state is not None:
        query["state"] = state
    if code_verifier is not None:
        query["code_challenge"] = code_challenge(code_verifier)
        query["code_challenge_method"] = "S256"
    # HubSpot's own install links separate scopes by %20, not by a plus sign
    return f"{base}?{urlencode(query, quote_via=quote)}"


def code_challenge(code_verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 section 4.2).

    >>> code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


class OAuth:
    """The token endpoint and its neighbours.

    All calls raise :class:`AuthorizationLost` when the grant, code or app credentials are refused,
    and any other VendorError as usual. 429 is answered there too and is waited for.
    """

    def __init__(
        self,
        base_url: str,
        session: SessionFactory,
        clock: Clock,
        *,
        version: paths.OAuthVersion = "2026-03",
        observer: Observer | None = None,
        circuits: Circuits | None = None,
        installation_id: str = "",
    ) -> None:
        self._paths = paths.OAuthPaths(version)
        self._clock = clock
        self._transport = Transport(
            base_url,
            session,
            clock,
            observer=observer,
            circuits=circuits,
            installation_id=installation_id,
        )
        self._session = session
        self._base_url = base_url
        self._observer = observer

    async def exchange(
        self,
        app: AppCredentials,
        code: str,
        redirect_uri: str,
        *,
        code_verifier: str | None = None,
    ) -> Grant:
        """Turn an authorization code into tokens. A code works once, so this is never repeated."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if code_verifier is not None:
            form["code_verifier"] = code_verifier
        return await self._grant("oauth.exchange", app, form, repeatable=False)

    async def refresh(self, app: AppCredentials, refresh_token: str) -> Grant:
        """Turn a refresh token into an access token; the refresh token may come back changed."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._grant("oauth.refresh", app, form, repeatable=True)

    async def introspect(
        self,
        app: AppCredentials,
        token: str,
        *,
        kind: Literal["access_token", "refresh_token"] = "access_token",
    ) -> PortalInfo:
        """What a token is: portal, user, scopes, life. Raises AuthorizationLost when it is dead.

        HubSpot's guide names the field after the kind of token, its schema `token`: both are sent
        (unverified which one counts).
        """
        operation = "oauth.introspect"
        if self._paths.version == "v1":
            return await self._v1_about(operation, token, kind)
        form = {"token": token, kind: token, "token_type_hint": kind}
        answer = await self._post(operation, self._paths.introspect, app, form, repeatable=True)
        raw = _object(answer, operation)
        if not raw.flag("active", default=True):
            raise AuthorizationLost(
                "HubSpot says that the token is not active; connect the portal again",
                vendor="hubspot",
                operation=operation,
                status=answer.status,
            )
        try:
            return records.portal_info(raw, self._clock.now_ms())
        except ShapeError as error:
            raise unexpected(answer, operation, str(error)) from None

    async def _v1_about(
        self, operation: str, token: str, kind: Literal["access_token", "refresh_token"]
    ) -> PortalInfo:
        call = Call(operation, "GET", self._paths.v1_token(kind, token))
        try:
            answer = await self._transport.send(call)
        except VendorNotFound as error:
            raise AuthorizationLost(
                "HubSpot does not know the token any more; connect the portal again",
                vendor="hubspot",
                operation=operation,
                status=error.status,
            ) from None
        try:
            return records.portal_info(_object(answer, operation), self._clock.now_ms())
        except ShapeError as error:
            raise unexpected(answer, operation, str(error)) from None

    async def private_app_info(self, token: str) -> PortalInfo:
        """What a private-app token or service key is.

        Whether this endpoint knows service keys is not documented. For one that it refuses the
        account tells which portal it is, and the scopes stay unknown.
        """
        operation = "oauth.private_app_info"
        call = Call(
            operation,
            "POST",
            paths.PRIVATE_APP_TOKEN_INFO,
            body={"tokenKey": token},
            idempotent=True,
        )
        try:
            answer = await self._bearer(token).send(call)
        except (MissingScope, VendorRefused):
            return await self._account(token)
        raw = _object(answer, operation)
        portal_id = raw.id("hubId")
        if portal_id is None:
            raise unexpected(answer, operation, "the field 'hubId' is missing")
        return PortalInfo(
            portal_id=portal_id,
            portal_domain=None,
            app_id=raw.id("appId"),
            user=raw.id("userId"),
            scopes=raw.ids("scopes"),
            expires_ms=None,
            user_id=raw.id("userId"),
        )

    async def _account(self, token: str) -> PortalInfo:
        operation = "account.details"
        answer = await self._bearer(token).send(Call(operation, "GET", paths.ACCOUNT_DETAILS))
        raw = _object(answer, operation)
        portal_id = raw.id("portalId")
        if portal_id is None:
            raise unexpected(answer, operation, "the field 'portalId' is missing")
        return PortalInfo(portal_id, raw.text("uiDomain") or None, None, None, (), None)

    async def revoke(
        self,
        app: AppCredentials,
        token: str,
        *,
        kind: Literal["access_token", "refresh_token"] = "refresh_token",
    ) -> None:
        """Revoke a token. Neither ends access tokens already issued nor uninstalls the app."""
        if self._paths.version == "v1":
            call = Call("oauth.revoke", "DELETE", self._paths.v1_token(kind, token))
            await self._transport.send(call)
            return
        form = {"token": token, kind: token, "token_type_hint": kind}
        await self._post("oauth.revoke", self._paths.revoke, app, form, repeatable=True)

    async def uninstall(self, access_token: str) -> None:
        """Uninstall the app from the token's portal; HubSpot tells the customer by email."""
        call = Call("oauth.uninstall", "DELETE", paths.UNINSTALL)
        await self._bearer(access_token).send(call)

    def _bearer(self, token: str) -> Transport:
        return Transport(
            self._base_url,
            self._session,
            self._clock,
            tokens=_FixedToken(token),
            observer=self._observer,
        )

    async def _grant(
        self, operation: str, app: AppCredentials, form: Mapping[str, str], *, repeatable: bool
    ) -> Grant:
        answer = await self._post(operation, self._paths.token, app, form, repeatable=repeatable)
        raw = _object(answer, operation)
        access_token = raw.text("access_token")
        if not access_token:
            raise unexpected(answer, operation, "the field 'access_token' is missing")
        refresh_token = raw.text("refresh_token") or None
        remember_secret(access_token)
        remember_secret(refresh_token)
        life_s = raw.number("expires_in")
        return Grant(
            access_token=access_token,
            refresh_token=refresh_token,
            expires_s=_DEFAULT_LIFE_S if life_s is None or life_s <= 0 else life_s,
            portal_id=raw.id("hub_id"),
            scopes=raw.ids("scopes"),
            user_id=raw.id("user_id"),
        )

    async def _post(
        self,
        operation: str,
        path: str,
        app: AppCredentials,
        form: Mapping[str, str],
        *,
        repeatable: bool,
    ) -> Answer:
        fields = {**form, "client_id": app.client_id, "client_secret": app.client_secret}
        call = Call(
            operation,
            "POST",
            path,
            form=lambda: aiohttp.FormData(fields),
            idempotent=repeatable,
        )
        try:
            return await self._transport.send(call)
        except VendorRefused as error:
            if error.vendor_code not in _GRANT_GONE:
                raise
            gone = AuthorizationLost(
                f"{error.message}: connect the portal again",
                vendor="hubspot",
                operation=operation,
                status=error.status,
                vendor_code=error.vendor_code,
                correlation_id=error.correlation_id,
            )
        raise gone


class _FixedToken:
    """A token that cannot be renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    def passed(self, token: str) -> None:
        """Nobody is told of it."""

    async def renew(self, stale: str) -> str:
        raise AuthorizationLost(
            "HubSpot refuses the token; it cannot be renewed: make a new one",
            vendor="hubspot",
            operation="oauth.renew",
            status=401,
        )


def _object(answer: Answer, operation: str) -> Fields:
    try:
        return Fields.of(json_of(answer, operation))
    except ShapeError as error:
        raise unexpected(answer, operation, str(error)) from None
