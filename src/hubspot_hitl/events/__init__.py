"""HubSpot -> bot: one file per event, in one table, and what follows from events in a handoff.

`intake` turns what HubSpot told into deliveries. An event that bears on a handoff goes through the
frame `thread`: `handoff.thread_events` decides, `effects` carries out, `moved` saves. Agents'
messages are put in order by `ordering` and into the bot's conversation by `relay`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hubspot_hitl.events import (
    agent_presence,
    contact_log,
    held,
    intake,
    operator_ended,
    relay,
    reminder,
    reopened,
    tagging,
    user_ended,
    watch,
    webhook_out,
)
from hubspot_hitl.events.account import channel_account_changed
from hubspot_hitl.events.agent_comment import agent_commented
from hubspot_hitl.events.operator_assigned import operator_assigned_update
from hubspot_hitl.events.operator_conversation_completed import (
    operator_conversation_completed,
    thread_deleted,
    thread_restored,
)
from hubspot_hitl.events.operator_send_message import operator_send_message
from hubspot_hitl.events.unresolved import handle_orphan, handle_unresolved
from hubspot_hitl.ports.services import DeliveryHandler

EVENTS: Mapping[str, DeliveryHandler] = MappingProxyType(
    {
        intake.MESSAGE: operator_send_message,
        intake.ASSIGNED: operator_assigned_update,
        intake.STATUS: operator_conversation_completed,
        intake.UNARCHIVED: thread_restored,
        intake.DELETED: thread_deleted,
        intake.ACCOUNT: channel_account_changed,
        intake.UNRESOLVED: handle_unresolved,
        intake.ORPHAN: handle_orphan,
        relay.RECEIPT: relay.handle_receipt,
        held.HELD: held.deliver_held,
        tagging.TAGS: tagging.write_tags,
        intake.NEW_MESSAGE: agent_commented,
        reminder.REMINDER: reminder.remind,
        user_ended.USER_ENDED: user_ended.handle_user_ended,
        operator_ended.OPERATOR_ENDED: operator_ended.handle_operator_ended,
        **reopened.DELIVERIES,
        **watch.DELIVERIES,
        **contact_log.DELIVERIES,
        **webhook_out.DELIVERIES,
        **agent_presence.DELIVERIES,
    }
)
"""Kind of delivery -> who handles it."""
