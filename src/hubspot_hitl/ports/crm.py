"""What the rest of the house needs of HubSpot's CRM, for one portal.

Everything here gives way to live chat in the shared rate limit. Property values are text, as
HubSpot keeps them; :mod:`hubspot_hitl.crm.fields` gives them their types. Search lags behind writes
by moments: what was just written is read by its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from hubspot_hitl.errors import VendorRefused

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


class Crm(Protocol):
    """One portal's CRM. Every method may raise any :class:`~hubspot_hitl.errors.VendorError`.

    Writes raise :class:`FieldsRefused` when a value is at fault.
    """

    # -- records
    async def get(
        self,
        type_: CrmType,
        key: str,
        *,
        by: str | None = None,
        properties: Sequence[str] = (),
        associations: Sequence[CrmType] = (),
    ) -> CrmObject | None:
        """Read by id, or by the unique property `by`; None when there is none. Follows merges."""
        ...

    async def create(
        self, type_: CrmType, properties: Mapping[str, str], *, links: Sequence[Link] = ()
    ) -> CrmObject:
        """Create, with associations. Raises VendorConflict when a unique value is taken."""
        ...

    async def update(
        self, type_: CrmType, key: str, properties: Mapping[str, str], *, by: str | None = None
    ) -> CrmObject:
        """Change what is given; an empty text clears. Raises VendorNotFound; never creates."""
        ...

    async def delete(self, type_: CrmType, id_: str) -> None:
        """Archive; it can be restored in HubSpot for some time."""
        ...

    async def find_or_create(
        self,
        type_: CrmType,
        key: str,
        *,
        by: str,
        properties: Mapping[str, str],
        wanted: Sequence[str] = (),
    ) -> Upserted:
        """Read by a unique property; create only when HubSpot says that there is none."""
        ...

    async def upsert(
        self, type_: CrmType, key: str, *, by: str, properties: Mapping[str, str]
    ) -> Upserted:
        """Change by a unique property, create when there is none; survives a race and a merge."""
        ...

    async def search(
        self, type_: CrmType, search: Search, *, limit: int = 100, after: str | None = None
    ) -> SearchPage:
        """One page of at most 200. Raises InvalidPayload for more than HubSpot takes."""
        ...

    async def search_all(
        self, type_: CrmType, search: Search, *, limit: int = 1_000
    ) -> Sequence[CrmObject]:
        """The records of all pages, up to `limit` and HubSpot's own 10,000."""
        ...

    async def listed(
        self, type_: CrmType, *, properties: Sequence[str] = (), limit: int = 1_000
    ) -> Sequence[CrmObject]:
        """Records in HubSpot's order, every page up to `limit`."""
        ...

    # -- batches; each is sent in parts of 100
    async def read_batch(
        self,
        type_: CrmType,
        keys: Sequence[str],
        *,
        by: str | None = None,
        properties: Sequence[str] = (),
    ) -> BatchResult:
        """Read many; those that do not exist are among the problems, or simply absent."""
        ...

    async def create_batch(self, type_: CrmType, drafts: Sequence[Draft]) -> BatchResult:
        """Create many."""
        ...

    async def update_batch(self, type_: CrmType, changes: Sequence[Change]) -> BatchResult:
        """Change many."""
        ...

    async def delete_batch(self, type_: CrmType, ids: Sequence[str]) -> None:
        """Archive many."""
        ...

    # -- associations
    async def associate(
        self,
        from_type: CrmType,
        from_id: str,
        to_type: CrmType,
        to_id: str,
        *,
        type_id: int | None = None,
    ) -> None:
        """Link two records, as the usual kind or as `type_id`; twice is once."""
        ...

    async def dissociate(
        self, from_type: CrmType, from_id: str, to_type: CrmType, to_id: str
    ) -> None:
        """Remove every link between two records."""
        ...

    async def associated(
        self, from_type: CrmType, from_id: str, to_type: CrmType
    ) -> tuple[str, ...]:
        """Ids of the linked records of a type, every page."""
        ...

    # -- what the portal defines
    async def properties(self, type_: CrmType) -> Sequence[Property]:
        """All properties that are not archived."""
        ...

    async def property_groups(self, type_: CrmType) -> Sequence[PropertyGroup]:
        """The groups of properties."""
        ...

    async def create_property(self, type_: CrmType, draft: PropertyDraft) -> Property:
        """Define a property. Raises VendorConflict when the name is taken."""
        ...

    async def pipelines(self, type_: CrmType) -> Sequence[Pipeline]:
        """Pipelines of deals, tickets or leads with their stages, archived ones left out."""
        ...

    async def owners(self, *, email: str | None = None, archived: bool = False) -> Sequence[Owner]:
        """All owners, or the one with this email, every page."""
        ...

    async def owner(self, key: str, *, by: Literal["id", "userId"] = "id") -> Owner | None:
        """One owner; None when there is none."""
        ...

    # -- lists and sequences
    async def list_named(self, name: str, type_: CrmType = CrmType.CONTACT) -> CrmList | None:
        """The list with exactly this name."""
        ...

    async def list_by_id(self, list_id: str) -> CrmList | None:
        """The list with this id."""
        ...

    async def add_to_list(self, list_id: str, ids: Sequence[str]) -> Membership:
        """Add records to a MANUAL or SNAPSHOT list."""
        ...

    async def remove_from_list(self, list_id: str, ids: Sequence[str]) -> Membership:
        """Remove records from a MANUAL or SNAPSHOT list."""
        ...

    async def sequences(self, user_id: str) -> Sequence[EmailSequence]:
        """The sequences that a user of the portal can use, every page."""
        ...

    async def enroll(
        self, user_id: str, sequence_id: str, contact_id: str, sender_email: str
    ) -> Enrollment:
        """Enrol a contact. Needs Sales or Service Professional and a connected inbox."""
        ...

    # -- identification
    async def visitor_token(
        self, email: str, *, first_name: str | None = None, last_name: str | None = None
    ) -> str:
        """A token, good for 12 hours, that tells HubSpot's own chat widget who the visitor is."""
        ...


class FieldSnapshots(Protocol):
    """The last known fields of each portal, kept so that a change can be told after a restart."""

    async def load(self, installation_id: str, type_: CrmType) -> FieldSnapshot | None:
        """The snapshot kept last; None when there is none."""
        ...

    async def save(self, installation_id: str, snapshot: FieldSnapshot) -> None:
        """Replace it."""
        ...
