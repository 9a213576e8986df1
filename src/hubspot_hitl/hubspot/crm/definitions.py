"""What a portal defines: properties and their groups, pipelines, owners.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hubspot_hitl.hubspot.crm import paths, records
from hubspot_hitl.hubspot.crm.calls import CrmCalls, get, send
from hubspot_hitl.ports.crm_records import (
    CrmType,
    Owner,
    Pipeline,
    Property,
    PropertyDraft,
    PropertyGroup,
)


class CrmDefinitions(CrmCalls):
    """The part of the CRM client that reads what a portal defines."""

    async def properties(self, type_: CrmType) -> Sequence[Property]:
        """All properties that are not archived."""
        call = get("properties.list", paths.properties(type_))
        found = await self._pages(call, records.property_)
        return tuple(one for one in found if not one.archived)

    async def property_groups(self, type_: CrmType) -> Sequence[PropertyGroup]:
        """The groups of properties."""
        call = get("property_groups.list", paths.property_groups(type_))
        return await self._pages(call, records.property_group)

    async def create_property(self, type_: CrmType, draft: PropertyDraft) -> Property:
        """Define a property. Raises VendorConflict when the name is taken."""
        body = records.property_draft(draft)
        call = send("properties.create", "POST", paths.properties(type_), body)
        return await self._read(call, records.property_)

    async def pipelines(self, type_: CrmType) -> Sequence[Pipeline]:
        """Pipelines of deals, tickets or leads with their stages, archived ones left out."""
        found = await self._pages(get("pipelines.list", paths.pipelines(type_)), records.pipeline)
        return tuple(one for one in found if not one.archived)

    async def owners(self, *, email: str | None = None, archived: bool = False) -> Sequence[Owner]:
        """All owners, or the one with this email, every page."""
        call = get("owners.list", paths.OWNERS, email=email, archived=archived or None, limit=500)
        return await self._pages(call, records.owner)

    async def owner(self, key: str, *, by: Literal["id", "userId"] = "id") -> Owner | None:
        """One owner; None when there is none."""
        call = get("owners.read", paths.owner(key), idProperty=by)
        return await self._read_if_there(call, records.owner)
