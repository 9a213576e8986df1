"""Sends operations to the integration's `url`, with the headers and signature of Botpress Cloud."""

from __future__ import annotations

import asyncio
import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import orjson
from multidict import CIMultiDict

from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.faults import FaultKind
from hubspot_hitl.twins.wire import Json, parse_object


def sign(signing_secrets: tuple[str, ...], body: bytes, timestamp_ms: int) -> str:
    """The value of `X-BP-Signature`: one hash for each secret.

    Written apart from `hubspot_hitl.botpress.signature`, so that each checks the other.
    Source: the npm package `@bpinternal/signature-verification`.
    """
    hashes: list[str] = []
    for secret in signing_secrets:
        key = base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
        digest = hmac.digest(key, f"{timestamp_ms}.".encode() + body, "sha256")
        hashes.append(base64.urlsafe_b64encode(digest).rstrip(b"=").decode())
    return ",".join([str(timestamp_ms), *hashes])


@dataclass(frozen=True, slots=True)
class OperationAnswer:
    """What came back. `status` is None when nothing did; `problem` then names why."""

    status: int | None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=CIMultiDict[str])
    problem: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the integration answered 200."""
        return self.status == 200

    @property
    def worth_a_retry(self) -> bool:
        """Whether trying again may help: no answer, or a server error."""
        return self.status is None or self.status >= 500

    def json(self) -> Json:
        """The body as an object; empty when it is none."""
        return parse_object(self.body) or {}

    @property
    def message(self) -> str:
        """The integration's own words about a failure."""
        found = self.json()
        return str(found.get("message") or found.get("error") or self.problem or self.status)


class Operations:
    """Botpress Cloud as a client of integrations."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def stop(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, installation: Installation, operation: str, body: Json) -> OperationAnswer:
        """Send one operation once, under the faults in force."""
        struck = self._world.faults.draw(f"operation.{operation}")
        copies = 0
        for fault in struck:
            if fault.kind in (FaultKind.DELAY, FaultKind.LATENCY):
                await asyncio.sleep(fault.seconds)
            elif fault.kind in (FaultKind.RESET_BEFORE, FaultKind.SILENCE):
                return OperationAnswer(None, problem="twin fault before the operation")
            elif fault.kind is FaultKind.REDELIVER:
                copies += fault.copies
        answers = [await self._post(installation, operation, body)]
        answers += [await self._post(installation, operation, body) for _ in range(copies)]
        if any(fault.kind is FaultKind.RESET_AFTER for fault in struck):
            return OperationAnswer(None, problem="twin fault after the operation")
        return answers[0]

    async def send_until_taken(
        self, installation: Installation, operation: str, body: Json
    ) -> OperationAnswer:
        """Send, and again while the answer is lost or a server error; see the options."""
        options = self._world.options
        answer = await self.send(installation, operation, body)
        for number in range(options.message_retries):
            if not answer.worth_a_retry:
                break
            delay = options.message_retry_base_s * 2**number
            await asyncio.sleep(min(delay, options.message_retry_most_s))
            answer = await self.send(installation, operation, body)
        return answer

    async def action(self, installation: Installation, kind: str, body: Json) -> OperationAnswer:
        """Run an action."""
        return await self.send(installation, "action_triggered", {"type": kind, "input": body})

    async def register(self, installation: Installation) -> OperationAnswer:
        """Run `register`; the installation's status follows the answer."""
        answer = await self._lifecycle(installation, "register")
        installation.status = "registered" if answer.accepted else "registration_failed"
        installation.status_reason = None if answer.accepted else answer.message[:2000]
        return answer

    async def unregister(self, installation: Installation) -> OperationAnswer:
        """Run `unregister`."""
        answer = await self._lifecycle(installation, "unregister")
        installation.status = "unregistered" if answer.accepted else "unregistration_failed"
        return answer

    async def ping(self, installation: Installation) -> OperationAnswer:
        """Run `ping`."""
        return await self.send(installation, "ping", {})

    async def _lifecycle(self, installation: Installation, operation: str) -> OperationAnswer:
        url = f"{self._world.url}/{installation.webhook_id}"
        return await self.send(installation, operation, {"webhookUrl": url})

    async def _post(
        self, installation: Installation, operation: str, body: Json
    ) -> OperationAnswer:
        if self._session is None:
            return OperationAnswer(None, problem="the twin has stopped")
        raw = orjson.dumps(body)
        began = asyncio.get_running_loop().time()
        try:
            async with self._session.post(
                installation.url,
                data=raw,
                headers=self._headers(installation, operation, raw),
                timeout=aiohttp.ClientTimeout(total=self._world.options.operation_timeout_s),
                allow_redirects=False,
            ) as response:
                content = await response.read()
                answer = OperationAnswer(response.status, content, response.headers)
        except TimeoutError:
            answer = OperationAnswer(None, problem="timeout")
        except (aiohttp.ClientError, OSError) as error:
            answer = OperationAnswer(None, problem=type(error).__name__)
        took = asyncio.get_running_loop().time() - began
        self._world.journal.add(
            "operation",
            operation=operation,
            type=body.get("type"),
            webhook=installation.webhook_id,
            status=answer.status,
            problem=answer.problem,
            ms=round(took * 1000, 2),
        )
        return answer

    def _headers(self, installation: Installation, operation: str, body: bytes) -> dict[str, str]:
        bot = self._world.bot(installation.bot_id)
        configuration = base64.b64encode(orjson.dumps(installation.configuration)).decode()
        headers = {
            "content-type": "application/json",
            "x-bot-id": bot.id,
            "x-bot-user-id": bot.user.id,
            "x-integration-id": installation.integration_id,
            "x-integration-alias": installation.alias,
            "x-webhook-id": installation.webhook_id,
            "x-bp-operation": operation,
            "x-bp-configuration": configuration,
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        }
        if installation.configuration_type is not None:
            headers["x-bp-configuration-type"] = installation.configuration_type
        if installation.signing_secrets:
            now_ms = int(self._world.clock() * 1000)
            headers["X-BP-Signature"] = sign(installation.signing_secrets, body, now_ms)
        return headers
