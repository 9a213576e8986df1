"""Sends each chat's `message_created` operations in order, one at a time."""

from __future__ import annotations

import asyncio
from collections import deque

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.botpress.operations import Operations
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.wire import Json


class Lanes:
    """One lane for each downstream conversation; a message waits for the one before it."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._waiting: dict[str, deque[tuple[Installation, Chat, Json]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def put(self, installation: Installation, chat: Chat, conversation_id: str, body: Json) -> None:
        """Queue an operation behind the others of its conversation."""
        self._waiting.setdefault(conversation_id, deque()).append((installation, chat, body))
        if conversation_id not in self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks[conversation_id] = loop.create_task(self._pump(conversation_id))

    async def flushed(self, conversation_id: str) -> None:
        """Return when everything queued for a conversation has been taken or given up."""
        task = self._tasks.get(conversation_id)
        if task is not None:
            await asyncio.wait({task})

    async def settled(self) -> None:
        """Return when all lanes are empty."""
        while self._tasks:
            await asyncio.wait(set(self._tasks.values()))

    async def stop(self) -> None:
        """Give up everything queued."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    async def _pump(self, conversation_id: str) -> None:
        queue = self._waiting[conversation_id]
        try:
            while queue:
                installation, chat, body = queue.popleft()
                answer = await self._operations.send_until_taken(
                    installation, "message_created", body
                )
                chat.counts["delivered" if answer.accepted else "failed_messages"] += 1
        finally:
            del self._tasks[conversation_id]
