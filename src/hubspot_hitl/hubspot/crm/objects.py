"""CRM records: read, search, create, change, archive, link. One by one and in batches.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/understanding-the-crm
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from hubspot_hitl.errors import InvalidPayload, VendorNotFound
from hubspot_hitl.hubspot.crm import paths, records
from hubspot_hitl.hubspot.crm.calls import CrmCalls, get, send
from hubspot_hitl.hubspot.fields import Fields
from hubspot_hitl.hubspot.transport import encoded
from hubspot_hitl.ports.crm_records import (
    BatchProblem,
    BatchResult,
    Change,
    CrmObject,
    CrmType,
    Draft,
    Filter,
    Link,
    Search,
    SearchPage,
)

T = TypeVar("T")

BATCH: Final = 100
MAX_GROUPS: Final = 5
MAX_FILTERS: Final = 6
MAX_FILTERS_IN_ALL: Final = 18
MAX_SEARCH_BYTES: Final = 3_000
SEARCH_PAGE: Final = 200
SEARCH_DEPTH: Final = 10_000


class CrmObjects(CrmCalls):
    """The part of the CRM client that deals with records."""

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
        if _only_searchable(type_, by):
            return await self._first(type_, by or "", key, properties, associations)
        call = get(
            f"{type_.value}.read",
            paths.record(type_, key),
            idProperty=by,
            properties=",".join(properties) or None,
            associations=",".join(one.value for one in associations) or None,
        )
        return await self._read_if_there(call, records.crm_object(type_))

    async def _first(
        self,
        type_: CrmType,
        by: str,
        value: str,
        properties: Sequence[str],
        associations: Sequence[CrmType],
    ) -> CrmObject | None:
        """The oldest record with a value that HubSpot does not keep unique, read again by id."""
        search = Search(groups=((Filter(by, value=value),),))
        page = await self.search(type_, search, limit=SEARCH_PAGE)
        for one in sorted(page.objects, key=lambda found: (len(found.id), found.id)):
            found = await self.get(type_, one.id, properties=properties, associations=associations)
            if found is not None:
                return found
        return None

    async def create(
        self, type_: CrmType, properties: Mapping[str, str], *, links: Sequence[Link] = ()
    ) -> CrmObject:
        """Create, with associations. Raises VendorConflict when a unique value is taken."""
        body = _draft(type_, Draft(properties, tuple(links)))
        call = send(f"{type_.value}.create", "POST", paths.objects(type_), body)
        return await self._read(call, records.crm_object(type_))

    async def update(
        self, type_: CrmType, key: str, properties: Mapping[str, str], *, by: str | None = None
    ) -> CrmObject:
        """Change what is given; an empty text clears. Raises VendorNotFound; never creates."""
        if _only_searchable(type_, by):
            found = await self.get(type_, key, by=by)
            if found is None:
                raise VendorNotFound(
                    f"HubSpot has no {type_.one} with this {by!r}",
                    vendor="hubspot",
                    operation=f"{type_.value}.update",
                    status=404,
                )
            key, by = found.id, None
        call = send(
            f"{type_.value}.update",
            "PATCH",
            paths.record(type_, key),
            {"properties": dict(properties)},
        )
        call = replace(call, query=(("idProperty", by),) if by else ())
        return await self._read(call, records.crm_object(type_))

    async def delete(self, type_: CrmType, id_: str) -> None:
        """Archive; it can be restored in HubSpot for some time."""
        await self._send(send(f"{type_.value}.delete", "DELETE", paths.record(type_, id_)))

    async def search(
        self, type_: CrmType, search: Search, *, limit: int = 100, after: str | None = None
    ) -> SearchPage:
        """One page of at most 200. Raises InvalidPayload for more than HubSpot takes."""
        body = records.search_body(search, max(1, min(limit, SEARCH_PAGE)), after)
        _check_search(search, body)
        call = send(
            f"{type_.value}.search",
            "POST",
            f"{paths.objects(type_)}/search",
            body,
            repeatable=True,
        )
        return await self._read(replace(call, search=True), records.search_page(type_))

    async def search_all(
        self, type_: CrmType, search: Search, *, limit: int = 1_000
    ) -> Sequence[CrmObject]:
        """The records of all pages, up to `limit` and HubSpot's own 10,000."""
        found: list[CrmObject] = []
        after: str | None = None
        most = min(limit, SEARCH_DEPTH)
        while len(found) < most:
            room = min(SEARCH_PAGE, most - len(found))
            page = await self.search(type_, search, limit=room, after=after)
            found += page.objects
            after = page.after
            if after is None or not page.objects:
                break
        return found[:most]

    async def listed(
        self, type_: CrmType, *, properties: Sequence[str] = (), limit: int = 1_000
    ) -> Sequence[CrmObject]:
        """Records in HubSpot's order, every page up to `limit`."""
        call = get(
            f"{type_.value}.list",
            paths.objects(type_),
            limit=min(limit, BATCH),
            properties=",".join(properties) or None,
        )
        return await self._pages(call, records.crm_object(type_), limit=limit)

    # -- batches
    async def read_batch(
        self,
        type_: CrmType,
        keys: Sequence[str],
        *,
        by: str | None = None,
        properties: Sequence[str] = (),
    ) -> BatchResult:
        """Read many; those that do not exist are among the problems, or simply absent."""
        more: dict[str, object] = {"properties": list(properties), "propertiesWithHistory": []}
        if by:
            more["idProperty"] = by
        return await self._batch(type_, "read", keys, lambda key: {"id": key}, more)

    async def create_batch(self, type_: CrmType, drafts: Sequence[Draft]) -> BatchResult:
        """Create many."""
        return await self._batch(type_, "create", drafts, lambda one: _draft(type_, one))

    async def update_batch(self, type_: CrmType, changes: Sequence[Change]) -> BatchResult:
        """Change many."""
        return await self._batch(
            type_,
            "update",
            changes,
            lambda one: {"id": one.id, "properties": dict(one.properties)},
        )

    async def delete_batch(self, type_: CrmType, ids: Sequence[str]) -> None:
        """Archive many."""
        for part in parts(ids):
            body = {"inputs": [{"id": id_} for id_ in part]}
            await self._send(
                send(
                    f"{type_.value}.batch_archive",
                    "POST",
                    paths.batch(type_, "archive"),
                    body,
                    repeatable=True,
                )
            )

    async def _batch(
        self,
        type_: CrmType,
        verb: str,
        items: Sequence[T],
        shape: Callable[[T], Mapping[str, object]],
        more: Mapping[str, object] | None = None,
    ) -> BatchResult:
        objects: list[CrmObject] = []
        problems: list[BatchProblem] = []
        for part in parts(items):
            call = send(
                f"{type_.value}.batch_{verb}",
                "POST",
                paths.batch(type_, verb),
                {"inputs": [shape(one) for one in part], **(more or {})},
                repeatable=verb != "create",
            )
            result = await self._read(call, records.batch_result(type_))
            objects += result.objects
            problems += result.problems
        return BatchResult(tuple(objects), tuple(problems))

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
        if type_id is None:
            path, body = paths.default_association(from_type, from_id, to_type, to_id), None
            await self._send(send("associations.create", "PUT", path, body))
            return
        path = paths.association(from_type, from_id, to_type, to_id)
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
        await self._send(send("associations.create", "PUT", path, [kind]))

    async def dissociate(
        self, from_type: CrmType, from_id: str, to_type: CrmType, to_id: str
    ) -> None:
        """Remove every link between two records."""
        path = paths.association(from_type, from_id, to_type, to_id)
        await self._send(send("associations.delete", "DELETE", path))

    async def associated(
        self, from_type: CrmType, from_id: str, to_type: CrmType
    ) -> tuple[str, ...]:
        """Ids of the linked records of a type, every page."""
        call = get("associations.list", paths.associations(from_type, from_id, to_type), limit=500)
        return tuple(dict.fromkeys(await self._pages(call, _target)))


