"""One conversation with everything in it, for servers that die on the way, and what it leaves.

Start, files and words both ways, a close, a reopened thread that the bot takes up again, an end by
agent or bot, the transcript on the contact. People in it do what people do when a server dies: the
bot asks again until it is answered, everybody else writes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.chaos.arena import WITHIN_S, Talk, talk

from hubspot_hitl.twins.botpress.chat import StartFailedError
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json

PNG = b"\x89PNG\r\n\x1a\n" + b"." * 64
BACK: list[Json] = [{"source": {"type": "bot"}, "type": "text", "payload": {"text": "Back"}}]
SETTINGS: dict[str, Any] = {"transcriptMode": "at-close", "reopen": "resume"}


@asynccontextmanager
async def a_picture() -> AsyncGenerator[str]:
    """The address of a picture that a user sends."""

    async def give(_: web.Request) -> web.Response:
        return web.Response(body=PNG, content_type="image/png")

    app = web.Application()
    app.router.add_get("/cat.png", give)
    async with TestServer(app) as server:
        yield str(server.make_url("/cat.png"))


async def everything(stage: Stage, number: int, picture: str) -> list[str]:
    """Play it; returns what went wrong."""
    it = await talk(stage, number)
    await it.exchange(stage, 1)
    it.said.append(f"[Image] cat {number}")
    stage.botpress.plugin.send(it.chat, "image", {"imageUrl": picture, "title": f"cat {number}"})
    await it.exchange(stage, 1)
    problems = await _end(stage, it, by_bot=False)
    problems += await _again(stage, it)
    await it.exchange(stage, 1)
    problems += await _end(stage, it, by_bot=number % 2 == 0)
    return problems + await _left(stage, it)


def heard(stage: Stage, it: Talk) -> tuple[list[str], list[str]]:
    """What agent and user read of each other's words, without what we say ourselves."""
    return (
        [text for text in stage.heard_by_agent(it.thread_id) if text.startswith(("user ", "[Ima"))],
        [text for text in stage.heard_by_user(it.chat) if text.startswith("agent ")],
    )


def arrived(stage: Stage, it: Talk) -> bool:
    by_agent, by_user = heard(stage, it)
    return len(by_agent) >= len(it.said) and len(by_user) >= len(it.answered)


async def _end(stage: Stage, it: Talk, *, by_bot: bool) -> list[str]:
    await reached(lambda: arrived(stage, it), WITHIN_S)
    if by_bot:
        room: Json = {"conversationId": it.chat.downstream}
        answer = await stage.botpress.plugin.stop_hitl(it.chat)
        while answer is None or not answer.accepted:  # nobody there: the bot asks again
            await asyncio.sleep(0.1)
            installation = stage.botpress.world.installations[it.chat.webhook_id]
            answer = await stage.botpress.operations.action(installation, "stopHitl", room)
        thread = stage.hubspot.world.thread(it.thread_id)
        closed = await reached(lambda: thread.status == "CLOSED", WITHIN_S)
        return [] if closed else ["the thread was not closed"]
    stage.hubspot.agents.close(it.thread_id, it.agent_id)
    ended = await reached(lambda: not it.chat.active, WITHIN_S)
    return [] if ended else ["the bot was not told of the end"]


async def _again(stage: Stage, it: Talk) -> list[str]:
    """The agent reopens the thread, and the bot, asked to, brings the user back."""
    stage.hubspot.agents.reopen(it.thread_id, it.agent_id)
    plugin = stage.botpress.plugin
    if not await reached(lambda: it.chat.downstream in asked(stage), WITHIN_S):
        return ["the bot was not asked to bring the user back"]
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while not it.chat.active:
        try:
            await plugin.start_hitl(it.chat, title="Back", history=BACK)
        except StartFailedError:
            if asyncio.get_running_loop().time() > deadline:
                return ["the user did not come back"]
            await asyncio.sleep(0.1)
    same = stage.thread_of(it.chat) == it.thread_id
    return [] if same else ["the user came back into another thread"]


def asked(stage: Stage) -> list[object]:
    """The conversations whose users the bot was asked to bring back."""
    events = stage.botpress.plugin.bot_events
    return [one.payload["conversationId"] for one in events if one.type == "handoffReopened"]


async def _left(stage: Stage, it: Talk) -> list[str]:
    """What is wrong with what both sides, the thread and the contact have in the end."""
    problems: list[str] = []
    by_agent, by_user = heard(stage, it)
    if by_agent != it.said:
        problems.append(f"to the agent: {by_agent}")
    if by_user != it.answered:
        problems.append(f"to the user: {by_user}")
    if it.chat.counts["hitlAssigned"] > 2 or asked(stage).count(it.chat.downstream) != 1:
        problems.append(f"told too often: {it.chat.counts}")
    entries = stage.hubspot.transcript(it.thread_id)
    comments = [str(entry["text"]) for entry in entries if entry["type"] == "COMMENT"]
    if len(comments) != len(set(comments)):
        problems.append("a comment twice")
    openings = [e for e in entries if e["type"] == "MESSAGE" and "Title: " in str(e["text"])]
    if len(openings) != 1:
        problems.append(f"{len(openings)} opening messages")
    if not await reached(lambda: _written(stage, it) == 1, WITHIN_S):
        problems.append(f"{_written(stage, it)} times in the transcript")
    return problems


def _written(stage: Stage, it: Talk) -> int:
    """How often the contact's transcript has the words; -1 when not all of them as often."""
    portal = stage.hubspot.world.portals[stage.hubspot.options.portal_id]
    contact_id = portal.by_email.get(f"person{it.number}@example.com")
    contact = portal.objects["contacts"].get(contact_id or "")
    text = str(contact.properties.get("chat_transcript") if contact else "")
    words = [*(word for word in it.said if word.startswith("user ")), *it.answered]
    counts = {text.count(word) for word in words}
    return counts.pop() if len(counts) == 1 else -1
