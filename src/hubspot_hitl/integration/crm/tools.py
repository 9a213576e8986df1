"""Inputs and outputs of the other CRM actions: notes, tasks, lists, sequences, look-ups. Pure."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hubspot_hitl.integration.crm.inputs import (
    CrmInput,
    Id,
    Named,
    OptionalId,
    Properties,
    text,
)
from hubspot_hitl.integration.wire import WireModel, number_as_text, studio

FieldObject = Literal["contacts", "companies", "deals", "tickets"]
NOTE_CHARS = 65_536


class OnRecord(CrmInput):
    """Something that is put on the time line of one or more records."""

    contact_id: OptionalId = text("Contact ID", "The contact it is about.", "50001")
    company_id: OptionalId = text("Company ID", "The company it is about.", "50002")
    deal_id: OptionalId = text("Deal ID", "The deal it is about.", "50003")
    ticket_id: OptionalId = text("Ticket ID", "The ticket it is about.", "50004")
    owner_id: Annotated[OptionalId, Named("hubspot_owner_id")] = text(
        "Owner ID", "Who it belongs to, as getOwner returns it.", "70001111"
    )

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if not any((self.contact_id, self.company_id, self.deal_id, self.ticket_id)):
            raise ValueError("give at least one of contactId, companyId, dealId and ticketId")
        return self


class CreateNoteInput(OnRecord):
    """Input of `createNote`."""

    body: Annotated[str, Named("hs_note_body")] = Field(
        min_length=1,
        max_length=NOTE_CHARS,
        title="Note",
        description="The note's text; simple HTML is shown as such.",
        json_schema_extra=studio(placeholder="Asked about the invoice", display="paragraph"),
    )


class CreateTaskInput(OnRecord):
    """Input of `createTask`."""

    subject: Annotated[str, Named("hs_task_subject")] = Field(
        min_length=1,
        title="Subject",
        description="What is to be done.",
        json_schema_extra=studio(placeholder="Call back"),
    )
    body: Annotated[str | None, Named("hs_task_body")] = text(
        "Details", "More about it.", "Ask for the order number", long=True
    )
    due: str | None = text(
        "Due", "A time as 2026-05-31T09:00:00Z, or a date. Without one, now.", "2026-05-31"
    )
    priority: Annotated[Literal["LOW", "MEDIUM", "HIGH"] | None, Named("hs_task_priority")] = Field(
        default=None, title="Priority", description="How urgent it is."
    )
    type: Annotated[Literal["TODO", "CALL", "EMAIL"], Named("hs_task_type")] = Field(
        default="TODO", title="Type", description="What kind of task it is."
    )


class CreatedOutput(WireModel):
    """What was made."""

    id: str = Field(title="ID", description="Its id in HubSpot.")


class CreateTimelineEventInput(CrmInput):
    """Input of `createTimelineEvent`."""

    event_type: Annotated[str, BeforeValidator(number_as_text)] = Field(
        min_length=1,
        title="Event type",
        description=(
            "The name of an event type of your app's project, or the number of one of its event"
            " templates."
        ),
        json_schema_extra=studio(placeholder="order_placed"),
    )
    contact_id: OptionalId = text("Contact ID", "Whose time line. Or give the email.", "50001")
    email: str | None = text("Email", "The contact's email address.", "ada@example.com")
    properties: Properties = Field(
        default_factory=dict[str, str],
        max_length=200,
        title="Properties",
        description="The properties (of a template, the tokens) of the event by their names.",
    )
    event_id: OptionalId = text(
        "Event ID", "The same id writes one event, however often it is called.", "order-4711"
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.contact_id is None) == (self.email is None):
            raise ValueError("give either contactId or email")
        return self


class CreateTimelineEventOutput(WireModel):
    """Output of `createTimelineEvent`."""

    id: str = Field(title="Event ID", description="The event's id.")
    created: bool = Field(title="Created", description="False when HubSpot had it already.")


class SendEmailInput(CrmInput):
    """Input of `sendEmail`."""

    email_id: Annotated[str, BeforeValidator(number_as_text)] = Field(
        pattern=r"^[0-9]{1,18}$",
        title="Email ID",
        description="The number of a published transactional email.",
        json_schema_extra=studio(placeholder="4126643122"),
    )
    to: str = Field(
        min_length=3,
        title="To",
        description="The address it goes to; HubSpot makes a contact of it if there is none.",
        json_schema_extra=studio(placeholder="ada@example.com"),
    )
    send_id: OptionalId = text(
        "Send ID", "The same id sends once, however often it is called.", "order-4711"
    )
    contact_properties: Properties = Field(
        default_factory=dict[str, str],
        max_length=200,
        title="Contact properties",
        description="Contact properties that are set while sending.",
    )
    custom_properties: Properties = Field(
        default_factory=dict[str, str],
        max_length=200,
        title="Custom properties",
        description="Values for this email alone, as its template names them.",
    )


class SendEmailOutput(WireModel):
    """Output of `sendEmail`."""

    id: str = Field(title="Status ID", description="By which HubSpot tells what became of it.")
    status: str = Field(title="Status", description="HubSpot's word, such as PENDING.")


class EnrollInSequenceInput(CrmInput):
    """Input of `enrollInSequence`."""

    contact_id: Id = Field(
        title="Contact ID",
        description="The contact to enrol.",
        json_schema_extra=studio(placeholder="50001"),
    )
    sequence: Annotated[str, BeforeValidator(number_as_text)] = Field(
        min_length=1,
        title="Sequence",
        description="The sequence by name or id.",
        json_schema_extra=studio(placeholder="Welcome"),
    )
    sender_email: str = Field(
        min_length=3,
        title="Sender's email",
        description="The portal user who sends, with an inbox connected to HubSpot.",
        json_schema_extra=studio(placeholder="agent@example.com"),
    )


class EnrollInSequenceOutput(WireModel):
    """Output of `enrollInSequence`."""

    id: str = Field(title="Enrolment ID", description="The enrolment's id in HubSpot.")
    to_email: str | None = Field(
        default=None, title="To", description="The address the emails go to."
    )


class ListMembersInput(CrmInput):
    """Input of `addToList` and `removeFromList`."""

    list: Annotated[str, BeforeValidator(number_as_text)] = Field(
        min_length=1,
        title="List",
        description="The list by id or by its exact name. Its members must be kept by hand.",
        json_schema_extra=studio(placeholder="Newsletter"),
    )
    contact_ids: tuple[Id, ...] = Field(
        min_length=1, max_length=1_000, title="Contact IDs", description="The contacts."
    )


class AddToListOutput(WireModel):
    """Output of `addToList`."""

    added: tuple[str, ...] = Field(title="Added", description="Contacts that are new in the list.")
    missing: tuple[str, ...] = Field(title="Missing", description="Ids that HubSpot does not know.")


class RemoveFromListOutput(WireModel):
    """Output of `removeFromList`."""

    removed: tuple[str, ...] = Field(title="Removed", description="Contacts that were taken out.")
    missing: tuple[str, ...] = Field(title="Missing", description="Ids that HubSpot does not know.")


class GetOwnerInput(CrmInput):
    """Input of `getOwner`: by id, by user id, or by email."""

    id: OptionalId = text("Owner ID", "The id that records hold as their owner.", "70001111")
    user_id: OptionalId = text("User ID", "The user's id, which agents have.", "1111")
    email: str | None = text("Email", "The owner's email address.", "agent@example.com")

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum(one is not None for one in (self.id, self.user_id, self.email)) != 1:
            raise ValueError("give one of id, userId and email")
        return self


class GetOwnerOutput(WireModel):
    """Output of `getOwner`."""

    found: bool = Field(title="Found", description="Whether there is such an owner.")
    id: str | None = Field(default=None, title="Owner ID", description="For records' owner field.")
    user_id: str | None = Field(
        default=None, title="User ID", description="The agent's number; archived owners have none."
    )
    email: str | None = Field(default=None, title="Email", description="Email address.")
    name: str | None = Field(default=None, title="Name", description="Full name.")
    teams: tuple[str, ...] = Field(default=(), title="Teams", description="Names of the teams.")


class DiscoverFieldsInput(CrmInput):
    """Input of `discoverFields`."""

    object_type: FieldObject = Field(
        default="contacts", title="Object", description="Whose fields to list."
    )
    refresh: bool = Field(
        default=False,
        title="Refresh",
        description="Ask HubSpot now, for all objects, and tell what has changed since last time.",
    )
    writable_only: bool = Field(
        default=False, title="Writable only", description="Leave out what cannot be written."
    )
    search: str | None = text("Text", "Only fields whose name or label has this text.", "tier")


class FieldOption(WireModel):
    """One choice of a field."""

    value: str = Field(title="Value", description="What is written.")
    label: str = Field(title="Label", description="What people see.")


class FieldOutput(WireModel):
    """One field of an object."""

    name: str = Field(title="Name", description="The internal name.")
    label: str = Field(title="Label", description="What people see.")
    type: str = Field(title="Type", description="Such as string, number, date, enumeration.")
    group: str = Field(title="Group", description="The group it is shown in.")
    description: str = Field(default="", title="Description", description="What it is for.")
    options: tuple[FieldOption, ...] = Field(
        default=(), title="Options", description="The choices, where there are any."
    )
    writable: bool = Field(title="Writable", description="Whether a value can be written.")
    custom: bool = Field(title="Custom", description="Whether the portal defined it.")


class DiscoverFieldsOutput(WireModel):
    """Output of `discoverFields`."""

    fields: tuple[FieldOutput, ...] = Field(title="Fields", description="The fields.")
    changes: tuple[str, ...] = Field(
        default=(), title="Changes", description="What changed since the last refresh."
    )
    broken_rules: tuple[str, ...] = Field(
        default=(), title="Broken rules", description="Routing rules that the changes break."
    )
    fetched_at: str = Field(title="Fetched", description="When HubSpot was asked; ISO 8601, UTC.")


class CreateVisitorTokenInput(CrmInput):
    """Input of `createVisitorToken`."""

    email: str = Field(
        min_length=3,
        title="Email",
        description="The visitor's email. Verify it first: the token opens their conversations.",
        json_schema_extra=studio(placeholder="ada@example.com"),
    )
    first_name: str | None = text("First name", "Given name.", "Ada")
    last_name: str | None = text("Last name", "Family name.", "Lovelace")


class CreateVisitorTokenOutput(WireModel):
    """Output of `createVisitorToken`."""

    token: str = Field(title="Token", description="For hsConversationsSettings of HubSpot's chat.")
    expires_at: str = Field(title="Expires", description="Twelve hours from now; ISO 8601, UTC.")
