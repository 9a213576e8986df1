"""One call to the Botpress API: headers, time-out, errors, and the retries that are safe for it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

import aiohttp
from pydantic import ValidationError
from yarl import URL

from hubspot_hitl import __version__
from hubspot_hitl.botpress.failures import failure_of, network_failures
from hubspot_hitl.botpress.jsontext import dumps, loads
from hubspot_hitl.botpress.objects import Wire, first_problems
from hubspot_hitl.botpress.trace import Trace, current_trace
from hubspot_hitl.errors import (
    BadSettings,
    CircuitOpen,
    HitlError,
    InvalidPayload,
    UnexpectedAnswer,
    VendorError,
    VendorFault,
    VendorThrottled,
    VendorUnreachable,
)
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Observed:
    """One request, for metrics and the flight recorder. `outcome` is `ok` or the error's code.

    `status` and `error_id` (Botpress's name of the failure) are those of a refusal.
    """

    operation: str
    outcome: str
    seconds: float
    status: int | None = None
    error_id: str | None = None


Observer = Callable[[Observed], None]

_W = TypeVar("_W", bound=Wire)
_RETRY_BUDGET_S: Final = 3.0
_UPLOAD_TIMEOUT_S: Final = 60.0
_DELAYS_S: Final = (0.2, 0.6, 1.2)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API.

    `repeatable` says that a second identical request leaves the same state as the first, so that a
    lost answer may be answered by asking again.
    """

    operation: str
    method: str
    path: str
    repeatable: bool
    body: Mapping[str, object] | None = None
    query: Mapping[str, str] | None = None


class Sender(Protocol):
    """On whose behalf a call is made, as headers."""

    @property
    def headers(self) -> dict[str, str]:
        """What tells Botpress."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Which installation in which bot is acting; `installation_id` is our own name for it."""

    bot_id: str
    integration_id: str
    alias: str
    installation_id: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The three headers by which the API knows it."""
        return {
            "x-bot-id": self.bot_id,
            "x-integration-id": self.integration_id,
            "x-integration-alias": self.alias,
        }


class BotpressApi:
    """Sends calls over a shared session. Raises BadSettings for an unusable URL or token."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        token: str,
        clock: Clock,
        observe: Observer | None = None,
        timeout_s: float = 30.0,
        circuits: Circuits | None = None,
    ) -> None:
        url = URL(base_url.rstrip("/"))
        if url.scheme not in {"http", "https"} or not url.host:
            raise BadSettings(f"HITL_BOTPRESS_API_URL {base_url!r} is not an http(s) address.")
        if not token.isascii() or not token.isprintable():
            raise BadSettings("HITL_BOTPRESS_TOKEN has characters that a header cannot carry.")
        self._session = session
        self._base = str(url)
        self._token = token
        self._clock = clock
        self._observe = observe
        self._circuits = circuits
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def call(self, call: Call, identity: Sender, model: type[_W]) -> _W:
        """The answer of `call` as `model`.

        Tries again for at most three seconds in all: after 429 and failed connections any call,
        after 5xx and lost answers only repeatable ones: a gateway's 502 may hide an effect, though
        Botpress's own client repeats any call after it. Raises VendorError.
        """
        began = self._clock.monotonic()
        attempt = 0
        failure: VendorError | None = None
        while True:
            try:
                return await self._admitted(call, identity, model)
            except CircuitOpen:
                if failure is not None:
                    raise failure from None  # what happened says more than what did not
                raise
            except VendorError as error:
                if attempt >= len(_DELAYS_S) or not _may_repeat(error, call.repeatable):
                    raise
                delay_s = _delay_s(attempt, error.retry_after_s)
                if self._clock.monotonic() - began + delay_s > _RETRY_BUDGET_S:
                    raise
                failure = error
            attempt += 1
            await self._clock.sleep(delay_s)

    async def put_content(self, operation: str, url: str, path: Path, content_type: str) -> None:
        """Put a file's content to an address that the API gave for it.

        No credentials go along: the address itself is the permission. Raises VendorError.
        """
        file = await asyncio.to_thread(path.open, "rb")
        with file, network_failures(operation):
            async with self._session.put(
                URL(url, encoded=True),
                data=file,
                headers={"content-type": content_type, "x-amz-tagging": "public=true"},
                timeout=aiohttp.ClientTimeout(total=_UPLOAD_TIMEOUT_S),
                allow_redirects=False,
            ) as response:
                raw = await response.read()
        if not 200 <= response.status < 300:
            now_ms = self._clock.now_ms()
            raise failure_of(operation, response.status, response.headers, raw, now_ms)

    async def _admitted(self, call: Call, identity: Sender, model: type[_W]) -> _W:
        if self._circuits is None or not isinstance(identity, Identity):
            return await self._attempt(call, identity, model)
        async with self._circuits.calling(identity.installation_id, "botpress", call.operation):
            return await self._attempt(call, identity, model)

    async def _attempt(self, call: Call, identity: Sender, model: type[_W]) -> _W:
        began = self._clock.monotonic()
        outcome, status, error_id = "cancelled", None, None
        try:
            answer = _read(call.operation, await self._send(call, identity), model)
            outcome = "ok"
        except VendorError as error:
            outcome, status, error_id = error.code, error.status, error.correlation_id
            raise
        except HitlError as error:
            outcome = error.code
            raise
        else:
            return answer
        finally:
            if self._observe:
                took_s = self._clock.monotonic() - began
                self._observe(Observed(call.operation, outcome, took_s, status, error_id))

    async def _send(self, call: Call, identity: Sender) -> bytes:
        headers = {
            "authorization": f"Bearer {self._token}",
            "user-agent": f"hubspot-hitl/{__version__}",
            **identity.headers,
            **current_trace.get(Trace()).headers,
        }
        data = None
        if call.body is not None:
            data = _encoded(call)
            headers["content-type"] = "application/json"
        # Encoded paths stay as they are: ids may hold characters that yarl would fold.
        url = URL(self._base + call.path, encoded=True)
        with network_failures(call.operation):
            async with self._session.request(
                call.method,
                url.with_query(call.query) if call.query else url,
                data=data,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                raw = await response.read()
        if 200 <= response.status < 300:
            return raw
        raise failure_of(
            call.operation, response.status, response.headers, raw, self._clock.now_ms()
        )


def _encoded(call: Call) -> bytes:
    try:
        return dumps(call.body)
    except (TypeError, ValueError) as error:
        raise InvalidPayload(
            f"The body of {call.operation} holds something that is not JSON"
        ) from error


def _read(operation: str, raw: bytes, model: type[_W]) -> _W:
    try:
        return model.model_validate(loads(raw))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        why = first_problems(list(problems))
    except ValueError as error:  # cut off, or of something between Botpress and us: no answer
        raise VendorUnreachable(
            f"Botpress answered {operation} with something that is not JSON.",
            vendor="botpress",
            operation=operation,
        ) from error
    raise UnexpectedAnswer(
        f"Botpress answered {operation} with something else than documented ({why}).",
        vendor="botpress",
        operation=operation,
    )


def _may_repeat(error: VendorError, repeatable: bool) -> bool:
    match error:
        case VendorThrottled():
            return True
        case VendorUnreachable():
            return repeatable or not error.sent
        case VendorFault():
            return repeatable
        case _:
            return False


def _delay_s(attempt: int, asked_s: float | None) -> float:
    if asked_s is not None:
        return asked_s
    return _DELAYS_S[attempt] * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
