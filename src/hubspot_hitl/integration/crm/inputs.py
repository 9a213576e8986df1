"""What CRM actions have in common: how a card's fields become HubSpot's properties. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, model_validator

from hubspot_hitl.integration.wire import WireModel, number_as_text, studio
from hubspot_hitl.json_values import is_object


@dataclass(frozen=True, slots=True)
class Named:
    """Marks a field with the HubSpot property it is written to."""

    property: str


def values_of(input_: WireModel) -> dict[str, str]:
    """The properties an input sets, by their HubSpot names; a card's own fields win.

    >>> class Card(MoreProperties):
    ...     first_name: Annotated[str | None, Named("firstname")] = None
    >>> values_of(Card(first_name="Ada", properties={"age": 36}))
    {'age': '36', 'firstname': 'Ada'}
    """
    found = dict(input_.properties) if isinstance(input_, MoreProperties) else {}
    for name, info in type(input_).model_fields.items():
        value: object = getattr(input_, name)
        for mark in cast("list[object]", info.metadata):
            if isinstance(mark, Named) and value is not None:
                found[mark.property] = as_text(value)
    return found


def as_text(value: object) -> str:
    """A JSON value as HubSpot takes it: lists joined by ";", nothing as an empty text.

    Blanks around are taken off: HubSpot refuses them around anything that is not a text.

    >>> as_text(["a", "b"]), as_text(True), as_text(12.0), as_text(None)
    ('a;b', 'true', '12', '')
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case list() | tuple():
            return ";".join(as_text(one) for one in cast("list[object]", value))
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case _:
            return str(value).strip()


def _texts(value: object) -> object:
    if not is_object(value):
        return value
    return {str(name): as_text(one) for name, one in value.items()}


Id = Annotated[str, BeforeValidator(number_as_text), Field(min_length=1, max_length=100)]
OptionalId = Annotated[str | None, BeforeValidator(number_as_text)]
Properties = Annotated[dict[str, str], BeforeValidator(_texts)]


def text(
    title: str, description: str, placeholder: str | None = None, *, long: bool = False
) -> Any:
    """An optional field of a card."""
    extra = studio(placeholder=placeholder, display="paragraph" if long else None)
    return Field(default=None, title=title, description=description, json_schema_extra=extra)


class CrmInput(WireModel):
    """Input of a CRM action. The Studio sends fields left blank as empty texts: not given."""

    @model_validator(mode="before")
    @classmethod
    def _blank_is_not_given(cls, value: object) -> object:
        if not is_object(value):
            return value
        return {k: v for k, v in value.items() if v is not None and v != ""}


class MoreProperties(CrmInput):
    """Any further properties of the record."""

    properties: Properties = Field(
        default_factory=dict[str, str],
        max_length=200,
        title="More properties",
        description=(
            "Further properties by their internal names, custom ones too; an empty text clears."
            " discoverFields lists them."
        ),
    )


class ById(CrmInput):
    """A record named by its id."""

    id: Id = Field(
        title="Record ID",
        description="The id of the record in HubSpot.",
        json_schema_extra=studio(placeholder="50001"),
    )


class WantedProperties(CrmInput):
    """Which properties to return."""

    properties: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        title="Properties to return",
        description="Internal names. Without any, the usual ones of the record are returned.",
    )


class ContactFields(CrmInput):
    """The usual properties of a contact."""

    email: Annotated[str | None, Named("email")] = text(
        "Email", "The email address, by which HubSpot knows a contact.", "ada@example.com"
    )
    first_name: Annotated[str | None, Named("firstname")] = text("First name", "Given name.", "Ada")
    last_name: Annotated[str | None, Named("lastname")] = text(
        "Last name", "Family name.", "Lovelace"
    )
    phone: Annotated[str | None, Named("phone")] = text(
        "Phone", "The phone number with country code.", "+4930901820"
    )
    company: Annotated[str | None, Named("company")] = text(
        "Company name", "The company as text; it links to no company record.", "Example Ltd"
    )
    lifecycle_stage: Annotated[str | None, Named("lifecyclestage")] = text(
        "Lifecycle stage", "HubSpot only lets it move forward.", "customer"
    )
    owner_id: Annotated[OptionalId, Named("hubspot_owner_id")] = text(
        "Owner ID", "The id of the owner, as getOwner returns it.", "70001111"
    )


class CompanyFields(CrmInput):
    """The usual properties of a company."""

    name: Annotated[str | None, Named("name")] = text("Name", "The company's name.", "Example Ltd")
    domain: Annotated[str | None, Named("domain")] = text(
        "Domain", "The web domain, by which companies are told apart.", "example.com"
    )
    phone: Annotated[str | None, Named("phone")] = text("Phone", "Phone number.", "+4930901820")
    industry: Annotated[str | None, Named("industry")] = text(
        "Industry", "One of HubSpot's options.", "COMPUTER_SOFTWARE"
    )
    owner_id: Annotated[OptionalId, Named("hubspot_owner_id")] = text(
        "Owner ID", "The id of the owner, as getOwner returns it.", "70001111"
    )


class Staged(CrmInput):
    """A record that stands in a stage of a pipeline."""

    pipeline: str | None = text(
        "Pipeline", "The pipeline by name or id. Without one, the first.", "Sales Pipeline"
    )
    stage: str | None = text("Stage", "The stage by name or id.", "Closed won")
    owner_id: Annotated[OptionalId, Named("hubspot_owner_id")] = text(
        "Owner ID", "The id of the owner, as getOwner returns it.", "70001111"
    )


class _Deal(CrmInput):
    name: Annotated[str | None, Named("dealname")] = text("Name", "The deal's name.", "New website")
    amount: Annotated[float | None, Named("amount")] = text(
        "Amount", "The deal's worth in the portal's currency.", "1200"
    )
    close_date: Annotated[str | None, Named("closedate")] = text(
        "Close date", "When it is expected to close, as 2026-05-31.", "2026-05-31"
    )


class _Ticket(CrmInput):
    subject: Annotated[str | None, Named("subject")] = text(
        "Subject", "The ticket's name.", "Cannot log in"
    )
    content: Annotated[str | None, Named("content")] = text(
        "Description", "What it is about.", "The reset mail never comes", long=True
    )
    priority: Annotated[str | None, Named("hs_ticket_priority")] = text(
        "Priority", "LOW, MEDIUM, HIGH or URGENT.", "HIGH"
    )


class _Lead(CrmInput):
    name: Annotated[str | None, Named("hs_lead_name")] = text("Name", "The lead's name.", "Ada L.")
    type: Annotated[str | None, Named("hs_lead_type")] = text(
        "Type", "One of the portal's lead types.", "NEW_BUSINESS"
    )
    label: Annotated[str | None, Named("hs_lead_label")] = text(
        "Label", "HOT, WARM or COLD.", "WARM"
    )


class DealFields(Staged, _Deal):
    """The usual properties of a deal."""


class TicketFields(Staged, _Ticket):
    """The usual properties of a ticket."""


class LeadFields(Staged, _Lead):
    """The usual properties of a lead."""
