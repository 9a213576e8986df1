"""The table of the actions on HubSpot's CRM; :mod:`hubspot_hitl.actions.crm` handles them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hubspot_hitl.integration.action_spec import ActionSpec
from hubspot_hitl.integration.crm.records import (
    CreateCompanyInput,
    CreateContactInput,
    CreateDealInput,
    CreateLeadInput,
    CreateTicketInput,
    DeleteRecordInput,
    DeleteRecordOutput,
    GetCompanyInput,
    GetContactInput,
    GetRecordInput,
    GetRecordOutput,
    RecordOutput,
    SearchRecordsInput,
    SearchRecordsOutput,
    UpdateCompanyInput,
    UpdateContactInput,
    UpdateDealInput,
    UpdateLeadInput,
    UpdateTicketInput,
    UpsertContactInput,
    UpsertContactOutput,
    UpsertContactsInput,
    UpsertContactsOutput,
)
from hubspot_hitl.integration.crm.tools import (
    AddToListOutput,
    CreatedOutput,
    CreateNoteInput,
    CreateTaskInput,
    CreateTimelineEventInput,
    CreateTimelineEventOutput,
    CreateVisitorTokenInput,
    CreateVisitorTokenOutput,
    DiscoverFieldsInput,
    DiscoverFieldsOutput,
    EnrollInSequenceInput,
    EnrollInSequenceOutput,
    GetOwnerInput,
    GetOwnerOutput,
    ListMembersInput,
    RemoveFromListOutput,
    SendEmailInput,
    SendEmailOutput,
)

CRM_ACTIONS: Mapping[str, ActionSpec] = {
    "createContact": ActionSpec(
        "Create contact",
        "Create a contact. Fails when the email is taken; upsertContact changes it instead.",
        CreateContactInput,
        RecordOutput,
    ),
    "getContact": ActionSpec(
        "Get contact", "Read a contact by id or email.", GetContactInput, GetRecordOutput
    ),
    "updateContact": ActionSpec(
        "Update contact", "Change properties of a contact.", UpdateContactInput, RecordOutput
    ),
    "deleteContact": ActionSpec(
        "Delete contact",
        "Archive a contact; it can be restored in HubSpot for 90 days.",
        DeleteRecordInput,
        DeleteRecordOutput,
    ),
    "searchContacts": ActionSpec(
        "Search contacts",
        "Find contacts by text and conditions. Very recent changes may not show yet.",
        SearchRecordsInput,
        SearchRecordsOutput,
    ),
    "createCompany": ActionSpec(
        "Create company",
        "Create a company, linked to a contact if one is given.",
        CreateCompanyInput,
        RecordOutput,
    ),
    "getCompany": ActionSpec(
        "Get company", "Read a company by id or domain.", GetCompanyInput, GetRecordOutput
    ),
    "updateCompany": ActionSpec(
        "Update company", "Change properties of a company.", UpdateCompanyInput, RecordOutput
    ),
    "deleteCompany": ActionSpec(
        "Delete company",
        "Archive a company; it can be restored in HubSpot for 90 days.",
        DeleteRecordInput,
        DeleteRecordOutput,
    ),
    "searchCompanies": ActionSpec(
        "Search companies",
        "Find companies by text and conditions. Very recent changes may not show yet.",
        SearchRecordsInput,
        SearchRecordsOutput,
    ),
    "createDeal": ActionSpec(
        "Create deal",
        "Create a deal in a stage, linked to contact and company if given.",
        CreateDealInput,
        RecordOutput,
    ),
    "getDeal": ActionSpec("Get deal", "Read a deal by id.", GetRecordInput, GetRecordOutput),
    "updateDeal": ActionSpec(
        "Update deal",
        "Change properties of a deal, its stage by name.",
        UpdateDealInput,
        RecordOutput,
    ),
    "deleteDeal": ActionSpec(
        "Delete deal",
        "Archive a deal; it can be restored in HubSpot for 90 days.",
        DeleteRecordInput,
        DeleteRecordOutput,
    ),
    "searchDeals": ActionSpec(
        "Search deals",
        "Find deals by text and conditions. Very recent changes may not show yet.",
        SearchRecordsInput,
        SearchRecordsOutput,
    ),
    "createTicket": ActionSpec(
        "Create ticket",
        "Create a ticket in a stage, linked to contact and company if given.",
        CreateTicketInput,
        RecordOutput,
    ),
    "getTicket": ActionSpec("Get ticket", "Read a ticket by id.", GetRecordInput, GetRecordOutput),
    "updateTicket": ActionSpec(
        "Update ticket",
        "Change properties of a ticket, its stage by name.",
        UpdateTicketInput,
        RecordOutput,
    ),
    "deleteTicket": ActionSpec(
        "Delete ticket",
        "Archive a ticket; it can be restored in HubSpot for 90 days.",
        DeleteRecordInput,
        DeleteRecordOutput,
    ),
    "searchTickets": ActionSpec(
        "Search tickets",
        "Find tickets by text and conditions. Very recent changes may not show yet.",
        SearchRecordsInput,
        SearchRecordsOutput,
    ),
    "createLead": ActionSpec(
        "Create lead",
        "Create a lead of a contact. Needs Sales Hub Professional.",
        CreateLeadInput,
        RecordOutput,
    ),
    "getLead": ActionSpec("Get lead", "Read a lead by id.", GetRecordInput, GetRecordOutput),
    "updateLead": ActionSpec(
        "Update lead",
        "Change properties of a lead, its stage by name.",
        UpdateLeadInput,
        RecordOutput,
    ),
    "deleteLead": ActionSpec(
        "Delete lead",
        "Archive a lead; it can be restored in HubSpot for 90 days.",
        DeleteRecordInput,
        DeleteRecordOutput,
    ),
    "searchLeads": ActionSpec(
        "Search leads",
        "Find leads by text and conditions. Very recent changes may not show yet.",
        SearchRecordsInput,
        SearchRecordsOutput,
    ),
    "upsertContact": ActionSpec(
        "Create or update contact",
        "Change the contact with this email, or create it: for forms, where either may be true.",
        UpsertContactInput,
        UpsertContactOutput,
    ),
    "upsertContacts": ActionSpec(
        "Create or update contacts",
        "The same for up to 100 contacts at once. One that HubSpot refuses costs only itself.",
        UpsertContactsInput,
        UpsertContactsOutput,
    ),
    "createNote": ActionSpec(
        "Create note", "Put a note on the time line of a record.", CreateNoteInput, CreatedOutput
    ),
    "createTask": ActionSpec(
        "Create task", "Give somebody a task about a record.", CreateTaskInput, CreatedOutput
    ),
    "createTimelineEvent": ActionSpec(
        "Create timeline event",
        "Put an event of your app on a contact's time line. Needs a public app with event types;"
        " private apps and service keys have none.",
        CreateTimelineEventInput,
        CreateTimelineEventOutput,
    ),
    "sendEmail": ActionSpec(
        "Send email",
        "Send a published transactional email by HubSpot. Needs the transactional email add-on.",
        SendEmailInput,
        SendEmailOutput,
    ),
    "enrollInSequence": ActionSpec(
        "Enroll in sequence",
        "Enrol a contact in a sequence of emails. Needs Sales or Service Hub Professional.",
        EnrollInSequenceInput,
        EnrollInSequenceOutput,
    ),
    "addToList": ActionSpec(
        "Add to list",
        "Add contacts to a list whose members are kept by hand.",
        ListMembersInput,
        AddToListOutput,
    ),
    "removeFromList": ActionSpec(
        "Remove from list",
        "Take contacts out of a list whose members are kept by hand.",
        ListMembersInput,
        RemoveFromListOutput,
    ),
    "getOwner": ActionSpec(
        "Get owner",
        "Look up a user of the portal as an owner of records.",
        GetOwnerInput,
        GetOwnerOutput,
    ),
    "discoverFields": ActionSpec(
        "Discover fields",
        "List the fields of an object, custom ones too, with types and options.",
        DiscoverFieldsInput,
        DiscoverFieldsOutput,
    ),
    "createVisitorToken": ActionSpec(
        "Create visitor token",
        "Make an identification token for HubSpot's own chat widget on your website. This channel"
        " does not use it. Needs a Professional edition.",
        CreateVisitorTokenInput,
        CreateVisitorTokenOutput,
    ),
}
