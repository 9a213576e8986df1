"""The CRM client against the HubSpot twin, over real HTTP; shared by tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.hubspot.crm.client import CrmClient, CrmClients
from hubspot_hitl.hubspot.limiter import GENERAL, Window
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.readiness import parse_configuration
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.services import Policy, Services
from hubspot_hitl.store.field_snapshots import VaultFieldSnapshots
from hubspot_hitl.store.memory import MemoryHandoffs, MemoryVault
from hubspot_hitl.twins.hubspot.app import HubSpotTwin
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.hubspot.records import Portal
from hubspot_hitl.twins.hubspot.world import World


def installation(options: HubSpotOptions, **settings: object) -> Installation:
    """An installation of the twin's app in the twin's first portal."""
    return Installation(
        id="inst-1",
        bot_id="bot-1",
        integration_id="integration-1",
        alias="hubspot-hitl",
        configuration=parse_configuration(
            {
                "developerApiKey": options.developer_api_key,
                "appId": options.app_id,
                "clientId": options.client_id,
                "clientSecret": options.client_secret,
                "refreshToken": options.refresh_token,
                "inboxId": "1",
                **settings,
            }
        ),
    )


@dataclass(slots=True)
class CrmPortal:
    """A twin, and our clients of it."""

    twin: HubSpotTwin
    portals: HubSpotPortals
    clients: CrmClients
    installation: Installation

    @property
    def crm(self) -> CrmClient:
        return self.clients.of(self.installation)

    @property
    def world(self) -> World:
        return self.twin.world

    @property
    def portal(self) -> Portal:
        return self.world.portals[self.twin.options.portal_id]

    def called(self, operation: str) -> int:
        """How often the twin was asked for an operation."""
        return sum(one.get("operation") == operation for one in self.twin.journal.entries)


@asynccontextmanager
async def open_portal(
    options: HubSpotOptions | None = None, *, window: Window = GENERAL
) -> AsyncGenerator[CrmPortal]:
    """Start a twin and connect to it."""
    twin = HubSpotTwin(options or HubSpotOptions(rate_limit=None))
    url = await twin.start()
    clock = SystemClock()
    try:
        async with open_session() as session:
            portals = HubSpotPortals(url, lambda: session, clock, window=window)
            yield CrmPortal(twin, portals, CrmClients(portals, clock), installation(twin.options))
    finally:
        await twin.stop()


def services_of(at: CrmPortal, clock: Clock, **more: object) -> Services:
    """What the CRM room needs; the other ports are absent."""
    absent: Any = None
    parts: dict[str, Any] = {
        "hubspot": at.portals,
        "bots": absent,
        "handoffs": MemoryHandoffs(),
        "people": absent,
        "installations": absent,
        "ledger": absent,
        "clock": clock,
        "policy": Policy(),
        "crm": at.clients,
        "field_snapshots": VaultFieldSnapshots(MemoryVault()),
        **more,
    }
    return Services(**parts)
