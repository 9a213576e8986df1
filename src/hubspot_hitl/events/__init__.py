"""What happens to a handoff: one file per event, in one table.

HubSpot tells most events, and `intake` makes them deliveries; a user's stop word, a silence and an
operator's click are events as well. One that bears on a handoff goes through the frame `thread`:
`handoff.thread_events` decides, `effects` carries out and saves.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hubspot_hitl.channels.stop_word import USER_ENDED
from hubspot_hitl.events import begun_anew, operator_ended, reminder, watch
from hubspot_hitl.events.account import channel_account_changed
from hubspot_hitl.events.agent_comment import agent_commented
from hubspot_hitl.events.operator_assigned import operator_assigned_update
from hubspot_hitl.events.operator_conversation_completed import (
    operator_conversation_completed,
    thread_deleted,
    thread_restored,
)
from hubspot_hitl.events.operator_send_message import operator_send_message
from hubspot_hitl.events.user_ended import handle_user_ended
from hubspot_hitl.intake import hubspot_events as told
from hubspot_hitl.ports.services import DeliveryHandler

DELIVERIES: Mapping[str, DeliveryHandler] = MappingProxyType(
    {
        told.MESSAGE: operator_send_message,
        told.ASSIGNED: operator_assigned_update,
        told.STATUS: operator_conversation_completed,
        told.UNARCHIVED: thread_restored,
        told.DELETED: thread_deleted,
        told.ACCOUNT: channel_account_changed,
        told.NEW_MESSAGE: agent_commented,
        reminder.REMINDER: reminder.remind,
        USER_ENDED: handle_user_ended,
        operator_ended.OPERATOR_ENDED: operator_ended.handle_operator_ended,
        **begun_anew.DELIVERIES,
        **watch.DELIVERIES,
    }
)
"""Kind of delivery -> who handles it."""
