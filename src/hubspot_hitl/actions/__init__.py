"""Bot -> HubSpot actions: one file each, one table. Their schemas are in `integration.actions`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from hubspot_hitl.actions import stop_hitl as stopping
from hubspot_hitl.actions.availability import check_availability
from hubspot_hitl.actions.create_user import create_user
from hubspot_hitl.actions.crm import CRM_HANDLERS
from hubspot_hitl.actions.mark_read import mark_read
from hubspot_hitl.actions.send_message import send_message
from hubspot_hitl.actions.start_hitl import start_hitl
from hubspot_hitl.actions.stop_hitl import stop_hitl
from hubspot_hitl.actions.unfinished import OVERDUE, handle_overdue
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.wire import WireModel
from hubspot_hitl.ports.services import DeliveryHandler, Services

# Each handler takes its own input model; the table of specs (`integration.actions.ACTIONS`) says
# which, and a test compares the two.
ActionHandler = Callable[[Services, Installation, Any], Awaitable[WireModel]]

ACTION_HANDLERS: Mapping[str, ActionHandler] = MappingProxyType(
    {
        "createUser": create_user,
        "startHitl": start_hitl,
        "stopHitl": stop_hitl,
        "sendMessage": send_message,
        "markRead": mark_read,
        "checkAvailability": check_availability,
        **CRM_HANDLERS,
    }
)
"""Name of the action -> who handles it."""

DELIVERIES: Mapping[str, DeliveryHandler] = MappingProxyType(
    {
        stopping.STOP: stopping.deliver_stop,
        stopping.CLOSE_THREAD: stopping.close_thread,
        OVERDUE: handle_overdue,
    }
)
"""Kind of delivery -> who handles it, for what actions leave to the ledger."""
