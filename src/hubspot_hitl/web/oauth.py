"""The pages and calls by which a person connects a portal, looks after it and takes it away.

All but the callback want the console's token, or a signed link (`?link=`) for the installation.
The callback is public: what makes it safe is the signed `state`, and, for who came by a link, the
cookie of the browser that began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import SecretStr

from hubspot_hitl.botpress.jsontext import loads
from hubspot_hitl.connecting.connector import PortalConnector
from hubspot_hitl.connecting.landing import ConnectRefused, Landing, Page, page_of
from hubspot_hitl.connecting.state import STATE_LIFE_S
from hubspot_hitl.connecting.status import ConnectionWatch
from hubspot_hitl.errors import HitlError, InvalidPayload, VendorError
from hubspot_hitl.integration.connection import AuthMethod
from hubspot_hitl.json_values import is_object
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.setup.scopes import lacking
from hubspot_hitl.web.access import holds_token, linked_installation
from hubspot_hitl.web.problems import problem

METHODS: dict[str, AuthMethod] = {"own": "own", "shared": "shared", "wiro": "shared"}
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class OAuthDoor:
    """What the routes need."""

    connector: PortalConnector
    watch: ConnectionWatch
    clock: Clock
    console_token: SecretStr | None = None


DOOR = web.AppKey("oauth", OAuthDoor)


async def connect(request: web.Request) -> web.Response:
    """Send the browser to HubSpot's consent page; errors of a printed link are shown as pages."""
    door = request.app[DOOR]
    try:
        installation_id = _allowed(request, request.query.get("installation", ""))
    except web.HTTPUnauthorized:
        if "link" not in request.query:
            raise
        text = "This link is too old, or not whole. Ask whoever sent it for a new one."
        return response_of(replace(page_of(Landing("", "session_expired", text)), status=401))
    linked = "link" in request.query
    try:
        begun = await door.connector.begin(
            installation_id,
            request.query.get("redirectUrl", ""),
            auth_method(request.query.get("authMethod", "")),
            in_browser=linked,
        )
    except InvalidPayload as error:
        return refused(error)
    except ConnectRefused as error:
        if not linked:
            return refused(error)
        return response_of(page_of(Landing("", error.code, error.message)))
    headers = {"Location": begun.url, "Referrer-Policy": "no-referrer", **_NO_STORE}
    response = web.Response(status=302, headers=headers)
    if begun.state.bound:
        response.set_cookie(
            begun.state.cookie,
            door.connector.signer.browser_mark(begun.state),
            max_age=STATE_LIFE_S,
            httponly=True,
            secure=urlsplit(begun.state.redirect_uri).scheme == "https",
            samesite="Lax",
        )
    return response


async def callback(request: web.Request) -> web.Response:
    """Finish connecting: the redirect from HubSpot's consent page leads here."""
    connector = request.app[DOOR].connector
    landing = await connector.finish(dict(request.query), cookies=request.cookies)
    return response_of(page_of(landing))


async def status(request: web.Request) -> web.Response:
    """The state of the connection."""
    installation_id = _allowed(request, await _named(request))
    try:
        found = await request.app[DOOR].watch.status(installation_id)
    except ConnectRefused as error:
        return refused(error)
    return web.json_response(found.as_json(), headers=_NO_STORE)


async def refresh(request: web.Request) -> web.Response:
    """Refresh the token now; answers the state of the connection."""
    installation_id = _allowed(request, await _named(request))
    try:
        found = await request.app[DOOR].watch.refresh(installation_id)
    except (ConnectRefused, VendorError) as error:
        return refused(error)
    return web.json_response(found.as_json(), headers=_NO_STORE)


async def disconnect(request: web.Request) -> web.Response:
    """Forget the grant; `revoke` and `uninstall` also tell HubSpot."""
    body = await json_body(request)
    installation_id = _allowed(request, _text(body, "installation") or _query_id(request))
    try:
        await request.app[DOOR].connector.disconnect(
            installation_id,
            revoke=body.get("revoke") is True,
            uninstall=body.get("uninstall") is True,
        )
    except (ConnectRefused, VendorError) as error:
        return refused(error)
    return web.json_response({"disconnected": True}, headers=_NO_STORE)


async def token(request: web.Request) -> web.Response:
    """Connect with a private app's token or a service key instead of consent."""
    body = await json_body(request)
    installation_id = _allowed(request, _text(body, "installation") or _query_id(request))
    try:
        info = await request.app[DOOR].connector.use_token(
            installation_id, _text(body, "token"), _text(body, "name")
        )
    except (ConnectRefused, InvalidPayload, VendorError) as error:
        return refused(error)
    shown = {"status": "CONNECTED", "portalId": info.portal_id, "scopes": list(info.scopes)}
    return web.json_response(shown, headers=_NO_STORE)


async def test(request: web.Request) -> web.Response:
    """Test the connection; with `token`, a private app's token or service key not kept yet."""
    body = await json_body(request)
    installation_id = _allowed(request, _text(body, "installation") or _query_id(request))
    connector, given = request.app[DOOR].connector, _text(body, "token")
    try:
        if given:
            info = await connector.test_token(installation_id, given)
        else:
            info = await connector.test(installation_id)
    except (ConnectRefused, InvalidPayload, VendorError) as error:
        return refused(error)
    missing = lacking(info.scopes, connector.options.features).values() if info.scopes else ()
    shown = {
        "status": "CONNECTED",
        "portalId": info.portal_id,
        "scopes": list(info.scopes),
        "missingScopes": list(dict.fromkeys(scope for some in missing for scope in some)),
    }
    return web.json_response(shown, headers=_NO_STORE)


def response_of(page: Page) -> web.Response:
    """A page as aiohttp sends it."""
    return web.Response(status=page.status, headers=page.headers, body=page.body.encode())


def auth_method(text: str) -> AuthMethod | None:
    """The app that a caller wants; None when it leaves that to us. Raises InvalidPayload."""
    if not text:
        return None
    if text not in METHODS:
        raise InvalidPayload("authMethod must be 'own' or 'wiro' (the server's shared app)")
    return METHODS[text]


def refused(error: HitlError) -> web.Response:
    """The error as a problem: 404 for an unknown installation, 502 when HubSpot is at fault."""
    code = 502 if isinstance(error, VendorError) else 400
    if error.code == "useragent_not_found":
        code = 404
    return problem(code, error.code, error.message, _NO_STORE)


async def json_body(request: web.Request) -> Mapping[str, object]:
    """The body as an object; an empty one is none. Raises InvalidPayload."""
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        value = loads(raw)
    except ValueError:
        raise InvalidPayload("The body is not JSON") from None
    if not is_object(value):
        raise InvalidPayload("The body is not a JSON object")
    return value


def _allowed(request: web.Request, installation_id: str) -> str:
    """The installation the caller may touch. Raises 401 when it may touch none, or not this one."""
    door = request.app[DOOR]
    linked = linked_installation(request, door.connector.signer, door.clock.now_ms())
    if linked is not None and installation_id in ("", linked):
        return linked
    if not holds_token(request, door.console_token):
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer", **_NO_STORE})
    if not installation_id:
        raise InvalidPayload("Which one? Name it as 'installation': the webhook id in Botpress")
    return installation_id


async def _named(request: web.Request) -> str:
    if request.method == "POST":
        return _text(await json_body(request), "installation") or _query_id(request)
    return _query_id(request)


def _query_id(request: web.Request) -> str:
    return request.query.get("installation", "")


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise InvalidPayload(f"{name!r} must be text")
    return value
