"""Whatever agents write to each other, no word of it ever leaves to the bot's side."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rooms import FakePortal, Rooms, handoff, installation, open_rooms

from hubspot_hitl.botpress.memory import MemoryRuntime
from hubspot_hitl.dispatch import DELIVERY_HANDLERS
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake.hubspot_events import NEW_MESSAGE, HubSpotEvent, agent_message, delivery
from hubspot_hitl.ports.hubspot_records import Actor, Published, Thread, ThreadMessage
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Done,
    Ledger,
    NewDelivery,
)
from hubspot_hitl.ports.services import Portals, Services

SECRET = "zq-private-zq"
Road = Literal["webhook", "hook", "quoted", "history"]


@dataclass(slots=True)
class Desk(FakePortal):
    """A portal whose agents write comments."""

    written: list[str] = field(default_factory=list[str])

    async def thread_message(self, thread_id: str, message_id: str) -> ThreadMessage:
        return next(one for one in self.history if one.id == message_id)

    async def original_content(self, thread_id: str, message_id: str) -> tuple[str, str | None]:
        entry = await self.thread_message(thread_id, message_id)
        return entry.text, entry.rich_text

    async def comment(self, thread_id: str, text: str, *, rich_text: str | None = None) -> str:
        self.written.append(text)
        return f"ours-{len(self.written)}"

    async def actor(self, actor_id: str) -> Actor:
        return Actor(actor_id, "AGENT", "Ada")

    async def thread(self, thread_id: str) -> Thread:
        return Thread(thread_id, "OPEN")

    async def set_thread_status(self, thread_id: str, status: str) -> None:
        self.calls.append(f"set_thread_status {status}")

    async def publish(self, message: object) -> Published:
        return Published("published", "10")


@dataclass(frozen=True, slots=True)
class Unhurried:
    """The ledger of the rooms, whose worker does not run: nothing is marked as begun."""

    ledger: Ledger

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)

    async def mark_started(self, delivery: Delivery) -> None:
        return None


def note(number: int, text: str, rich_text: str | None = None) -> ThreadMessage:
    return ThreadMessage(
        id=f"c{number}",
        type="COMMENT",
        created_ms=handoff().created_ms + number,
        created_by="A-1",
        direction="OUTGOING",
        text=text,
        rich_text=rich_text,
    )


def told(comment: ThreadMessage, road: Road, home: Handoff) -> NewDelivery:
    """The delivery by which the comment could get out."""
    if road == "webhook":
        event = HubSpotEvent(
            NEW_MESSAGE, comment.id, "9", comment.created_ms, {"messageId": comment.id}
        )
    elif road == "quoted":
        reply = replace(comment, id=f"r{comment.id}", type="MESSAGE", text="yes", rich_text=None)
        event = agent_message(replace(reply, in_reply_to=comment.id), "9", (), "100")
    else:
        event = agent_message(comment, "9", (), "100")
    return delivery("hook", home.id, event)


async def run(services: Services) -> None:
    """Do everything that is to be done, and what follows from it."""
    wanted = DeliveryFilter(states=[DeliveryState.READY], newest_first=False)
    for _ in range(200):
        left: list[Delivery] = [
            it
            for it in await services.ledger.find(wanted)
            if not it.timer and it.kind in DELIVERY_HANDLERS
        ]
        if not left:
            return
        outcome = await DELIVERY_HANDLERS[left[0].kind](services, left[0])
        await services.ledger.discard([left[0].seq])
        if isinstance(outcome, Done) and outcome.then:
            await services.ledger.accept(outcome.then)


async def furnish(rooms: Rooms, mode: str = "note") -> tuple[Rooms, Desk]:
    desk = Desk(rooms.clock)
    home = handoff(agent_actor_id="A-1", announced=("A-1",))
    conversation, _ = await rooms.bot.get_or_create_conversation(
        "hitl", {"id": "9"}, discriminate_by=["id"]
    )
    services = replace(
        rooms.services,
        hubspot=cast("Portals", Everyone(desk)),
        ledger=cast("Ledger", Unhurried(rooms.services.ledger)),
    )
    await services.installations.remember(installation(lateReplies=mode))
    await services.handoffs.open(replace(home, conversation_id=conversation.id))
    return replace(rooms, services=services), desk


@dataclass(frozen=True, slots=True)
class Everyone:
    """One desk for all."""

    desk: Desk

    def of(self, _installation: object) -> Desk:
        return self.desk


COMMANDS = ("", "/bot ", "/end ", "/transfer ", "/wait ", "/reask ", "/who ", "/help ", "/x ")


@st.composite
def comments(draw: st.DrawFn) -> str:
    """A note or a command, with the secret somewhere in it."""
    command = draw(st.sampled_from(COMMANDS))
    return f"{command}{draw(st.text(max_size=20))}{SECRET}{draw(st.text(max_size=20))}"


@given(
    texts=st.lists(comments(), min_size=1, max_size=4),
    roads=st.lists(
        st.sampled_from(["webhook", "hook", "quoted", "history"]), min_size=4, max_size=4
    ),
    rich=st.booleans(),
)
async def test_no_comment_ever_reaches_the_bot(
    texts: list[str], roads: list[Road], rich: bool
) -> None:
    async with open_rooms() as opened:
        rooms, desk = await furnish(opened)
        desk.history = [
            note(number, text, f"<p>{text}</p>" if rich else None)
            for number, text in enumerate(texts)
        ]
        for comment, road in zip(desk.history, roads, strict=False):
            await rooms.services.ledger.accept([told(comment, road, handoff())])
            await run(rooms.services)
        assert SECRET not in everything_of(rooms.bot)


@pytest.mark.parametrize("command", ["/bot", "/end", "/wait 5m", "/reask", "/who", "/help", "/no"])
async def test_every_command_is_answered_by_a_comment_and_nothing_else(command: str) -> None:
    async with open_rooms() as opened:
        rooms, desk = await furnish(opened)
        desk.history = [note(1, command)]
        await rooms.services.ledger.accept([told(desk.history[0], "webhook", handoff())])
        await run(rooms.services)
        assert len(desk.written) == 1
        assert not desk.written[0].startswith("/")


def everything_of(bot: MemoryRuntime) -> str:
    return repr((bot.messages, bot.events, bot.conversations, bot.users, bot.states, bot.files))
