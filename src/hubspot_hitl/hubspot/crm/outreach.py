"""Lists, sequences and visitor identification.

Sources: https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide and
https://developers.hubspot.com/docs/api-reference/latest/automation/sequences/guide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.hubspot.crm import paths, records
from hubspot_hitl.hubspot.crm.calls import CrmCalls, get, send
from hubspot_hitl.hubspot.fields import Fields, ShapeError
from hubspot_hitl.ports.crm_records import (
    CrmList,
    CrmType,
    EmailSequence,
    Enrollment,
    Membership,
    SentEmail,
)


class CrmOutreach(CrmCalls):
    """The part of the CRM client for marketing and sales tools."""

    async def list_named(self, name: str, type_: CrmType = CrmType.CONTACT) -> CrmList | None:
        """The list with exactly this name."""
        number = paths.OBJECT_TYPE_IDS.get(type_)
        if number is None:
            raise InvalidPayload(f"HubSpot has no lists of {type_.value}")
        return await self._read_if_there(
            get("lists.read", paths.list_named(number, name)), records.crm_list
        )

    async def list_by_id(self, list_id: str) -> CrmList | None:
        """The list with this id."""
        return await self._read_if_there(
            get("lists.read", paths.crm_list(list_id)), records.crm_list
        )

    async def add_to_list(self, list_id: str, ids: Sequence[str]) -> Membership:
        """Add records to a MANUAL or SNAPSHOT list."""
        call = send("lists.add", "PUT", paths.memberships(list_id, "add"), list(ids))
        return await self._read(call, records.membership)

    async def remove_from_list(self, list_id: str, ids: Sequence[str]) -> Membership:
        """Remove records from a MANUAL or SNAPSHOT list."""
        call = send("lists.remove", "PUT", paths.memberships(list_id, "remove"), list(ids))
        return await self._read(call, records.membership)

    async def sequences(self, user_id: str) -> Sequence[EmailSequence]:
        """The sequences that a user of the portal can use, every page."""
        call = get("sequences.list", paths.SEQUENCES, userId=user_id, limit=100)
        return await self._pages(call, records.sequence)

    async def enroll(
        self, user_id: str, sequence_id: str, contact_id: str, sender_email: str
    ) -> Enrollment:
        """Enrol a contact. Needs Sales or Service Professional and a connected inbox."""
        body = {"sequenceId": sequence_id, "contactId": contact_id, "senderEmail": sender_email}
        call = send("sequences.enroll", "POST", paths.ENROLLMENTS, body)
        return await self._read(replace(call, query=(("userId", user_id),)), records.enrollment)

    async def send_email(
        self,
        email_id: str,
        to: str,
        send_id: str,
        *,
        contact_properties: Mapping[str, str] | None = None,
        custom_properties: Mapping[str, str] | None = None,
    ) -> SentEmail:
        """Send a published transactional email to one address; the same `send_id` sends once.

        HubSpot keeps ids of sends and sends none twice. Source:
        https://developers.hubspot.com/docs/api-reference/latest/marketing/transactional-emails/guide
        """
        body: dict[str, object] = {
            "emailId": int(email_id),
            "message": {"to": to, "sendId": send_id},
            "contactProperties": dict(contact_properties or {}),
            "customProperties": dict(custom_properties or {}),
        }
        call = send("emails.send", "POST", paths.TRANSACTIONAL, body, repeatable=True)
        return await self._read(call, _sent)

    async def visitor_token(
        self, email: str, *, first_name: str | None = None, last_name: str | None = None
    ) -> str:
        """A token, good for 12 hours, that tells HubSpot's own chat widget who the visitor is."""
        body: dict[str, object] = {"email": email, "hsCustomerAgentContext": {}}
        body |= {"firstName": first_name} if first_name else {}
        body |= {"lastName": last_name} if last_name else {}
        call = send("visitor_tokens.create", "POST", paths.VISITOR_TOKENS, body, repeatable=True)
        return await self._read(call, _token)


def _sent(raw: Fields) -> SentEmail:
    return SentEmail(raw.require_id("statusId"), raw.text("status") or "", raw.text("sendResult"))


def _token(raw: Fields) -> str:
    token = raw.text("token")
    if not token:
        raise ShapeError("the field 'token' is missing")
    return token
