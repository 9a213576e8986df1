"""What can be set on the HubSpot twin, at start and while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

DEFAULT_SCOPES = (
    "oauth",
    "conversations.read",
    "conversations.write",
    "conversations.custom_channels.read",
    "conversations.custom_channels.write",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.objects.owners.read",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.tickets.read",
    "crm.objects.tickets.write",
    "crm.objects.leads.read",
    "crm.objects.leads.write",
    "crm.schemas.contacts.write",
    "crm.lists.read",
    "crm.lists.write",
    "automation.sequences.read",
    "automation.sequences.enrollments.write",
    "conversations.visitor_identification.tokens.create",
    "files",
    "timeline",
    "transactional-email",
)


@dataclass(slots=True)
class HubSpotOptions:
    """Settings of the twin. Where HubSpot's behaviour is not documented, one field chooses it."""

    app_id: str = "1160452"
    client_id: str = "00000000-aaaa-bbbb-cccc-000000000001"
    client_secret: str = "twin-client-secret"  # noqa: S105 - opens nothing but the twin
    developer_api_key: str = "twin-developer-key"
    refresh_token: str = "twin-refresh-token"  # noqa: S105 - opens nothing but the twin
    """A grant of the first portal that exists from the start."""
    portal_id: str = "1234567"
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    required_scopes: tuple[str, ...] = ()
    """What the app marks as required: the consent page refuses to open without them."""
    token_lifetime_s: float = 1800.0
    oauth_v1: bool = False
    """Whether the endpoints that end on 2027-02-16 answer."""

    private_app_info: bool = True
    """Whether the endpoint that tells about `pat-` tokens knows them (undocumented for service
    keys)."""

    rate_limit: int | None = 110
    """Calls in any `rate_window_s` for each portal; None switches the limit off."""
    rate_window_s: float = 10.0
    search_limit_per_s: int | None = 5

    custom_channels_edition: bool = True
    """Whether the portal's edition has custom channels; with which answer it is refused otherwise
    is undocumented, a 403 is taken."""
    channel_visible_after_s: float = 0.0
    """How long a new channel is neither listed nor connectable."""
    api_accounts_announced: bool = False
    """Whether an account made by API causes CHANNEL_ACCOUNT_CREATED (undocumented)."""
    repeat_publish: Literal["ok", "created", "conflict"] = "ok"
    """Answer to a repeated idempotency id: 200, 201 or 409 (undocumented)."""
    closed_thread_publish: Literal["reopen", "new", "refuse"] = "reopen"
    """What a message to a closed thread does (undocumented)."""
    refuse_empty_text: bool = True
    """Whether a publish with an empty text is refused (undocumented; a space is accepted)."""
    keeps_unseen_signs: bool = True
    """Whether comments keep signs without width; HubSpot does not say."""
    truncate_after: int | None = None
    """Agent texts longer than this arrive truncated; the full one is the original content."""
    auto_assign: Literal["off", "round_robin"] = "off"
    """Whether a new thread is assigned at once, perhaps before the publish call is answered."""
    spam_closes: bool = False
    """Whether marking spam also closes the thread (undocumented)."""
    archive_sends_status: bool = False
    """Whether archiving also sends `status=ARCHIVED` (undocumented)."""
    search_lag_s: float = 0.0
    """How far CRM search lags behind writes."""

    webhooks_api: bool = True
    """Whether the app is a legacy public one. Others may not use the API of webhook settings and
    subscriptions; with which answer they are refused is undocumented."""
    batch_upsert: Literal["each", "whole"] = "each"
    """Whether one bad input fails itself (207) or the whole batch (400) (undocumented)."""
    timeline_types: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The app's event types, or the numbers of its templates, with their properties."""

    default_subscriptions: bool = True
    app_webhook_url: str | None = None
    """Overrides the target URL of the app's webhook settings."""
    hook_timeout_s: float = 5.0
    hook_retries: int = 10
    hook_retry_base_s: float = 0.25
    """First retry delay; HubSpot spreads ten retries over 24 hours, this doubles each time."""
    hook_retry_most_s: float = 15.0
    hook_concurrency: int = 10
    hook_batch: int = 100
    hook_ordered: bool = True
    """Sends a thread's hooks one after another; HubSpot promises no order at all."""
    sign_hooks: bool = True
    extra_hook_headers: dict[str, str] = field(default_factory=dict[str, str])
