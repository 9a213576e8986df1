"""The scripted play: one handoff with an outage and a crash in the middle, for those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.pages.switches import Switchboard
from hubspot_hitl.twins.stage import Stage, reached

CATCH_UP_S = 30.0


@dataclass(frozen=True, slots=True)
class Play:
    """Everything the script moves. `pace` scales the pauses for reading; 0 means none."""

    stage: Stage
    switches: Switchboard
    crash: Callable[[], Awaitable[None]]
    narrate: Callable[[str], None]
    pace: float = 1.0

    async def pause(self, seconds: float) -> None:
        """Time to read."""
        await asyncio.sleep(seconds * self.pace)


async def perform(play: Play, chat: Chat) -> None:
    """Play the script in `chat`. Faults it puts on are off at the end, whatever happens."""
    try:
        await _perform(play, chat)
    finally:
        play.switches.put("outage", on=False)


async def _perform(play: Play, chat: Chat) -> None:
    stage, say = play.stage, play.stage.botpress.plugin.say
    agents = stage.hubspot.agents
    me = agents.list()[0].actor_id

    play.narrate("A visitor asks the bot for a person.")
    say(chat, "My parcel never came. Can I talk to a person?")
    await play.pause(1)
    await stage.botpress.plugin.start_hitl(
        chat, title="Parcel missing", description="Order 4711, nine days late."
    )
    thread = stage.thread_of(chat)
    await play.pause(1.5)

    play.narrate("An agent takes the conversation and answers.")
    agents.assign(thread, me)
    await play.pause(1.2)
    agents.reply(thread, me, "Hello! I am looking at your order now.")
    await play.pause(1.5)
    agents.comment(thread, me, "Carrier says it is in the depot. The visitor does not see this.")
    await play.pause(1.2)
    agents.reply(
        thread, me, "It is in the depot. What shall we do?", quick_replies=("Deliver", "Refund")
    )
    await play.pause(1.8)
    say(chat, "Deliver, please")
    await play.pause(1.2)

    play.narrate("HubSpot goes down. The visitor writes on; nothing is lost.")
    play.switches.put("outage", on=True)
    say(chat, "Can it come on Saturday?")
    await play.pause(1)
    say(chat, "Before noon would be best.")
    await play.pause(2.5)
    play.narrate("HubSpot is back: the messages arrive in the order in which they were written.")
    play.switches.put("outage", on=False)
    await reached(lambda: len(stage.heard_by_agent(thread)) >= 3, CATCH_UP_S)
    await play.pause(1.5)

    play.narrate("The bridge is killed in the middle of a conversation, and started again.")
    agents.reply(thread, me, "Saturday before noon works.")
    say(chat, "Wonderful!")
    await play.crash()
    await reached(
        lambda: len(stage.heard_by_agent(thread)) >= 4 and len(stage.heard_by_user(chat)) >= 3,
        CATCH_UP_S,
    )
    await play.pause(1.5)

    play.narrate("The agent closes the conversation; the bot takes over again.")
    agents.close(thread, me)
    await reached(lambda: not chat.active, CATCH_UP_S)
    play.narrate("The end: everything arrived once and in order.")
