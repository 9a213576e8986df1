"""An input for each action that a bot can call by itself, for the reference. Pure.

`tests/flows/test_action_examples.py` runs every one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

CONTACT, COMPANY, DEAL, TICKET, LEAD = "60001", "60002", "60003", "60004", "60005"
OWNER, AGENT = "70001111", "agent@example.com"
Example = Mapping[str, JsonValue]

EXAMPLES: Final[Mapping[str, Example]] = MappingProxyType(
    {
        "sendMessage": {"conversationId": "conv_01J...", "text": "My order is 4711"},
        "markRead": {"conversationId": "conv_01J...", "readAt": "2026-05-31T09:00:00Z"},
        "checkAvailability": {"inboxId": "1263703960"},
        "createContact": {
            "email": "grace@example.com",
            "firstName": "Grace",
            "companyId": COMPANY,
            "properties": {"jobtitle": "Rear admiral"},
        },
        "getContact": {"email": "ada@example.com", "properties": ["firstname", "lifecyclestage"]},
        "updateContact": {"id": CONTACT, "lifecycleStage": "customer", "ownerId": OWNER},
        "deleteContact": {"id": CONTACT},
        "searchContacts": {
            "filters": [{"property": "lifecyclestage", "operator": "EQ", "value": "customer"}],
            "sort": "-createdate",
            "limit": 5,
        },
        "createCompany": {"name": "Example Ltd", "domain": "example.net", "contactId": CONTACT},
        "getCompany": {"domain": "example.com"},
        "updateCompany": {"id": COMPANY, "properties": {"numberofemployees": "250"}},
        "deleteCompany": {"id": COMPANY},
        "searchCompanies": {"query": "Example"},
        "createDeal": {
            "name": "New website",
            "amount": 1200,
            "pipeline": "Sales Pipeline",
            "stage": "Contract Sent",
            "contactId": CONTACT,
        },
        "getDeal": {"id": DEAL},
        "updateDeal": {"id": DEAL, "stage": "Closed Won"},
        "deleteDeal": {"id": DEAL},
        "searchDeals": {"filters": [{"property": "amount", "operator": "GT", "value": "1000"}]},
        "createTicket": {
            "subject": "Cannot log in",
            "stage": "New",
            "priority": "HIGH",
            "contactId": CONTACT,
        },
        "getTicket": {"id": TICKET},
        "updateTicket": {"id": TICKET, "pipeline": "Support Pipeline", "stage": "Closed"},
        "deleteTicket": {"id": TICKET},
        "searchTickets": {"filters": [{"property": "hs_ticket_priority", "value": "HIGH"}]},
        "createLead": {"name": "Ada L.", "contactId": CONTACT, "label": "WARM"},
        "getLead": {"id": LEAD},
        "updateLead": {"id": LEAD, "stage": "Qualified"},
        "deleteLead": {"id": LEAD},
        "searchLeads": {"query": "Ada"},
        "upsertContact": {"email": "ada@example.com", "phone": "+4930901820"},
        "upsertContacts": {
            "contacts": [
                {"email": "ada@example.com", "lastName": "Lovelace"},
                {"email": "mary@example.com", "properties": {"city": "Bath"}},
            ]
        },
        "createNote": {"body": "Asked about the invoice", "contactId": CONTACT, "dealId": DEAL},
        "createTask": {
            "subject": "Call back",
            "due": "2026-05-31T09:00:00Z",
            "priority": "HIGH",
            "contactId": CONTACT,
            "ownerId": OWNER,
        },
        "createTimelineEvent": {
            "eventType": "order_placed",
            "contactId": CONTACT,
            "properties": {"order": "4711"},
            "eventId": "order-4711",
        },
        "sendEmail": {
            "emailId": "4126643122",
            "to": "ada@example.com",
            "sendId": "order-4711",
            "customProperties": {"order": "4711"},
        },
        "enrollInSequence": {"contactId": CONTACT, "sequence": "Welcome", "senderEmail": AGENT},
        "addToList": {"list": "Newsletter", "contactIds": [CONTACT]},
        "removeFromList": {"list": "Newsletter", "contactIds": [CONTACT]},
        "getOwner": {"email": AGENT},
        "discoverFields": {"objectType": "deals", "writableOnly": True},
        "createVisitorToken": {"email": "ada@example.com", "firstName": "Ada"},
    }
)
"""Name of the action -> an input."""
