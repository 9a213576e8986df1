"""Users and conversations of the Runtime API."""

from __future__ import annotations

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
from hubspot_hitl.twins.botpress.records import Conversation, User
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.wire import Json, answer

MOST_NAME, MOST_PICTURE = 200, 40_000


def _profile(body: Json) -> None:
    for field, most in (("name", MOST_NAME), ("pictureUrl", MOST_PICTURE)):
        value = body.get(field)
        if value is not None and not isinstance(value, str):
            raise ApiError.invalid(f"{field} must be a string")
        if value is not None and len(value) > most:
            raise ApiError.invalid(f"{field} must not be longer than {most} characters")


def _create_user(world: World, call: Call) -> web.Response:
    return answer({"user": _new_user(world, call, call.body()).wire()}, 201)


def _new_user(world: World, call: Call, body: Json) -> User:
    require(body, "tags")
    tags = tags_of(body)
    world.definition.user_tags(tags)
    _profile(body)
    return world.add_user(call.bot, merged({}, tags), body.get("name"), body.get("pictureUrl"))


def _get_or_create_user(world: World, call: Call) -> web.Response:
    body = call.body()
    require(body, "tags")
    tags = tags_of(body)
    world.definition.user_tags(tags)
    _profile(body)
    wanted = discriminating(body, tags)
    exact = "discriminateByTags" not in body
    for user_id in call.bot.user_tags.having(wanted) if wanted else ():
        user = call.bot.users[user_id]
        if not exact or user.tags == tags:
            return answer({"user": user.wire(), "meta": {"created": False}})
    made = _new_user(world, call, body)
    return answer({"user": made.wire(), "meta": {"created": True}})


def _user_of(call: Call) -> User:
    found = call.bot.users.get(call.path["user"])
    if found is None:
        raise ApiError.not_found("User", call.path["user"])
    return found


def _get_user(world: World, call: Call) -> web.Response:
    return answer({"user": _user_of(call).wire()})


def _update_user(world: World, call: Call) -> web.Response:
    user, body = _user_of(call), call.body()
    _profile(body)
    tags = tags_of(body)
    world.definition.user_tags(tags)
    call.bot.user_tags.remove(user.id, user.tags)
    user.tags = merged(user.tags, tags)
    call.bot.user_tags.add(user.id, user.tags)
    if "name" in body:
        user.name = body["name"]
    if "pictureUrl" in body:
        user.picture_url = body["pictureUrl"]
    user.updated_at = world.clock()
    return answer({"user": user.wire()})


def _delete_user(world: World, call: Call) -> web.Response:
    user = _user_of(call)
    del call.bot.users[user.id]
    call.bot.user_tags.remove(user.id, user.tags)
    return answer({})


def _list_users(world: World, call: Call) -> web.Response:
    tags = call.tags_query()
    ids = call.bot.user_tags.having(tags) if tags else call.bot.users
    room = call.request.query.get("conversationId")
    inside = None if room is None else _named(call, room).participants
    found = [call.bot.users[one].wire() for one in ids if inside is None or one in inside]
    return call.page("users", found[::-1])


def _named(call: Call, conversation_id: str) -> Conversation:
    found = call.bot.conversations.get(conversation_id)
    if found is None:
        raise ApiError.reference("Conversation", conversation_id)
    return found


def _new_conversation(world: World, call: Call, body: Json) -> Conversation:
    require(body, "channel", "tags")
    texts(body, "channel")
    tags = tags_of(body)
    world.definition.conversation_tags(body["channel"], tags)
    alias = call.installation.alias
    return world.add_conversation(call.bot, body["channel"], alias, merged({}, tags))


def _create_conversation(world: World, call: Call) -> web.Response:
    return answer({"conversation": _new_conversation(world, call, call.body()).wire()}, 201)


def _get_or_create_conversation(world: World, call: Call) -> web.Response:
    body = call.body()
    require(body, "channel", "tags")
    texts(body, "channel")
    tags = tags_of(body)
    world.definition.conversation_tags(body["channel"], tags)
    wanted = discriminating(body, tags)
    exact = "discriminateByTags" not in body
    for room_id in call.bot.conversation_tags.having(wanted) if wanted else ():
        room = call.bot.conversations[room_id]
        mine = (room.channel, room.alias) == (body["channel"], call.installation.alias)
        if mine and (not exact or room.tags == tags):
            return answer({"conversation": room.wire(), "meta": {"created": False}})
    made = _new_conversation(world, call, body)
    return answer({"conversation": made.wire(), "meta": {"created": True}})


