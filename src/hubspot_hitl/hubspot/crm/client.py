"""The CRM client of one portal: the `Crm` port over HTTP."""

from __future__ import annotations

from typing import Protocol

from hubspot_hitl.hubspot.crm.definitions import CrmDefinitions
from hubspot_hitl.hubspot.crm.outreach import CrmOutreach
from hubspot_hitl.hubspot.crm.timeline import CrmTimeline
from hubspot_hitl.hubspot.crm.upserts import CrmUpserts
from hubspot_hitl.hubspot.rest import Rest
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import Clock


class CrmClient(CrmUpserts, CrmDefinitions, CrmOutreach, CrmTimeline):
    """One portal's CRM, over that portal's tokens and rate limit."""


class RestPortals(Protocol):
    """Where the REST client of an installation comes from."""

    def of(self, installation: Installation) -> Rest:
        """The client that uses this installation's credentials."""
        ...


class CrmClients:
    """The `CrmPortals` port: one CRM client per installation, over its HubSpot client."""

    def __init__(self, portals: RestPortals, clock: Clock) -> None:
        self._portals = portals
        self._clock = clock

    def of(self, installation: Installation) -> CrmClient:
        """The client that uses this installation's credentials."""
        return CrmClient(self._portals.of(installation), self._clock)
