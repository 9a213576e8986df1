"""Who may see the console, and who may act in it: tokens, signed cookies, a proxy's word.

Without `HITL_CONSOLE_TOKEN` the console does not exist. The cookie's key is derived from the
tokens, so changing one ends every session, and replicas agree without sharing anything else.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal, cast

from aiohttp import web
from cachetools import LRUCache

from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.settings import Settings
from hubspot_hitl.web.peers import is_within

Role = Literal["operator", "reader"]

COOKIE: Final = "hitl_console"
LASTS_MS: Final = 8 * 3600 * 1000
_FAILURES: Final = 10
_PEERS: Final = 1_000
_FAILURES_WITHIN_S: Final = 60.0
_AUDIENCE: Final = "hubspot-hitl console"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who was let in. `csrf` must come back with every form of theirs."""

    name: str
    role: Role
    csrf: str

    @property
    def may_act(self) -> bool:
        """Whether this person may change anything."""
        return self.role == "operator"


class Access:
    """The console's lock."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        operator, reader = settings.console_token, settings.console_readonly_token
        self._clock = clock
        self._tokens: dict[Role, bytes] = {}
        if operator is not None:
            self._tokens["operator"] = operator.get_secret_value().encode()
            if reader is not None:
                self._tokens["reader"] = reader.get_secret_value().encode()
        seed = b"\0".join([_AUDIENCE.encode(), *self._tokens.values()])
        self._key = hashlib.sha256(seed).digest()
        self._header = settings.console_proxy_header
        self._operators = frozenset(settings.console_proxy_operators)
        self._proxies = tuple(ipaddress.ip_network(one) for one in settings.trusted_proxies)
        self._https = (settings.public_url or "").startswith("https://")
        self._failed: LRUCache[str, deque[float]] = LRUCache(maxsize=_PEERS)

    @property
    def is_open(self) -> bool:
        """Whether there is a console at all."""
        return bool(self._tokens)

    @property
    def by_proxy(self) -> bool:
        """Whether a proxy says who people are."""
        return self._header is not None

    def too_many_failures(self, peer: str) -> bool:
        """Whether so many wrong tokens came from `peer` that it may not try for now."""
        failed = self._failed.get(peer, deque())
        before = self._clock.monotonic() - _FAILURES_WITHIN_S
        while failed and failed[0] < before:
            failed.popleft()
        return len(failed) >= _FAILURES

    def role_of(self, token: str, peer: str) -> Role | None:
        """The role that a token gives; None counts as a failure of `peer`."""
        given, found = token.encode("utf-8", "replace"), None
        for role, wanted in self._tokens.items():
            if hmac.compare_digest(given, wanted):
                found = found or role
        if found is None:
            self._failed.setdefault(peer, deque(maxlen=_FAILURES)).append(self._clock.monotonic())
        return found

    def cookie(self, role: Role) -> str:
        """A new session, for the cookie."""
        import jwt  # only people who log in need it

        claims = {
            "aud": _AUDIENCE,
            "sub": role,
            "jti": secrets.token_urlsafe(16),
            "exp": (self._clock.now_ms() + LASTS_MS) // 1000,
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def identity(self, request: web.Request) -> Identity | None:
        """Who the request is from; None for a stranger, a forged or an old cookie."""
        if not self.is_open:
            return None
        if self._header is not None:
            return self._told_by_proxy(request, self._header)
        return self._remembered(request.cookies.get(COOKIE, ""))

    def set_cookie(self, request: web.Request, response: web.StreamResponse, value: str) -> None:
        """Put the session into the answer, out of reach of scripts and other sites."""
        response.set_cookie(
            COOKIE,
            value,
            max_age=LASTS_MS // 1000,
            path="/",
            httponly=True,
            samesite="Lax",  # "Strict" would ask who comes back from HubSpot to log in again
            secure=self._https or request.secure,
        )

    def _remembered(self, cookie: str) -> Identity | None:
        import jwt

        try:
            claims = jwt.decode(
                cookie,
                self._key,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                options={"require": ["exp", "sub", "jti"], "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        role, expires = claims["sub"], claims["exp"]
        if not isinstance(expires, int) or expires * 1000 <= self._clock.now_ms():
            return None
        known: Role | None = next((one for one in self._tokens if one == role), None)
        return Identity(known, known, self._csrf(str(claims["jti"]))) if known else None

    def _told_by_proxy(self, request: web.Request, header: str) -> Identity | None:
        """The name in the header, if one of our own proxies says it."""
        name = request.headers.get(header, "").strip()[:200]
        if not name or not self._is_proxy(request):
            return None
        acts = "*" in self._operators or name in self._operators
        return Identity(name, "operator" if acts else "reader", self._csrf(f"proxy:{name}"))

    def _is_proxy(self, request: web.Request) -> bool:
        peer: object = request.transport.get_extra_info("peername") if request.transport else None
        if not isinstance(peer, tuple) or not peer:
            return False
        return is_within(str(cast("tuple[object, ...]", peer)[0]), self._proxies)

    def _csrf(self, session: str) -> str:
        return hmac.new(self._key, f"csrf:{session}".encode(), hashlib.sha256).hexdigest()
