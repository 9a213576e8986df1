"""What stands before every console page: who asks, from where, and the headers of the answer."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, urlsplit

import structlog
from aiohttp import web

from hubspot_hitl.errors import CallerError, HitlError, InvalidPayload
from hubspot_hitl.web.console.access import Identity
from hubspot_hitl.web.console.desk import DESK, Desk
from hubspot_hitl.web.console.render import Frame, problem

log = structlog.get_logger(__name__)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # `same-origin` and not `no-referrer`: the latter would make browsers send `Origin: null`
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Page = Callable[["Visit"], Awaitable[web.StreamResponse]]


class Visit:
    """One request to the console by somebody who was let in."""

    def __init__(self, request: web.Request, who: Identity) -> None:
        self.request = request
        self.who = who
        self.desk: Desk = request.app[DESK]
        seen, again = self.desk.metrics.moment, str(request.rel_url.without_query_params("thread"))
        self.frame = Frame(base_of(request), request.path, who, seen, again)

    async def form(self) -> Mapping[str, str]:
        """The posted fields that are texts."""
        return await posted(self.request)


async def posted(request: web.Request) -> Mapping[str, str]:
    """The posted fields that are texts. Raises InvalidPayload for what is no form."""
    try:
        fields = await request.post()
    except (ValueError, LookupError):  # broken parts; a charset that there is not
        raise InvalidPayload("The form cannot be read") from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def reading(page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A page for everybody who was let in."""

    async def handle(request: web.Request) -> web.StreamResponse:
        desk = request.app[DESK]
        if not desk.access.is_open:
            raise web.HTTPNotFound(text="There is nothing at this path.")
        who = desk.access.identity(request)
        if who is None:
            return sealed(_stranger(request, desk))
        return sealed(await _answered(page, Visit(request, who)))

    return handle


def acting(page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A post that changes something: from a form of ours, by somebody who may."""

    async def handle(visit: Visit) -> web.StreamResponse:
        if not visit.who.may_act:
            return problem(visit.frame, 403, "You may look, but not act. Log in as operator.")
        given = (await visit.form()).get("csrf", "")
        if not from_here(visit.request) or not hmac.compare_digest(
            given.encode(), visit.who.csrf.encode()
        ):
            log.warning("console_post_refused", path=visit.request.path, who=visit.who.name)
            return problem(
                visit.frame, 403, "This form is too old or not ours. Load the page again."
            )
        return await page(visit)

    return reading(handle)


def from_here(request: web.Request) -> bool:
    """Whether the browser says that a page of ours sent the request, or says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None or site == "same-origin":
        return True
    try:
        return urlsplit(origin).netloc == request.host
    except ValueError:
        return False


def base_of(request: web.Request) -> str:
    """The console's path, also when the application is mounted below another."""
    return str(request.app.router["console"].url_for()).rstrip("/")


def sealed(response: web.StreamResponse) -> web.StreamResponse:
    """The answer with the console's headers."""
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


async def _answered(page: Page, visit: Visit) -> web.StreamResponse:
    try:
        return await page(visit)
    except CallerError as error:
        return problem(visit.frame, 400, error.message)
    except HitlError as error:
        log.warning("console_page_failed", path=visit.request.path, error=error.code)
        return problem(visit.frame, 502, f"{error.message} ({error.code})")


def _stranger(request: web.Request, desk: Desk) -> web.Response:
    if desk.access.by_proxy:
        return web.Response(status=403, text="The proxy did not say who you are.")
    if request.method != "GET" or request.headers.get("Accept") == "text/event-stream":
        return web.Response(status=401, text="Log in first.")
    target = f"{base_of(request)}/login?next={quote(str(request.rel_url), safe='')}"
    if "HX-Request" in request.headers:  # a page that refreshes itself goes there as a whole
        return web.Response(status=401, text="Log in first.", headers={"HX-Redirect": target})
    return web.Response(status=303, headers={"Location": target})
