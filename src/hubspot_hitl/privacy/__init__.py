"""Privacy: erasing what people said, forgetting it by age, masking what must not pass."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hubspot_hitl.ports.services import DeliveryHandler
from hubspot_hitl.privacy.durable import handle_erase, handle_erase_contact
from hubspot_hitl.privacy.later import ERASE, ERASE_CONTACT

DELIVERIES: Mapping[str, DeliveryHandler] = MappingProxyType(
    {ERASE: handle_erase, ERASE_CONTACT: handle_erase_contact}
)
"""Kind of delivery -> who handles it."""
