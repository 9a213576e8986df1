"""JSON of HubSpot's CRM to the records of :mod:`hubspot_hitl.ports.crm`, and back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hubspot_hitl.hubspot.crm.paths import ASSOCIATION_TYPES
from hubspot_hitl.hubspot.crm.refusals import batch_problem
from hubspot_hitl.hubspot.fields import Fields, ShapeError
from hubspot_hitl.ports.crm_records import (
    BatchResult,
    CrmList,
    CrmObject,
    CrmType,
    EmailSequence,
    Enrollment,
    Filter,
    Link,
    Membership,
    Operator,
    Option,
    Owner,
    Pipeline,
    Property,
    PropertyDraft,
    PropertyGroup,
    Search,
    SearchPage,
    Stage,
    Upserted,
    UpsertedBatch,
)


def crm_object(type_: CrmType) -> Callable[[Fields], CrmObject]:
    """Reads a record of a type."""

    def read(raw: Fields) -> CrmObject:
        values = raw.mapping("properties") or {}
        return CrmObject(
            id=raw.require_id("id"),
            type=type_,
            properties={
                name: None if value is None else _text(value) for name, value in values.items()
            },
            created_ms=raw.time_ms("createdAt"),
            updated_ms=raw.time_ms("updatedAt"),
            archived=raw.flag("archived"),
            associations=_associations(raw.child("associations"), raw.mapping("associations")),
        )

    return read


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _associations(raw: Fields, names: Mapping[str, object] | None) -> Mapping[str, tuple[str, ...]]:
    """Ids by type; an id that several kinds of links name appears once."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names or ():
        ids = [item.id("id") for item in raw.child(name).children("results")]
        found[name] = tuple(dict.fromkeys(id_ for id_ in ids if id_))
    return found


def batch_result(type_: CrmType) -> Callable[[Fields], BatchResult]:
    """Reads the answer of a batch call, whole (200, 201) or in part (207)."""
    read = crm_object(type_)

    def result(raw: Fields) -> BatchResult:
        return BatchResult(
            objects=tuple(read(item) for item in raw.children("results")),
            problems=tuple(batch_problem(item) for item in raw.children("errors")),
        )

    return result


def upserted(type_: CrmType, by: str) -> Callable[[Fields], UpsertedBatch]:
    """Reads the answer of a batch upsert; records are told apart by the property `by`."""
    read = crm_object(type_)

    def result(raw: Fields) -> UpsertedBatch:
        done: dict[str, Upserted] = {}
        for item in raw.children("results"):
            found = read(item)
            key = found.properties.get(by)
            if key is not None:
                done[key] = Upserted(found, created=item.flag("new"))
        return UpsertedBatch(done, tuple(batch_problem(one) for one in raw.children("errors")))

    return result


def search_page(type_: CrmType) -> Callable[[Fields], SearchPage]:
    """Reads one page of a search."""
    read = crm_object(type_)

    def page(raw: Fields) -> SearchPage:
        if not isinstance(raw.raw("results"), list):
            raise ShapeError("the field 'results' is missing")
        objects = tuple(read(item) for item in raw.children("results"))
        return SearchPage(
            total=int(raw.number("total") or len(objects)),
            objects=objects,
            after=raw.child("paging").child("next").id("after"),
        )

    return page


def search_body(search: Search, limit: int, after: str | None) -> dict[str, object]:
    """The body of a search."""
    body: dict[str, object] = {
        "filterGroups": [{"filters": [_filter(one) for one in group]} for group in search.groups],
        "sorts": [
            {
                "propertyName": name.removeprefix("-"),
                "direction": "DESCENDING" if name.startswith("-") else "ASCENDING",
            }
            for name in search.sorts
        ],
        "properties": list(search.properties),
        "limit": limit,
    }
    if search.query:
        body["query"] = search.query
    if after is not None:
        body["after"] = after
    return body


def _filter(one: Filter) -> dict[str, object]:
    """A filter with only the keys its operator takes: others are refused."""
    found: dict[str, object] = {"propertyName": one.property, "operator": one.operator.value}
    if one.operator in (Operator.IN, Operator.NOT_IN):
        found["values"] = list(one.values)
    elif one.operator not in (Operator.HAS_PROPERTY, Operator.NOT_HAS_PROPERTY):
        found["value"] = one.value or ""
        if one.operator is Operator.BETWEEN:
            found["highValue"] = one.high or ""
    return found


