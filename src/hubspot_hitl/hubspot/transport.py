"""One call to HubSpot: its turn in the rate limit, its token, its time-outs, its retries.

Every call of every module of this package goes through :meth:`Transport.send`, and every failure
leaves it as one error of :mod:`hubspot_hitl.errors`. Retries in here are short and only of what is
safe; longer waiting belongs to the ledger. No URL query is ever logged or put into an error: the
developer key travels in it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Protocol

import aiohttp
import orjson
import structlog
from yarl import URL

from hubspot_hitl.errors import (
    AuthorizationLost,
    CircuitOpen,
    NoTurn,
    VendorError,
    VendorThrottled,
    VendorUnreachable,
)
from hubspot_hitl.hubspot.answers import Answer, budget, error_of
from hubspot_hitl.hubspot.limiter import RateLimiter
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.hubspot import Priority

log = structlog.get_logger(__name__)

TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS: Final = 800
ATTEMPTS: Final = 3
RETRY_SLEEP_S: Final = 3.0
RETRY_ELAPSED_S: Final = 10.0
# Each PATCH of ours sets a state, so it may be repeated as well.
_SAFE_METHODS: Final = frozenset({"GET", "PUT", "DELETE", "PATCH"})
_NO_EFFECT: Final = frozenset({423, 429, 477})

Query = tuple[tuple[str, str], ...]
SessionFactory = Callable[[], aiohttp.ClientSession]


class Tokens(Protocol):
    """Where a call's bearer token comes from."""

    async def token(self) -> str:
        """A token that is good for now."""
        ...

    async def renew(self, stale: str) -> str:
        """Another token than `stale`, which HubSpot refused. Raises AuthorizationLost."""
        ...

    def passed(self, token: str) -> None:
        """HubSpot has just taken a call with this token."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call, before it has a token.

    `idempotent` tells that sending it twice has the effect of once; None decides by the method.
    `query` is not shown: it may hold the developer key. `body` is sent as JSON; `form` makes a
    fresh form for each attempt.
    `accept` lists statuses beside 2xx that the caller reads itself. `timeout_s` None takes the
    transport's.
    """

    operation: str
    method: str
    path: str
    query: Query = field(default=(), repr=False)
    body: object = field(default=None, repr=False)
    form: Callable[[], aiohttp.FormData] | None = field(default=None, repr=False)
    priority: Priority = Priority.LIVE_CHAT
    bearer: bool = True
    idempotent: bool | None = None
    search: bool = False
    accept: frozenset[int] = frozenset()
    timeout_s: float | None = None

    @property
    def repeatable(self) -> bool:
        """Whether a call whose effect is unknown may be sent again."""
        return self.method in _SAFE_METHODS if self.idempotent is None else self.idempotent


@dataclass(frozen=True, slots=True)
class Observed:
    """One attempt of one call, for metrics and the flight recorder. `seconds` is HubSpot's time."""

    operation: str
    attempt: int
    status: int | None
    error_code: str | None
    seconds: float
    correlation_id: str | None = None


Observer = Callable[[Observed], None]


