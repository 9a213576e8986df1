"""The records of HubSpot's CRM, as the rest of the house sees them. Pure.

Property values are text, as HubSpot keeps them; :mod:`hubspot_hitl.crm.values` gives them their
types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hubspot_hitl.errors import VendorRefused

CHAT_TRANSCRIPT: Final = "chat_transcript"
"""The property that we make at contacts: what was said in their chats."""
Values = Mapping[str, str | None]
"""Properties by name; None is a property without a value."""


class CrmType(StrEnum):
    """Kinds of records, spelled as in HubSpot's paths."""

    CONTACT = "contacts"
    COMPANY = "companies"
    DEAL = "deals"
    TICKET = "tickets"
    LEAD = "leads"
    NOTE = "notes"
    TASK = "tasks"
    COMMUNICATION = "communications"

    @property
    def one(self) -> str:
        """The singular, for people.

        >>> CrmType.COMPANY.one
        'company'
        """
        return "company" if self is CrmType.COMPANY else self.value.removesuffix("s")


@dataclass(frozen=True, slots=True)
class CrmObject:
    """A record. `id` is the one HubSpot answered: of a merged record, the one it became.

    `associations` holds ids by type, only for the types that were asked for. Times are epoch
    milliseconds.
    """

    id: str
    type: CrmType
    properties: Values
    created_ms: int | None = None
    updated_ms: int | None = None
    archived: bool = False
    associations: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Link:
    """An association to make while creating. `type_id` None takes the usual one of the pair.

    `type` None, with a `type_id`, is a kind of object that is not among ours, as a thread.
    """

    type: CrmType | None
    id: str
    type_id: int | None = None


TICKET_TO_THREAD = 32
"""The association of a ticket with a conversation thread. Unverified on a real portal: HubSpot's
list of types also has 278, ticket to conversation.
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to create."""

    properties: Mapping[str, str]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What to change in the record with this id."""

    id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that HubSpot refused. `rule` is HubSpot's code; `told` its sentence, shortened."""

    name: str
    rule: str
    told: str = ""


class FieldsRefused(VendorRefused):
    """HubSpot refused values. The message is one sentence for each field; none repeats a value."""

    code = "fields_refused"
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchProblem:
    """A part of a batch that failed (HTTP 207). `ids` are those HubSpot named, perhaps none."""

    message: str
    category: str | None = None
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch: the records done, and what failed."""

    objects: tuple[CrmObject, ...]
    problems: tuple[BatchProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Upserted:
    """A record that was changed, or created when there was none."""

    object: CrmObject
    created: bool


@dataclass(frozen=True, slots=True)
class Keyed:
    """Properties of the record whose unique property has the value `key`."""

    key: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UpsertedBatch:
    """What became of many: the records done, by their keys, and what failed."""

    done: Mapping[str, Upserted]
    problems: tuple[BatchProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened to a contact. `id` is the same for the same happening, always.

    `type` is the name of an event type of the app's project, or the number of one of its older
    event templates. Exactly one of `contact_id` and `email` says whose time line it is.
    """

    type: str
    id: str
    at_ms: int
    properties: Mapping[str, str]
    contact_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class SentEmail:
    """A transactional email that HubSpot took. `result` is HubSpot's word, such as QUEUED."""

    id: str
    status: str
    result: str | None = None


class Operator(StrEnum):
    """How a filter compares."""

    EQ = "EQ"
    NEQ = "NEQ"
    LT = "LT"
    LTE = "LTE"
    GT = "GT"
    GTE = "GTE"
    BETWEEN = "BETWEEN"
    IN = "IN"
    NOT_IN = "NOT_IN"
    HAS_PROPERTY = "HAS_PROPERTY"
    NOT_HAS_PROPERTY = "NOT_HAS_PROPERTY"
    CONTAINS_TOKEN = "CONTAINS_TOKEN"  # noqa: S105 - an operator of HubSpot's search
    NOT_CONTAINS_TOKEN = "NOT_CONTAINS_TOKEN"  # noqa: S105 - likewise


@dataclass(frozen=True, slots=True)
class Filter:
    """One comparison. `values` is for IN and NOT_IN; `high` ends a BETWEEN."""

    property: str
    operator: Operator = Operator.EQ
    value: str | None = None
    values: tuple[str, ...] = ()
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search: any of the groups, all filters of a group. `sorts` begin with "-" to descend."""

    groups: tuple[tuple[Filter, ...], ...] = ()
    query: str | None = None
    sorts: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a search; `after` leads to the next one, None ends it."""

    total: int
    objects: tuple[CrmObject, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a property; `value` is what is written."""

    value: str
    label: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an object type, as the portal defines it.

    `type` is bool, date, datetime, enumeration, number, phone_number, string, or one that HubSpot
    adds later. `external_options` means that the choices live elsewhere (owners, stages).
    """

    name: str
    label: str
    type: str
    field_type: str
    group: str = ""
    description: str = ""
    options: tuple[Option, ...] = ()
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    hidden: bool = False
    archived: bool = False
    custom: bool = False
    external_options: bool = False

    @property
    def writable(self) -> bool:
        """Whether a value can be written."""
        return not (self.read_only or self.calculated or self.archived)


@dataclass(frozen=True, slots=True)
class PropertyDraft:
    """A property to define."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    description: str = ""
    options: tuple[Option, ...] = ()
    unique: bool = False


@dataclass(frozen=True, slots=True)
class PropertyGroup:
    """A group of properties, as HubSpot's record page shows them."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class FieldSnapshot:
    """All properties of an object type at one time (epoch ms)."""

    type: CrmType
    properties: tuple[Property, ...]
    fetched_ms: int
    groups: tuple[PropertyGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who can own records. `id` goes into `hubspot_owner_id`; `user_id` into actors.

    Archived owners have no `user_id`. `teams` are names; `kind` is PERSON or QUEUE.
    """

    id: str
    user_id: str | None
    email: str | None = None
    name: str = ""
    kind: str = "PERSON"
    archived: bool = False
    teams: tuple[str, ...] = ()

    @property
    def actor_id(self) -> str | None:
        """The owner as an actor of conversations."""
        return f"A-{self.user_id}" if self.user_id and not self.archived else None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a pipeline. `closed` is None where HubSpot does not say."""

    id: str
    label: str
    closed: bool | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of deals, tickets or leads, its stages in order."""

    id: str
    label: str
    stages: tuple[Stage, ...]
    archived: bool = False


@dataclass(frozen=True, slots=True)
class CrmList:
    """A list (segment). Only MANUAL and SNAPSHOT lists take members by hand."""

    id: str
    name: str
    processing: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """What a change of a list's members did."""

    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmailSequence:
    """A sequence of emails that a contact can be enrolled in."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A contact in a sequence."""

    id: str
    to_email: str | None = None
    enrolled_ms: int | None = None
