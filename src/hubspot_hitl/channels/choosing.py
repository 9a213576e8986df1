"""The number by which a user answers an agent's quick replies, with the words that it stands for.

The `hitl` channel has no buttons, so users read a numbered list and tend to answer by its number.
"""

from __future__ import annotations

import dataclasses
import re

from hubspot_hitl.handoff.to_agent import ToAgent
from hubspot_hitl.handoff.to_user import FOR_THE_USER
from hubspot_hitl.intake.codec import message_of
from hubspot_hitl.intake.hubspot_events import MESSAGE
from hubspot_hitl.ports.ledger import ERASED, Delivery, DeliveryFilter
from hubspot_hitl.ports.services import Services

_NUMBER = re.compile(r"\s*(\d{1,2})[.)]?\s*", re.ASCII)
LOOK_BACK = 5


async def with_the_choice(services: Services, it: Delivery, content: ToAgent) -> ToAgent:
    """The message with the chosen words behind the number, when the last agent gave a choice.

    Only a message that is nothing but a small number costs the look into the ledger.
    """
    found = _NUMBER.fullmatch(content.text) if it.body.get("userId") is not None else None
    if found is None or content.files:
        return content
    replies = await _last_choice(services, it)
    number = int(found[1])
    if not 1 <= number <= len(replies):
        return content
    words = f"{content.text.strip()} ({replies[number - 1]})"
    return dataclasses.replace(content, text=words, text_with_links=words, rich_text=None)


async def _last_choice(services: Services, it: Delivery) -> list[str]:
    """The labels of the quick replies of the latest agent message before this one."""
    latest = await services.ledger.find(
        DeliveryFilter(handoff_id=it.handoff_id, kind=MESSAGE, limit=LOOK_BACK)
    )
    for one in latest:
        if one.accepted_ms > it.accepted_ms or one.body == ERASED:
            continue
        message = message_of(one)
        if message.type not in FOR_THE_USER:
            continue
        return [
            reply.label or reply.value
            for attachment in message.attachments
            for reply in attachment.replies
        ]
    return []
