"""The four actions over the wire: what goes in and comes out, held against the definition."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from jsonschema import validate
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.integration.messages import MESSAGES
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.botpress.operations import OperationAnswer
from hubspot_hitl.twins.botpress.records import Bot
from hubspot_hitl.twins.hubspot.records import CrmObject
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json

ACTIONS = cast("Json", load_definition()["actions"])


class Wire:
    """Stands between Botpress and the server and notes every action: name, input, output."""

    def __init__(self) -> None:
        self.target = ""
        self.seen: list[tuple[str, Any, Any]] = []

    async def relay(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {n: v for n, v in request.headers.items() if n.lower() != "host"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.target, data=body, headers=headers) as answer,
        ):
            content = await answer.read()
        if headers["x-bp-operation"] == "action_triggered" and answer.status == 200:
            told = json.loads(body)
            self.seen.append((told["type"], told["input"], json.loads(content)["output"]))
        return web.Response(status=answer.status, body=content, content_type="application/json")


@pytest.fixture
async def wire(stage: Stage, tmp_path: Path) -> AsyncIterator[tuple[House, Wire]]:
    """A registered house that Botpress reaches over a noted wire."""
    house, wire = House(stage, tmp_path), Wire()
    app = web.Application(handler_args={"max_field_size": 65536, "max_line_size": 65536})
    app.router.add_post("/", wire.relay)
    server = TestServer(app)
    await server.start_server()
    await house.open()
    wire.target = house.url
    await stage.install(str(server.make_url("/")))
    yield house, wire
    await house.close()
    await server.close()


async def act(house: House, kind: str, **input_: object) -> OperationAnswer:
    installation = house.stage.installation
    assert installation is not None
    return await house.stage.botpress.operations.action(installation, kind, input_)


async def output(house: House, kind: str, **input_: object) -> Json:
    answer = await act(house, kind, **input_)
    assert answer.accepted, answer.message
    return cast("Json", answer.json()["output"])


def bot(house: House) -> Bot:
    return house.stage.botpress.world.bot(house.stage.botpress.options.bot_id)


def contacts(house: House) -> dict[str, CrmObject]:
    portal = house.stage.hubspot.world.portals[house.stage.hubspot.options.portal_id]
    return portal.of_type("contacts")


def entries(house: House, thread_id: str) -> list[Json]:
    return [e for e in house.stage.hubspot.transcript(thread_id) if e["type"] == "MESSAGE"]


def sender(house: House, thread_id: str) -> tuple[str, str]:
    """How HubSpot knows the user of a thread: kind and value."""
    _, entry = next(
        (thread, entry)
        for thread, entry in house.stage.hubspot.world.messages.values()
        if thread.id == thread_id and entry["type"] == "MESSAGE"
    )
    address = entry["senders"][0]["deliveryIdentifier"]
    return str(address["type"]), str(address["value"])


async def test_real_inputs_and_outputs_fit_the_definition(wire: tuple[House, Wire]) -> None:
    house, noted = wire
    chat, thread_id = await house.handoff()
    room = chat.downstream or ""
    await output(house, "sendMessage", conversationId=room, text="From the flow")
    await house.until(chat, thread_id, user=1)
    await house.stage.botpress.plugin.stop_hitl(chat)
    assert {kind for kind, _, _ in noted.seen} == {
        "createUser",
        "startHitl",
        "sendMessage",
        "stopHitl",
    }
    for kind, given, returned in noted.seen:
        for side, value in (("input", given), ("output", returned)):
            validate(value, ACTIONS[kind][side]["schema"])  # pyright: ignore[reportUnknownMemberType]  # jsonschema's own types


# -- createUser


async def test_a_user_is_made_once_for_an_email_and_keeps_name_and_address(house: House) -> None:
    first = await output(house, "createUser", name="Ada", email="ada@example.com")
    again = await output(
        house, "createUser", name="Ada L.", email="ADA@example.com", pictureUrl="https://x.test/a"
    )
    assert first == again == {"userId": first["userId"]}
    user = bot(house).users[str(first["userId"])]
    assert (user.name, user.picture_url) == ("Ada L.", "https://x.test/a")
    state = await kept_state(house, user.id)
    assert state == {"name": "Ada L.", "email": "ada@example.com"}


async def kept_state(house: House, user_id: str) -> Json:
    """The user's state `userInfo`, as a flow reads it."""
    twin = house.stage.botpress
    installation = house.stage.installation
    assert installation is not None
    headers = {
        "Authorization": f"Bearer {twin.options.token}",
        "x-bot-id": twin.options.bot_id,
        "x-integration-id": installation.integration_id,
        "x-integration-alias": installation.alias,
    }
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{twin.url}/v1/chat/states/user/{user_id}/userInfo", headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return cast("Json", (await answer.json())["state"]["payload"])


