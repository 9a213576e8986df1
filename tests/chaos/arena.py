"""Both twins, a server between them that may be ill-treated, and conversations that are counted."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import signal
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from tests.chaos.nursery import Child
from tests.commands import clean_environment
from tests.flows.conftest import DEFINITION
from tests.ports import own_port

from hubspot_hitl.app import create_app
from hubspot_hitl.cli.serve import start_server
from hubspot_hitl.settings import from_environment
from hubspot_hitl.twins.botpress.chat import Chat, StartFailedError
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage, Tally, reached
from hubspot_hitl.twins.wire import Json

LONG = os.environ.get("CHAOS") == "long"
SEED = int(os.environ.get("SEED") or (random.randrange(1_000_000) if LONG else 1))
"""The suite plays the same plan each time; `make chaos` looks for a new one."""
WITHIN_S = 600.0 if LONG else float(os.environ.get("WITHIN_S", "60"))
HISTORY: list[Json] = [{"source": {"type": "bot"}, "type": "text", "payload": {"text": "Hi"}}]
FIGURES: list[tuple[str, str]] = []
"""What runs measured, printed at the end as one table."""
STRUCK: Counter[str] = Counter()
"""How often which fault came true, in all runs."""
KEYS = f"test:{base64.b64encode(bytes(32)).decode()}"

SELDOM = 0.01 if LONG else 0.04
EVERYTHING_FAILS_SOMETIMES = (
    Fault(FaultKind.ERROR_500, probability=0.05),
    Fault(FaultKind.RATE_LIMIT, probability=0.05, retry_after_s=0),
    Fault(FaultKind.RESET_BEFORE, probability=SELDOM),
    Fault(FaultKind.RESET_AFTER, probability=SELDOM),
    Fault(FaultKind.CUT_OFF, probability=SELDOM),
)


@asynccontextmanager
async def new_stage() -> AsyncGenerator[Stage]:
    """Both twins without limits, their webhooks and operations retried quickly."""
    stage = Stage(
        HubSpotOptions(rate_limit=None, hook_retry_base_s=0.1, hook_retry_most_s=2.0),
        BotpressOptions(rate_limit_per_s=None, message_retries=100, message_retry_most_s=1.0),
        definition=DEFINITION,
    )
    stage.hubspot.faults.seed = stage.botpress.faults.seed = SEED
    await stage.start()
    try:
        yield stage
    finally:
        for name, vendor in (("hubspot", stage.hubspot), ("botpress", stage.botpress)):
            STRUCK.update({f"{name} {kind}": n for kind, n in vendor.faults.struck.items()})
        await stage.stop()


def figure(what: str, found: str) -> None:
    """Keep a line of the table."""
    FIGURES.append((what, found))


@dataclass(slots=True)
class Server:
    """Where a server is to listen, and what it is told by its environment."""

    stage: Stage
    folder: Path
    database_url: str
    port: int = field(default_factory=own_port)
    more: dict[str, str] = field(default_factory=dict[str, str])
    runner: web.AppRunner | None = None
    process: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def engine(self) -> str:
        return self.database_url.partition(":")[0]

    def environment(self) -> dict[str, str]:
        return {
            **self.stage.environment(),
            "HITL_HOST": "127.0.0.1",
            "HITL_PORT": str(self.port),
            "HITL_PUBLIC_URL": self.url,
            "HITL_DATA_DIR": str(self.folder),
            "HITL_DATABASE_URL": self.database_url,
            "HITL_SECRET_KEYS": KEYS,
            "HITL_START_MARGIN_MS": "50",
            "HITL_LEASE_S": "2",
            "HITL_SHUTDOWN_GRACE_S": "5",
            "HITL_LOG_LEVEL": "critical",
            **self.more,
        }

    # -- in this process
    async def open(self) -> None:
        settings = from_environment(self.environment(), env_file=None)
        self.runner = await start_server(create_app(settings), settings)

    async def close(self) -> None:
        runner, self.runner = self.runner, None
        if runner is not None:
            await runner.cleanup()

    # -- as a process of its own
    async def spawn(self, *arguments: str) -> None:
        """Start `serve`; returns when it answers. `arguments` go to `serve_child.py`."""
        self.process = Child({**clean_environment(), **self.environment()}, arguments)
        assert await reached(lambda: self.listens(), 60), "the server did not start"

    def listens(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, f"it ended with {self.process.returncode}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and wait; returns the exit status."""
        process, self.process = self.process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(how)
        return await process.wait()


async def healthy(url: str) -> int:
    """The status of `/readyz`, 0 when nobody answers."""
    async with aiohttp.ClientSession() as http:
        try:
            async with http.get(f"{url}/readyz") as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


