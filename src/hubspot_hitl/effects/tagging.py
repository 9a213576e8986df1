"""Keeps the tags of the bot's conversation true: state, agent, end. Flows and reports read them."""

from __future__ import annotations

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.tags import ConversationTag
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

TAGS = "bot.tags"


def tags_later(it: Delivery, before: Handoff, after: Handoff) -> list[NewDelivery]:
    """The delivery that writes the tags, if what they tell has changed.

    It has a lane of its own: nobody's words wait for a tag. It writes what is true when it runs.
    """
    same = tags_of(before) == tags_of(after)
    if after.conversation_id is None or same:
        return []
    first = after.assigned_ms if after.announced and not before.announced else None
    return [
        NewDelivery(
            dedup_key=f"{it.dedup_key}:tags",
            lane=f"tags:{after.id}",
            kind=TAGS,
            installation_id=it.installation_id,
            handoff_id=after.id,
            body={"assignedMs": first},
        )
    ]


async def write_tags(services: Services, it: Delivery) -> Outcome:
    """Set all tags by one update; repeating it changes nothing."""
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if handoff.conversation_id is None:
        return Done(note="there is no conversation")
    tags = tags_of(handoff)
    if it.body.get("assignedMs") is not None:
        tags[ConversationTag.ASSIGNED_AT.value] = str(it.body["assignedMs"])
    await services.bots.of(installation).update_conversation(handoff.conversation_id, tags)
    return Done(note=f"tagged: {handoff.state}")


def tags_of(handoff: Handoff) -> dict[str, str]:
    """What the tags say of a handoff; an empty value removes a tag."""
    ended = not handoff.active
    return {
        ConversationTag.ID.value: handoff.thread_id or "",
        ConversationTag.INTEGRATION_THREAD_ID.value: handoff.integration_thread_id,
        ConversationTag.STATE.value: handoff.state.value,
        ConversationTag.AGENT_ID.value: handoff.agent_actor_id or "",
        ConversationTag.INBOX_ID.value: handoff.inbox_id,
        ConversationTag.ENDED_AT.value: str(handoff.ended_ms) if ended and handoff.ended_ms else "",
        ConversationTag.END_REASON.value: handoff.end_reason.value if handoff.end_reason else "",
        ConversationTag.OUTCOME.value: handoff.state.value if ended else "",
    }
