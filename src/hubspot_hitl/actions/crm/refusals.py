"""Turns what HubSpot refuses into what the bot owner can act on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hubspot_hitl.crm.explain import explained
from hubspot_hitl.errors import VendorError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.ports.services import Services


@asynccontextmanager
async def explaining(
    services: Services, installation: Installation, type_: CrmType
) -> AsyncGenerator[None]:
    """Raise ActionRefused, explained, for a refusal; what a retry can mend goes through."""
    try:
        yield
    except VendorError as error:
        if error.retryable:
            raise
        raise await explained(services, installation, type_, error) from error
