"""Shows what crosses the bridge, as it happens: for eyes, or as one JSON object per line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Protocol

from rich.text import Text

from hubspot_hitl.cli.lines import Terminal
from hubspot_hitl.json_values import is_list
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, Tally

_STYLES = {"user": "cyan", "agent": "green", "bot": "magenta", "call": "dim", "hook": "yellow"}


class Shows(Protocol):
    """Somebody who is told of each entry of the twins' journals."""

    def entry(self, side: str, entry: Mapping[str, object]) -> None:
        """Show one entry of `side` (`hubspot` or `botpress`)."""
        ...


async def follow(stage: Stage, timeline: Shows) -> None:
    """Pass every new entry of both journals on until cancelled; what is left is passed on then."""
    with stage.hubspot.journal.follow() as hubspot, stage.botpress.journal.follow() as botpress:
        queues = {"hubspot": hubspot, "botpress": botpress}

        async def pump(side: str) -> None:
            while True:
                timeline.entry(side, await queues[side].get())

        try:
            await asyncio.gather(*(pump(side) for side in queues))
        finally:
            for side, queue in queues.items():
                while not queue.empty():
                    timeline.entry(side, queue.get_nowait())


class JsonTimeline:
    """One JSON object per event, the figures as the last line."""

    def began(self, url: str, stage: Stage) -> None:
        """Say where everything listens."""
        self._print(
            {
                "event": "listening",
                "integration": url,
                "hubspot_twin": stage.hubspot.url,
                "botpress_twin": stage.botpress.url,
            }
        )

    def entry(self, side: str, entry: Mapping[str, object]) -> None:
        """Print one entry."""
        self._print({"event": entry["kind"], "side": side, **entry})

    def ended(self, tally: Tally, seconds: float) -> None:
        """Print the figures."""
        for problem in tally.problems:
            self._print({"event": "problem", "what": problem})
        self._print(
            {
                "handoffs": tally.handoffs,
                "user_messages": tally.user_messages,
                "agent_messages": tally.agent_messages,
                "lost": tally.lost,
                "duplicates": tally.duplicates,
                "out_of_order": tally.out_of_order,
                "seconds": round(seconds, 3),
            }
        )

    def stays(self, stage: Stage, chat: Chat, thread_id: str, page: str) -> None:
        """Print the page's address and the ids of the handoff that is open for playing."""
        self._print({"event": "open", "page": page, "chat": chat.id, "thread": thread_id})

    @staticmethod
    def _print(value: Mapping[str, object]) -> None:
        print(json.dumps(value, default=str), flush=True)  # noqa: T201 - a command's output


class Timeline:
    """Coloured lines on a terminal: when, who, what, how long."""

    def __init__(self, *, quiet: bool = False, console: Terminal | None = None) -> None:
        self._console = console or Terminal()
        self._quiet = quiet
        self._began_ms: int | None = None

    def began(self, url: str, stage: Stage) -> None:
        """Say where everything listens."""
        rows = (("integration", url), ("HubSpot twin", stage.hubspot.url))
        for name, address in (*rows, ("Botpress twin", stage.botpress.url)):
            self._console.print(Text.assemble((f"{name:>14} ", "bold"), address))
        self._console.print()

    def entry(self, side: str, entry: Mapping[str, object]) -> None:
        """Print one entry, if it is one that a person wants to see."""
        at_ms = int(str(entry["at_ms"]))
        self._began_ms = at_ms if self._began_ms is None else self._began_ms
        line = None if self._quiet else _line(side, entry)
        if line is None:
            return
        style, who, what = line
        self._console.print(
            Text.assemble(
                (f"{(at_ms - self._began_ms) / 1000:8.3f} s  ", "dim"),
                (f"{who:<18}", style),
                (what, style if style == "dim" else ""),
            )
        )

    def ended(self, tally: Tally, seconds: float) -> None:
        """Print the figures."""
        self._console.print()
        for problem in tally.problems:
            self._console.print(Text(problem, style="red"))
        self._console.print(
            Text(
                f"{tally.handoffs} handoff(s), {tally.user_messages} message(s) of users,"
                f" {tally.agent_messages} of agents in {seconds:.2f} s: lost {tally.lost},"
                f" doubled {tally.duplicates}, out of order {tally.out_of_order}",
                style="bold green" if tally.clean else "bold red",
            )
        )

    def stays(self, stage: Stage, chat: Chat, thread_id: str, page: str) -> None:
        """Say where the page is, and how to play from a terminal."""
        agent = stage.hubspot.agents.list()[0].actor_id
        user, inbox = f"{stage.botpress.url}/_twin/chats", f"{stage.hubspot.url}/_twin/threads"
        thread = f"{inbox}/{thread_id}"
        examples = (
            ("say something as the user", _post(f"{user}/{chat.id}/say", text="Hello?")),
            ("take the conversation", _post(f"{thread}/assign", agent=agent)),
            ("answer as the agent", _post(f"{thread}/reply", agent=agent, text="Hi!")),
            ("close it", _post(f"{thread}/close", agent=agent)),
            ("what the user reads", f"curl -s {user}/{chat.id}"),
            ("what the agent reads", f"curl -s {thread}"),
        )
        self._console.print()
        self._console.print(Text.assemble("Play both sides here:  ", (page, "bold green")))
        self._console.print("Or from another terminal, in a handoff that is open for you:")
        for what, command in examples:
            self._console.print(
                Text.assemble((f"  # {what}\n", "dim"), f"  {command}"), soft_wrap=True
            )
        self._console.print("Ctrl-C ends the demo.\n")
        self._quiet = False


def _post(url: str, **body: str) -> str:
    return f"curl -s {url} -d '{json.dumps(body)}'"


def _line(side: str, entry: Mapping[str, object]) -> tuple[str, str, str] | None:
    """Style, who and what of an entry; None for what is noise to a person."""
    match entry["kind"]:
        case "line":
            author = str(entry["author"])
            return _STYLES.get(author, ""), f"{author} in chat", str(entry.get("text") or "")
        case "message":
            direction = str(entry.get("direction") or entry.get("type")).lower()
            text = str(entry.get("text") or "").replace("\n", " | ")
            return "blue", f"inbox ({direction})", text[:120]
        case "thread":
            return "bold", "HubSpot thread", f"{entry['event']} {entry.get('value') or ''}"
        case "call":
            what = f"{entry['operation']} -> {entry['status']} in {entry['ms']} ms"
            return "dim", f"call to {side}", what
        case "hook":
            events = entry["events"]
            names = ", ".join(map(str, events if is_list(events) else ()))
            return "yellow", "webhook", f"{names} -> {entry['outcome']}"
        case "status":
            return "dim", "receipt", f"{entry['status']}"
        case "hitl_active":
            return "bold", "bot", "the HITL plugin is active"
        case _:
            return None
