"""The same connection calls in the shape of an agent platform's API.

`POST /v1/UserAgentOAuth/HubSpotConnect` and its neighbours take `userAgentGuid`, which is our
installation id, and answer `{result, ..., errors[]}` with status 200 whatever happened: callers of
that API read `result`. `authMethod` `wiro` is this server's shared app.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps

import structlog
from aiohttp import web

from hubspot_hitl.connecting.landing import ConnectRefused
from hubspot_hitl.connecting.status import iso_ms
from hubspot_hitl.errors import HitlError, InvalidPayload
from hubspot_hitl.integration.connection import AppIdentity
from hubspot_hitl.json_values import is_object
from hubspot_hitl.web.access import holds_token
from hubspot_hitl.web.oauth import DOOR, OAuthDoor, auth_method, json_body
from hubspot_hitl.web.oauth import callback as callback

log = structlog.get_logger(__name__)

Body = Mapping[str, object]
Call = Callable[[OAuthDoor, Body], Awaitable[dict[str, object]]]


def _enveloped(call: Call) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A route that checks the caller, reads the body and puts the outcome into the envelope."""

    @wraps(call)
    async def route(request: web.Request) -> web.Response:
        door = request.app[DOOR]
        if not holds_token(request, door.console_token):
            return _envelope(_error("unauthorized", "The x-api-key is missing or wrong."), 401)
        try:
            return _envelope({"result": True, **await call(door, await json_body(request))})
        except HitlError as error:
            if not isinstance(error, ConnectRefused | InvalidPayload):
                log.warning("agent_oauth_failed", error_code=error.code)
            return _envelope(_error(error.code, error.message))

    return route


@_enveloped
async def connect(door: OAuthDoor, body: Body) -> dict[str, object]:
    """`HubSpotConnect`: the address of the consent page."""
    guid, redirect_url = _guid(body), _text(body, "redirectUrl")
    if not redirect_url:
        raise ConnectRefused("missing_params", "redirectUrl is required, and must be https.")
    begun = await door.connector.begin(guid, redirect_url, auth_method(_text(body, "authMethod")))
    return {"authorizeUrl": begun.url}


@_enveloped
async def status(door: OAuthDoor, body: Body) -> dict[str, object]:
    """`HubSpotStatus`: `username` is the portal's id."""
    found = await door.watch.status(_guid(body))
    return {
        "connected": found.connected,
        "username": found.portal_id,
        "connectedAt": iso_ms(found.connected_ms),
        "tokenExpiresAt": iso_ms(found.expires_ms),
    }


@_enveloped
async def refresh(door: OAuthDoor, body: Body) -> dict[str, object]:
    """`TokenRefresh`: forces a refresh and, as its callers expect, gives the tokens out."""
    guid = _guid(body)
    if _text(body, "provider") != "hubspot":
        raise InvalidPayload("provider must be 'hubspot'")
    await door.watch.refresh(guid)
    access_token, refresh_token = await door.watch.tokens(guid)
    return {"accessToken": access_token, "refreshToken": refresh_token}


@_enveloped
async def disconnect(door: OAuthDoor, body: Body) -> dict[str, object]:
    """`HubSpotDisconnect`: clears what is stored; at HubSpot only when asked for."""
    await door.connector.disconnect(
        _guid(body), revoke=body.get("revoke") is True, uninstall=body.get("uninstall") is True
    )
    return {}


@_enveloped
async def update(door: OAuthDoor, body: Body) -> dict[str, object]:
    """`UserAgent/Update`: saves the customer's own app for an installation."""
    guid = _text(body, "guid")
    values: Mapping[str, object] = body
    for name in ("configuration", "credentials", "hubspot"):
        inner = values.get(name)
        if not is_object(inner):
            raise ConnectRefused("invalid_config", "configuration.credentials.hubspot is missing.")
        values = inner
    client_id, secret = _text(values, "clientId"), _text(values, "clientSecret")
    if not (client_id and secret):
        raise ConnectRefused("invalid_config", "clientId and clientSecret are both required.")
    app = AppIdentity(client_id, secret, _text(values, "appId"), _text(values, "developerApiKey"))
    await door.connector.save_app(guid, app)
    return {}


@_enveloped
async def start(door: OAuthDoor, body: Body) -> dict[str, object]:
    """`UserAgent/Start`: there is nothing to start here; answers whether the portal is reached."""
    guid = _text(body, "guid")
    info = await door.connector.test(guid)
    return {"guid": guid, "username": info.portal_id}


@_enveloped
async def mine(door: OAuthDoor, _body: Body) -> dict[str, object]:
    """`UserAgent/MyAgents`: the installations there are."""
    every = await door.connector.installations()
    return {
        "useragents": [
            {"guid": one.id, "botId": one.bot_id, "portalId": one.portal_id} for one in every
        ]
    }


def _guid(body: Body) -> str:
    guid = _text(body, "userAgentGuid")
    if not guid:
        raise ConnectRefused("missing_params", "userAgentGuid is required.")
    return guid


def _text(body: Body, name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise InvalidPayload(f"{name} must be text")
    return value.strip()


def _error(code: str, message: str) -> dict[str, object]:
    return {"result": False, "errors": [{"code": code, "message": message}]}


def _envelope(values: dict[str, object], status: int = 200) -> web.Response:
    shown = {**values, "errors": values.get("errors", [])}
    return web.json_response(shown, status=status, headers={"Cache-Control": "no-store"})


ROUTES: tuple[web.RouteDef, ...] = (
    web.post("/v1/UserAgentOAuth/HubSpotConnect", connect),
    web.get("/v1/UserAgentOAuth/HubSpotCallback", callback),
    web.post("/v1/UserAgentOAuth/HubSpotStatus", status),
    web.post("/v1/UserAgentOAuth/TokenRefresh", refresh),
    web.post("/v1/UserAgentOAuth/HubSpotDisconnect", disconnect),
    web.post("/v1/UserAgent/Update", update),
    web.post("/v1/UserAgent/Start", start),
    web.post("/v1/UserAgent/MyAgents", mine),
)
