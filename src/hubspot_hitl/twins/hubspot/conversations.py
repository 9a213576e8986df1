"""The conversations API of the twin: inboxes, threads, their messages, actors, assignee."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks, threads
from hubspot_hitl.twins.hubspot.channels import page
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Portal, Thread
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, list_of, no_content, parse_iso


def _inboxes(world: World, call: Call) -> web.Response:
    return page([inbox.wire() for inbox in call.portal.inboxes.values()], call)


def _inbox(world: World, call: Call) -> web.Response:
    inbox = call.portal.inboxes.get(call.path["inbox"])
    if inbox is None:
        raise ApiError.not_found("inbox", call.path["inbox"])
    return answer(inbox.wire())


def _thread_of(call: Call, *, archived: bool | None = False) -> Thread:
    """The caller's thread of the path; `archived` None takes either."""
    thread = call.portal.threads.get(call.path["thread"])
    if thread is None or (archived is not None and thread.archived != archived):
        raise ApiError.not_found("thread", call.path["thread"])
    return thread


def _with_ticket(call: Call) -> bool:
    return call.query.get("association") == "TICKET"


def _thread(world: World, call: Call) -> web.Response:
    thread = _thread_of(call, archived=call.truth("archived"))
    return answer(thread.wire(_with_ticket(call)))


def _threads(world: World, call: Call) -> web.Response:
    query = call.query
    sort = query.get("sort", "id")
    inbox, contact = query.get("inboxId"), query.get("associatedContactId")
    if contact is not None and (inbox is not None or "threadStatus" not in query):
        raise ApiError.invalid("associatedContactId needs threadStatus and excludes inboxId")
    if sort not in ("id", "-id", "latestMessageTimestamp") or (sort == "-id" and contact is None):
        raise ApiError.invalid("sort is id or latestMessageTimestamp", field="sort")
    after = query.get("latestMessageTimestampAfter")
    since = None if after is None else parse_iso(after)
    if (after is not None and since is None) or (sort == "latestMessageTimestamp" and not after):
        raise ApiError.invalid(
            "latestMessageTimestampAfter must be an ISO 8601 date and time"
            " and is required when sorting by latestMessageTimestamp",
            field="latestMessageTimestampAfter",
        )
    archived = call.truth("archived")
    ticket, status = query.get("associatedTicketId"), query.get("threadStatus")
    found = [
        thread
        for thread in call.portal.threads.values()
        if thread.archived == archived
        and inbox in (None, thread.inbox_id)
        and contact in (None, thread.visitor_id)
        and ticket in (None, thread.ticket_id)
        and status in (None, thread.status)
        and (since is None or (thread.latest or 0.0) > since)
    ]
    if sort == "latestMessageTimestamp":
        found.sort(key=lambda thread: thread.latest or 0.0)
    elif sort == "-id":
        found.reverse()
    return page([thread.wire(_with_ticket(call)) for thread in found], call)


def _patch(world: World, call: Call) -> web.Response:
    archived = call.truth("archived")
    thread = _thread_of(call, archived=archived)
    body = call.body()
    if set(body) - {"status", "archived"} or not body:
        raise ApiError.invalid("Only status and archived can be changed")
    source = threads.app_source(world)
    if "archived" in body:
        if body["archived"] is not False or "status" in body:
            raise ApiError.invalid("archived can only be set to false, alone", field="archived")
        threads.restore(world, thread, source)
    else:
        threads.set_status(world, thread, checks.one_of(body, "status", ("OPEN", "CLOSED")), source)
    return answer(thread.wire())


def _delete(world: World, call: Call) -> web.Response:
    threads.archive(world, _thread_of(call), threads.app_source(world))
    return no_content()


def _assign(world: World, call: Call) -> web.Response:
    thread = _thread_of(call)
    body = call.body()
    checks.require(body, "actorId")
    threads.assign(world, thread, checks.text(body, "actorId"), threads.app_source(world))
    return answer(thread.wire())


def _unassign(world: World, call: Call) -> web.Response:
    threads.assign(world, _thread_of(call), None, threads.app_source(world))
    return no_content()


def _messages(world: World, call: Call) -> web.Response:
    thread = _thread_of(call, archived=None if call.truth("archived") else False)
    sort = call.query.get("sort", "-createdAt")
    if sort not in ("createdAt", "-createdAt"):
        raise ApiError.invalid("sort is createdAt or -createdAt", field="sort")
    found = sorted(thread.messages, key=lambda message: str(message["createdAt"]))
    if sort == "-createdAt":
        found.reverse()
    return page(found, call)


def _message_of(world: World, call: Call) -> Json:
    thread = _thread_of(call, archived=None)
    found = world.messages.get(call.path["message"])
    if found is None or found[0] is not thread:
        raise ApiError.not_found("message", call.path["message"])
    return found[1]


def _message(world: World, call: Call) -> web.Response:
    return answer(_message_of(world, call))


def _original(world: World, call: Call) -> web.Response:
    message = _message_of(world, call)
    full = (message.get("text"), message.get("richText"))
    text, rich_text = world.originals.get(message["id"], full)
    return answer({"id": message["id"], "text": text, "richText": rich_text})


