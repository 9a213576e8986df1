"""In and out."""

from __future__ import annotations

import structlog
from aiohttp import web

from hubspot_hitl.web import keys
from hubspot_hitl.web.console.access import COOKIE
from hubspot_hitl.web.console.desk import DESK, Desk
from hubspot_hitl.web.console.gate import Visit, base_of, from_here, posted, sealed
from hubspot_hitl.web.console.render import Frame, problem, show
from hubspot_hitl.web.peers import peer_of

log = structlog.get_logger(__name__)


def _desk(request: web.Request) -> Desk:
    desk = request.app[DESK]
    if not desk.access.is_open or desk.access.by_proxy:
        raise web.HTTPNotFound(text="There is nothing at this path.")
    return desk


async def ask(request: web.Request) -> web.StreamResponse:
    """The page that asks for the token."""
    _desk(request)
    return sealed(_page(request, request.query.get("next", ""), None, 200))


async def log_in(request: web.Request) -> web.StreamResponse:
    """Take a token and give a session for it; 401 with the form again when it is wrong."""
    desk = _desk(request)
    form = await posted(request)
    token, target = form.get("token", ""), form.get("next", "")
    if not from_here(request):
        return sealed(_page(request, target, "Log in on this page, not from another site.", 403))
    peer = peer_of(request, request.app[keys.SETTINGS].trusted_proxies)
    if desk.access.too_many_failures(peer):
        return sealed(_page(request, target, "Too many wrong tokens. Wait a minute.", 429))
    role = desk.access.role_of(token, peer)
    if role is None:
        log.warning("console_login_refused", peer=peer)
        return sealed(_page(request, target, "This token is not right.", 401))
    await desk.audit.append(role, "console.login", "console", {"peer": peer})
    answer = web.Response(status=303, headers={"Location": _inside(request, target)})
    desk.access.set_cookie(request, answer, desk.access.cookie(role))
    return sealed(answer)


async def log_out(visit: Visit) -> web.StreamResponse:
    """End the session in this browser, if this browser's person asks for it."""
    if not from_here(visit.request):
        return problem(visit.frame, 403, "Log out on this page, not from another site.")
    answer = web.Response(status=303, headers={"Location": f"{visit.frame.base}/login"})
    answer.del_cookie(COOKIE, path="/")
    return answer


def _inside(request: web.Request, target: str) -> str:
    """Where to go after the log-in: a console page of ours, never another site."""
    base = base_of(request)
    inside = target.startswith(f"{base}/") and "\\" not in target and "//" not in target
    return target if inside and target.isascii() and target.isprintable() else f"{base}/"


def _page(request: web.Request, target: str, wrong: str | None, status: int) -> web.Response:
    frame = Frame(base_of(request), request.path)
    return show(frame, "login.html", status, target=target, wrong=wrong)
