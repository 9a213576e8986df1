"""Both twins and handoffs played between them, counted: what the demo shows and tests rely on.

Nothing here knows the integration from the inside: it is driven over HTTP like the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hubspot_hitl.twins.botpress.app import BotpressTwin
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.hubspot.app import HubSpotTwin
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.wire import Json

FIRST_NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken")
LOOK_EVERY_S = 0.02


@dataclass(slots=True)
class Tally:
    """What was said and what became of it, added up over handoffs."""

    handoffs: int = 0
    user_messages: int = 0
    agent_messages: int = 0
    lost: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    problems: list[str] = field(default_factory=list[str])

    def compare(self, sent: list[str], arrived: list[str], where: str) -> None:
        """Count what is missing in `arrived`, there more than once, or not in the order sent."""
        missing = [text for text in sent if text not in arrived]
        doubled = len(arrived) - len(dict.fromkeys(arrived))
        order = [text for text in dict.fromkeys(arrived) if text in sent]
        wanted = [text for text in sent if text in arrived]
        swapped = sum(a != b for a, b in zip(order, wanted, strict=True))
        self.lost += len(missing)
        self.duplicates += doubled
        self.out_of_order += swapped
        if missing or doubled or swapped:
            self.problems.append(
                f"{where}: {len(missing)} lost, {doubled} doubled, {swapped} out of order"
            )

    @property
    def clean(self) -> bool:
        """Whether everything arrived once and in order."""
        return not (self.lost or self.duplicates or self.out_of_order or self.problems)


class Stage:
    """The two vendors on free loopback ports, and one installation between them."""

    def __init__(
        self,
        hubspot: HubSpotOptions | None = None,
        botpress: BotpressOptions | None = None,
        definition: Json | None = None,
    ) -> None:
        self.hubspot = HubSpotTwin(hubspot)
        self.botpress = BotpressTwin(botpress, definition=definition)
        self.installation: Installation | None = None

    async def start(self) -> None:
        """Listen on loopback."""
        await self.hubspot.start()
        await self.botpress.start()

    async def stop(self) -> None:
        """Stop both."""
        await self.botpress.stop()
        await self.hubspot.stop()

    def environment(self) -> dict[str, str]:
        """The settings that point a server at this stage instead of at the vendors."""
        return {
            "HITL_BOTPRESS_API_URL": self.botpress.url,
            "HITL_BOTPRESS_TOKEN": self.botpress.options.token,
            "HITL_BOTPRESS_WEBHOOK_URL": self.botpress.url,
            "HITL_HUBSPOT_API_URL": self.hubspot.url,
        }

    def configuration(self, **more: object) -> Json:
        """What a bot owner would fill in to reach the HubSpot twin's first inbox."""
        options = self.hubspot.options
        inbox = next(iter(self.hubspot.world.portals[options.portal_id].inboxes))
        return {
            "developerApiKey": options.developer_api_key,
            "appId": options.app_id,
            "clientId": options.client_id,
            "clientSecret": options.client_secret,
            "refreshToken": options.refresh_token,
            "inboxId": inbox,
            **more,
        }

    async def install(
        self, url: str, *, signing_secrets: tuple[str, ...] = (), **configuration: object
    ) -> Installation:
        """Install the integration that listens at `url` and register it.

        Raises RuntimeError with the integration's own words when it refuses.
        """
        installation = self.botpress.install(
            url, self.configuration(**configuration), signing_secrets=signing_secrets
        )
        # The app's subscriptions have one target; for one installation that is its webhook URL.
        self.hubspot.deliver_to(self.botpress.webhook_url(installation))
        answer = await self.botpress.register(installation)
        if not answer.accepted:
            raise RuntimeError(f"register was refused: {answer.message}")
        self.installation = installation
        return installation

    # -- one handoff

    async def open(self, number: int = 1) -> tuple[Chat, str]:
        """A person asks for a human; returns the chat and the thread the agents see."""
        name = f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {number}"
        chat = self.botpress.plugin.open_chat(name, f"person{number}@example.com")
        self.botpress.plugin.say(chat, "I would like to talk to a person.")
        await self.botpress.plugin.start_hitl(
            chat, title=f"Question {number}", description="The bot could not help."
        )
        return chat, self.thread_of(chat)

    def thread_of(self, chat: Chat) -> str:
        """The HubSpot thread of a chat's handoff, from the tag `id` of its conversation."""
        installation = self.botpress.world.installations[chat.webhook_id]
        bot = self.botpress.world.bot(installation.bot_id)
        return bot.conversations[chat.downstream or ""].tags["id"]

    async def play(self, number: int, messages: int, tally: Tally, *, within_s: float) -> None:
        """Play one handoff: ask, assign, `messages` each way, close; compare both sides."""
        chat, thread_id = await self.open(number)
        agent = self.hubspot.agents.list()[number % len(self.hubspot.agents.list())]
        self.hubspot.agents.assign(thread_id, agent.actor_id)
        said: list[str] = []
        answered: list[str] = []
        for index in range(messages):
            said.append(f"user {number}.{index}")
            self.botpress.plugin.say(chat, said[-1])
            answered.append(f"agent {number}.{index}")
            self.hubspot.agents.reply(thread_id, agent.actor_id, answered[-1])
            await asyncio.sleep(0)
        await reached(
            lambda: (
                len(self.heard_by_agent(thread_id)) >= messages
                and len(self.heard_by_user(chat)) >= messages
            ),
            within_s,
        )
        self.hubspot.agents.close(thread_id, agent.actor_id)
        ended = await reached(lambda: not chat.active, within_s)
        tally.handoffs += 1
        tally.user_messages += messages
        tally.agent_messages += messages
        tally.compare(said, self.heard_by_agent(thread_id), f"handoff {number}, to the agent")
        tally.compare(answered, self.heard_by_user(chat), f"handoff {number}, to the user")
        if not ended:
            tally.problems.append(f"handoff {number}: the bot was not told of the end")
        if chat.counts["hitlAssigned"] != 1:
            count = chat.counts["hitlAssigned"]
            tally.problems.append(f"handoff {number}: {count} times told who answers")

    def heard_by_agent(self, thread_id: str) -> list[str]:
        """The user's words in the thread, in order of arrival, without the opening message."""
        return [
            str(entry["text"])
            for entry in self.hubspot.transcript(thread_id)
            if entry["type"] == "MESSAGE" and entry["direction"] == "INCOMING"
        ][1:]

    def heard_by_user(self, chat: Chat) -> list[str]:
        """The agent's words in the user's chat, in order of arrival."""
        return [str(line["text"]) for line in chat.lines if line["author"] == "agent"]


async def reached(condition: Callable[[], bool], within_s: float) -> bool:
    """Wait until `condition` holds; False when it does not within the time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not condition():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(LOOK_EVERY_S)
    return True