async def test_a_phone_number_may_stand_in_the_email_field(house: House) -> None:
    made = await output(house, "createUser", name="Ada", email="+1 (415) 555-2671")
    again = await output(house, "createUser", name="Ada", email="+14155552671")
    assert made == again
    assert await kept_state(house, str(made["userId"])) == {"name": "Ada", "phone": "+14155552671"}
    await output(house, "startHitl", userId=made["userId"], messageHistory=[])
    (thread_id,) = house.stage.hubspot.world.threads
    assert sender(house, thread_id) == ("HS_PHONE_NUMBER", "+14155552671")


@pytest.mark.parametrize("email", ["", "None", "not an address"])
async def test_a_user_without_email_and_phone_gets_an_agent(house: House, email: str) -> None:
    made = await output(house, "createUser", name="Nobody", email=email)
    started = await output(house, "startHitl", userId=made["userId"], messageHistory=[])
    (thread_id,) = house.stage.hubspot.world.threads
    kind, value = sender(house, thread_id)
    assert (kind, value) == ("CHANNEL_SPECIFIC_OPAQUE_ID", made["userId"])
    assert bot(house).conversations[str(started["conversationId"])].tags["id"] == thread_id
    assert contacts(house) == {}


async def test_the_plugins_made_up_address_never_becomes_a_contact(house: House) -> None:
    plugin = house.stage.botpress.plugin
    chat = plugin.open_chat("Ada")
    plugin.say(chat, "A person, please")
    await plugin.start_hitl(chat)
    thread_id = house.stage.thread_of(chat)
    plugin.say(chat, "Hello")
    await house.until(chat, thread_id, user=1)
    house.stage.hubspot.agents.reply(thread_id, "A-1111", "Hello Ada")
    await house.until(chat, thread_id, agent=1)
    assert sender(house, thread_id)[0] == "CHANNEL_SPECIFIC_OPAQUE_ID"
    assert contacts(house) == {}
    told = json.dumps(house.stage.hubspot.transcript(thread_id))
    assert "no-reply" not in told
    user = bot(house).users[chat.person.downstream or ""]
    assert not [value for name, value in user.tags.items() if name == "email"]


# -- startHitl and stopHitl


async def test_a_start_without_title_and_description_says_so(house: House) -> None:
    made = await output(house, "createUser", name="Ada", email="ada@example.com")
    await output(house, "startHitl", userId=made["userId"], messageHistory=[])
    (thread_id,) = house.stage.hubspot.world.threads
    opening = str(entries(house, thread_id)[0]["text"])
    assert "Title: New HITL conversation" in opening
    assert "Description: No description available" in opening


async def test_a_stop_returns_an_empty_object_and_closes_the_thread(house: House) -> None:
    chat, thread_id = await house.handoff()
    assert await output(house, "stopHitl", conversationId=chat.downstream) == {}
    thread = house.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    assert await output(house, "stopHitl", conversationId=chat.downstream) == {}


@pytest.mark.parametrize(
    ("kind", "input_"),
    [
        ("createUser", {"name": 7}),
        ("startHitl", {"userId": "", "messageHistory": []}),
        ("startHitl", {"userId": "u", "messageHistory": [{"type": "text"}]}),
        ("startHitl", {"userId": "nobody", "messageHistory": "x"}),
        ("sendMessage", {"conversationId": "c"}),
        ("sendMessage", {"conversationId": "nobody", "text": "x"}),
    ],
)
async def test_a_wrong_input_is_refused_and_invents_no_id(
    house: House, kind: str, input_: dict[str, object]
) -> None:
    answer = await act(house, kind, **input_)
    assert answer.status == 400
    assert "output" not in answer.json()
    assert house.stage.hubspot.world.threads == {}


# -- sendMessage


async def test_a_message_with_the_same_key_is_sent_once(house: House) -> None:
    chat, thread_id = await house.handoff()
    say = {"conversationId": chat.downstream, "text": "Order 7", "idempotencyKey": "order-7"}
    answers = await asyncio.gather(*(output(house, "sendMessage", **say) for _ in range(3)))
    await output(house, "sendMessage", conversationId=chat.downstream, text="Order 8")
    await house.until(chat, thread_id, user=2)
    assert house.stage.heard_by_agent(thread_id) == ["Order 7", "Order 8"]
    assert len({str(answer["messageId"]) for answer in answers}) == 1


