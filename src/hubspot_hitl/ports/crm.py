"""What the rest of the house needs of HubSpot's CRM, for one portal.

Everything here gives way to live chat in the shared rate limit. Search lags behind writes by
moments: what was just written is read by its id. What goes in and comes out are the values of
:mod:`hubspot_hitl.ports.crm_records`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from hubspot_hitl.ports.crm_records import (
    BatchResult,
    Change,
    CrmList,
    CrmObject,
    CrmType,
    Draft,
    EmailSequence,
    Enrollment,
    FieldSnapshot,
    Keyed,
    Link,
    Membership,
    Owner,
    Pipeline,
    Property,
    PropertyDraft,
    PropertyGroup,
    Search,
    SearchPage,
    SentEmail,
    TimelineEvent,
    Upserted,
    UpsertedBatch,
)


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

    async def upsert_batch(
        self, type_: CrmType, keyed: Sequence[Keyed], *, by: str
    ) -> UpsertedBatch:
        """Change many by a unique property, create those there are none of.

        What HubSpot refuses is among the problems, by its key; the others are done. Of several
        with the same key the last counts.
        """
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

        Needs the transactional email add-on.
        """
        ...

    # -- time line
    async def timeline_event(self, event: TimelineEvent) -> bool:
        """Put an event on a contact's time line; False when HubSpot has one with this id.

        Raises MissingScope for apps that may not: private apps and service keys never can.
        """
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
