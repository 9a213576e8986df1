"""What can happen to a thread, whoever causes it, and the webhooks that follow.

`source` is who did it, as HubSpot's events say it: `userId:<n>` or `appId:<n>`.
"""

from __future__ import annotations

from collections.abc import Sequence

from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Account, Agent, CrmObject, Portal, Thread
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, iso

HELP_DESK = "HELP_DESK"


def open_thread(
    world: World, portal: Portal, account: Account, integration_id: str, visitor: tuple[str, Json]
) -> Thread:
    """Begin a thread; in a help desk a ticket comes with it."""
    thread = Thread(
        world.new_id("thread"),
        portal.id,
        integration_id,
        account.channel_id,
        account.id,
        account.inbox_id,
        world.clock(),
        visitor[0],
        visitor[1],
    )
    if portal.inboxes[account.inbox_id].type == HELP_DESK:
        now = world.clock()
        ticket = CrmObject(world.new_id("object"), {"subject": "Conversation"}, now, now)
        portal.of_type("tickets")[ticket.id] = ticket
        thread.ticket_id = ticket.id
    portal.threads[thread.id] = thread
    portal.by_integration_thread[account.id, integration_id] = thread.id
    world.threads[thread.id] = thread
    world.journal.add("thread", thread=thread.id, event="created", inbox=thread.inbox_id)
    world.emit(thread, "conversation.creation", app_source(world))
    return thread


def app_source(world: World) -> str:
    """The app as the cause of a change."""
    return f"appId:{world.options.app_id}"


def append(world: World, thread: Thread, message: Json) -> Json:
    """Add an entry to the history."""
    thread.messages.append(message)
    world.messages[message["id"]] = (thread, message)
    world.journal.add(
        "message",
        thread=thread.id,
        id=message["id"],
        type=message["type"],
        direction=message.get("direction"),
        by=message["createdBy"],
        text=message.get("text"),
    )
    return message


def entry(world: World, thread: Thread, kind: str, by: str, **fields: object) -> Json:
    """A new history entry with what every kind has."""
    now = iso(world.clock())
    return {
        "id": world.new_id("message"),
        "type": kind,
        "conversationsThreadId": thread.id,
        "createdAt": now,
        "updatedAt": now,
        "createdBy": by,
        "client": {"clientType": "HUBSPOT"} if by.startswith("A-") else app_client(world),
        "senders": [],
        "recipients": [],
        "archived": False,
        **fields,
    }


def app_client(world: World) -> Json:
    """The app as the client that made an entry."""
    return {"clientType": "INTEGRATION", "integrationAppId": int(world.options.app_id)}


def tell_new_message(world: World, thread: Thread, message: Json, source: str) -> None:
    """Send `conversation.newMessage`; it carries no text."""
    world.emit(
        thread,
        "conversation.newMessage",
        source,
        messageId=message["id"],
        messageType=message["type"],
        changeFlag="NEW_MESSAGE",
    )


def agent_message(
    world: World,
    thread: Thread,
    agent: Agent,
    text: str,
    rich_text: str | None = None,
    attachments: Sequence[Json] = (),
    in_reply_to: str | None = None,
    recipients: Sequence[Json] | None = None,
) -> Json:
    """An agent's message: into the history, to the channel's hook, to `newMessage` subscribers."""
    channel = world.channels[thread.channel_id]
    account = world.portal_of(thread).accounts[thread.account_id]
    allowed = channel.capabilities.get("outgoingAttachmentTypes", [])
    if not channel.capabilities.get("allowOutgoingMessages", False):
        raise ApiError.invalid("This channel does not allow outgoing messages")
    if not account.authorized or account.archived:
        raise ApiError.invalid("This channel account is not authorized")
    if thread.archived:
        raise ApiError.invalid("The thread is archived")
    for item in attachments:
        if item["type"] not in allowed:
            raise ApiError.invalid(f"This channel does not allow {item['type']} attachments")
    limit = world.options.truncate_after
    truncated = limit is not None and len(text) > limit
    to = [dict(item) for item in recipients or ()] or [
        {"actorId": f"V-{thread.visitor_id}", **thread.visitor}
    ]
    message = entry(
        world,
        thread,
        "MESSAGE",
        agent.actor_id,
        channelId=thread.channel_id,
        channelAccountId=thread.account_id,
        direction="OUTGOING",
        text=text[:limit] if truncated else text,
        richText=rich_text if not truncated else None,
        attachments=[dict(item) for item in attachments],
        inReplyToId=in_reply_to,
        truncationStatus="TRUNCATED" if truncated else "NOT_TRUNCATED",
        status={"statusType": "SENT"},
    )
    message["senders"] = [
        {"actorId": agent.actor_id, "name": agent.name, "deliveryIdentifier": account.identifier}
    ]
    message["recipients"] = to
    if truncated:
        world.originals[message["id"]] = (text, rich_text)
    append(world, thread, message)
    thread.latest_sent = world.clock()
    if channel.fields.get("webhookUrl"):
        told = {**message, "status": "SENT"}
        event: Json = {
            "type": "OUTGOING_CHANNEL_MESSAGE_CREATED",
            "portalId": thread.portal_id,
            "channelId": thread.channel_id,
            "eventTimestamp": message["createdAt"],
            "eventId": f"twin-{world.new_id('event')}",
            "channelIntegrationThreadIds": [thread.integration_thread_id],
            "message": told,
        }
        url: str = channel.fields["webhookUrl"]
        world.hooks.channel_event(url, thread.portal_id, thread.id, event)
    tell_new_message(world, thread, message, f"userId:{agent.user_id}")
    return message


