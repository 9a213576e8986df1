"""OAuth of the twin: consent page, token, introspection, revocation, uninstall."""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Token
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, no_content

CODE_LIFETIME_S = 60.0


def _page(title: str, inside: str, status: int = 200) -> web.Response:
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<link rel=icon href='data:,'>"
        f"<main><h1>{title}</h1>{inside}</main></html>"
    )
    return web.Response(text=text, status=status, content_type="text/html")


def _wrong(text: str) -> web.Response:
    return _page("Authorization failed", f"<p>{html.escape(text)}</p>", 400)


def _problem(world: World, call: Call) -> str | None:
    """Why the consent page refuses to open, or None."""
    query, options = call.query, world.options
    if query.get("client_id") != options.client_id:
        return "The client id is not valid."
    target = urlsplit(query.get("redirect_uri", ""))
    local = target.hostname in ("localhost", "127.0.0.1")
    if not target.hostname or target.scheme not in (("http", "https") if local else ("https",)):
        return "The redirect URL must be https; http is for localhost only."
    asked = query.get("scope", "").split()
    missing = [scope for scope in options.required_scopes if scope not in asked]
    if missing:
        return f"Scopes that the app requires are missing: {', '.join(missing)}."
    unknown = [scope for scope in asked if scope not in options.scopes]
    if unknown:
        return f"Scopes that the app does not have: {', '.join(unknown)}."
    portal_id = call.path.get("portal")
    if portal_id is not None and portal_id not in world.portals:
        return "There is no such account."
    if query.get("code_challenge_method", "S256") != "S256":
        return "Only S256 is supported."
    return None


def _authorize(world: World, call: Call) -> web.Response:
    problem = _problem(world, call)
    if problem:
        return _wrong(problem)
    chosen = call.path.get("portal")
    portals = [chosen] if chosen else list(world.portals)
    choices = "".join(f"<option>{html.escape(one)}</option>" for one in portals)
    scopes = "".join(f"<li>{html.escape(one)}</li>" for one in call.query["scope"].split())
    hidden = "".join(
        f'<input type=hidden name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in call.query.items()
    )
    return _page(
        "Connect app to HubSpot (twin)",
        f"<p>The app asks for:</p><ul>{scopes}</ul>"
        f'<form method=post action="/oauth/decision">{hidden}'
        f"<label>Account <select name=portal>{choices}</select></label> "
        "<button name=decision value=grant>Connect app</button> "
        "<button name=decision value=deny>Cancel</button></form>",
    )


def _decide(world: World, call: Call) -> web.Response:
    form = {name: str(value) for name, value in call.form.items()}
    call.query = form
    problem = _problem(world, call)
    if problem or form.get("portal") not in world.portals:
        return _wrong(problem or "There is no such account.")
    back = {"state": form["state"]} if "state" in form else {}
    if form.get("decision") == "grant":
        optional = [
            one for one in form.get("optional_scope", "").split() if one in world.options.scopes
        ]
        code = secrets.token_urlsafe(24)
        world.codes[code] = {
            "portal": form["portal"],
            "redirect_uri": form["redirect_uri"],
            "scopes": frozenset([*form["scope"].split(), *optional]),
            "challenge": form.get("code_challenge"),
            "until": world.clock() + CODE_LIFETIME_S,
        }
        back = {"code": code, **back}
    else:
        denied = "The user cancelled the connection"
        back = {"error": "access_denied", "error_description": denied, **back}
    joint = "&" if urlsplit(form["redirect_uri"]).query else "?"
    raise web.HTTPFound(f"{form['redirect_uri']}{joint}{urlencode(back)}")


def _refuse(error: str, description: str, status: str, http: int = 400) -> web.Response:
    body = {
        "error": error,
        "error_description": description,
        "status": status,
        "message": description,
    }
    return answer(body, http)


def _form(call: Call) -> dict[str, str]:
    if call.request.content_type != "application/x-www-form-urlencoded":
        raise ApiError(415, "Unsupported Media Type", "UNSUPPORTED_MEDIA_TYPE")
    return {name: str(value) for name, value in call.form.items()}


def _is_app(world: World, form: dict[str, str]) -> bool:
    return (
        form.get("client_id") == world.options.client_id
        and form.get("client_secret") == world.options.client_secret
    )


def _token(world: World, call: Call) -> web.Response:
    form = _form(call)
    if not _is_app(world, form):
        return _refuse("invalid_client", "client id or secret is wrong", "BAD_CLIENT_ID", 401)
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return _redeem(world, form)
    if kind == "refresh_token":
        grant = world.grants.get(form.get("refresh_token", ""))
        if grant is None or grant.revoked:
            return _refuse("invalid_grant", "missing or invalid refresh token", "BAD_REFRESH_TOKEN")
        return answer(_issued(world, world.issue(grant)))
    return _refuse("unsupported_grant_type", "grant type is not supported", "BAD_GRANT_TYPE")


def _redeem(world: World, form: dict[str, str]) -> web.Response:
    code = world.codes.pop(form.get("code", ""), None)
    if code is None or code["until"] < world.clock():
        return _refuse("invalid_grant", "missing or unknown auth code", "BAD_AUTH_CODE")
    if code["redirect_uri"] != form.get("redirect_uri"):
        return _refuse("invalid_grant", "redirect URI does not match", "BAD_REDIRECT_URI")
    if code["challenge"] is not None:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code["challenge"]:
            return _refuse("invalid_grant", "code verifier does not match", "BAD_CODE_VERIFIER")
    grant = world.add_grant(code["portal"], scopes=code["scopes"])
    return answer(_issued(world, world.issue(grant)))


