"""Action `checkAvailability`: what a bot can know before it hands a user over. Promises nothing."""

from __future__ import annotations

from hubspot_hitl.crm.routing.hours import hours_of
from hubspot_hitl.crm.routing.queue import Queue, queue_of
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.integration.availability import CheckAvailabilityInput, CheckAvailabilityOutput
from hubspot_hitl.integration.inboxes import inbox_id_of
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services


async def check_availability(
    services: Services, installation: Installation, input_: CheckAvailabilityInput
) -> CheckAvailabilityOutput:
    """Business hours by the inbox's own clock, and the queue by our own history.

    HubSpot is not asked. Raises ActionRefused for an inbox that is not connected.
    """
    inbox_id = _inbox(installation, input_.inbox_id)
    now_ms = services.clock.now_ms()
    queue: Queue = await queue_of(services, installation.id, inbox_id)
    hours = hours_of(installation.configuration.business_hours).of(inbox_id)
    opens = hours.opens(now_ms) if hours is not None else None
    return CheckAvailabilityOutput(
        inbox_id=inbox_id,
        open=hours.open(now_ms) if hours is not None else None,
        holiday=hours.holiday(now_ms) if hours is not None else None,
        opens_at=opens.isoformat(timespec="minutes") if opens is not None else None,
        waiting=queue.waiting,
        running=queue.open,
        wait_minutes=queue.wait_minutes,
        minutes_since_agent_reply=queue.minutes_since_agent_reply,
    )


def _inbox(installation: Installation, wanted: str | None) -> str:
    try:
        connected = installation.configuration.inbox_ids
        inbox_id = inbox_id_of(wanted) if wanted else next(iter(connected), "")
    except ValueError as error:
        raise ActionRefused(f"The inbox: {error}.") from error
    if inbox_id not in connected:
        known = ", ".join(connected) or "none"
        raise ActionRefused(f"The inbox {inbox_id!r} is not connected. Inbox ID names: {known}.")
    return inbox_id
