"""Events on the time line of contacts, for apps that may write them.

Since 2026-03 an app's event types are part of its developer project and are named; before, they
were templates with numbers, which only apps that already have some can use. Private apps and
service keys can write neither.

Source: https://developers.hubspot.com/docs/apps/developer-platform/add-features/app-events/overview
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hubspot_hitl.hubspot.crm import paths
from hubspot_hitl.hubspot.crm.calls import CrmCalls, send
from hubspot_hitl.hubspot.fields import iso_time
from hubspot_hitl.ports.crm_records import TimelineEvent

_THERE: Final = frozenset({409})


class CrmTimeline(CrmCalls):
    """The part of the CRM client that writes time lines."""

    async def timeline_event(self, event: TimelineEvent) -> bool:
        """Put an event on a contact's time line; False when HubSpot has one with this id.

        That HubSpot answers a repeated id with 409 is documented for 2026-03; whether it does so
        for templates is unverified, and a repeat there rewrites the event with the same words.
        """
        template = event.type.isdigit()
        body: dict[str, object] = {
            "eventTemplateId" if template else "eventTypeName": event.type,
            "id": event.id,
            "timestamp": iso_time(event.at_ms),
            "tokens" if template else "properties": dict(event.properties),
        }
        body |= {"objectId": event.contact_id} if event.contact_id else {"email": event.email}
        path = paths.TIMELINE_TEMPLATES if template else paths.TIMELINE
        call = send("timeline.create", "POST", path, body, repeatable=True)
        answer = await self._send(replace(call, accept=_THERE))
        return answer.status not in _THERE
