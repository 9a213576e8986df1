"""Actions on HubSpot's CRM, one table. Their schemas are in `integration.crm.actions`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from hubspot_hitl.actions.crm import lookups, outreach, records, timeline
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.wire import WireModel
from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.ports.services import Services

Handler = Callable[[Services, Installation, Any], Awaitable[WireModel]]

CRM_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "createContact": records.create(CrmType.CONTACT),
        "getContact": records.get(CrmType.CONTACT),
        "updateContact": records.update(CrmType.CONTACT),
        "deleteContact": records.delete(CrmType.CONTACT),
        "searchContacts": records.search(CrmType.CONTACT),
        "createCompany": records.create(CrmType.COMPANY),
        "getCompany": records.get(CrmType.COMPANY),
        "updateCompany": records.update(CrmType.COMPANY),
        "deleteCompany": records.delete(CrmType.COMPANY),
        "searchCompanies": records.search(CrmType.COMPANY),
        "createDeal": records.create(CrmType.DEAL),
        "getDeal": records.get(CrmType.DEAL),
        "updateDeal": records.update(CrmType.DEAL),
        "deleteDeal": records.delete(CrmType.DEAL),
        "searchDeals": records.search(CrmType.DEAL),
        "createTicket": records.create(CrmType.TICKET),
        "getTicket": records.get(CrmType.TICKET),
        "updateTicket": records.update(CrmType.TICKET),
        "deleteTicket": records.delete(CrmType.TICKET),
        "searchTickets": records.search(CrmType.TICKET),
        "createLead": records.create(CrmType.LEAD),
        "getLead": records.get(CrmType.LEAD),
        "updateLead": records.update(CrmType.LEAD),
        "deleteLead": records.delete(CrmType.LEAD),
        "searchLeads": records.search(CrmType.LEAD),
        "upsertContact": records.upsert_contact,
        "upsertContacts": records.upsert_contacts,
        "createNote": timeline.create_note,
        "createTask": timeline.create_task,
        "createTimelineEvent": timeline.create_timeline_event,
        "sendEmail": outreach.send_email,
        "enrollInSequence": outreach.enroll_in_sequence,
        "addToList": outreach.add_to_list,
        "removeFromList": outreach.remove_from_list,
        "getOwner": lookups.get_owner,
        "discoverFields": lookups.discover_fields,
        "createVisitorToken": lookups.create_visitor_token,
    }
)
"""Name of the action -> who handles it."""
