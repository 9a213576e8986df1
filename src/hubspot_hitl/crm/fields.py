"""Field discovery: every property of contacts, companies, deals and tickets, cached.

Read again on demand, when the cache is old, and when the credentials change. The last snapshot of
each portal is kept, so that what changed can be told, also after a restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog

from hubspot_hitl.crm.drift import FieldChange, drift
from hubspot_hitl.errors import VendorError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot, Property
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

FIELD_TYPES: Final = (CrmType.CONTACT, CrmType.COMPANY, CrmType.DEAL, CrmType.TICKET)
MAX_AGE_MS: Final = 3_600_000


async def fields_of(
    services: Services,
    installation: Installation,
    type_: CrmType,
    *,
    refresh: bool = False,
    max_age_ms: int = MAX_AGE_MS,
) -> FieldSnapshot:
    """The fields of a type, at most `max_age_ms` old; `refresh` asks HubSpot in any case.

    When HubSpot cannot be asked, an older snapshot is better than none; without one the VendorError
    is raised.
    """
    key = cache_key(installation, type_.value)
    known = services.known_fields.get(key)
    now = services.clock.now_ms()
    if known is not None and not refresh and now - known.fetched_ms < max_age_ms:
        return known
    try:
        found = await _fetch(services, installation, type_)
    except VendorError as error:
        kept = known or await services.field_snapshots.load(installation.id, type_)
        if kept is None or refresh:
            raise
        log.warning(
            "fields_are_old",
            installation=installation.id,
            type=type_.value,
            age_ms=now - kept.fetched_ms,
            error=error.code,
        )
        return kept
    services.known_fields[key] = found
    return found


async def refresh_fields(services: Services, installation: Installation) -> tuple[FieldChange, ...]:
    """Read the fields of all types anew, keep them, and tell what changed since the last time.

    Raises the VendorError of the first type that cannot be read; the earlier ones are kept.
    """
    changes: list[FieldChange] = []
    for type_ in FIELD_TYPES:
        before = await services.field_snapshots.load(installation.id, type_)
        after = await fields_of(services, installation, type_, refresh=True)
        if before is not None:
            changes += drift(before, after)
        await services.field_snapshots.save(installation.id, after)
    for change in changes:
        log.info(
            "field_changed",
            installation=installation.id,
            type=change.type.value,
            field=change.name,
            what=change.what,
        )
    return tuple(changes)


def by_name(snapshot: FieldSnapshot) -> Mapping[str, Property]:
    """The properties by their names."""
    return MappingProxyType({one.name: one for one in snapshot.properties})


def cache_key(installation: Installation, what: str) -> str:
    """Where something of a portal is cached; new credentials may be of another portal."""
    secret = installation.configuration.refresh_token.get_secret_value()
    digest = hashlib.sha256(f"{installation.configuration.app_id}:{secret}".encode()).hexdigest()
    return f"{installation.id}:{digest[:16]}:{what}"


async def _fetch(services: Services, installation: Installation, type_: CrmType) -> FieldSnapshot:
    crm = services.crm.of(installation)
    properties = await crm.properties(type_)
    try:
        groups = tuple(await crm.property_groups(type_))
    except VendorError as error:
        # Groups only order the list.
        log.info("field_groups_unknown", installation=installation.id, error=error.code)
        groups = ()
    return FieldSnapshot(type_, tuple(properties), services.clock.now_ms(), groups)
