"""Where HubSpot's APIs live: one constant per API and version, one function per path. Pure.

Every value that goes into a path is escaped, and an id that could change the path's meaning is
refused before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from hubspot_hitl.errors import InvalidPayload

CUSTOM_CHANNELS: Final = "/conversations/custom-channels/2026-03"
CONVERSATIONS: Final = "/conversations/v3/conversations"
# Conversations have no 2026-03; the assignee exists on the dated path only. See `assignee`.
CONVERSATIONS_DATED: Final = "/conversations/conversations/2026-09-beta"
CONTACTS: Final = "/crm/objects/2026-03/contacts"
FILES: Final = "/files/2026-03/files"
WEBHOOKS: Final = "/webhooks/v3"
UNINSTALL: Final = "/appinstalls/2026-03/external-install"
PRIVATE_APP_TOKEN_INFO: Final = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105
ACCOUNT_DETAILS: Final = "/account-info/2026-03/details"

OAuthVersion = Literal["2026-03", "v3", "v1"]


@dataclass(frozen=True, slots=True)
class OAuthPaths:
    """Where one version of OAuth lives. v1, which ends on 2027-02-16, puts tokens into paths."""

    version: OAuthVersion = "2026-03"

    @property
    def token(self) -> str:
        """Exchange and refresh."""
        return f"/oauth/{self.version}/token"

    @property
    def introspect(self) -> str:
        """Introspection; not in v1."""
        return f"{self.token}/introspect"

    @property
    def revoke(self) -> str:
        """Revocation; not in v1."""
        return f"{self.token}/revoke"

    def v1_token(self, kind: Literal["access_token", "refresh_token"], value: str) -> str:
        """v1's address of a token, to read or delete it. It holds the token: never log it."""
        return f"/oauth/v1/{kind.replace('_', '-')}s/{quote(value, safe='')}"


INBOXES: Final = f"{CONVERSATIONS}/inboxes"
THREADS: Final = f"{CONVERSATIONS}/threads"
CONTACT_SEARCH: Final = f"{CONTACTS}/search"
CONTACT_ERASURE: Final = f"{CONTACTS}/gdpr-delete"

_MAX_ID_CHARS = 512


def segment(value: str) -> str:
    """`value` as one path segment. Raises :class:`InvalidPayload` when it cannot be an id.

    >>> segment("A-1111"), segment("a/b")
    ('A-1111', 'a%2Fb')
    """
    if not value or len(value) > _MAX_ID_CHARS or not value.isprintable() or value in {".", ".."}:
        raise InvalidPayload(f"{value[:80]!r} cannot be an id of HubSpot")
    return quote(value, safe="")


def webhook_settings(app_id: str) -> str:
    """The webhook target of an app."""
    return f"{WEBHOOKS}/{segment(app_id)}/settings"


def subscriptions(app_id: str) -> str:
    """The webhook subscriptions of an app."""
    return f"{WEBHOOKS}/{segment(app_id)}/subscriptions"


def subscription(app_id: str, subscription_id: str) -> str:
    """One webhook subscription."""
    return f"{subscriptions(app_id)}/{segment(subscription_id)}"


def channel(channel_id: str) -> str:
    """One custom channel."""
    return f"{CUSTOM_CHANNELS}/{segment(channel_id)}"


def channel_accounts(channel_id: str) -> str:
    """The accounts of a channel."""
    return f"{channel(channel_id)}/channel-accounts"


def channel_account(channel_id: str, account_id: str) -> str:
    """One account of a channel."""
    return f"{channel_accounts(channel_id)}/{segment(account_id)}"


def channel_messages(channel_id: str) -> str:
    """Where messages are published."""
    return f"{channel(channel_id)}/messages"


def channel_message(channel_id: str, message_id: str) -> str:
    """One message of a channel, whose status an integration may set."""
    return f"{channel_messages(channel_id)}/{segment(message_id)}"


def thread(thread_id: str) -> str:
    """One thread."""
    return f"{THREADS}/{segment(thread_id)}"


def thread_messages(thread_id: str) -> str:
    """The history of a thread."""
    return f"{thread(thread_id)}/messages"


def thread_message(thread_id: str, message_id: str) -> str:
    """One entry of a thread's history."""
    return f"{thread_messages(thread_id)}/{segment(message_id)}"


def original_content(thread_id: str, message_id: str) -> str:
    """The full content of a truncated message."""
    return f"{thread_message(thread_id, message_id)}/original-content"


def assignee(thread_id: str) -> str:
    """The assignee of a thread: PUT `{actorId}`, or DELETE.

    Unverified on a real portal: HubSpot's texts disagree. The published schema has PUT with an
    actor id on this dated path; the v3 guide has POST with an email. The schema is followed.
    """
    return f"{CONVERSATIONS_DATED}/threads/{segment(thread_id)}/assignee"


def actor(actor_id: str) -> str:
    """One actor."""
    return f"{CONVERSATIONS}/actors/{segment(actor_id)}"


def contact(key: str) -> str:
    """One contact, by id or, with `idProperty=email`, by email."""
    return f"{CONTACTS}/{segment(key)}"


def file(file_id: str) -> str:
    """One file."""
    return f"{FILES}/{segment(file_id)}"


def signed_url(file_id: str) -> str:
    """The temporary address of a private file."""
    return f"{FILES}/{segment(file_id)}/signed-url"
