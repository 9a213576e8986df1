"""Sends the twin's webhooks: the channel hook (one object) and the app's events (an array).

Obeys the published delivery rules: 5 s for an answer, any non-2xx is retried, at most 100 events in
one request, at most ten requests in flight for each portal, at least once, in no promised order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import aiohttp
import orjson

from hubspot_hitl.twins.faults import Fault, FaultKind, Faults
from hubspot_hitl.twins.hubspot import signing
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.journal import Journal
from hubspot_hitl.twins.wire import Json


@dataclass(slots=True)
class HookDelivery:
    """One request to a webhook URL and its attempts. `state` is pending, delivered or dead."""

    id: int
    app_events: bool
    url: str
    portal_id: str
    events: list[Json]
    state: str = "pending"
    attempts: list[int | str] = field(default_factory=list[int | str])
    """The status of each attempt, or the name of the error."""


@dataclass(slots=True)
class _Lane:
    """Deliveries or events that leave in this order; `hold_until` is loop time."""

    waiting: deque[HookDelivery] = field(default_factory=deque[HookDelivery])
    events: deque[Json] = field(default_factory=deque[Json])
    hold_until: float = 0.0
    full: asyncio.Event = field(default_factory=asyncio.Event)


class HookSender:
    """Queues webhooks and sends them until they are accepted or given up."""

    def __init__(
        self,
        options: HubSpotOptions,
        faults: Faults,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._faults = faults
        self._journal = journal
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, _Lane] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._next_id = 1
        self.deliveries: list[HookDelivery] = []
        self.lost: list[Json] = []
        """Events that a SILENCE fault kept from being sent."""

    async def start(self) -> None:
        """Open the client."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
        )

    async def stop(self) -> None:
        """Give up everything under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def settled(self) -> None:
        """Return when nothing is waiting, in flight or due for a retry."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def channel_event(self, url: str, portal_id: str, lane: str, event: Json) -> None:
        """Send one event of a custom channel to its webhook URL."""
        name = f"webhook.channel.{event['type']}"
        struck = self._faults.draw(name)
        if any(fault.kind is FaultKind.SILENCE for fault in struck):
            self.lost.append(event)
            return
        delays = self._delays(struck)
        for delay in delays:
            delivery = self._new(False, url, portal_id, [event])
            if delay is None and self._options.hook_ordered:
                self._lane(f"channel:{portal_id}:{lane}", self._pump_channel).waiting.append(
                    delivery
                )
            else:
                self._spawn(self._deliver(delivery, delay or 0.0))

    def app_event(self, url: str, portal_id: str, event: Json) -> None:
        """Send one event of the app's subscriptions; events of a portal travel in batches."""
        struck = self._faults.draw(f"webhook.app.{event['subscriptionType']}")
        if any(fault.kind is FaultKind.SILENCE for fault in struck):
            self.lost.append(event)
            return
        for delay in self._delays(struck):
            if delay is not None:
                self._spawn(self._deliver(self._new(True, url, portal_id, [event]), delay))
                continue
            lane = self._lane(f"app:{portal_id}:{url}", self._pump_app)
            lane.events.append(event)
            if len(lane.events) >= self._options.hook_batch:
                lane.full.set()
            for fault in struck:
                if fault.kind is FaultKind.BATCH:
                    now = asyncio.get_running_loop().time()
                    lane.hold_until = max(lane.hold_until, now + fault.seconds)

    def _delays(self, struck: tuple[Fault, ...]) -> list[float | None]:
        """One entry for each copy to send; None means at once and in order."""
        first: float | None = None
        copies: list[float | None] = []
        for fault in struck:
            if fault.kind is FaultKind.DELAY:
                first = (first or 0.0) + fault.seconds
            elif fault.kind is FaultKind.REORDER:
                first = fault.seconds * self._faults.chance("reorder", self._next_id)
            elif fault.kind is FaultKind.REDELIVER:
                for copy in range(fault.copies):
                    spread = self._faults.chance("copy", self._next_id, copy)
                    copies.append(fault.seconds * spread)
        return [first, *copies]

    def _new(self, app_events: bool, url: str, portal_id: str, events: list[Json]) -> HookDelivery:
        delivery = HookDelivery(self._next_id, app_events, url, portal_id, events)
        self._next_id += 1
        self.deliveries.append(delivery)
        return delivery

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lane(self, key: str, pump: Callable[[str, _Lane], Coroutine[None, None, None]]) -> _Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
            self._spawn(pump(key, lane))
        return lane

    async def _pump_channel(self, key: str, lane: _Lane) -> None:
        while lane.waiting:
            await self._first_attempt(lane.waiting.popleft())
        del self._lanes[key]

    async def _pump_app(self, key: str, lane: _Lane) -> None:
        _, portal_id, url = key.split(":", 2)
        while lane.events:
            await self._hold(lane)
            batch = self._options.hook_batch
            events = [lane.events.popleft() for _ in range(min(batch, len(lane.events)))]
            delivery = self._new(True, url, portal_id, events)
            if self._options.hook_ordered:
                await self._first_attempt(delivery)
            else:
                self._spawn(self._deliver(delivery, 0.0))
                await asyncio.sleep(0)
        del self._lanes[key]

    async def _hold(self, lane: _Lane) -> None:
        """Wait for a BATCH fault's time or for a full batch."""
        lane.full.clear()
        loop = asyncio.get_running_loop()
        while (
            len(lane.events) < self._options.hook_batch
            and (left := lane.hold_until - loop.time()) > 0
        ):
            try:
                await asyncio.wait_for(lane.full.wait(), left)
            except TimeoutError:
                return

    async def _first_attempt(self, delivery: HookDelivery) -> None:
        if not await self._attempt(delivery, 0):
            self._spawn(self._retry(delivery))

    async def _deliver(self, delivery: HookDelivery, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if not await self._attempt(delivery, 0):
            await self._retry(delivery)

    async def _retry(self, delivery: HookDelivery) -> None:
        options = self._options
        for number in range(1, options.hook_retries + 1):
            delay = min(options.hook_retry_base_s * 2 ** (number - 1), options.hook_retry_most_s)
            await asyncio.sleep(delay * (0.75 + self._faults.chance(delivery.id, number) / 2))
            if await self._attempt(delivery, number):
                return
        delivery.state = "dead"
        self._journal.add("hook_given_up", delivery=delivery.id)

    async def _attempt(self, delivery: HookDelivery, number: int) -> bool:
        portal_id = delivery.portal_id
        slots = self._slots.get(portal_id)
        if slots is None:
            slots = self._slots[portal_id] = asyncio.Semaphore(self._options.hook_concurrency)
        async with slots:
            outcome = await self._post(delivery, number)
        delivery.attempts.append(outcome)
        accepted = isinstance(outcome, int) and 200 <= outcome < 300
        if accepted:
            delivery.state = "delivered"
        self._journal.add(
            "hook",
            delivery=delivery.id,
            attempt=number,
            outcome=outcome,
            events=[event.get("type") or event["subscriptionType"] for event in delivery.events],
        )
        return accepted

    async def _post(self, delivery: HookDelivery, number: int) -> int | str:
        if self._session is None:
            return "stopped"
        body = (
            orjson.dumps([{**event, "attemptNumber": number} for event in delivery.events])
            if delivery.app_events
            else orjson.dumps(delivery.events[0])
        )
        try:
            async with self._session.post(
                delivery.url,
                data=body,
                headers=self._headers(delivery, body),
                timeout=aiohttp.ClientTimeout(total=self._options.hook_timeout_s),
                allow_redirects=False,
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return type(error).__name__

    def _headers(self, delivery: HookDelivery, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "HubSpot Webhooks (twin)"}
        if self._options.sign_hooks:
            secret = self._options.client_secret
            timestamp_ms = int(self._clock() * 1000)
            headers["X-HubSpot-Request-Timestamp"] = str(timestamp_ms)
            headers["X-HubSpot-Signature-v3"] = signing.v3(
                secret, "POST", delivery.url, body, timestamp_ms
            )
            if delivery.app_events:
                headers["X-HubSpot-Signature"] = signing.v1(secret, body)
                headers["X-HubSpot-Signature-Version"] = "v1"
        return headers | self._options.extra_hook_headers
