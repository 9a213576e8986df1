"""The end that a user asks for by one of the owner's stop words."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.stop_words import is_stop_word
from hubspot_hitl.handoff.to_agent import to_agent
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery, NewDelivery

USER_ENDED: Final = "user.ended"


def user_ended(installation: Installation, handoff: Handoff, it: Delivery) -> list[NewDelivery]:
    """The end that the message in `it` asks for, behind the message in its lane; mostly none."""
    if not _is_stop_word(installation, it):
        return []
    return [
        NewDelivery(
            dedup_key=f"{it.dedup_key}:ended",
            lane=it.lane,
            kind=USER_ENDED,
            installation_id=it.installation_id,
            handoff_id=handoff.id,
            body={"occurredMs": it.accepted_ms},
        )
    ]


def _is_stop_word(installation: Installation, it: Delivery) -> bool:
    """Whether the user, and not the bot, ends the chat by this message."""
    if it.body.get("userId") is None or it.body["type"] != "text" or it.body.get("edited"):
        return False
    said = to_agent("text", it.body["payload"])
    return is_stop_word(said.text, installation.configuration.stop_words)
