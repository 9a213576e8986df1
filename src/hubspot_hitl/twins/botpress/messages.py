"""Messages and events of the Runtime API: what the integration tells the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from hubspot_hitl.twins.botpress.endpoint import (
    Call,
    Route,
    discriminating,
    merged,
    require,
    tags_of,
    texts,
)
from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.records import Conversation, Event, Message
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.wire import Json, answer, object_of, parse_iso

MOST_TYPE = 200


def _checked(world: World, call: Call, body: Json) -> tuple[Conversation, dict[str, str]]:
    require(body, "type", "payload", "userId", "conversationId", "tags")
    texts(body, "type", "userId", "conversationId")
    if len(body["type"]) > MOST_TYPE:
        raise ApiError.invalid(f"type must be at most {MOST_TYPE} characters")
    _delay_s(world, body.get("schedule"))
    room = call.bot.conversations.get(body["conversationId"])
    if room is None or room.alias != call.installation.alias:
        raise ApiError.reference("Conversation", body["conversationId"])
    if body["userId"] not in call.bot.users:
        raise ApiError.reference("User", body["userId"])
    tags = tags_of(body)
    world.definition.message_tags(room.channel, tags)
    world.definition.message(room.channel, body["type"], body["payload"])
    return room, merged({}, tags)


def _make(
    world: World, call: Call, body: Json, room: Conversation, tags: dict[str, str]
) -> Message:
    made = world.add_message(
        call.bot, room, body["userId"], body["type"], body["payload"], "incoming", tags
    )
    _at(world, body.get("schedule"), lambda: world.on_message(call.bot, made))
    return made


def _at(world: World, schedule: object, act: Callable[[], None]) -> None:
    """Act now, or when the schedule says."""
    delay_s = _delay_s(world, schedule)
    if delay_s <= 0:
        act()
    else:
        asyncio.get_running_loop().call_later(delay_s, act)


def _delay_s(world: World, given: object) -> float:
    if given is None:
        return 0.0
    schedule = object_of(given)
    if schedule is None:
        raise ApiError.invalid("schedule must be an object")
    if "dateTime" in schedule:
        at = parse_iso(schedule["dateTime"])
        if at is None:
            raise ApiError.invalid("schedule.dateTime must be an ISO 8601 date and time")
        return at - world.clock()
    delay = schedule.get("delay")
    if not isinstance(delay, int | float) or delay < 0:
        raise ApiError.invalid("schedule.delay must be a number of milliseconds")
    return delay / 1000


def _create(world: World, call: Call) -> web.Response:
    body = call.body()
    room, tags = _checked(world, call, body)
    return answer({"message": _make(world, call, body, room, tags).wire()}, 201)


def _get_or_create(world: World, call: Call) -> web.Response:
    body = call.body()
    room, tags = _checked(world, call, body)
    wanted = discriminating(body, tags)
    exact = "discriminateByTags" not in body
    for message_id in call.bot.message_tags.having(wanted) if wanted else ():
        known = call.bot.messages[message_id]
        if known.conversation_id == room.id and (not exact or known.tags == tags):
            world.journal.add("message_known", conversation=room.id, id=known.id)
            return answer({"message": known.wire(), "meta": {"created": False}})
    made = _make(world, call, body, room, tags)
    return answer({"message": made.wire(), "meta": {"created": True}})


def _message_of(call: Call) -> Message:
    found = call.bot.messages.get(call.path["message"])
    if found is None:
        raise ApiError.not_found("Message", call.path["message"])
    return found


def _get(world: World, call: Call) -> web.Response:
    return answer({"message": _message_of(call).wire()})


def _update(world: World, call: Call) -> web.Response:
    found, body = _message_of(call), call.body()
    room = call.bot.conversations.get(found.conversation_id)
    if room is None:
        raise ApiError.not_found("Conversation", found.conversation_id)
    tags = tags_of(body)
    world.definition.message_tags(room.channel, tags)
    if body.get("payload") is not None:
        world.definition.message(room.channel, found.type, body["payload"])
        found.payload = body["payload"]
    call.bot.message_tags.remove(found.id, found.tags)
    found.tags = merged(found.tags, tags)
    call.bot.message_tags.add(found.id, found.tags)
    found.updated_at = world.clock()
    return answer({"message": found.wire()})


def _delete(world: World, call: Call) -> web.Response:
    found = _message_of(call)
    del call.bot.messages[found.id]
    call.bot.by_conversation[found.conversation_id].remove(found.id)
    call.bot.message_tags.remove(found.id, found.tags)
    return answer({})


def _list(world: World, call: Call) -> web.Response:
    room, tags = call.request.query.get("conversationId"), call.tags_query()
    if tags:
        ids = list(call.bot.message_tags.having(tags))
    elif room is not None:
        ids = call.bot.by_conversation.get(room, [])
    else:
        ids = list(call.bot.messages)
    found = [
        message.wire()
        for message in (call.bot.messages[one] for one in reversed(ids))
        if room in (None, message.conversation_id)
    ]
    return call.page("messages", found)


def _create_event(world: World, call: Call) -> web.Response:
    body = call.body()
    require(body, "type", "payload")
    texts(body, "type", "conversationId", "userId")
    room, user = body.get("conversationId"), body.get("userId")
    if room is not None and room not in call.bot.conversations:
        raise ApiError.reference("Conversation", room)
    if user is not None and user not in call.bot.users:
        raise ApiError.reference("User", user)
    world.definition.event(body["type"], body["payload"])
    schedule = body.get("schedule")
    waits = _delay_s(world, schedule) > 0
    made = world.add_event(call.bot, body)
    if waits:
        made.status = "scheduled"

    def happen() -> None:
        if made.status != "canceled":
            made.status = world.on_event(call.bot, made)

    _at(world, schedule, happen)
    return answer({"event": made.wire()}, 201)


def _event_of(call: Call) -> Event:
    found = call.bot.events.get(call.path["event"])
    if found is None:
        raise ApiError.not_found("Event", call.path["event"])
    return found


def _get_event(world: World, call: Call) -> web.Response:
    return answer({"event": _event_of(call).wire()})


def _cancel_event(world: World, call: Call) -> web.Response:
    found = _event_of(call)
    if found.status != "scheduled":
        raise ApiError(409, "RelationConflict", "The event is not scheduled")
    found.status = "canceled"
    return answer({})


def _list_events(world: World, call: Call) -> web.Response:
    if not world.options.list_events:
        raise ApiError(403, "Forbidden", "Integrations cannot list events")
    query = call.request.query
    kind, room = query.get("type"), query.get("conversationId")
    found = [
        event.wire()
        for event in reversed(call.bot.events.values())
        if kind in (None, event.type) and room in (None, event.conversation_id)
    ]
    return call.page("events", found)


_M, _E = "/v1/chat/messages", "/v1/chat/events"
ROUTES = (
    Route("POST", f"{_M}/get-or-create", "messages.get_or_create", _get_or_create),
    Route("POST", _M, "messages.create", _create),
    Route("GET", _M, "messages.list", _list),
    Route("GET", f"{_M}/{{message}}", "messages.get", _get),
    Route("PUT", f"{_M}/{{message}}", "messages.update", _update),
    Route("DELETE", f"{_M}/{{message}}", "messages.delete", _delete),
    Route("POST", _E, "events.create", _create_event),
    Route("GET", _E, "events.list", _list_events),
    Route("DELETE", f"{_E}/scheduled/{{event}}", "events.cancel", _cancel_event),
    Route("GET", f"{_E}/{{event}}", "events.get", _get_event),
)