def comment(
    world: World,
    thread: Thread,
    by: str,
    text: str,
    rich_text: str | None = None,
    attachments: Sequence[Json] = (),
) -> Json:
    """An internal comment; visitors never see it."""
    if not world.options.keeps_unseen_signs:
        text = text.replace("\u200c", "").replace("\u200d", "")
    message = entry(
        world,
        thread,
        "COMMENT",
        by,
        text=text,
        richText=rich_text,
        attachments=list(attachments),
    )
    message["senders"] = [{"actorId": by}]
    append(world, thread, message)
    source = f"userId:{by[2:]}" if by.startswith("A-") else app_source(world)
    tell_new_message(world, thread, message, source)
    return message


def assign(world: World, thread: Thread, actor_id: str | None, source: str) -> None:
    """Assign to an agent, or to nobody; nothing happens when it is so already."""
    if thread.archived:
        raise ApiError.invalid("An archived thread cannot be assigned")
    if actor_id is not None and actor_id not in world.portal_of(thread).agents:
        raise ApiError.invalid(f"{actor_id!r} is not an agent of this portal", field="actorId")
    before = thread.assigned_to
    if before == actor_id:
        return
    thread.assigned_to = actor_id
    fields = {"assignedFrom": before, "assignedTo": actor_id}
    append(
        world,
        thread,
        entry(world, thread, "ASSIGNMENT", _by(source), **{k: v for k, v in fields.items() if v}),
    )
    _changed(world, thread, "assignedTo", actor_id or "", source)


def set_status(world: World, thread: Thread, status: str, source: str) -> None:
    """Close or open; nothing happens when it is so already."""
    if thread.archived:
        raise ApiError.invalid("The status of an archived thread cannot change", field="status")
    if thread.status == status:
        return
    thread.status = status
    thread.closed_at = world.clock() if status == "CLOSED" else None
    append(
        world,
        thread,
        entry(world, thread, "THREAD_STATUS_CHANGE", _by(source), newStatus=status),
    )
    _changed(world, thread, "status", status, source)


def archive(world: World, thread: Thread, source: str) -> None:
    """Delete softly: 30 days remain to restore it."""
    if thread.archived:
        return
    thread.archived = True
    world.journal.add("thread", thread=thread.id, event="archived")
    world.emit(thread, "conversation.deletion", source)


def restore(world: World, thread: Thread, source: str) -> None:
    """Undo :func:`archive`."""
    if not thread.archived:
        raise ApiError.invalid("The thread is not archived", field="archived")
    thread.archived = False
    _changed(world, thread, "isArchived", "FALSE", source)


def forget(world: World, thread: Thread, source: str) -> None:
    """Delete for good, for privacy; the thread answers 404 from now on."""
    portal = world.portal_of(thread)
    portal.threads.pop(thread.id)
    portal.by_integration_thread.pop((thread.account_id, thread.integration_thread_id), None)
    del world.threads[thread.id]
    for message in thread.messages:
        world.messages.pop(message["id"], None)
    world.journal.add("thread", thread=thread.id, event="forgotten")
    world.emit(thread, "conversation.privacyDeletion", source)


def transfer(world: World, thread: Thread, inbox_id: str, source: str) -> None:
    """Move to another inbox. No webhook tells it; only the history does."""
    if inbox_id not in world.portal_of(thread).inboxes:
        raise ApiError.not_found("inbox", inbox_id)
    before, thread.inbox_id = thread.inbox_id, inbox_id
    append(
        world,
        thread,
        entry(
            world,
            thread,
            "THREAD_INBOX_CHANGE",
            _by(source),
            fromInboxId=before,
            toInboxId=inbox_id,
        ),
    )


def mark_spam(world: World, thread: Thread, source: str) -> None:
    """Mark as spam; whether that closes the thread is an option."""
    thread.spam = True
    if world.options.spam_closes:
        set_status(world, thread, "CLOSED", source)


def _by(source: str) -> str:
    kind, _, number = source.partition(":")
    return f"A-{number}" if kind == "userId" else f"I-{number}"


def _changed(world: World, thread: Thread, name: str, value: str, source: str) -> None:
    world.journal.add("thread", thread=thread.id, event=name, value=value)
    world.emit(
        thread,
        "conversation.propertyChange",
        source,
        propertyName=name,
        propertyValue=value,
    )