def _target(raw: Fields) -> str:
    return raw.id("toObjectId") or raw.require_id("id")


def _only_searchable(type_: CrmType, by: str | None) -> bool:
    """Companies are told apart by domain, which HubSpot does not keep unique."""
    return type_ is CrmType.COMPANY and by == "domain"


def _draft(type_: CrmType, draft: Draft) -> dict[str, object]:
    try:
        links = [records.link(type_, one) for one in draft.links]
    except KeyError:
        kinds = ", ".join(sorted({one.type.value for one in draft.links if one.type}))
        raise InvalidPayload(
            f"a new {type_.one} cannot be linked to {kinds}: HubSpot names no such association"
        ) from None
    return {"properties": dict(draft.properties), "associations": links}


def _check_search(search: Search, body: Mapping[str, object]) -> None:
    sizes = [len(group) for group in search.groups]
    if len(sizes) > MAX_GROUPS or max(sizes, default=0) > MAX_FILTERS:
        raise InvalidPayload(
            f"a search may have {MAX_GROUPS} groups of {MAX_FILTERS} filters at most"
        )
    if sum(sizes) > MAX_FILTERS_IN_ALL:
        raise InvalidPayload(f"a search may have {MAX_FILTERS_IN_ALL} filters at most")
    if len(encoded(body)) > MAX_SEARCH_BYTES:
        raise InvalidPayload(
            f"the search is longer than the {MAX_SEARCH_BYTES} characters HubSpot takes:"
            " ask for fewer properties or values"
        )


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as HubSpot takes in one batch."""
    for begin in range(0, len(items), BATCH):
        yield items[begin : begin + BATCH]
