"""A stand-in for HubSpot: :class:`HubSpotTwin`."""

from __future__ import annotations

from hubspot_hitl.twins.hubspot.app import HubSpotTwin, serve
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.options import HubSpotOptions

__all__ = ["ApiError", "HubSpotOptions", "HubSpotTwin", "serve"]