def open_session() -> aiohttp.ClientSession:
    """A session fit for many portals: no cookies, no redirects by default, time-outs everywhere.

    Waiting for one of its connections is not limited by the time to connect: that would look like a
    vendor who is away when it is us who are busy.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=30, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_timeout(TIMEOUT_S),
    )


@cache
def _timeout(total_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S)


class Transport:
    """Sends calls to one HubSpot API. `tokens` and `limiter` are absent for the OAuth endpoints.

    `circuits` is asked, on behalf of `installation_id`, before each attempt.
    """

    def __init__(
        self,
        base_url: str,
        session: SessionFactory,
        clock: Clock,
        *,
        tokens: Tokens | None = None,
        limiter: RateLimiter | None = None,
        observer: Observer | None = None,
        circuits: Circuits | None = None,
        installation_id: str = "",
        jitter: Callable[[], float] = random.random,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = session
        self._clock = clock
        self._tokens = tokens
        self._limiter = limiter
        self._observer = observer
        self._circuits = circuits
        self._installation_id = installation_id
        self._jitter = jitter
        self._timeout_s = timeout_s

    async def send(self, call: Call) -> Answer:
        """Send a call and return its 2xx answer.

        A 401 renews the token once. Errors that surely had no effect are repeated within three
        seconds; others only when the call is repeatable. Raises any VendorError.
        """
        tokens = self._tokens if call.bearer else None
        token = await tokens.token() if tokens is not None else None
        renewed = False
        began, slept_s, attempt = self._clock.monotonic(), 0.0, 1
        failure: VendorError | None = None
        while True:
            try:
                answer = await self._attempt(call, token, attempt)
                break
            except (CircuitOpen, NoTurn):
                if failure is not None:
                    raise failure from None  # what happened says more than what did not
                raise
            except AuthorizationLost:
                if tokens is None or token is None or renewed:
                    raise
                token, renewed = await tokens.renew(token), True
                continue
            except VendorError as error:
                delay_s = self._retry_delay(error, call, attempt)
                late = self._clock.monotonic() - began > RETRY_ELAPSED_S
                if delay_s is None or late or slept_s + delay_s > RETRY_SLEEP_S:
                    raise
                failure = error
            await self._clock.sleep(delay_s)
            slept_s += delay_s
            attempt += 1
        if tokens is not None and token is not None:
            tokens.passed(token)
        return answer

    def _retry_delay(self, error: VendorError, call: Call, attempt: int) -> float | None:
        """Seconds until the next attempt, None when there should be none here."""
        if attempt >= ATTEMPTS or not error.retryable:
            return None
        unsent = isinstance(error, VendorUnreachable) and not error.sent
        if not (unsent or call.repeatable or error.status in _NO_EFFECT):
            return None
        if error.retry_after_s is not None:
            return error.retry_after_s
        return 0.25 * 3.0 ** (attempt - 1) * (0.75 + 0.5 * self._jitter())

    async def _attempt(self, call: Call, token: str | None, attempt: int) -> Answer:
        if self._circuits is not None:
            self._circuits.check(self._installation_id, "hubspot", call.operation)
        if self._limiter is not None:
            await self._limiter.acquire(call.operation, call.priority, search=call.search)
        if self._circuits is None:
            return await self._judged(call, token, attempt)
        async with self._circuits.calling(self._installation_id, "hubspot", call.operation):
            return await self._judged(call, token, attempt)

    async def _judged(self, call: Call, token: str | None, attempt: int) -> Answer:
        began = self._clock.monotonic()
        result = await self._exchange(call, token)
        seconds = self._clock.monotonic() - began
        error = result if isinstance(result, VendorError) else self._judge(call, result, began)
        self._observe(call, result, error, attempt, seconds)
        if isinstance(result, VendorError):
            raise result
        if error is not None:
            raise error
        return result

    def _judge(self, call: Call, answer: Answer, sent_at: float) -> VendorError | None:
        """The error an answer stands for, if any; what it says of the rate limit is heeded."""
        told = budget(answer.headers)
        if told is not None and self._limiter is not None and not call.search:
            self._limiter.learn(told, sent_at=sent_at)
        if 200 <= answer.status < 300 or answer.status in call.accept:
            if self._limiter is not None:
                self._limiter.passed(search=call.search)
            return None
        error = error_of(answer, call.operation, self._clock.now_ms())
        if isinstance(error, VendorThrottled) and self._limiter is not None:
            wait_s = error.retry_after_s or 0.0
            self._limiter.pause(wait_s, search=call.search, priority=call.priority)
        return error

    async def _exchange(self, call: Call, token: str | None) -> Answer | VendorUnreachable:
        """The one place where aiohttp is called and its failures end.

        They are returned, not raised within `except`: their texts and contexts hold the URL.
        """
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data: object = None
        if call.body is not None:
            # a payload made here spares aiohttp the look for one that fits
            data = aiohttp.BytesPayload(encoded(call.body), content_type="application/json")
        elif call.form is not None:
            data = call.form()
        timeout_s = self._timeout_s if call.timeout_s is None else call.timeout_s
        session = self._session()
        if session.closed:
            return self._unreachable(call, "this service is shutting down", sent=False)
        try:
            async with session.request(
                call.method,
                URL(self._base_url + call.path, encoded=True),
                params=call.query,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=_timeout(timeout_s),
            ) as response:
                body = await response.read()
                lower = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, lower, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            sent, problem = False, "no connection could be made"
        except TimeoutError:
            sent, problem = True, f"no answer came within {timeout_s:g} s"
        except (aiohttp.ClientError, OSError) as error:
            sent, problem = True, f"the connection broke ({type(error).__name__})"
        return self._unreachable(call, problem, sent=sent)

    def _unreachable(self, call: Call, problem: str, *, sent: bool) -> VendorUnreachable:
        return VendorUnreachable(
            f"HubSpot {call.operation}: {problem}",
            vendor="hubspot",
            operation=call.operation,
            sent=sent,
        )

    def _observe(
        self,
        call: Call,
        result: Answer | VendorUnreachable,
        error: VendorError | None,
        attempt: int,
        seconds: float,
    ) -> None:
        status = result.status
        code = None if error is None else error.code
        correlation_id = None if error is None else error.correlation_id
        if correlation_id is None and isinstance(result, Answer):
            correlation_id = result.headers.get("x-hubspot-correlation-id")
        log.debug(
            "hubspot_called",
            operation=call.operation,
            status=status,
            error_code=code,
            ms=round(seconds * 1000, 1),
            attempt=attempt,
            correlation_id=correlation_id,
        )
        if self._observer is not None:
            self._observer(Observed(call.operation, attempt, status, code, seconds, correlation_id))


def encoded(value: object) -> bytes:
    """JSON in UTF-8. Half of a surrogate pair, cut off by somebody, becomes "?"."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def query_of(parameters: Mapping[str, str | int | bool | None]) -> Query:
    """Query parameters of a call; those that are None are left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif value is not None:
            pairs.append((name, str(value)))
    return tuple(pairs)
