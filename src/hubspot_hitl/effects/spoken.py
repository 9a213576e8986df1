"""What was said in a handoff, from the deliveries that the ledger keeps as evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from hubspot_hitl.crm.transcript_text import Line, blocks
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.summary import Spoken
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.handoff.to_agent import as_text, to_agent
from hubspot_hitl.intake.codec import message_of
from hubspot_hitl.intake.hubspot_events import MESSAGE
from hubspot_hitl.intake.ordering import first_key
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.masking import mask_text

BOT_MESSAGE: Final = "bot.message"
"""What the user or the bot said, as `channels.hitl` wrote it down."""
PUBLISHED: Final = "published"
RELAYED: Final = "message(s) created"
RELAYED_BEFORE: Final = "known already"
DELIVERED_LATER: Final = "delivered in handoff"
HELD_KEY: Final = ":held"
"""How the key of the delivery that holds a message ends."""
_ARRIVED: Final = (PUBLISHED, RELAYED, RELAYED_BEFORE, DELIVERED_LATER)
MOST: Final = 10_000


def arrived(it: Delivery) -> bool:
    """Whether its message reached the other side: what is done may be refused, or held, instead."""
    note = it.note or ""
    return it.state is DeliveryState.DONE and any(words in note for words in _ARRIVED)


def said_first(it: Delivery) -> str:
    """What all deliveries of one message share: it may have been put behind others, or held."""
    return first_key(it).removesuffix(HELD_KEY)


async def spoken_in(
    services: Services, installation: Installation, handoff: Handoff, *, since_ms: int = 0
) -> list[Spoken]:
    """What reached the other side after `since_ms`, oldest first."""
    found: dict[str, tuple[int, int, Spoken]] = {}
    for kind in (BOT_MESSAGE, MESSAGE):
        deliveries = await services.ledger.find(
            DeliveryFilter(
                handoff_id=handoff.id,
                kind=kind,
                states=(DeliveryState.DONE,),
                newest_first=False,
                limit=MOST,
            )
        )
        for it in deliveries:
            said = await said_in(services, installation, handoff, it)
            if said is not None and said.at_ms > since_ms:
                # A message that was put behind elder ones left a delivery at each of its places.
                found[first_key(it)] = (said.at_ms, it.seq, said)
    return [said for _, _, said in sorted(found.values(), key=lambda one: one[:2])]


async def said_in(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> Spoken | None:
    """The message that a delivery carries; None when it carries none."""
    if it.kind == BOT_MESSAGE:
        return said_by_user(installation, handoff, it)
    message = message_of(it)
    if message.type != "MESSAGE":
        return None
    return await said_by_agent(services, installation, handoff, message)


def said_by_user(installation: Installation, handoff: Handoff, it: Delivery) -> Spoken:
    """The message of the user, or of the bot, masked as the agent saw it."""
    words = agents_words(installation, handoff)
    content = to_agent(str(it.body["type"]), it.body["payload"], words)
    text = mask_text(installation.configuration, as_text(content))
    at_ms = created_ms(it)
    user_id = it.body.get("userId")
    if user_id is None:
        return Spoken("bot", words(TextKey.SPEAKER_BOT), at_ms, text)
    name = f"{handoff.user_name} ({user_id})" if handoff.user_name else str(user_id)
    return Spoken("user", name, at_ms, text)


def created_ms(it: Delivery) -> int:
    """When the user wrote it; when we took it in, if Botpress did not say so readably."""
    created_at = it.body.get("createdAt")
    if isinstance(created_at, str):
        try:
            return int(datetime.fromisoformat(created_at).timestamp() * 1000)
        except ValueError:
            return it.accepted_ms
    return it.accepted_ms


async def said_by_agent(
    services: Services, installation: Installation, handoff: Handoff, message: ThreadMessage
) -> Spoken:
    """The message of an agent, by the name the owner lets agents have."""
    actor_id = next(iter(message.sender_actor_ids), None) or message.created_by or ""
    agent = await services.people.agent(handoff.installation_id, actor_id)
    words = agents_words(installation, handoff)
    unnamed = actor_id or words(TextKey.SPEAKER_AGENT)
    by = f"{agent.name} ({actor_id})" if agent and agent.name else unnamed
    label = words(TextKey.LABEL_FILE)
    files = [
        f"[{label}: {name}]" for one in message.attachments if (name := one.name or one.file_id)
    ]
    text = "\n".join(part for part in (message.text.strip(), *files) if part)
    masked = mask_text(installation.configuration, text)
    return Spoken("agent", by, message.created_ms, masked)


def transcript_blocks(spoken: list[Spoken]) -> list[str]:
    """The messages as the transcript has them."""
    lines = [Line(one.name, one.at_ms, one.text) for one in spoken]
    return [block for line in lines for block in blocks(line)]
