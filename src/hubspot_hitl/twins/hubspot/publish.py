"""Messages that the app publishes into threads of its channel, and their status."""

from __future__ import annotations

import uuid

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks, threads
from hubspot_hitl.twins.hubspot.channels import spelled
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Account, CrmObject, Portal, Thread
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, iso, parse_iso

REQUIRED = (
    "channelAccountId",
    "messageDirection",
    "text",
    "senders",
    "recipients",
    "timestamp",
    "attachments",
)
_STATUSES = {"ok": 200, "created": 201, "conflict": 409}


def _publish(world: World, call: Call) -> web.Response:
    channel = world.channel(call.path["channel"])
    body = call.body()
    checks.require(body, *REQUIRED)
    portal = call.portal
    account = portal.accounts.get(checks.text(body, "channelAccountId"))
    if account is None or account.channel_id != channel.id or account.archived:
        raise ApiError.not_found("channel account", str(body["channelAccountId"]))
    if not account.authorized:
        raise ApiError.invalid("The channel account is not authorized", field="channelAccountId")
    at = _check(world, portal, body)
    key = body.get("integrationIdempotencyId")
    if key is not None:
        checks.text(body, "integrationIdempotencyId")
        known = portal.by_idempotency.get((account.id, key))
        if known is not None:
            return _repeated(world, known)
    thread = _thread_for(world, portal, account, body)
    message = _incoming(world, thread, account, body, at)
    if key is not None:
        portal.by_idempotency[account.id, key] = message["id"]
    _auto_assign(world, portal, thread)
    return answer(message, 201)


def _check(world: World, portal: Portal, body: Json) -> float:
    checks.one_of(body, "messageDirection", ("INCOMING", "OUTGOING"))
    empty_allowed = not world.options.refuse_empty_text
    if not isinstance(body["text"], str) or not (body["text"] or empty_allowed):
        raise ApiError.invalid("text must be a string that is not empty", field="text")
    for name in ("senders", "recipients"):
        for party in checks.objects(body, name, least=1):
            party["deliveryIdentifier"] = checks.identifier(party.get("deliveryIdentifier"))
    for item in checks.objects(body, "attachments"):
        checks.attachment(item)
        if item["type"] == "FILE" and item["fileId"] not in portal.files:
            raise ApiError.invalid(f"No file with id {item['fileId']!r}", field="attachments")
    at = parse_iso(body["timestamp"])
    if at is None:
        raise ApiError.invalid("timestamp must be an ISO 8601 date and time", field="timestamp")
    contact_id = body.get("associateWithContactId")
    if contact_id is not None and str(contact_id) not in portal.of_type("contacts"):
        raise ApiError.invalid(f"No contact with id {contact_id!r}", field="associateWithContactId")
    return at


def _repeated(world: World, message_id: str) -> web.Response:
    status = _STATUSES[world.options.repeat_publish]
    if status == 409 or message_id not in world.messages:
        raise ApiError(409, "A message with this integrationIdempotencyId exists", "CONFLICT")
    return answer(world.messages[message_id][1], status)


def _thread_for(world: World, portal: Portal, account: Account, body: Json) -> Thread:
    channel = world.channels[account.channel_id]
    sender: Json = body["senders"][0]
    given = body.get("integrationThreadId")
    if channel.capabilities.get("threadingModel") == "DELIVERY_IDENTIFIER":
        address = sender["deliveryIdentifier"]
        given = f"pair:{address['type']}:{address['value']}"
    integration_id = str(uuid.uuid4()) if given is None else str(given)
    known = portal.by_integration_thread.get((account.id, integration_id))
    thread = None if known is None else portal.threads[known]
    if thread is not None and not thread.archived:
        if thread.status == "OPEN":
            return thread
        if world.options.closed_thread_publish == "refuse":
            raise ApiError.invalid("The thread is closed", field="integrationThreadId")
        if world.options.closed_thread_publish == "reopen":
            threads.set_status(world, thread, "OPEN", threads.app_source(world))
            return thread
    visitor = _visitor(world, portal, account, sender, body.get("associateWithContactId"))
    return threads.open_thread(world, portal, account, integration_id, visitor)