async def test_messages_without_a_key_are_all_sent_in_order(house: House) -> None:
    chat, thread_id = await house.handoff()
    for _ in range(3):
        await output(house, "sendMessage", conversationId=chat.downstream, text="Again")
    await house.until(chat, thread_id, user=3)
    assert house.stage.heard_by_agent(thread_id) == ["Again"] * 3


async def test_a_message_may_be_the_users_or_the_bots(house: House) -> None:
    chat, thread_id = await house.handoff()
    room, user_id = chat.downstream, chat.person.downstream
    message = {"type": "location", "payload": {"latitude": 52.5, "longitude": 13.4}}
    await output(house, "sendMessage", conversationId=room, text="I am the bot")
    await output(house, "sendMessage", conversationId=room, message=message, userId=user_id)
    await house.until(chat, thread_id, user=2)
    own, users = entries(house, thread_id)[1:3]
    assert (own["name"], users["name"]) == ("Bot", "Grace 1")


# -- channel hitl, every kind

FILES = "http://127.0.0.1:9"  # an address of our own network: told, never asked
CARD = {
    "title": "Blue shoes",
    "subtitle": "Size 42",
    "imageUrl": f"{FILES}/shoes.png",
    "actions": [{"action": "url", "label": "Buy now", "value": "https://shop.test/7"}],
}
OPTIONS = [{"label": "Yes please", "value": "yes"}, {"label": "Never", "value": "no"}]
KINDS: dict[str, tuple[Json, list[str]]] = {
    "text": ({"text": "Good morning"}, ["Good morning"]),
    "image": ({"imageUrl": f"{FILES}/cat.png"}, [f"{FILES}/cat.png"]),
    "audio": ({"audioUrl": f"{FILES}/a.mp3"}, [f"{FILES}/a.mp3"]),
    "video": ({"videoUrl": f"{FILES}/v.mp4"}, [f"{FILES}/v.mp4"]),
    "file": ({"fileUrl": f"{FILES}/f.pdf"}, [f"{FILES}/f.pdf"]),
    "location": ({"latitude": 52.5, "longitude": 13.4, "title": "Here"}, []),
    "markdown": ({"markdown": "**Bold** words"}, ["Bold", "words"]),
    "card": (CARD, ["Blue shoes", "Size 42", "Buy now"]),
    "carousel": ({"items": [CARD, {**CARD, "title": "Red shoes"}]}, ["Blue shoes", "Red shoes"]),
    "choice": ({"text": "Really?", "options": OPTIONS}, ["Really?", "Yes please", "Never"]),
    "dropdown": ({"text": "Which?", "options": OPTIONS}, ["Which?", "Yes please", "Never"]),
    "bloc": (
        {
            "items": [
                {"type": "text", "payload": {"text": "First"}},
                {"type": "markdown", "payload": {"markdown": "_Second_"}},
                {"type": "image", "payload": {"imageUrl": f"{FILES}/third.png"}},
            ]
        },
        ["First", "Second", f"{FILES}/third.png"],
    ),
}


async def message_created(house: House, chat: Chat, kind: str, payload: Json) -> OperationAnswer:
    """Botpress sends a message of any kind, also one that the plugin would hold back."""
    twin, installation = house.stage.botpress, house.stage.installation
    assert installation is not None
    home = bot(house)
    room = home.conversations[chat.downstream or ""]
    told = {**payload, "userId": chat.person.downstream}
    message = twin.world.add_message(home, room, home.user.id, kind, told, "outgoing", {})
    body: Json = {
        "type": kind,
        "payload": told,
        "conversation": room.wire(),
        "user": home.user.wire(),
        "message": message.wire(),
    }
    return await twin.operations.send(installation, "message_created", body)


def test_every_kind_of_the_channel_is_tried() -> None:
    assert set(KINDS) == set(MESSAGES)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_message_reaches_the_agent_as_readable_text(
    house: House, kind: str
) -> None:
    payload, words = KINDS[kind]
    chat, thread_id = await house.handoff()
    assert (await message_created(house, chat, kind, payload)).status == 200
    house.stage.botpress.plugin.say(chat, "The end")
    assert await reached(
        lambda: house.stage.heard_by_agent(thread_id)[-1:] == ["The end"], WITHIN_S
    )
    said = "\n".join(house.stage.heard_by_agent(thread_id)[:-1])
    assert said.strip()
    assert not [word for word in words if word not in said], said


async def test_a_kind_that_is_not_the_channels_is_refused(house: House) -> None:
    chat, thread_id = await house.handoff()
    assert (await message_created(house, chat, "hologram", {"text": "x"})).status == 400
    assert house.stage.heard_by_agent(thread_id) == []
