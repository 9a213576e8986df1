"""The tags that the definition declares. Botpress accepts no other keys (limits: values <= 500).

All code names a tag through these enumerations, so that a tag in use is a tag declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_TAG_VALUE = 500


@dataclass(frozen=True, slots=True)
class TagText:
    """What the Studio shows of a tag."""

    title: str
    description: str


class ConversationTag(StrEnum):
    """Tags of a handoff's conversation."""

    ID = "id"
    INTEGRATION_THREAD_ID = "integrationThreadId"
    HANDOFF_ID = "handoffId"
    INBOX_ID = "inboxId"
    PORTAL_ID = "portalId"
    CONTACT_ID = "contactId"
    STATE = "state"
    AGENT_ID = "agentId"
    ASSIGNED_AT = "assignedAt"
    ENDED_AT = "endedAt"
    END_REASON = "endReason"
    OUTCOME = "outcome"


class MessageTag(StrEnum):
    """Tags of a message of the channel, either direction."""

    ID = "id"
    HANDOFF_ID = "handoffId"
    STATUS = "status"


class UserTag(StrEnum):
    """Tags of an end user or of a mirrored agent."""

    ID = "id"
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    ACTOR_ID = "actorId"
    CONTACT_ID = "contactId"


CONVERSATION_TAGS: Mapping[ConversationTag, TagText] = {
    ConversationTag.ID: TagText("Thread ID", "The id of the HubSpot thread."),
    ConversationTag.INTEGRATION_THREAD_ID: TagText(
        "Integration thread ID", "The id this integration gave the HubSpot thread."
    ),
    ConversationTag.HANDOFF_ID: TagText(
        "Handoff ID", "The id of the handoff in the integration's console, logs and commands."
    ),
    ConversationTag.INBOX_ID: TagText(
        "Inbox ID", "The HubSpot inbox or help desk that received the handoff."
    ),
    ConversationTag.PORTAL_ID: TagText("Portal ID", "The HubSpot account of the handoff."),
    ConversationTag.CONTACT_ID: TagText(
        "Contact ID", "The HubSpot contact of the end user, when one is known."
    ),
    ConversationTag.STATE: TagText(
        "State", "Where the handoff stands, for example pending, assigned or resolved."
    ),
    ConversationTag.AGENT_ID: TagText(
        "Agent ID", "The HubSpot actor id (A-...) of the agent who has the handoff."
    ),
    ConversationTag.ASSIGNED_AT: TagText(
        "Assigned at", "When the first agent was assigned, in milliseconds since 1970."
    ),
    ConversationTag.ENDED_AT: TagText(
        "Ended at", "When the handoff ended, in milliseconds since 1970."
    ),
    ConversationTag.END_REASON: TagText(
        "End reason", "Why the handoff ended, for example agent-closed-ticket."
    ),
    ConversationTag.OUTCOME: TagText(
        "Outcome", "The state in which the handoff ended, for example resolved or expired."
    ),
}

MESSAGE_TAGS: Mapping[MessageTag, TagText] = {
    MessageTag.ID: TagText(
        "HubSpot message ID",
        "The id of the HubSpot message. On a message of the user it confirms the delivery.",
    ),
    MessageTag.HANDOFF_ID: TagText("Handoff ID", "The id of the handoff the message belongs to."),
    MessageTag.STATUS: TagText("Status", "How far the delivery of the message has come."),
}

USER_TAGS: Mapping[UserTag, TagText] = {
    UserTag.ID: TagText("Identifier", "The email, phone number or other id that names the user."),
    UserTag.NAME: TagText("Name", "The end user's display name."),
    UserTag.EMAIL: TagText("Email", "The email address of the end user or agent."),
    UserTag.PHONE: TagText("Phone", "The end user's phone number, with country code."),
    UserTag.ACTOR_ID: TagText("Actor ID", "The HubSpot actor id (A-...); set on agents only."),
    UserTag.CONTACT_ID: TagText("Contact ID", "The HubSpot contact of the end user."),
}
