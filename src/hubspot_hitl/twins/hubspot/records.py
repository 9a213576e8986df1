"""The HubSpot twin's records: what a portal holds. Times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from hubspot_hitl.twins.wire import Json, iso


@dataclass(slots=True)
class Agent:
    """A user of the portal who answers in the inbox."""

    user_id: str
    name: str
    email: str
    avatar: str | None = None

    @property
    def actor_id(self) -> str:
        """The agent's actor id."""
        return f"A-{self.user_id}"

    def actor(self) -> Json:
        """The agent as an actor object."""
        found: Json = {"id": self.actor_id, "type": "AGENT", "name": self.name, "email": self.email}
        if self.avatar:
            found["avatar"] = self.avatar
        return found


@dataclass(slots=True)
class Inbox:
    """A conversations inbox (`INBOX`) or help desk (`HELP_DESK`)."""

    id: str
    name: str
    type: str
    created_at: float

    def wire(self) -> Json:
        """The inbox as the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "archived": False,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.created_at),
        }


@dataclass(slots=True)
class Channel:
    """A custom channel of the app. `fields` are the ones that the caller may set."""

    id: str
    fields: Json
    created_at: float
    visible_at: float
    archived: bool = False

    @property
    def capabilities(self) -> Json:
        """The declared capabilities."""
        found: Json = self.fields["capabilities"]
        return found

    def wire(self) -> Json:
        """The channel as the API shows it."""
        return {"id": self.id, "createdAt": iso(self.created_at), **self.fields}


@dataclass(slots=True)
class Account:
    """A channel account: a channel bound to one inbox of one portal."""

    id: str
    channel_id: str
    portal_id: str
    inbox_id: str
    name: str
    authorized: bool
    created_at: float
    identifier: Json | None = None
    active: bool = True
    archived: bool = False

    def wire(self) -> Json:
        """The account as the API shows it."""
        found: Json = {
            "id": self.id,
            "channelId": self.channel_id,
            "inboxId": self.inbox_id,
            "name": self.name,
            "active": self.active,
            "authorized": self.authorized,
            "archived": self.archived,
            "createdAt": iso(self.created_at),
        }
        if self.identifier is not None:
            found["deliveryIdentifier"] = self.identifier
        return found


@dataclass(slots=True)
class Thread:
    """A conversation thread with its whole history, oldest first."""

    id: str
    portal_id: str
    integration_thread_id: str
    channel_id: str
    account_id: str
    inbox_id: str
    created_at: float
    visitor_id: str
    visitor: Json
    status: str = "OPEN"
    assigned_to: str | None = None
    ticket_id: str | None = None
    archived: bool = False
    spam: bool = False
    closed_at: float | None = None
    latest_sent: float | None = None
    latest_received: float | None = None
    messages: list[Json] = field(default_factory=list[Json])

    @property
    def latest(self) -> float | None:
        """When the last message was sent or received."""
        return max((at for at in (self.latest_sent, self.latest_received) if at), default=None)

    def wire(self, with_ticket: bool = False) -> Json:
        """The thread as the API shows it; the ticket only when asked for."""
        found: Json = {
            "id": self.id,
            "createdAt": iso(self.created_at),
            "status": self.status,
            "inboxId": self.inbox_id,
            "associatedContactId": self.visitor_id,
            "originalChannelId": self.channel_id,
            "originalChannelAccountId": self.account_id,
            "spam": self.spam,
            "archived": self.archived,
        }
        times = {
            "closedAt": self.closed_at,
            "latestMessageTimestamp": self.latest,
            "latestMessageSentTimestamp": self.latest_sent,
            "latestMessageReceivedTimestamp": self.latest_received,
        }
        found |= {name: iso(at) for name, at in times.items() if at is not None}
        if self.assigned_to:
            found["assignedTo"] = self.assigned_to
        if with_ticket and self.ticket_id:
            found["threadAssociations"] = {"associatedTicketId": self.ticket_id}
        return found


@dataclass(slots=True)
class CrmObject:
    """A record of the CRM: contact, note, ticket and so on."""

    id: str
    properties: dict[str, str | None]
    created_at: float
    updated_at: float
    archived: bool = False
    associations: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


@dataclass(slots=True)
class StoredFile:
    """A file of the file manager."""

    id: str
    name: str
    content: bytes
    content_type: str
    access: str
    created_at: float
    path: str = "/"
    archived: bool = False


@dataclass(slots=True)
class Subscription:
    """A webhook subscription of the app."""

    id: str
    event_type: str
    property_name: str | None
    active: bool
    created_at: float

    def wire(self) -> Json:
        """The subscription as the API shows it."""
        found: Json = {
            "id": self.id,
            "eventType": self.event_type,
            "active": self.active,
            "createdAt": iso(self.created_at),
        }
        if self.property_name:
            found["propertyName"] = self.property_name
        return found


@dataclass(slots=True)
class Token:
    """An access token. `expires_at` None means never (private app)."""

    value: str
    portal_id: str
    scopes: frozenset[str]
    expires_at: float | None
    refresh_token: str | None = None


@dataclass(slots=True)
class Grant:
    """A refresh token: one install of the app on one portal."""

    refresh_token: str
    portal_id: str
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(slots=True)
class Portal:
    """One HubSpot account. `rate_limit` replaces the twin's option of that name."""

    id: str
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    inboxes: dict[str, Inbox] = field(default_factory=dict[str, Inbox])
    accounts: dict[str, Account] = field(default_factory=dict[str, Account])
    threads: dict[str, Thread] = field(default_factory=dict[str, Thread])
    objects: dict[str, dict[str, CrmObject]] = field(
        default_factory=dict[str, dict[str, CrmObject]]
    )
    by_email: dict[str, str] = field(default_factory=dict[str, str])
    files: dict[str, StoredFile] = field(default_factory=dict[str, StoredFile])
    by_integration_thread: dict[tuple[str, str], str] = field(
        default_factory=dict[tuple[str, str], str]
    )
    by_idempotency: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    visitors: dict[str, Json] = field(default_factory=dict[str, Json])
    properties: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    merged: dict[str, str] = field(default_factory=dict[str, str])
    lists: dict[str, Json] = field(default_factory=dict[str, Json])
    sequences: dict[str, str] = field(default_factory=dict[str, str])
    teams: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    timeline: dict[str, Json] = field(default_factory=dict[str, Json])
    emails: dict[str, Json] = field(default_factory=dict[str, Json])
    next_agent: int = 0
    rate_limit: int | None = None

    def of_type(self, object_type: str) -> dict[str, CrmObject]:
        """The records of one CRM object type, by id."""
        return self.objects.setdefault(object_type, {})
