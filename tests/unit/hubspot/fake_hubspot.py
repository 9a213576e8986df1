"""A server that records what it is asked and answers what a test laid out."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return cast("dict[str, object]", json.loads(self.body))

    @property
    def bearer(self) -> str | None:
        return self.headers.get("authorization")


@dataclass(slots=True)
class FakeHubSpot:
    """Answers in the order they were laid out; the token endpoint has a queue of its own."""

    answers: deque[web.Response | None] = field(default_factory=deque[web.Response | None])
    tokens: deque[web.Response] = field(default_factory=deque[web.Response])
    requests: list[Recorded] = field(default_factory=list[Recorded])
    refreshes: list[Recorded] = field(default_factory=list[Recorded])

    def answer(
        self,
        value: object = None,
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        text: str | None = None,
    ) -> None:
        body = text.encode() if text is not None else json.dumps(value).encode()
        if value is None and text is None:
            body = b""
        self.answers.append(web.Response(status=status, body=body, headers=headers))

    def hang_up(self) -> None:
        """Close the next request's connection without an answer."""
        self.answers.append(None)

    def grant(self, token: str = "token-1", *, status: int = 200, **more: object) -> None:
        values = {"access_token": token, "refresh_token": "refresh-1", "expires_in": 1800}
        self.tokens.append(web.json_response(values | {"hub_id": 341} | more, status=status))

    def refuse(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        self.tokens.append(web.json_response(value, status=status, headers=headers))

    def app(self) -> web.Application:
        app = web.Application(client_max_size=20_000_000)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.Response:
        recorded = Recorded(
            request.method,
            request.raw_path.partition("?")[0],
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        if request.path.endswith("/token"):
            self.refreshes.append(recorded)
            return self.tokens.popleft()
        self.requests.append(recorded)
        answer = self.answers.popleft()
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer
