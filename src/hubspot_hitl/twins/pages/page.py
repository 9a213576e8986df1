"""The demo page's state and verbs; :mod:`hubspot_hitl.twins.pages.server` speaks HTTP for it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Protocol

from hubspot_hitl.twins.botpress.chat import Chat, StartFailedError
from hubspot_hitl.twins.pages.feed import Feed
from hubspot_hitl.twins.pages.script import Play, perform
from hubspot_hitl.twins.pages.switches import Switchboard
from hubspot_hitl.twins.pages.view import listed, shown
from hubspot_hitl.twins.stage import FIRST_NAMES, Stage
from hubspot_hitl.twins.wire import Json

MOST_CHATS = 200
MOST_UPLOADS = 200
_KINDS = {"image": "imageUrl", "audio": "audioUrl", "video": "videoUrl"}


class Bridge(Protocol):
    """The integration's server as the page sees it: it can be killed and started again."""

    @property
    def running(self) -> bool:
        """Whether it serves."""
        ...

    @property
    def console_url(self) -> str | None:
        """Where its console is, when it has one."""
        ...

    async def crash_and_restart(self) -> None:
        """End it without warning and start it again; returns when it serves."""
        ...


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that the user sent."""

    name: str
    content: bytes
    content_type: str


class DemoPage:
    """A stage with its bridge, for a browser. `url` is set by whoever serves the page."""

    def __init__(self, stage: Stage, bridge: Bridge, *, pace: float = 1.0) -> None:
        self.stage = stage
        self.bridge = bridge
        self.feed = Feed()
        self.switches = Switchboard(stage)
        self.uploads: dict[str, Upload] = {}
        self.url = ""
        self._pace = pace
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._playing = False
        self._restarting = False

    def start(self) -> None:
        """Follow the twins' journals."""
        self.feed.start(self.stage.hubspot.journal, self.stage.botpress.journal)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.feed.stop()

    # -- what is shown

    def state(self, chat_id: str | None) -> Json:
        """Everything but the timeline. An unknown chat id shows the newest chat."""
        chats = self.stage.botpress.plugin.chats
        newest = next(reversed(chats.values()), None)
        chosen = chats.get(chat_id or "", newest)
        return {
            "bridge": "restarting" if self._restarting else self._bridge_state(),
            "console": self.bridge.console_url,
            "playing": self._playing,
            "switches": self.switches.as_json(),
            "agents": [
                {"id": agent.actor_id, "name": agent.name}
                for agent in self.stage.hubspot.agents.list()
            ],
            "chats": [listed(self.stage, chat) for chat in reversed(chats.values())][:MOST_CHATS],
            "chosen": shown(self.stage, chosen) if chosen else None,
        }

    def _bridge_state(self) -> str:
        return "running" if self.bridge.running else "down"

    def chat(self, chat_id: str) -> Chat:
        """A chat by id. Raises KeyError."""
        return self.stage.botpress.plugin.chats[chat_id]

    # -- the user's verbs

    def open_chat(self, name: str | None = None) -> Chat:
        """A new visitor."""
        number = len(self.stage.botpress.plugin.chats) + 1
        known = f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {number}"
        return self.stage.botpress.plugin.open_chat(
            name or known, f"visitor{number}@demo.example", webhook_id=self._home()
        )

    def begin_handoff(self, chat: Chat) -> None:
        """Ask for a person; how it ends shows in the timeline."""
        self._spawn(self._handoff(chat))

    def upload(self, chat: Chat, upload: Upload) -> str:
        """The user sends a file; returns the message's id."""
        if len(self.uploads) >= MOST_UPLOADS:
            del self.uploads[next(iter(self.uploads))]
        key = f"{int(time.time() * 1000):x}-{next(self._numbers)}"
        self.uploads[key] = upload
        kind = upload.content_type.partition("/")[0]
        kind, field = (kind, _KINDS[kind]) if kind in _KINDS else ("file", "fileUrl")
        payload = {field: f"{self.url}/files/{key}", "title": upload.name}
        return self.stage.botpress.plugin.send(chat, kind, payload)

    # -- everything else

    def begin_crash(self) -> None:
        """Kill the bridge and start it again."""
        if not self._restarting:
            self._spawn(self.crash())

    def begin_play(self) -> Chat | None:
        """Play the script in a new chat; None when it is being played."""
        if self._playing:
            return None
        self._playing = True
        chat = self.open_chat("Ada Visitor")
        self._spawn(self._play(chat))
        return chat

    async def crash(self) -> None:
        """Kill the bridge and return when it serves again."""
        self._restarting = True
        self._say("The bridge is killed.", "bad")
        began = time.perf_counter()
        try:
            await self.bridge.crash_and_restart()
        finally:
            self._restarting = False
        self._say(f"The bridge serves again after {time.perf_counter() - began:.1f} s.")

    async def _play(self, chat: Chat) -> None:
        play = Play(self.stage, self.switches, self.crash, self._say, self._pace)
        try:
            await perform(play, chat)
        except StartFailedError as error:
            self._say(f"The play ended: {error}", "bad")
        finally:
            self._playing = False
            self._say("The play is over. Now it is your turn.")

    async def _handoff(self, chat: Chat) -> None:
        try:
            await self.stage.botpress.plugin.start_hitl(
                chat, title="Question of a visitor", description="The bot could not help."
            )
        except StartFailedError as error:
            self._say(f"The handoff did not start: {error}", "bad")

    def _say(self, what: str, level: str = "ok") -> None:
        self.feed.say(int(time.time() * 1000), what, level=level)

    def _home(self) -> str | None:
        return self.stage.installation.webhook_id if self.stage.installation else None

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