def _post(world: World, call: Call) -> web.Response:
    thread = _thread_of(call)
    body = call.body()
    kind = checks.one_of(body, "type", ("MESSAGE", "COMMENT"))
    checks.require(body, "text", "attachments")
    text = checks.text(body, "text")
    attachments = [checks.attachment(item) for item in checks.objects(body, "attachments")]
    rich_text = checks.text(body, "richText") if body.get("richText") is not None else None
    if kind == "COMMENT":
        by = f"I-{world.options.app_id}"
        return answer(threads.comment(world, thread, by, text, rich_text, attachments), 201)
    checks.require(body, "senderActorId", "channelId", "channelAccountId", "recipients")
    agent = call.portal.agents.get(str(body["senderActorId"]))
    if agent is None:
        raise ApiError.invalid("senderActorId must be an agent's actor", field="senderActorId")
    if (body["channelId"], body["channelAccountId"]) != (thread.channel_id, thread.account_id):
        raise ApiError.invalid("The thread is on another channel account", field="channelId")
    recipients: list[Json] = []
    for party in checks.objects(body, "recipients", least=1):
        addresses = checks.objects(party, "deliveryIdentifiers", least=1)
        recipients += [{"deliveryIdentifier": checks.identifier(item)} for item in addresses]
    message = threads.agent_message(
        world, thread, agent, text, rich_text, attachments, body.get("inReplyToId"), recipients
    )
    return answer(message, 201)


def actor(world: World, portal: Portal, actor_id: str) -> Json | None:
    """An actor of the portal, or None."""
    kind, _, rest = actor_id.partition("-")
    if kind == "A":
        agent = portal.agents.get(actor_id)
        return agent.actor() if agent else None
    if kind == "V":
        contact = portal.of_type("contacts").get(rest)
        if contact is not None:
            held = contact.properties
            names = filter(None, (held.get("firstname"), held.get("lastname")))
            shown = {"name": " ".join(names), "email": held.get("email")}
            return {"id": actor_id, "type": "VISITOR", **{k: v for k, v in shown.items() if v}}
        known = any(visitor["id"] == rest for visitor in portal.visitors.values())
        return {"id": actor_id, "type": "VISITOR"} if known else None
    if actor_id == f"I-{world.options.app_id}":
        return {"id": actor_id, "type": "INTEGRATOR"}
    return {"id": actor_id, "type": "SYSTEM"} if actor_id == "S-hubspot" else None


def _actor(world: World, call: Call) -> web.Response:
    found = actor(world, call.portal, call.path["actor"])
    if found is None:
        raise ApiError.not_found("actor", call.path["actor"])
    return answer(found)


def _actors(world: World, call: Call) -> web.Response:
    wanted = list_of(call.body().get("inputs"))
    if not wanted:
        raise ApiError.invalid("inputs must be a list of actor ids", field="inputs")
    found = {str(one): actor(world, call.portal, str(one)) for one in wanted}
    missing = [one for one, record in found.items() if record is None]
    body: Json = {"status": "COMPLETE", "results": [r for r in found.values() if r is not None]}
    if missing:
        body["numErrors"] = 1
        body["errors"] = [
            {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": missing}}
        ]
    return answer(body, 207 if missing else 200)


def _spelled(tail: str) -> tuple[str, str]:
    return (
        f"/conversations/v3/conversations{tail}",
        f"/conversations/conversations/2026-09-beta{tail}",
    )


_READ, _WRITE = ("conversations.read",), ("conversations.write",)
_T = "/threads/{thread}"
_ASSIGNEE = (*_spelled(f"{_T}/assignee"), f"/conversations/conversations/v3{_T}/assignee")
ROUTES = (
    Route("GET", _spelled("/inboxes"), "inboxes.list", _inboxes, scopes=_READ),
    Route("GET", _spelled("/inboxes/{inbox}"), "inboxes.get", _inbox, scopes=_READ),
    Route("GET", _spelled("/threads"), "threads.list", _threads, scopes=_READ),
    Route("GET", _spelled(_T), "threads.get", _thread, scopes=_READ),
    Route("PATCH", _spelled(_T), "threads.update", _patch, scopes=_WRITE),
    Route("DELETE", _spelled(_T), "threads.delete", _delete, scopes=_WRITE),
    Route("PUT", _ASSIGNEE, "threads.assign", _assign, scopes=_WRITE),
    Route("DELETE", _ASSIGNEE, "threads.unassign", _unassign, scopes=_WRITE),
    Route("GET", _spelled(f"{_T}/messages"), "thread_messages.list", _messages, scopes=_READ),
    Route("POST", _spelled(f"{_T}/messages"), "thread_messages.create", _post, scopes=_WRITE),
    Route(
        "GET", _spelled(_T + "/messages/{message}"), "thread_messages.get", _message, scopes=_READ
    ),
    Route(
        "GET",
        _spelled(_T + "/messages/{message}/original-content"),
        "thread_messages.original",
        _original,
        scopes=_READ,
    ),
    Route("GET", _spelled("/actors/{actor}"), "actors.get", _actor, scopes=_READ),
    Route("POST", _spelled("/actors/batch/read"), "actors.batch", _actors, scopes=_READ),
)
