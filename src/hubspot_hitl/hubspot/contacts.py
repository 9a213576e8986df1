"""The contact of a handoff: read, search, create, change.

A user waits for these while a handoff starts, so they go with the live chat.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, cast

from hubspot_hitl.hubspot import paths, records
from hubspot_hitl.hubspot.answers import Answer
from hubspot_hitl.hubspot.crm.refusals import refusal
from hubspot_hitl.hubspot.rest import Rest, record_of
from hubspot_hitl.hubspot.transport import Call, query_of
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.ports.hubspot_records import Contact

_PAGE_OF_SEARCH = 200
_UNKNOWN = frozenset({404})
_REFUSED = frozenset({400})


class Contacts(Rest):
    """The contacts part of the client. It gives way to live chat."""

    async def contact(
        self, key: str, *, by: Literal["id", "email"], properties: Sequence[str] = ()
    ) -> Contact | None:
        """Read a contact; None when there is none."""
        query = query_of(
            {
                "idProperty": "email" if by == "email" else None,
                "properties": ",".join(properties) or None,
            }
        )
        call = Call(
            "contacts.read",
            "GET",
            paths.contact(key),
            query=query,
            priority=Priority.LIVE_CHAT,
            accept=_UNKNOWN,
        )
        answer = await self.send(call)
        if answer.status in _UNKNOWN:
            return None
        return record_of(answer, call.operation, records.contact)

    async def search_contacts(
        self, property_name: str, value: str, properties: Sequence[str] = ()
    ) -> Sequence[Contact]:
        """Find contacts whose property equals `value`. Lags behind writes by moments."""
        same = {"propertyName": property_name, "operator": "EQ", "value": value}
        body: dict[str, object] = {
            "filterGroups": [{"filters": [same]}],
            "sorts": [],
            "properties": list(properties),
            "limit": _PAGE_OF_SEARCH,
        }
        call = Call(
            "contacts.search",
            "POST",
            paths.CONTACT_SEARCH,
            body=body,
            priority=Priority.LIVE_CHAT,
            idempotent=True,
            search=True,
        )
        return await self.pages(call, records.contact, next_page=_after_in_body)

    async def create_contact(self, properties: Mapping[str, str]) -> Contact:
        """Create a contact. Raises VendorConflict for a taken email, FieldsRefused for values."""
        call = Call(
            "contacts.create",
            "POST",
            paths.CONTACTS,
            body={"properties": dict(properties), "associations": []},
            priority=Priority.LIVE_CHAT,
            accept=_REFUSED,
        )
        return _written(await self.send(call), call)

    async def update_contact(self, contact_id: str, properties: Mapping[str, str]) -> Contact:
        """Change properties of a contact. A merged contact answers with its new id.

        Raises FieldsRefused, which names the fields that HubSpot does not take.
        """
        call = Call(
            "contacts.update",
            "PATCH",
            paths.contact(contact_id),
            body={"properties": dict(properties)},
            priority=Priority.LIVE_CHAT,
            accept=_REFUSED,
        )
        return _written(await self.send(call), call)

    async def erase_contact(self, contact_id: str) -> None:
        """Delete a contact for good, with what HubSpot keeps of them.

        Asked by id: by an unknown email, HubSpot would put that on a blocklist.
        https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/gdpr/gdpr-delete-contact
        """
        call = Call(
            "contacts.erase",
            "POST",
            paths.CONTACT_ERASURE,
            body={"objectId": contact_id},
            priority=Priority.BACKGROUND,
            idempotent=True,
        )
        await self.send(call)


def _after_in_body(call: Call, after: str) -> Call:
    return replace(call, body={**cast("dict[str, object]", call.body), "after": after})


def _written(answer: Answer, call: Call) -> Contact:
    if answer.status in _REFUSED:
        raise refusal(answer, call.operation, 0)  # a 400 names no time to come back
    return record_of(answer, call.operation, records.contact)