def _issued(world: World, token: Token) -> Json:
    return {
        "access_token": token.value,
        "refresh_token": token.refresh_token,
        "expires_in": int(world.options.token_lifetime_s),
        "token_type": "bearer",
        "token_use": "access_token",
        "hub_id": int(token.portal_id),
        "scopes": sorted(token.scopes),
        "user_id": 1111,
    }


def _introspect(world: World, call: Call) -> web.Response:
    form = _form(call)
    if not _is_app(world, form):
        return _refuse("invalid_client", "client id or secret is wrong", "BAD_CLIENT_ID", 401)
    hint = form.get("token_type_hint", "")
    value = form.get("token") or form.get(hint) or ""
    body = _about(world, value)
    return answer(body if body is not None else {"active": False})


def _about(world: World, value: str) -> Json | None:
    now = world.clock()
    token, grant = world.tokens.get(value), world.grants.get(value)
    lives = token is not None and (token.expires_at is None or token.expires_at > now)
    held = token if lives else (grant if grant is not None and not grant.revoked else None)
    if held is None:
        return None
    body: Json = {
        "active": True,
        "token": value,
        "token_use": "access_token" if isinstance(held, Token) else "refresh_token",
        "token_type": "bearer",
        "hub_id": int(held.portal_id),
        "hub_domain": f"portal-{held.portal_id}.example",
        "user_id": 1111,
        "user": "admin@portal.example",
        "app_id": int(world.options.app_id),
        "client_id": world.options.client_id,
        "scopes": sorted(held.scopes),
    }
    if isinstance(held, Token) and held.expires_at is not None:
        body["expires_in"] = int(held.expires_at - now)
    return body


def _revoke(world: World, call: Call) -> web.Response:
    form = _form(call)
    if not _is_app(world, form):
        return _refuse("invalid_client", "client id or secret is wrong", "BAD_CLIENT_ID", 401)
    value = form.get("token") or form.get(form.get("token_type_hint", "")) or ""
    if value in world.grants:
        world.grants[value].revoked = True
    world.tokens.pop(value, None)
    return no_content()


def _uninstall(world: World, call: Call) -> web.Response:
    world.revoke_grants(call.portal.id)
    return no_content()


def _v1_only(world: World) -> None:
    if not world.options.oauth_v1:
        raise ApiError(404, "This endpoint is no longer supported.", "NOT_FOUND")


def _v1_token(world: World, call: Call) -> web.Response:
    _v1_only(world)
    return _token(world, call)


def _v1_about(world: World, call: Call) -> web.Response:
    _v1_only(world)
    body = _about(world, call.path["token"])
    if body is None:
        raise ApiError.not_found("token", "given")
    return answer(body)


def _v1_revoke(world: World, call: Call) -> web.Response:
    _v1_only(world)
    grant = world.grants.get(call.path["token"])
    if grant is None:
        raise ApiError.not_found("token", "given")
    grant.revoked = True
    return no_content()


def _private_info(world: World, call: Call) -> web.Response:
    """What a private app's token is; the caller shows the token it asks about."""
    if not world.options.private_app_info:
        raise ApiError.not_found("private app of the token", "given")
    value = checks.text(call.body(), "tokenKey")
    token = world.tokens.get(value)
    if token is None or token.expires_at is not None:
        raise ApiError.not_found("private app of the token", "given")
    return answer(
        {
            "userId": 1111,
            "hubId": int(token.portal_id),
            "appId": int(world.options.app_id),
            "scopes": sorted(token.scopes),
        }
    )


def _details(world: World, call: Call) -> web.Response:
    return answer(
        {
            "portalId": int(call.portal.id),
            "accountType": "STANDARD",
            "timeZone": "UTC",
            "companyCurrency": "EUR",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


def _spelled(tail: str) -> tuple[str, str]:
    return (f"/oauth/2026-03{tail}", f"/oauth/v3{tail}")


_PAGES = ("/oauth/authorize", "/oauth/{portal:[0-9]+}/authorize")
_V1_TOKENS = ("/oauth/v1/access-tokens/{token}", "/oauth/v1/refresh-tokens/{token}")
ROUTES = (
    Route("GET", _PAGES, "oauth.authorize", _authorize, "none"),
    Route("POST", ("/oauth/decision",), "oauth.decide", _decide, "none"),
    Route("POST", _spelled("/token"), "oauth.token", _token, "none"),
    Route("POST", _spelled("/token/introspect"), "oauth.introspect", _introspect, "none"),
    Route("POST", _spelled("/token/revoke"), "oauth.revoke", _revoke, "none"),
    Route("POST", ("/oauth/v1/token",), "oauth.token", _v1_token, "none"),
    Route("GET", _V1_TOKENS, "oauth.introspect", _v1_about, "none"),
    Route("DELETE", _V1_TOKENS[1:], "oauth.revoke", _v1_revoke, "none"),
    Route(
        "POST",
        ("/oauth/v2/private-apps/get/access-token-info",),
        "oauth.private_app",
        _private_info,
    ),
    Route(
        "GET",
        ("/account-info/v3/details", "/account-info/2026-03/details"),
        "account.details",
        _details,
    ),
    Route("DELETE", ("/appinstalls/2026-03/external-install",), "app.uninstall", _uninstall),
)
