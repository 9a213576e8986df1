"""Where HubSpot's CRM APIs live, and the numbers of its association types. Pure.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from hubspot_hitl.hubspot.paths import segment
from hubspot_hitl.ports.crm_records import CrmType

OBJECTS: Final = "/crm/objects/2026-03"
PROPERTIES: Final = "/crm/properties/2026-03"
PIPELINES: Final = "/crm/pipelines/2026-03"
OWNERS: Final = "/crm/owners/2026-03"
LISTS: Final = "/crm/lists/2026-03"
SEQUENCES: Final = "/automation/sequences/2026-03"
ENROLLMENTS: Final = f"{SEQUENCES}/enrollments"
VISITOR_TOKENS: Final = "/visitor-identification/2026-03/tokens/create"
TIMELINE: Final = "/integrators/timeline/2026-03/events"
# Event templates ended with 2026-03; apps that have them write their events here.
TIMELINE_TEMPLATES: Final = "/integrators/timeline/v3/events"
TRANSACTIONAL: Final = "/marketing/transactional/2026-03/single-email/send"

OBJECT_TYPE_IDS: Final = MappingProxyType(
    {
        CrmType.CONTACT: "0-1",
        CrmType.COMPANY: "0-2",
        CrmType.DEAL: "0-3",
        CrmType.TICKET: "0-5",
        CrmType.LEAD: "0-136",
    }
)

_C = CrmType
ASSOCIATION_TYPES: Final = MappingProxyType(
    {
        (_C.NOTE, _C.CONTACT): 202,
        (_C.NOTE, _C.COMPANY): 190,
        (_C.NOTE, _C.DEAL): 214,
        (_C.NOTE, _C.TICKET): 228,
        (_C.TASK, _C.CONTACT): 204,
        (_C.TASK, _C.COMPANY): 192,
        (_C.TASK, _C.DEAL): 216,
        (_C.TASK, _C.TICKET): 230,
        (_C.COMMUNICATION, _C.CONTACT): 81,
        (_C.COMMUNICATION, _C.COMPANY): 87,
        (_C.COMMUNICATION, _C.DEAL): 85,
        (_C.COMMUNICATION, _C.TICKET): 83,
        (_C.CONTACT, _C.COMPANY): 279,
        (_C.CONTACT, _C.DEAL): 4,
        (_C.CONTACT, _C.TICKET): 15,
        (_C.CONTACT, _C.NOTE): 201,
        (_C.CONTACT, _C.TASK): 203,
        (_C.CONTACT, _C.COMMUNICATION): 82,
        (_C.COMPANY, _C.CONTACT): 280,
        (_C.DEAL, _C.CONTACT): 3,
        (_C.DEAL, _C.COMPANY): 341,
        (_C.TICKET, _C.CONTACT): 16,
        (_C.TICKET, _C.COMPANY): 339,
        (_C.LEAD, _C.CONTACT): 578,
    }
)
"""The usual association of a pair, for use while creating. The labels "primary" are others."""


def objects(type_: CrmType) -> str:
    """All records of a type."""
    return f"{OBJECTS}/{type_.value}"


def record(type_: CrmType, key: str) -> str:
    """One record, by id or, with `idProperty`, by a unique property."""
    return f"{objects(type_)}/{segment(key)}"


def batch(type_: CrmType, verb: str) -> str:
    """A batch call: read, create, update, upsert, archive."""
    return f"{objects(type_)}/batch/{verb}"


def associations(type_: CrmType, id_: str, to_type: CrmType) -> str:
    """What is linked to a record."""
    return f"{record(type_, id_)}/associations/{to_type.value}"


def association(type_: CrmType, id_: str, to_type: CrmType, to_id: str) -> str:
    """The links between two records, labelled."""
    return f"{associations(type_, id_, to_type)}/{segment(to_id)}"


def default_association(type_: CrmType, id_: str, to_type: CrmType, to_id: str) -> str:
    """The usual link between two records."""
    return f"{record(type_, id_)}/associations/default/{to_type.value}/{segment(to_id)}"


def properties(type_: CrmType) -> str:
    """The properties of a type."""
    return f"{PROPERTIES}/{type_.value}"


def property_groups(type_: CrmType) -> str:
    """The groups of a type's properties."""
    return f"{properties(type_)}/groups"


def pipelines(type_: CrmType) -> str:
    """The pipelines of a type."""
    return f"{PIPELINES}/{type_.value}"


def owner(key: str) -> str:
    """One owner."""
    return f"{OWNERS}/{segment(key)}"


def crm_list(list_id: str) -> str:
    """One list."""
    return f"{LISTS}/{segment(list_id)}"


def list_named(object_type_id: str, name: str) -> str:
    """The list of an object type with a name."""
    return f"{LISTS}/object-type-id/{segment(object_type_id)}/name/{segment(name)}"


def memberships(list_id: str, verb: str) -> str:
    """A change of a list's members: add or remove."""
    return f"{crm_list(list_id)}/memberships/{verb}"