async def begin(stage: Stage, number: int, within_s: float = WITHIN_S) -> tuple[Chat, str]:
    """Start a handoff; the bot asks again, word for word, until it gets an answer."""
    chat = stage.botpress.plugin.open_chat(f"Person {number}", f"person{number}@example.com")
    stage.botpress.plugin.say(chat, "I would like to talk to a person.")
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            await stage.botpress.plugin.start_hitl(chat, title=f"Q {number}", history=HISTORY)
        except StartFailedError:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.1)
            continue
        return chat, stage.thread_of(chat)


@dataclass(slots=True)
class Talk:
    """What one handoff is made of."""

    number: int
    chat: Chat
    thread_id: str
    agent_id: str
    said: list[str] = field(default_factory=list[str])
    answered: list[str] = field(default_factory=list[str])

    async def exchange(self, stage: Stage, messages: int, *, pause_s: float = 0.003) -> None:
        """Both write, each `messages` times; no two of the agent's have the same time."""
        for _ in range(messages):
            self.said.append(f"user {self.number}.{len(self.said)}")
            stage.botpress.plugin.say(self.chat, self.said[-1])
            self.answered.append(f"agent {self.number}.{len(self.answered)}")
            stage.hubspot.agents.reply(self.thread_id, self.agent_id, self.answered[-1])
            await asyncio.sleep(pause_s)

    def arrived(self, stage: Stage) -> bool:
        return len(stage.heard_by_agent(self.thread_id)) >= len(self.said) and len(
            stage.heard_by_user(self.chat)
        ) >= len(self.answered)

    async def finish(self, stage: Stage, tally: Tally, within_s: float = WITHIN_S) -> None:
        """Wait for everything, close, wait for the end, and count."""
        await reached(lambda: self.arrived(stage), within_s)
        stage.hubspot.agents.close(self.thread_id, self.agent_id)
        ended = await reached(lambda: not self.chat.active, within_s)
        tally.handoffs += 1
        tally.user_messages += len(self.said)
        tally.agent_messages += len(self.answered)
        where = f"handoff {self.number}"
        tally.compare(self.said, stage.heard_by_agent(self.thread_id), f"{where}, to the agent")
        tally.compare(self.answered, stage.heard_by_user(self.chat), f"{where}, to the user")
        if not ended:
            tally.problems.append(f"{where}: the bot was not told of the end")
        if self.chat.counts["hitlAssigned"] > 1:
            tally.problems.append(f"{where}: {self.chat.counts['hitlAssigned']} times assigned")
        self._look_at_the_thread(stage, tally)

    def _look_at_the_thread(self, stage: Stage, tally: Tally) -> None:
        entries = stage.hubspot.transcript(self.thread_id)
        comments = [str(entry["text"]) for entry in entries if entry["type"] == "COMMENT"]
        if len(comments) != len(set(comments)):
            tally.problems.append(f"handoff {self.number}: a comment twice")
        messages = [str(entry["text"]) for entry in entries if entry["type"] == "MESSAGE"]
        openings = [text for text in messages if "Title: " in text]
        if len(openings) != 1:
            tally.problems.append(f"handoff {self.number}: {len(openings)} opening messages")


async def talk(stage: Stage, number: int, within_s: float = WITHIN_S) -> Talk:
    """A started handoff that an agent has taken."""
    chat, thread_id = await begin(stage, number, within_s)
    agents = stage.hubspot.agents.list()
    agent_id = agents[number % len(agents)].actor_id
    stage.hubspot.agents.assign(thread_id, agent_id)
    return Talk(number, chat, thread_id, agent_id)


async def play_all(
    stage: Stage,
    handoffs: int,
    messages: int,
    *,
    at_once: int = 25,
    first: int = 1,
    pause_s: float = 0.003,
) -> Tally:
    """Play handoffs, some at a time, from the start to the end."""
    tally = Tally()
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with gate:
            it = await talk(stage, number)
            await it.exchange(stage, messages, pause_s=pause_s)
            await it.finish(stage, tally)

    await asyncio.gather(*(one(number) for number in range(first, first + handoffs)))
    return tally


def verdict(tally: Tally, handoffs: int, messages: int) -> None:
    """Fail with the seed unless everything arrived once and in order."""
    wanted = Tally(handoffs, handoffs * messages, handoffs * messages)
    assert tally == wanted, f"SEED={SEED}: {tally}"


def struck(stage: Stage, kinds: Sequence[FaultKind]) -> bool:
    """Whether faults of all these kinds came true at one of the vendors at least."""
    counts: Callable[[str], int] = lambda kind: (  # noqa: E731
        stage.hubspot.faults.struck[kind] + stage.botpress.faults.struck[kind]
    )
    return all(counts(kind.value) for kind in kinds)
