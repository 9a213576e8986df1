"""Both twins' journals as one numbered stream of short sentences for the page's timeline."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from hubspot_hitl.twins.journal import Journal
from hubspot_hitl.twins.wire import Json

KEPT = 2_000
_LONGEST = 160
_THREAD_WORDS = {
    "created": "conversation opened",
    "assignedTo": "assigned to",
    "status": "status is now",
    "archived": "archived",
    "isArchived": "archived",
}


class Feed:
    """Entries `{n, at_ms, from, to, what, detail, outcome, ms, level}`, with live followers.

    `from` and `to` name the parties (`user`, `bot`, `bridge`, `inbox`, `agent`); `level` is `ok`,
    `warn` or `bad`. Older entries than the last `KEPT` are forgotten. `run` tells this feed's
    numbers from those of an earlier process.
    """

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        self._entries: deque[Json] = deque(maxlen=KEPT)
        self._followers: set[asyncio.Queue[Json]] = set()
        self._last = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, hubspot: Journal, botpress: Journal) -> None:
        """Follow both journals until :meth:`stop`."""
        for side, journal in (("hubspot", hubspot), ("botpress", botpress)):
            self._tasks.append(asyncio.create_task(self._pump(side, journal), name=f"feed-{side}"))

    async def stop(self) -> None:
        """Follow no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def after(self, mark: str) -> Sequence[Json]:
        """What is kept and came after the entry of this mark; everything for another run's."""
        run, _, number = mark.rpartition("-")
        last = int(number) if run == self.run and number.isdecimal() else 0
        return [entry for entry in self._entries if entry["n"] > last]

    def mark(self, entry: Json) -> str:
        """What a page tells when it comes back: the last entry that it has."""
        return f"{self.run}-{entry['n']}"

    def say(self, at_ms: int, what: str, detail: str = "", level: str = "ok") -> None:
        """Add something that happened on the page itself."""
        self._add(at_ms, _entry("bridge", "bridge", what, detail, level=level))

    @contextmanager
    def follow(self) -> Generator[asyncio.Queue[Json]]:
        """A queue that receives every entry added while the context is open."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._followers.add(queue)
        try:
            yield queue
        finally:
            self._followers.discard(queue)

    async def _pump(self, side: str, journal: Journal) -> None:
        with journal.follow() as queue:
            while True:
                entry = await queue.get()
                told = tell(side, entry)
                if told is not None:
                    self._add(int(entry["at_ms"]), told)

    def _add(self, at_ms: int, told: Json) -> None:
        self._last += 1
        entry: Json = {"n": self._last, "at_ms": at_ms, **told}
        self._entries.append(entry)
        for follower in self._followers:
            follower.put_nowait(entry)


def tell(side: str, entry: Json) -> Json | None:
    """A journal's entry as a line of the timeline; None for what no person wants to see."""
    match entry["kind"]:
        case "line":
            author = str(entry["author"])
            source, target = ("user", "bot") if author == "user" else ("bot", "user")
            return _entry(source, target, f"{author} in the chat", entry.get("text"))
        case "operation":
            name = str(entry.get("type") or entry["operation"])
            return _call("bot", "bridge", name, entry, entry.get("status") or entry.get("problem"))
        case "call" if entry["operation"] == "front.webhook":
            return None  # told as the hook and as the operation that it becomes
        case "call":
            target = "inbox" if side == "hubspot" else "bot"
            return _call("bridge", target, str(entry["operation"]), entry, entry["status"])
        case "hook":
            names = ", ".join(map(str, entry["events"]))
            return _call("inbox", "bridge", names, entry, entry["outcome"])
        case "message" if not entry.get("text"):
            return None  # a change of status or assignment, told as such
        case "message":
            incoming = entry.get("direction") == "INCOMING"
            source, target = ("inbox", "agent") if incoming else ("agent", "inbox")
            kind = str(entry["type"]).lower().replace("_", " ")
            return _entry(source, target, f"{kind} in the inbox", entry.get("text"))
        case "thread":
            event = str(entry["event"])
            words = _THREAD_WORDS.get(event, event)
            return _entry("agent", "inbox", words, entry.get("value"))
        case "status":
            return _entry("bridge", "inbox", "receipt for the agent", entry["status"])
        case "hitl_active":
            return _entry("bot", "bot", "the bot's HITL session is active", "")
        case "dropped":
            return _entry("bot", "bot", "dropped by the bot", "", level="bad")
        case "hook_given_up":
            return _entry("inbox", "bridge", "HubSpot gave a webhook up", "", level="bad")
        case _:
            return None


def _call(source: str, target: str, what: str, entry: Json, outcome: object) -> Json:
    fine = isinstance(outcome, int) and 200 <= outcome < 300
    known = isinstance(outcome, int) and outcome < 500 and outcome not in (423, 429)
    level = "ok" if fine else "warn" if known else "bad"
    told = _entry(source, target, what, ", ".join(entry.get("faults", ())), level=level)
    return told | {"outcome": str(outcome), "ms": entry.get("ms")}


def _entry(source: str, target: str, what: str, detail: object, *, level: str = "ok") -> Json:
    text = " ".join(str(detail or "").split())
    return {
        "from": source,
        "to": target,
        "what": what,
        "detail": text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…",
        "outcome": None,
        "ms": None,
        "level": level,
    }