def link(type_: CrmType, one: Link) -> dict[str, object]:
    """A link to make while creating. Raises KeyError for a pair without a usual kind."""
    number = one.type_id
    if number is None:
        if one.type is None:
            raise KeyError(type_)
        number = ASSOCIATION_TYPES[type_, one.type]
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
    return {"to": {"id": one.id}, "types": [kind]}


def property_(raw: Fields) -> Property:
    """A property."""
    locks = raw.child("modificationMetadata")
    return Property(
        name=raw.require_id("name"),
        label=raw.text("label") or raw.require_id("name"),
        type=raw.text("type") or "string",
        field_type=raw.text("fieldType") or "",
        group=raw.text("groupName") or "",
        description=raw.text("description") or "",
        options=tuple(_options(raw.children("options"))),
        read_only=locks.flag("readOnlyValue"),
        calculated=raw.flag("calculated"),
        unique=raw.flag("hasUniqueValue"),
        hidden=raw.flag("hidden"),
        archived=raw.flag("archived"),
        custom=not raw.flag("hubspotDefined"),
        external_options=raw.flag("externalOptions"),
    )


def _options(items: Sequence[Fields]) -> list[Option]:
    return [
        Option(
            value=item.id("value") or "",
            label=item.text("label") or item.id("value") or "",
            hidden=item.flag("hidden"),
        )
        for item in items
        if item.id("value") is not None
    ]


def property_draft(draft: PropertyDraft) -> dict[str, object]:
    """The body that defines a property."""
    return {
        "name": draft.name,
        "label": draft.label,
        "type": draft.type,
        "fieldType": draft.field_type,
        "groupName": draft.group,
        "description": draft.description,
        "hasUniqueValue": draft.unique,
        "options": [
            {"label": o.label, "value": o.value, "displayOrder": n, "hidden": o.hidden}
            for n, o in enumerate(draft.options)
        ],
    }


def property_group(raw: Fields) -> PropertyGroup:
    """A group of properties."""
    name = raw.require_id("name")
    return PropertyGroup(name, raw.text("label") or name)


def owner(raw: Fields) -> Owner:
    """An owner. Archived ones have no user id of their own."""
    names = (raw.text("firstName"), raw.text("lastName"))
    return Owner(
        id=raw.require_id("id"),
        user_id=raw.id("userId"),
        email=raw.text("email") or None,
        name=" ".join(part.strip() for part in names if part and part.strip()),
        kind=raw.text("type") or "PERSON",
        archived=raw.flag("archived"),
        teams=tuple(team.text("name") or "" for team in raw.children("teams")),
    )


def pipeline(raw: Fields) -> Pipeline:
    """A pipeline; its stages by their place."""
    stages = sorted(raw.children("stages"), key=lambda one: one.number("displayOrder") or 0)
    return Pipeline(
        id=raw.require_id("id"),
        label=raw.text("label") or "",
        stages=tuple(stage(one) for one in stages if not one.flag("archived")),
        archived=raw.flag("archived"),
    )


def stage(raw: Fields) -> Stage:
    """A stage: tickets say `ticketState`, deals `isClosed`, both inside `metadata`."""
    about = raw.child("metadata")
    closed: bool | None = None
    if about.text("ticketState") is not None:
        closed = about.text("ticketState") == "CLOSED"
    elif about.raw("isClosed") is not None:
        closed = about.flag("isClosed")
    return Stage(raw.require_id("id"), raw.text("label") or "", closed, raw.flag("archived"))


def crm_list(raw: Fields) -> CrmList:
    """A list, bare or wrapped in `list`."""
    inner = raw.child("list") if raw.mapping("list") is not None else raw
    return CrmList(
        id=inner.require_id("listId"),
        name=inner.text("name") or "",
        processing=inner.text("processingType") or "",
    )


def membership(raw: Fields) -> Membership:
    """What a change of members did; HubSpot spells the fields unevenly."""
    return Membership(
        added=raw.ids("recordsIdsAdded") or raw.ids("recordIdsAdded"),
        missing=raw.ids("recordIdsMissing"),
        removed=raw.ids("recordIdsRemoved") or raw.ids("recordsIdsRemoved"),
    )


def sequence(raw: Fields) -> EmailSequence:
    """A sequence."""
    return EmailSequence(raw.require_id("id"), raw.text("name") or "")


def enrollment(raw: Fields) -> Enrollment:
    """An enrolment."""
    return Enrollment(raw.require_id("id"), raw.text("toEmail"), raw.time_ms("enrolledAt"))
