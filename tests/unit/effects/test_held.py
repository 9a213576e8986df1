"""A reply after the end of a chat: held until the user is with an agent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.databases import migrated_database
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.effects.held import LONGEST_MS, deliver_held
from hubspot_hitl.handoff.machine import reopen
from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState, Person
from hubspot_hitl.intake.codec import message_to_json
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, Done, Later, NewDelivery
from hubspot_hitl.store.handoffs import SqlHandoffs

ENDED = handoff(
    state=HandoffState.RESOLVED, end_reason=EndReason.AGENT_CLOSED, ended_ms=5, thread_id=None
)
LATE = ThreadMessage(
    id="late", type="MESSAGE", created_ms=6, created_by="A-1", direction="OUTGOING", text="So long"
)


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms() as rooms:
        services = rooms.services
        await services.installations.remember(installation(lateReplies="hold"))
        await services.handoffs.open(ENDED)
        await services.people.remember(
            Person(
                "hook",
                await somebody(rooms),
                "Ada",
                actor_id="A-1",
                seen_ms=services.clock.now_ms(),
            )
        )
        yield rooms


async def somebody(rooms: Rooms) -> str:
    user, _ = await rooms.bot.get_or_create_user({"actorId": "A-1"}, discriminate_by=["actorId"])
    return user.id


async def held(rooms: Rooms) -> Delivery:
    ledger = rooms.services.ledger
    body = {
        "message": message_to_json(LATE),
        "channelId": "100",
        "heldMs": rooms.services.clock.now_ms(),
    }
    await ledger.accept([NewDelivery("k", "held", "hubspot.held", "hook", body, ENDED.id)])
    (it,) = await ledger.find(DeliveryFilter())
    return it


async def next_chat(rooms: Rooms, **values: object) -> Handoff:
    room, _ = await rooms.bot.get_or_create_conversation(
        "hitl", {"id": "2"}, discriminate_by=["id"]
    )
    return await rooms.services.handoffs.open(
        handoff(
            id="next",
            start_key="other",
            integration_thread_id="own-2",
            thread_id="10",
            conversation_id=room.id,
            **values,
        )
    )


async def test_a_late_reply_waits_for_the_user(rooms: Rooms) -> None:
    assert isinstance(await deliver_held(rooms.services, await held(rooms)), Later)


async def test_a_late_reply_waits_until_an_agent_is_there(rooms: Rooms) -> None:
    await next_chat(rooms)
    assert isinstance(await deliver_held(rooms.services, await held(rooms)), Later)
    assert not rooms.bot.messages


async def test_a_late_reply_goes_into_the_users_next_chat_once(rooms: Rooms) -> None:
    following = await next_chat(rooms, announced=("A-1",))
    it = await held(rooms)
    for _ in "12":
        assert isinstance(await deliver_held(rooms.services, it), Done)
    (message,) = rooms.bot.messages.values()
    assert message.conversation_id == following.conversation_id
    assert message.payload == {"text": "So long"}
    assert "set_message_status 100 late SENT" in rooms.portal.calls


async def test_a_held_reply_waits_for_the_agent_of_a_resumed_chat(rooms: Rooms) -> None:
    """The question is answered, the agent is not announced yet: that is no silence of the bot."""
    handoffs = rooms.services.handoffs
    await rooms.services.installations.remember(installation(reopen="resume"))
    ended = await handoffs.get(ENDED.id)
    assert ended is not None
    await handoffs.save(replace(ended, state=HandoffState.ASSIGNED))
    assert isinstance(await deliver_held(rooms.services, await held(rooms)), Later)


async def test_a_reply_that_waits_for_news_is_refused_when_none_comes(rooms: Rooms) -> None:
    it = await held(rooms)
    now_ms = rooms.services.clock.now_ms()
    waiting = replace(it, body={**it.body, "newsUntilMs": now_ms + 1})
    assert isinstance(await deliver_held(rooms.services, waiting), Later)
    outcome = await deliver_held(
        rooms.services, replace(it, body={**it.body, "newsUntilMs": now_ms})
    )
    assert isinstance(outcome, Done)
    assert [told.body["status"] for told in outcome.then] == ["FAILED"]


async def test_a_held_reply_learns_that_another_replica_brought_the_user_back(
    rooms: Rooms, tmp_path: Path
) -> None:
    """Its lane is the user's, so nobody tells this replica that the handoff moved."""
    async with migrated_database("sqlite", tmp_path) as database:
        ours, theirs = SqlHandoffs(database), SqlHandoffs(database)
        services = replace(rooms.services, handoffs=ours)
        room, _ = await rooms.bot.get_or_create_conversation(
            "hitl", {"id": "1"}, discriminate_by=["id"]
        )
        ended = await ours.open(replace(ENDED, conversation_id=room.id))
        it = await held(rooms)
        now_ms = services.clock.now_ms()
        early = replace(it, body={**it.body, "newsUntilMs": now_ms + 1})
        assert isinstance(await deliver_held(services, early), Later)
        await theirs.save(replace(reopen(ended, now_ms), announced=("A-1",)))
        late = replace(it, body={**it.body, "newsUntilMs": now_ms})
        assert isinstance(await deliver_held(services, late), Done)
    (message,) = rooms.bot.messages.values()
    assert (message.conversation_id, message.payload) == (room.id, {"text": "So long"})


async def test_another_users_chat_is_none_of_its_business(rooms: Rooms) -> None:
    await next_chat(rooms, announced=("A-1",), user_id="user-2")
    assert isinstance(await deliver_held(rooms.services, await held(rooms)), Later)


async def test_a_late_reply_is_failed_when_the_user_never_comes_back(rooms: Rooms) -> None:
    it = await held(rooms)
    long_ago = {**it.body, "heldMs": rooms.services.clock.now_ms() - LONGEST_MS}
    outcome = await deliver_held(rooms.services, replace(it, body=long_ago))
    assert isinstance(outcome, Done)
    (told,) = outcome.then
    assert told.body["status"] == "FAILED"
    assert told.body["reason"]