def _visitor(
    world: World, portal: Portal, account: Account, sender: Json, contact_id: object
) -> tuple[str, Json]:
    """The contact behind a sender: named, known by email, made from an email, or none."""
    address = sender["deliveryIdentifier"]
    shown: Json = {"deliveryIdentifier": address}
    if sender.get("name"):
        shown["name"] = sender["name"]
    if contact_id is not None:
        return str(contact_id), shown
    contacts = portal.of_type("contacts")
    if address["type"] == "HS_EMAIL_ADDRESS":
        known = portal.by_email.get(address["value"].lower())
        if known is None:
            now = world.clock()
            made = CrmObject(world.new_id("object"), {"email": address["value"]}, now, now)
            contacts[made.id] = made
            portal.by_email[address["value"].lower()] = known = made.id
        return known, shown
    if address["type"] == "HS_PHONE_NUMBER":
        for contact in contacts.values():
            if address["value"] in (contact.properties.get("phone"),):
                return contact.id, shown
    key = f"{account.id}:{address['type']}:{address['value']}"
    visitor = portal.visitors.setdefault(key, {"id": ""})
    visitor["id"] = visitor["id"] or world.new_id("visitor")
    return visitor["id"], shown


def _incoming(world: World, thread: Thread, account: Account, body: Json, at: float) -> Json:
    by = f"V-{thread.visitor_id}"
    message = threads.entry(
        world,
        thread,
        "MESSAGE",
        by,
        channelId=thread.channel_id,
        channelAccountId=account.id,
        direction=body["messageDirection"],
        text=body["text"],
        richText=body.get("richText"),
        attachments=body["attachments"],
        inReplyToId=body.get("inReplyToId"),
        truncationStatus="NOT_TRUNCATED",
        status={"statusType": "RECEIVED"},
    )
    message["createdAt"] = iso(at)
    message["client"] = threads.app_client(world)
    message["senders"] = [{"actorId": by, **party} for party in body["senders"]]
    message["recipients"] = body["recipients"]
    threads.append(world, thread, message)
    thread.latest_received = world.clock()
    threads.tell_new_message(world, thread, message, threads.app_source(world))
    return message


def _auto_assign(world: World, portal: Portal, thread: Thread) -> None:
    if world.options.auto_assign == "off" or thread.assigned_to or not portal.agents:
        return
    agents = list(portal.agents.values())
    agent = agents[portal.next_agent % len(agents)]
    portal.next_agent += 1
    threads.assign(world, thread, agent.actor_id, f"userId:{agent.user_id}")


def _message_of(world: World, call: Call) -> Json:
    channel = world.channel(call.path["channel"])
    found = world.messages.get(call.path["message"])
    if (
        found is None
        or found[1].get("channelId") != channel.id
        or found[0].portal_id != call.portal.id
    ):
        raise ApiError.not_found("message", call.path["message"])
    return found[1]


def _get(world: World, call: Call) -> web.Response:
    return answer(_message_of(world, call))


def _set_status(world: World, call: Call) -> web.Response:
    message = _message_of(world, call)
    body = call.body()
    checks.require(body, "statusType")
    status = checks.one_of(body, "statusType", ("SENT", "READ", "FAILED"))
    if message["direction"] != "OUTGOING":
        raise ApiError.invalid("Only an outgoing message has a delivery status")
    told: Json = {"statusType": status}
    if body.get("errorMessage"):
        if status != "FAILED":
            raise ApiError.invalid("errorMessage goes with FAILED only", field="errorMessage")
        told["failureDetails"] = {
            "errorMessage": checks.text(body, "errorMessage"),
            "errorMessageTokens": {},
        }
    message["status"] = told
    message["updatedAt"] = iso(world.clock())
    world.journal.add("status", id=message["id"], status=status)
    return answer(message)


_WRITE = ("conversations.custom_channels.write",)
_READ = ("conversations.custom_channels.read",)
ROUTES = (
    Route("POST", spelled("/{channel}/messages"), "messages.publish", _publish, scopes=_WRITE),
    Route("GET", spelled("/{channel}/messages/{message}"), "messages.get", _get, scopes=_READ),
    Route(
        "PATCH",
        spelled("/{channel}/messages/{message}"),
        "messages.status",
        _set_status,
        scopes=_WRITE,
    ),
)
