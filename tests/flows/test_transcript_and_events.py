"""What a chat leaves behind: the transcript on the contact, note and outcome, events for others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.crm import make
from hubspot_hitl.twins.hubspot.records import CrmObject, Portal
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json

Install = Callable[..., Awaitable[House]]
EMAIL = "person1@example.com"


@pytest.fixture
async def install(stage: Stage, tmp_path: Path) -> AsyncIterator[Install]:
    house = House(stage, tmp_path, {"fetch_allow_private": True})

    async def install(**settings: Any) -> House:
        await house.open()
        await stage.install(house.url, **settings)
        return house

    yield install
    await house.close()


def portal_of(stage: Stage) -> Portal:
    return stage.hubspot.world.portals[stage.hubspot.options.portal_id]


def contact(stage: Stage, **properties: str) -> CrmObject:
    body = {"properties": {"email": EMAIL, **properties}}
    return make(stage.hubspot.world, portal_of(stage), "contacts", body)


def notes(stage: Stage) -> list[str]:
    found = portal_of(stage).objects.get("notes", {})
    return [str(one.properties.get("hs_note_body")) for one in found.values()]


async def spoken(house: House) -> None:
    """A chat of one message each way, that the agent ends."""
    await answered(house, *await house.handoff(1))


async def answered(house: House, chat: Chat, thread_id: str) -> None:
    """The chat that was started, to its end."""
    desk = house.stage.hubspot.agents
    agent = desk.list()[0].actor_id
    desk.assign(thread_id, agent)
    house.stage.botpress.plugin.say(chat, "my order broke")
    await house.until(chat, thread_id, user=1)
    desk.reply(thread_id, agent, "a new one is on its way")
    await house.until(chat, thread_id, user=1, agent=1)
    desk.close(thread_id)


@pytest.mark.parametrize("mode", ["at-close", "per-message"])
async def test_answers_whose_webhooks_overtake_each_other_are_in_the_transcript_once(
    stage: Stage, install: Install, mode: str
) -> None:
    person = contact(stage)
    house = await install(transcriptMode=mode)
    chat, thread_id = await house.handoff(1)
    desk, agent = stage.hubspot.agents, stage.hubspot.agents.list()[0].actor_id
    late = Fault(FaultKind.REORDER, ("webhook.channel.*",), times=1, seconds=2)
    stage.hubspot.faults.add(late)
    answers = ["one", "two", "three"]
    for text in answers:
        desk.reply(thread_id, agent, f"answer {text}")
    await house.until(chat, thread_id, agent=3)
    await stage.hubspot.settled()
    desk.close(thread_id)

    assert await reached(lambda: not chat.active, WITHIN_S)
    assert await reached(
        lambda: "answer three" in str(person.properties.get("chat_transcript")), WITHIN_S
    )
    written = str(person.properties["chat_transcript"])
    assert [written.count(f"answer {one}") for one in answers] == [1, 1, 1]


@pytest.mark.parametrize("mode", ["at-close", "per-message"])
async def test_the_contact_has_the_transcript(stage: Stage, install: Install, mode: str) -> None:
    person = contact(stage)
    house = await install(transcriptMode=mode)
    await spoken(house)
    assert await reached(
        lambda: "on its way" in str(person.properties.get("chat_transcript")), WITHIN_S
    )
    text = str(person.properties["chat_transcript"])
    assert [line.split(":")[0] for line in text.split("\n") if line] == [
        "FROM",
        "SENT AT",
        "MESSAGE",
    ] * 2
    assert text.index("my order broke") < text.index("on its way")
    made = portal_of(stage).properties["contacts"]["chat_transcript"]
    assert (made["type"], made["fieldType"]) == ("string", "textarea")
    assert notes(stage) == []


async def test_note_and_deal_tell_how_it_ended(stage: Stage, install: Install) -> None:
    person = contact(stage)
    link: Json = {"to": {"id": person.id}, "types": [{}]}
    deal = {"properties": {"dealname": "A", "dealstage": "qualifiedtobuy"}, "associations": [link]}
    open_deal = make(stage.hubspot.world, portal_of(stage), "deals", deal)
    rule = {"name": "won", "when": {"answered": True}, "then": {"deal": {"stage": "Closed Won"}}}
    house = await install(endNote=True, outcomeRules=json.dumps([rule]))
    await spoken(house)
    assert await reached(lambda: bool(notes(stage)), WITHIN_S)
    assert "made by a machine" in notes(stage)[0]
    assert "Outcome: closed by an agent" in notes(stage)[0]
    assert await reached(lambda: open_deal.properties["dealstage"] == "closedwon", WITHIN_S)


async def test_without_the_right_to_make_the_property_the_note_has_the_words(
    stage: Stage, install: Install
) -> None:
    world = stage.hubspot.world
    for grant in world.grants.values():
        grant.scopes = grant.scopes - {"crm.schemas.contacts.write"}
    person = contact(stage)
    house = await install(transcriptMode="at-close")
    await spoken(house)
    assert await reached(lambda: bool(notes(stage)), WITHIN_S)
    (note,) = notes(stage)
    said = [line.strip() for line in note.split("<br>") if line.startswith("MESSAGE:")]
    assert said == ["MESSAGE: my order broke", "MESSAGE: a new one is on its way"]
    assert "chat_transcript" not in person.properties


async def test_ticket_and_lifecycle_stage_follow_the_outcome_by_their_names(
    stage: Stage, install: Install
) -> None:
    person = contact(stage, lifecyclestage="lead")
    made = {"name": "ticket", "then": {"ticket": {"pipeline": "Escalations", "stage": "Urgent"}}}
    rules = [
        {"name": "expired", "when": {"state": ["expired"]}, "then": {"lifecycleStage": "lead"}},
        {
            "name": "answered",
            "when": {"state": ["resolved"], "reason": ["agent-closed-ticket"], "answered": True},
            "then": {
                "ticket": {"pipeline": "Escalations", "stage": "solved"},
                "lifecycleStage": "Customer",
            },
        },
    ]
    house = await install(outcomeRules=json.dumps(rules), routingRules=json.dumps([made]))
    chat, thread_id = await house.handoff(1)
    thread = stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.ticket_id is not None, WITHIN_S)
    await answered(house, chat, thread_id)
    ticket = portal_of(stage).of_type("tickets")[str(thread.ticket_id)]
    assert await reached(lambda: ticket.properties["hs_pipeline_stage"] == "772", WITHIN_S)
    assert await reached(lambda: person.properties["lifecyclestage"] == "customer", WITHIN_S)


async def test_a_stage_that_is_gone_costs_only_its_own_part(stage: Stage, install: Install) -> None:
    person = contact(stage)
    then = {"deal": {"stage": "Won"}, "ticket": {"stage": "New"}, "lifecycleStage": "customer"}
    gone = json.dumps([{"name": "all", "then": then}])
    house = await install()
    assert stage.installation is not None
    stage.installation.configuration["outcomeRules"] = gone
    await spoken(house)
    assert await reached(lambda: person.properties.get("lifecyclestage") == "customer", WITHIN_S)
    assert portal_of(stage).of_type("tickets") == {}


TYPE = ("outcome", "reason", "title", "agent", "wait_seconds", "handoff_id", "thread_id", "summary")


async def test_the_end_of_a_chat_is_an_event_on_the_time_line(
    stage: Stage, install: Install
) -> None:
    person = contact(stage)
    stage.hubspot.options.timeline_types["chat_ended"] = TYPE
    stage.hubspot.faults.add(Fault(FaultKind.RESET_AFTER, ("timeline.create",), times=1))
    house = await install(timelineEvent="chat_ended")
    await spoken(house)
    assert await reached(lambda: bool(portal_of(stage).timeline), WITHIN_S)
    (event,) = portal_of(stage).timeline.values()
    told = event["properties"]
    assert (event["objectId"], set(told)) == (person.id, set(TYPE))
    assert (told["outcome"], told["reason"]) == ("resolved", "agent-closed-ticket")
    assert "my order broke" in told["summary"]
    assert notes(stage) == []


async def test_an_app_that_has_no_time_line_leaves_a_note(stage: Stage, install: Install) -> None:
    contact(stage)
    for grant in stage.hubspot.world.grants.values():
        grant.scopes = grant.scopes - {"timeline"}
    house = await install(timelineEvent="chat_ended")
    await spoken(house)
    assert await reached(lambda: bool(notes(stage)), WITHIN_S)
    (note,) = notes(stage)
    assert "my order broke" in note
    assert "made by a machine" in note


async def test_subscribers_hear_of_a_handoff_in_order(stage: Stage, install: Install) -> None:
    heard: list[tuple[Json, web.Request]] = []

    async def hook(request: web.Request) -> web.Response:
        heard.append((await request.json(), request))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", hook)
    async with TestServer(app) as server:
        subscriber = {
            "url": str(server.make_url("/hook")),
            "headers": {"authorization": "Bearer ours"},
            "secret": "whsec_c2VjcmV0",
        }
        house = await install(eventsWebhook=json.dumps(subscriber))
        await spoken(house)

        def statuses() -> list[object]:
            told = [event for event, _ in heard if event["resource"] == "handoff"]
            return [event["payload"]["status"] for event in told]

        assert await reached(lambda: "resolved" in statuses(), WITHIN_S)
        assert statuses() == ["pending", "assigned", "resolved"]
        first, request = next(one for one in heard if one[0]["resource"] == "handoff")
        assert (first["type"], first["id"]) == ("create", first["payload"]["id"])
        assert request.headers["authorization"] == "Bearer ours"
        assert request.headers["webhook-signature"].startswith("v1,")
        assert any(e["resource"] == "agent" and e["payload"] == {"online": True} for e, _ in heard)
