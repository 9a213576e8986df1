"""Hundreds of handoffs begin at the same moment; each gets a conversation or a clear refusal."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from tests.chaos.arena import HISTORY, LONG, SEED, Server, figure

from hubspot_hitl.twins.botpress.chat import Chat, StartFailedError
from hubspot_hitl.twins.stage import Stage, reached

pytestmark = pytest.mark.chaos

STARTS = 800 if LONG else 100
ANSWER_S = 60.0
"""Botpress gives an operation that long."""


async def start(stage: Stage, chat: Chat, took_s: list[float]) -> str:
    """Ask for a person; "started", or what the bot was told instead."""
    began = time.monotonic()
    try:
        await stage.botpress.plugin.start_hitl(chat, title="Help", history=HISTORY)
    except StartFailedError as error:
        return f"{error.status}: {error.message}"
    finally:
        took_s.append(time.monotonic() - began)
    return "started"


async def test_so_many_starts_at_once_all_get_their_conversation(
    stage: Stage, server: Server
) -> None:
    await server.spawn()
    await stage.install(server.url)
    plugin = stage.botpress.plugin
    chats = [plugin.open_chat(f"P {n}", f"p{n}@example.com") for n in range(STARTS)]
    for chat in chats:
        plugin.say(chat, "A person, please.")
    took_s: list[float] = []
    told = Counter(await asyncio.gather(*(start(stage, chat, took_s) for chat in chats)))
    took_s.sort()
    figure(
        f"{STARTS} starts at once ({server.engine})",
        f"half answered within {took_s[STARTS // 2]:.1f} s, all within {took_s[-1]:.1f} s",
    )
    assert told == {"started": STARTS}, f"SEED={SEED}: {told.most_common(5)}"
    assert took_s[-1] < ANSWER_S
    threads = {stage.thread_of(chat) for chat in chats}
    assert len(threads) == len(stage.hubspot.world.threads) == STARTS
    for chat in chats:
        plugin.say(chat, "hello")
    assert await reached(
        lambda: all(stage.heard_by_agent(stage.thread_of(chat)) == ["hello"] for chat in chats),
        ANSWER_S,
    )
