"""One handoff in which every kind of message crosses both ways, and what each side saw of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json

PNG = b"\x89PNG\r\n\x1a\n" + b"." * 64
MP3 = b"ID3" + b"." * 64
OGG = b"OggS" + b"." * 64
MP4 = b"\x00\x00\x00\x18ftypisom" + b"." * 64
PDF = b"%PDF-1.7\n" + b"." * 64
SHOWN_CHARS = 110
WITHIN_S = 30.0
CARD: Json = {
    "title": "City bike",
    "subtitle": "7 gears",
    "actions": [{"action": "say", "label": "Take it", "value": "bike"}],
}
OPTIONS: list[Json] = [{"label": "Red", "value": "r"}, {"label": "Blue", "value": "b"}]


@dataclass(frozen=True, slots=True)
class Seen:
    """The transcript of each side, a line for each thing that they saw, in order."""

    by_user: list[str]
    by_agent: list[str]


class Showcase:
    """Plays it between the twins; the integration is installed on the stage already."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._plugin = stage.botpress.plugin
        self._agents = stage.hubspot.agents
        self._chat: Chat | None = None
        self._thread_id = ""

    async def play(self) -> Seen:
        """All of it, from the bot's history to the end; returns what each side saw.

        Raises RuntimeError when something does not arrive.
        """
        await self._ask()
        first, second = (one.actor_id for one in list(self._agents.list())[:2])
        self._agents.assign(self._thread_id, first)
        await self._until(lambda: self.chat.counts["hitlAssigned"] == 1, "the assignment")
        await self._user_speaks()
        await self._agent_speaks(first)
        await self._agent_steers(first, second)
        self._agents.close(self._thread_id, second)
        await self._until(lambda: not self.chat.active, "the end")
        await self._stage.hubspot.settled()
        return Seen(self.seen_by_user(), self.seen_by_agent())

    @property
    def chat(self) -> Chat:
        """The user's chat."""
        if self._chat is None:
            raise RuntimeError("nothing is played yet")
        return self._chat

    # -- the play

    async def _ask(self) -> None:
        self._chat = self._plugin.open_chat("Ada Lovelace", "ada@example.com")
        self._plugin.say(self._chat, "I need a bike, and a person.")
        await self._plugin.start_hitl(
            self._chat,
            title="A bike",
            description="The user wants to buy one.",
            history=self._history(),
            session={"language": "en", "reason": "The user asked for a person"},
        )
        self._thread_id = self._stage.thread_of(self._chat)
        await self._until(lambda: bool(self._comments()), "the history")

    def _history(self) -> list[Json]:
        """One entry of each of the twelve kinds."""
        user: Json = {"type": "user", "userId": "u"}
        kinds: list[tuple[str, Json]] = [
            ("text", {"text": "I need a bike, and a person."}),
            ("image", {"imageUrl": self._file("bike.png", PNG, "image/png"), "title": "Bike"}),
            ("audio", {"audioUrl": self._file("bell.mp3", MP3, "audio/mpeg")}),
            ("video", {"videoUrl": self._file("ride.mp4", MP4, "video/mp4")}),
            ("file", {"fileUrl": self._file("prices.pdf", PDF, "application/pdf")}),
            ("location", {"latitude": 52.5, "longitude": 13.4, "title": "Shop"}),
            ("card", CARD),
            ("carousel", {"items": [CARD, {**CARD, "title": "Cargo bike"}]}),
            ("choice", {"text": "Which colour?", "options": OPTIONS}),
            ("dropdown", {"text": "Which size?", "options": OPTIONS}),
            ("bloc", {"items": [{"type": "text", "payload": {"text": "In a bloc"}}]}),
            ("markdown", {"markdown": "**Sale** until Friday"}),
        ]
        return [
            {"source": user if not number else {"type": "bot"}, "type": kind, "payload": payload}
            for number, (kind, payload) in enumerate(kinds)
        ]

    async def _user_speaks(self) -> None:
        """What the plugin lets through, then what only the channel and `sendMessage` carry."""
        image = {"imageUrl": self._file("mine.png", PNG, "image/png"), "title": "My bike"}
        audio = {"audioUrl": self._file("noise.mp3", MP3, "audio/mpeg")}
        video = {"videoUrl": self._file("wheel.mp4", MP4, "video/mp4")}
        file = {"fileUrl": self._file("bill.pdf", PDF, "application/pdf"), "title": "The bill"}
        place: Json = {"latitude": 48.1, "longitude": 11.6, "address": "Marienplatz 1"}
        bloc: list[Json] = [
            {"type": "text", "payload": {"text": "Look:"}},
            {"type": "image", "payload": image},
            {"type": "audio", "payload": audio},
            {"type": "video", "payload": video},
            {"type": "file", "payload": file},
            {"type": "location", "payload": place},
            {"type": "markdown", "payload": {"markdown": "It **squeaks**"}},
        ]
        sent: list[tuple[str, Json]] = [
            ("text", {"text": "My bike squeaks."}),
            ("text", {"text": "שלום, e\u0301té 👩\u200d🔧"}),
            ("text", {"text": "squeak " * 2_000}),
            ("text", {"text": " "}),
            ("image", image),
            ("audio", audio),
            ("video", video),
            ("file", file),
            ("image", {"imageUrl": f"{self._stage.botpress.url}/_files/gone/gone.png"}),
            ("bloc", {"items": bloc}),
        ]
        for kind, payload in sent:
            self._plugin.send(self.chat, kind, payload)
        await self._until(lambda: len(self._said_by_user()) >= len(sent) + 1, "the user's words")
        for kind, payload in (
            ("location", place),
            ("markdown", {"markdown": "_really_ loud"}),
            ("card", CARD),
            ("carousel", {"items": [CARD, {**CARD, "title": "Cargo bike"}]}),
            ("choice", {"text": "Which colour?", "options": OPTIONS}),
            ("dropdown", {"text": "Which size?", "options": OPTIONS}),
        ):
            await self._send_message({"type": kind, "payload": payload})
        await self._until(lambda: len(self._said_by_user()) >= len(sent) + 7, "what the bot sent")

    async def _agent_speaks(self, agent: str) -> None:
        first = self._reply(agent, "Hello Ada, I am here.")
        self._reply(
            agent,
            "Two steps: oil, then turn",
            rich_text="<p>Two steps:</p><ol><li><b>oil</b></li><li>then <i>turn</i></li></ol>",
        )
        picture = self._agents.attach(self._thread_id, "step.png", PNG, "image/png", "IMAGE")
        inline = f'<p>Here:</p><img src="{picture["url"]}" alt="step"><p>Turn it.</p>'
        self._reply(agent, "Here: Turn it.", rich_text=inline)
        for name, content, type_, usage in (
            ("step.png", PNG, "image/png", "IMAGE"),
            ("squeak.mp3", MP3, "audio/mpeg", "AUDIO"),
            ("note.ogg", OGG, "audio/ogg", "VOICE_RECORDING"),
            ("how.mp4", MP4, "video/mp4", "OTHER"),
            ("offer.pdf", PDF, "application/pdf", "OTHER"),
        ):
            attached = self._agents.attach(self._thread_id, name, content, type_, usage)
            self._reply(agent, f"With {name}", attachments=[attached])
        self._reply(agent, "I mean this", in_reply_to=first)
        self._reply(agent, "long " * 1_200)
        self._reply(agent, " ")
        self._reply(agent, "Repair or new one?", quick_replies=["Repair", "New one"])
        await self._until(lambda: "2. New one" in self._agents_lines(), "the agent's words")
        self._plugin.say(self.chat, "1")
        await self._until(lambda: "1 (Repair)" in self._said_by_user(), "the answer")

    async def _agent_steers(self, first: str, second: str) -> None:
        for comment in ("She is in a hurry.", "/who", "/wait 10m"):
            self._agents.comment(self._thread_id, first, comment)
        await self._until(lambda: "Please wait" in self._agents_lines(), "the wait")
        self._agents.assign(self._thread_id, second)
        await self._until(lambda: self.chat.counts["hitlAssigned"] == 2, "the colleague")
        self._reply(second, "I take over.")
        await self._until(lambda: "I take over." in self._agents_lines(), "the last words")

    def _reply(self, agent: str, text: str, **more: object) -> str:
        return self._agents.reply(self._thread_id, agent, text, **more)  # type: ignore[arg-type]

    async def _send_message(self, message: Json) -> None:
        installation = self._stage.botpress.world.installations[self.chat.webhook_id]
        answer = await self._stage.botpress.operations.action(
            installation,
            "sendMessage",
            {
                "conversationId": self.chat.downstream,
                "message": message,
                "userId": self.chat.person.downstream,
            },
        )
        if not answer.accepted:
            raise RuntimeError(f"sendMessage was refused: {answer.message}")

    def _file(self, name: str, content: bytes, content_type: str) -> str:
        """The address of a user's file, kept where Botpress keeps files."""
        world = self._stage.botpress.world
        installation = world.installations[self.chat.webhook_id]
        bot = world.bot(installation.bot_id)
        file_id = f"upload-{len(bot.files)}-{name}"
        bot.files[file_id] = {
            "id": file_id,
            "key": name,
            "contentType": content_type,
            "_content": content,
        }
        return f"{self._stage.botpress.url}/_files/{bot.id}/{file_id}"

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        if not await reached(condition, WITHIN_S):
            raise RuntimeError(f"{what} did not arrive")

    # -- what was seen

    def _comments(self) -> list[Json]:
        every = self._stage.hubspot.transcript(self._thread_id)
        return [one for one in every if one["type"] == "COMMENT"]

    def _said_by_user(self) -> list[str]:
        return self._stage.heard_by_agent(self._thread_id)

    def _agents_lines(self) -> str:
        return "\n".join(self._stage.heard_by_user(self.chat))

    def seen_by_user(self) -> list[str]:
        """The chat, as the person read it."""
        return [
            f"{line.get('name') or line['author']}: {_words(line['type'], line['payload'])}"
            for line in self.chat.lines
        ]

    def seen_by_agent(self) -> list[str]:
        """The thread, as the agents read it."""
        lines: list[str] = []
        for one in self._stage.hubspot.transcript(self._thread_id):
            if one["type"] not in {"MESSAGE", "COMMENT"}:
                news = one.get("assignedTo") or one.get("newStatus") or ""
                lines.append(f"({one['type'].lower().replace('_', ' ')} {news})")
                continue
            who = one["name"] or one["author"]
            private = " (comment)" if one["type"] == "COMMENT" else ""
            kinds = " ".join(f"[{_attached(item)}]" for item in one["attachments"])
            status = f" <{one['status']}>" if one["direction"] == "OUTGOING" else ""
            text = str(one["text"]).lstrip("\u200c\u200d")  # marks that no reader sees
            words = _short(f"{text} {kinds}".strip())
            lines.append(f"{who}{private}: {words}{status}")
        return lines


def _words(kind: str, payload: Json) -> str:
    if kind == "text":
        return _short(str(payload["text"]))
    url = str(payload.get(f"{kind}Url", ""))
    title = str(payload.get("title") or "")
    if kind == "bloc":
        return _short("[bloc] " + ", ".join(item["type"] for item in payload["items"]))
    return _short(f"[{kind}] {title} {'(a link)' if url.startswith('http') else ''}".strip())


def _attached(item: Json) -> str:
    name = item.get("fileUsageType") or ""
    return f"{item['type']} {name}".strip()


def _short(text: str) -> str:
    flat = " / ".join(line.strip() for line in text.strip().splitlines() if line.strip())
    rest = len(flat) - SHOWN_CHARS
    return f"{flat[:SHOWN_CHARS]}... (+{rest} characters)" if rest > 0 else flat
