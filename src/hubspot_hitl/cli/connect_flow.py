"""From "please connect" to an authorization code: the person's half of OAuth, on a terminal.

HubSpot sends the person back to the redirect URL with `code` and `state`, or with `error`. Either
we listen there (loopback), or the person pastes what the browser shows.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from hubspot_hitl.errors import BadSignature, CallerError

_PAGE = "<!doctype html><meta charset=utf-8><title>hubspot-hitl</title><p>{}</p>"

_REDIRECT_CURES = {
    "access_denied": "the consent was cancelled; start again and grant it",
    "invalid_scope": (
        "the scopes differ from the app's Auth tab; add the missing ones there, or name the app's"
        " own list with --scope"
    ),
    "unauthorized": (
        "this person may not install apps; sign in as a super admin or with App Marketplace access"
    ),
    "redirect_uri_mismatch": "add exactly this redirect URL to the app's Auth tab",
}


def new_state() -> str:
    """A value nobody can guess, which HubSpot repeats on the redirect."""
    return secrets.token_urlsafe(24)


def code_of(answer: str, state: str) -> str:
    """The authorization code in a pasted code or a pasted redirect URL.

    Raises BadSignature when the URL carries another `state`, CallerError with the cure when it
    carries an error or nothing.

    >>> code_of("https://bot.example/cb?code=c-1&state=s", "s")
    'c-1'
    """
    text = answer.strip()
    if not text:
        raise CallerError("nothing was pasted; paste the code or the whole address of the browser")
    if "://" not in text and "code=" not in text and "error=" not in text:
        return text
    try:
        query = urlsplit(text).query or text.rpartition("?")[2]
        values = {name: found[0] for name, found in parse_qs(query).items()}
    except ValueError as error:
        raise CallerError("the pasted address is not a URL; paste it as a whole") from error
    return code_in(values, state)


def code_in(query: dict[str, str], state: str) -> str:
    """The authorization code in the redirect's query; see `code_of`."""
    if not hmac.compare_digest(query.get("state", "").encode(errors="replace"), state.encode()):
        raise BadSignature(
            "the redirect carries another state than we sent; it belongs to an older attempt or is"
            " forged: open the newest authorize URL"
        )
    if "error" in query:
        kind = query["error"][:60]
        cure = _REDIRECT_CURES.get(kind, "see the app's Auth tab, then start again")
        raise CallerError(f"HubSpot refused with {kind!r}: {cure}")
    if not query.get("code"):
        raise CallerError("the redirect carries no code; paste the address HubSpot sent you to")
    return query["code"]


async def catch_code(
    redirect_uri: str, state: str, *, listening: asyncio.Event, timeout_s: float
) -> str:
    """Listen at a loopback redirect URL and return the code of the first redirect with our state.

    `listening` is set when a browser may come. A redirect with a foreign state is answered 400 and
    does not end the wait. Raises CallerError after `timeout_s`, when HubSpot refused, or when the
    port is taken.
    """
    parts = urlsplit(redirect_uri)
    if parts.scheme != "http" or parts.hostname not in {"localhost", "127.0.0.1"} or not parts.port:
        raise CallerError(
            f"{redirect_uri!r} is not a loopback URL with a port; use http://localhost:PORT/path"
            " or paste the code (--paste)"
        )
    caught: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def redirected(request: web.Request) -> web.Response:
        try:
            code = code_in({name: str(value) for name, value in request.query.items()}, state)
        except BadSignature as error:
            return _page(error.message, status=400)
        except CallerError as error:
            if not caught.done():
                caught.set_exception(error)
            return _page(error.message, status=400)
        if not caught.done():
            caught.set_result(code)
        return _page("Connected. You can close this window and go back to the terminal.")

    application = web.Application()
    application.router.add_get(parts.path or "/", redirected)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", parts.port).start()
        except OSError as error:
            raise CallerError(
                f"port {parts.port} is taken; choose another with --redirect-uri, and add it to"
                " the app's Auth tab"
            ) from error
        listening.set()
        return await asyncio.wait_for(caught, timeout_s)
    except TimeoutError as error:
        raise CallerError(
            f"no redirect came within {timeout_s:.0f} s; start again, or paste the code (--paste)"
        ) from error
    finally:
        await runner.cleanup()


def _page(text: str, *, status: int = 200) -> web.Response:
    # `text` is ours: never the query, which a stranger may have written
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return web.Response(
        text=_PAGE.format(escaped),
        status=status,
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