def _conversation_of(call: Call) -> Conversation:
    found = call.bot.conversations.get(call.path["conversation"])
    if found is None or found.alias != call.installation.alias:
        raise ApiError.not_found("Conversation", call.path["conversation"])
    return found


def _get_conversation(world: World, call: Call) -> web.Response:
    return answer({"conversation": _conversation_of(call).wire()})


def _update_conversation(world: World, call: Call) -> web.Response:
    room = _conversation_of(call)
    tags = tags_of(call.body())
    world.definition.conversation_tags(room.channel, tags)
    call.bot.conversation_tags.remove(room.id, room.tags)
    room.tags = merged(room.tags, tags)
    call.bot.conversation_tags.add(room.id, room.tags)
    room.updated_at = world.clock()
    return answer({"conversation": room.wire()})


def _delete_conversation(world: World, call: Call) -> web.Response:
    room = _conversation_of(call)
    del call.bot.conversations[room.id]
    call.bot.conversation_tags.remove(room.id, room.tags)
    return answer({})


def _list_conversations(world: World, call: Call) -> web.Response:
    tags, query = call.tags_query(), call.request.query
    ids = call.bot.conversation_tags.having(tags) if tags else call.bot.conversations
    people = query.getall("participantIds", [])
    channel = query.get("channel")
    found = [
        room.wire()
        for room in (call.bot.conversations[one] for one in ids)
        if room.alias == call.installation.alias
        and channel in (None, room.channel)
        and all(one in room.participants for one in people)
    ]
    return call.page("conversations", found[::-1])


def _participants(world: World, call: Call) -> web.Response:
    room = _conversation_of(call)
    return call.page("participants", [call.bot.users[one].wire() for one in room.participants])


def _add_participant(world: World, call: Call) -> web.Response:
    room, body = _conversation_of(call), call.body()
    require(body, "userId")
    texts(body, "userId")
    user = call.bot.users.get(body["userId"])
    if user is None:
        raise ApiError.reference("User", body["userId"])
    room.participants[user.id] = None
    return answer({"participant": user.wire()}, 201)


def _get_participant(world: World, call: Call) -> web.Response:
    user = _user_of(call)
    if user.id not in _conversation_of(call).participants:
        raise ApiError.not_found("Participant", user.id)
    return answer({"participant": user.wire()})


def _remove_participant(world: World, call: Call) -> web.Response:
    _conversation_of(call).participants.pop(call.path["user"], None)
    return answer({})


_U, _C = "/v1/chat/users", "/v1/chat/conversations"
_ROOM = f"{_C}/{{conversation}}"
_PEOPLE = f"{_ROOM}/participants"
ROUTES = (
    Route("POST", f"{_U}/get-or-create", "users.get_or_create", _get_or_create_user),
    Route("POST", _U, "users.create", _create_user),
    Route("GET", _U, "users.list", _list_users),
    Route("GET", f"{_U}/{{user}}", "users.get", _get_user),
    Route("PUT", f"{_U}/{{user}}", "users.update", _update_user),
    Route("DELETE", f"{_U}/{{user}}", "users.delete", _delete_user),
    Route(
        "POST",
        f"{_C}/get-or-create",
        "conversations.get_or_create",
        _get_or_create_conversation,
    ),
    Route("POST", _C, "conversations.create", _create_conversation),
    Route("GET", _C, "conversations.list", _list_conversations),
    Route("GET", _ROOM, "conversations.get", _get_conversation),
    Route("PUT", _ROOM, "conversations.update", _update_conversation),
    Route("DELETE", _ROOM, "conversations.delete", _delete_conversation),
    Route("GET", _PEOPLE, "participants.list", _participants),
    Route("POST", _PEOPLE, "participants.add", _add_participant),
    Route("GET", f"{_PEOPLE}/{{user}}", "participants.get", _get_participant),
    Route("DELETE", f"{_PEOPLE}/{{user}}", "participants.remove", _remove_participant),
)
