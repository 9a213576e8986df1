"""Action `markRead`: the bot's channel says that the user has read what agents wrote."""

from __future__ import annotations

from datetime import UTC, datetime

from hubspot_hitl.effects.seen import read_until
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.integration.actions import MarkReadInput, MarkReadOutput
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services


async def mark_read(
    services: Services, installation: Installation, input_: MarkReadInput
) -> MarkReadOutput:
    """Mark agents' messages as READ in HubSpot; a repeat marks nothing twice.

    Raises ActionRefused when the conversation is none of ours, or the time is unreadable.
    """
    handoff = await services.handoffs.by_conversation(installation.id, input_.conversation_id)
    if handoff is None:
        raise ActionRefused(
            f"Conversation {input_.conversation_id!r} has no HubSpot thread. Only conversations"
            " that startHitl returned can be marked."
        )
    if installation.configuration.read_receipts == "off":
        return MarkReadOutput(marked=0)
    marks = await read_until(services, installation, handoff, _until(services, input_.read_at))
    marked = await services.ledger.accept(marks) if marks else 0
    return MarkReadOutput(marked=marked)


def _until(services: Services, read_at: str | None) -> int:
    if read_at is None:
        return services.clock.now_ms()
    try:
        moment = datetime.fromisoformat(read_at)
    except ValueError as error:
        raise ActionRefused(
            "The time of reading must look like 2026-05-31T09:00:00Z, or be left empty."
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
