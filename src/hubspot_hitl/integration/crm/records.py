"""Inputs and outputs of the actions on CRM records: create, get, update, delete, search. Pure."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hubspot_hitl.integration.crm.inputs import (
    ById,
    CompanyFields,
    ContactFields,
    CrmInput,
    DealFields,
    LeadFields,
    MoreProperties,
    OptionalId,
    TicketFields,
    WantedProperties,
    as_text,
    text,
    values_of,
)
from hubspot_hitl.integration.wire import WireModel, studio

FilterOperator = Literal[
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
]


class ForContact(CrmInput):
    """A record that belongs to a contact."""

    contact_id: OptionalId = text("Contact ID", "The contact it belongs to.", "50001")


class ForCompany(CrmInput):
    """A record that belongs to a company."""

    company_id: OptionalId = text("Company ID", "The company it belongs to.", "50002")


class CreateContactInput(MoreProperties, ForCompany, ContactFields):
    """Input of `createContact`."""


class CreateCompanyInput(MoreProperties, ForContact, CompanyFields):
    """Input of `createCompany`."""


class CreateDealInput(MoreProperties, ForCompany, ForContact, DealFields):
    """Input of `createDeal`."""


class CreateTicketInput(MoreProperties, ForCompany, ForContact, TicketFields):
    """Input of `createTicket`."""


class CreateLeadInput(MoreProperties, ForContact, LeadFields):
    """Input of `createLead`: HubSpot takes no lead without a contact."""

    @model_validator(mode="after")
    def _has_a_contact(self) -> Self:
        if not self.contact_id:
            raise ValueError("contactId is needed: a lead always belongs to a contact")
        return self


class UpdateContactInput(MoreProperties, ContactFields, ById):
    """Input of `updateContact`."""


class UpdateCompanyInput(MoreProperties, CompanyFields, ById):
    """Input of `updateCompany`."""


class UpdateDealInput(MoreProperties, DealFields, ById):
    """Input of `updateDeal`."""


class UpdateTicketInput(MoreProperties, TicketFields, ById):
    """Input of `updateTicket`."""


class UpdateLeadInput(MoreProperties, LeadFields, ById):
    """Input of `updateLead`."""


class UpsertContactInput(MoreProperties, ForCompany, ContactFields):
    """Input of `upsertContact`."""

    match_by: str = Field(
        default="email",
        title="Match by",
        description=(
            "The property that tells contacts apart: email, or one of your own that HubSpot keeps"
            " unique. Its value must be among the fields given."
        ),
        json_schema_extra=studio(placeholder="email"),
    )

    @model_validator(mode="after")
    def _has_the_key(self) -> Self:
        if not values_of(self).get(self.match_by):
            raise ValueError("the property of matchBy needs a value among the fields given")
        return self


class ContactItem(MoreProperties, ContactFields):
    """One contact of many."""


class UpsertContactsInput(CrmInput):
    """Input of `upsertContacts`."""

    contacts: tuple[ContactItem, ...] = Field(
        min_length=1, max_length=100, title="Contacts", description="The contacts, at most 100."
    )
    match_by: str = Field(
        default="email",
        title="Match by",
        description=(
            "The property that tells contacts apart: email, or one of your own that HubSpot keeps"
            " unique. Each contact needs a value of it."
        ),
        json_schema_extra=studio(placeholder="email"),
    )

    @model_validator(mode="after")
    def _have_the_key(self) -> Self:
        for number, one in enumerate(self.contacts):
            if not values_of(one).get(self.match_by):
                raise ValueError(f"contact {number} has no value of the property of matchBy")
        return self


class GetRecordInput(WantedProperties, ById):
    """Input of the `get` actions."""


class GetContactInput(WantedProperties):
    """Input of `getContact`: by id, or by email."""

    id: OptionalId = text("Contact ID", "The contact's id. Leave it empty to use the email.", "501")
    email: str | None = text("Email", "The contact's email address.", "ada@example.com")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.id is None) == (self.email is None):
            raise ValueError("give either id or email")
        return self


class GetCompanyInput(WantedProperties):
    """Input of `getCompany`: by id, or by domain."""

    id: OptionalId = text("Company ID", "The company's id. Leave it empty to use the domain.", "7")
    domain: str | None = text("Domain", "The company's web domain.", "example.com")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.id is None) == (self.domain is None):
            raise ValueError("give either id or domain")
        return self


class DeleteRecordInput(ById):
    """Input of the `delete` actions."""


class FilterInput(WireModel):
    """One condition of a search."""

    property: str = Field(
        min_length=1,
        title="Property",
        description="The property's internal name.",
        json_schema_extra=studio(placeholder="lifecyclestage"),
    )
    operator: FilterOperator = Field(
        default="EQ", title="Operator", description="How the property is compared."
    )
    value: Annotated[str, BeforeValidator(as_text)] = Field(
        default="",
        title="Value",
        description="What it is compared with. For IN and NOT_IN, several separated by ;",
        json_schema_extra=studio(placeholder="customer"),
    )


class SearchRecordsInput(WantedProperties):
    """Input of the `search` actions. What was written moments ago may not be found yet."""

    query: str | None = text("Text", "Text to look for in the record's usual fields.", "Ada")
    filters: tuple[FilterInput, ...] = Field(
        default=(), max_length=6, title="Filters", description="Conditions; all of them must hold."
    )
    sort: str | None = text(
        "Sort", "A property to sort by; with a minus in front, descending.", "-createdate"
    )
    limit: int = Field(
        default=20, ge=1, le=200, title="Limit", description="How many records to return at most."
    )
    after: str | None = text("After", "The mark of the next page, from the page before.", "20")


class RecordOutput(WireModel):
    """A CRM record."""

    id: str = Field(title="Record ID", description="Of a merged record, the one it became.")
    properties: dict[str, str] = Field(
        title="Properties", description="Those that have a value, by their internal names."
    )
    created_at: str | None = Field(default=None, title="Created", description="ISO 8601, UTC.")
    updated_at: str | None = Field(default=None, title="Updated", description="ISO 8601, UTC.")


class GetRecordOutput(WireModel):
    """Output of the `get` actions."""

    found: bool = Field(title="Found", description="Whether there is such a record.")
    record: RecordOutput | None = Field(
        default=None, title="Record", description="The record, when there is one."
    )


class UpsertContactOutput(RecordOutput):
    """Output of `upsertContact`."""

    created: bool = Field(title="Created", description="Whether the contact is new.")


class UpsertedContact(WireModel):
    """One contact that was changed or created."""

    key: str = Field(title="Key", description="Its value of the property of matchBy.")
    id: str = Field(title="Record ID", description="Of a merged contact, the one it became.")
    created: bool = Field(title="Created", description="Whether the contact is new.")


class RefusedContact(WireModel):
    """One contact that HubSpot did not take."""

    keys: tuple[str, ...] = Field(title="Keys", description="Its value of the matched property.")
    message: str = Field(title="Message", description="The field, the rule and the way out.")


class UpsertContactsOutput(WireModel):
    """Output of `upsertContacts`."""

    done: tuple[UpsertedContact, ...] = Field(title="Done", description="Those that are there now.")
    refused: tuple[RefusedContact, ...] = Field(
        title="Refused", description="Those that HubSpot did not take; the others are done."
    )


class DeleteRecordOutput(WireModel):
    """Output of the `delete` actions."""

    id: str = Field(title="Record ID", description="The record that was archived.")


class SearchRecordsOutput(WireModel):
    """Output of the `search` actions."""

    total: int = Field(title="Total", description="How many records fit in all.")
    records: tuple[RecordOutput, ...] = Field(title="Records", description="One page of them.")
    after: str | None = Field(
        default=None, title="After", description="The mark of the next page; none ends it."
    )
