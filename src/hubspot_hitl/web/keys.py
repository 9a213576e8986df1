"""Typed keys of the application's values."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.ports.services import Services
from hubspot_hitl.settings import Settings
from hubspot_hitl.web.webhooks import HubSpotDoor

SETTINGS = web.AppKey("settings", Settings)
SERVICES = web.AppKey("services", Services)
OPERATIONS = web.AppKey("operations", OperationServer)
HUBSPOT = web.AppKey("hubspot", HubSpotDoor)
