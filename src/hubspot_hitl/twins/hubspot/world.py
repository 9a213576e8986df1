"""Everything the HubSpot twin knows: one app, its portals, their records, the tokens in use."""

from __future__ import annotations

import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable

from aiohttp import web

from hubspot_hitl.twins.faults import Fault, FaultKind, Faults
from hubspot_hitl.twins.hubspot.errors import ApiError, rate_limited
from hubspot_hitl.twins.hubspot.hooks import HookSender
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.hubspot.records import (
    Agent,
    Channel,
    Grant,
    Inbox,
    Portal,
    Subscription,
    Thread,
    Token,
)
from hubspot_hitl.twins.journal import Journal
from hubspot_hitl.twins.wire import Json

DEFAULT_SUBSCRIPTIONS = (
    ("conversation.propertyChange", "assignedTo"),
    ("conversation.propertyChange", "status"),
    ("conversation.propertyChange", "isArchived"),
    ("conversation.newMessage", None),
    ("conversation.creation", None),
    ("conversation.deletion", None),
    ("conversation.privacyDeletion", None),
    ("contact.privacyDeletion", None),
)


class World:
    """The twin's state. `clock` tells epoch seconds; `url` is set once it listens."""

    def __init__(self, options: HubSpotOptions, faults: Faults, clock: Callable[[], float]) -> None:
        self.options = options
        self.faults = faults
        self.clock = clock
        self.url = ""
        self.journal = Journal(clock)
        self.hooks = HookSender(options, faults, self.journal, clock)
        self.portals: dict[str, Portal] = {}
        self.channels: dict[str, Channel] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.hook_settings: Json | None = None
        self.tokens: dict[str, Token] = {}
        self.grants: dict[str, Grant] = {}
        self.codes: dict[str, Json] = {}
        self.staging: dict[str, Json] = {}
        self.threads: dict[str, Thread] = {}
        self.messages: dict[str, tuple[Thread, Json]] = {}
        self.originals: dict[str, tuple[str, str | None]] = {}
        self.recent: dict[str, deque[float]] = {}
        self._ids = {
            name: itertools.count(first)
            for name, first in (
                ("channel", 2_900_001),
                ("account", 330_000_001),
                ("thread", 9_100_000_001),
                ("visitor", 700_001),
                ("object", 50_001),
                ("file", 880_001),
                ("inbox", 1_263_703_960),
                ("subscription", 21),
                ("event", 3_816_279_340),
                ("user", 1_111),
                ("message", 1),
            )
        }
        self.add_portal(options.portal_id)
        self.add_grant(options.portal_id, options.refresh_token)
        if options.default_subscriptions:
            for event_type, property_name in DEFAULT_SUBSCRIPTIONS:
                self.subscribe(event_type, property_name, active=True)

    def new_id(self, name: str) -> str:
        """The next id of a kind; message ids are 32 hexadecimal digits, others are numbers."""
        number = next(self._ids[name])
        return f"{number:032x}" if name == "message" else str(number)

    def add_portal(self, portal_id: str, inboxes: int = 1) -> Portal:
        """Add an account with two agents, `inboxes` inboxes and one help desk."""
        portal = self.portals[portal_id] = Portal(portal_id)
        now = self.clock()
        for number in range(1, inboxes + 1):
            inbox_id = self.new_id("inbox")
            portal.inboxes[inbox_id] = Inbox(inbox_id, f"Inbox {number}", "INBOX", now)
        desk_id = self.new_id("inbox")
        portal.inboxes[desk_id] = Inbox(desk_id, "Help desk", "HELP_DESK", now)
        for number in (1, 2):
            self.add_agent(portal, f"Agent {number}", f"agent-{number}@portal.example")
        return portal

    def add_agent(self, portal: Portal, name: str, email: str, avatar: str | None = None) -> Agent:
        """Add a user who answers conversations."""
        agent = Agent(self.new_id("user"), name, email, avatar)
        portal.agents[agent.actor_id] = agent
        return agent

    def add_grant(
        self, portal_id: str, refresh_token: str | None = None, scopes: frozenset[str] | None = None
    ) -> Grant:
        """Install the app on a portal; returns the grant with its refresh token."""
        value = refresh_token or f"na1-twin-{secrets.token_hex(12)}"
        granted = frozenset(self.options.scopes) if scopes is None else scopes
        grant = self.grants[value] = Grant(value, portal_id, granted)
        return grant

    def issue(self, grant: Grant) -> Token:
        """A new access token of a grant."""
        value = f"twin-access-{secrets.token_urlsafe(24)}"
        expires_at = self.clock() + self.options.token_lifetime_s
        token = Token(value, grant.portal_id, grant.scopes, expires_at, grant.refresh_token)
        self.tokens[value] = token
        return token

    def issue_private(self, portal_id: str, scopes: frozenset[str] | None = None) -> str:
        """A private app's token: it does not expire."""
        value = f"pat-na1-{secrets.token_hex(12)}"
        granted = frozenset(self.options.scopes) if scopes is None else scopes
        self.tokens[value] = Token(value, portal_id, granted, None)
        return value

    def expire_tokens(self, portal_id: str | None = None) -> None:
        """Expire access tokens now, of one portal or of all."""
        for token in self.tokens.values():
            if token.expires_at is not None and portal_id in (None, token.portal_id):
                token.expires_at = self.clock()

    def revoke_grants(self, portal_id: str | None = None) -> None:
        """Uninstall the app: refresh and access tokens are void, of one portal or of all."""
        for grant in self.grants.values():
            if portal_id in (None, grant.portal_id):
                grant.revoked = True
        gone = [v for v, token in self.tokens.items() if portal_id in (None, token.portal_id)]
        for value in gone:
            del self.tokens[value]

    def reinstate_grants(self) -> None:
        """Undo :meth:`revoke_grants` for refresh tokens."""
        for grant in self.grants.values():
            grant.revoked = False

    def subscribe(self, event_type: str, property_name: str | None, active: bool) -> Subscription:
        """Add a webhook subscription."""
        found = Subscription(
            self.new_id("subscription"), event_type, property_name, active, self.clock()
        )
        self.subscriptions[found.id] = found
        return found

    def channel(self, channel_id: str) -> Channel:
        """A channel that exists and is visible by now. Raises a 404."""
        channel = self.channels.get(channel_id)
        if channel is None or channel.archived or channel.visible_at > self.clock():
            raise ApiError.not_found("custom channel", channel_id)
        return channel

    def thread(self, thread_id: str) -> Thread:
        """A thread by id. Raises a 404."""
        thread = self.threads.get(thread_id)
        if thread is None:
            raise ApiError.not_found("thread", thread_id)
        return thread

    def portal_of(self, thread: Thread) -> Portal:
        """The portal that a thread lives in."""
        return self.portals[thread.portal_id]

    def emit(self, thread: Thread, event_type: str, source: str, **fields: object) -> None:
        """Send an app webhook about a thread to each active subscription that asks for it."""
        self.emit_object(thread.portal_id, thread.id, event_type, source, **fields)

    def emit_object(
        self, portal_id: str, object_id: str, event_type: str, source: str, **fields: object
    ) -> None:
        """The same for any object of a portal."""
        url = self.options.app_webhook_url or (self.hook_settings or {}).get("targetUrl")
        if not url:
            return
        kind, _, _ = source.partition(":")
        for subscription in self.subscriptions.values():
            if not subscription.active or subscription.event_type != event_type:
                continue
            if subscription.property_name not in (None, fields.get("propertyName")):
                continue
            event: Json = {
                "eventId": int(self.new_id("event")),
                "subscriptionId": int(subscription.id),
                "portalId": int(portal_id),
                "appId": int(self.options.app_id),
                "occurredAt": int(self.clock() * 1000),
                "subscriptionType": event_type,
                "objectId": int(object_id),
                "changeSource": "USER" if kind == "userId" else "INTEGRATION",
                "sourceId": source,
                "isSensitive": False,
                **fields,
            }
            self.hooks.app_event(url, portal_id, event)

    def count_call(self, portal_id: str, search: bool) -> dict[str, str]:
        """Count a call against the portal's limit; returns the rate headers. Raises a 429."""
        portal = self.portals.get(portal_id)
        general = (portal.rate_limit if portal else None) or self.options.rate_limit
        limit = self.options.search_limit_per_s if search else general
        if limit is None or general is None:
            return {}
        window = 1.0 if search else self.options.rate_window_s
        recent = self.recent.setdefault(f"{portal_id}:{search}", deque())
        now = time.monotonic()
        while recent and recent[0] <= now - window:
            recent.popleft()
        headers = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(window * 1000)),
            "X-HubSpot-RateLimit-Max": str(limit),
            "X-HubSpot-RateLimit-Remaining": str(max(0, limit - len(recent) - 1)),
        }
        shown = {} if search else headers
        if len(recent) >= limit:
            policy = "SECONDLY" if search else "TEN_SECONDLY_ROLLING"
            raise rate_limited(policy, None, shown)
        recent.append(now)
        return shown

    def fault_answer(self, fault: Fault, status: int) -> web.Response:
        """HubSpot's error body for a status fault."""
        if status == 429:
            return rate_limited("TEN_SECONDLY_ROLLING", fault.retry_after_s).response()
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        message = fault.message or "internal error (twin fault)"
        return ApiError(status, message, "INTERNAL_ERROR", headers=headers).response()

    def caller_of(self, request: web.Request) -> str:
        """The portal whose token is presented."""
        value = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = self.tokens.get(value)
        return token.portal_id if token else ""

    def spoil_credentials(self, kind: FaultKind, request: web.Request) -> None:
        """Expire or revoke what the caller holds; all portals when the caller names no token."""
        portal_id = self.caller_of(request) or None
        if kind is FaultKind.TOKEN_EXPIRED:
            self.expire_tokens(portal_id)
        else:
            self.revoke_grants(portal_id)
