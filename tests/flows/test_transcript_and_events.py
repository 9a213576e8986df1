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
    chat, thread_id = await house.handoff(1)
    desk = house.stage.hubspot.agents
    agent = desk.list()[0].actor_id
    desk.assign(thread_id, agent)
    house.stage.botpress.plugin.say(chat, "my order broke")
    await house.until(chat, thread_id, user=1)
    desk.reply(thread_id, agent, "a new one is on its way")
    await house.until(chat, thread_id, user=1, agent=1)
    desk.close(thread_id)


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
    assert "resolved" in notes(stage)[0]
    assert await reached(lambda: open_deal.properties["dealstage"] == "closedwon", WITHIN_S)


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
