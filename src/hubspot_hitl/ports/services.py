"""Everything a handler may reach, in one frozen value that `house` builds once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import uuid4

from cachetools import LRUCache

from hubspot_hitl.errors import (
    AuthorizationLost,
    BadSettings,
    CircuitOpen,
    FileUnreachable,
    HitlError,
)
from hubspot_hitl.handoff.summary import Extract, Summariser
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.crm import Crm, FieldSnapshots
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot, Pipeline
from hubspot_hitl.ports.fetch import Fetch
from hubspot_hitl.ports.flight import FlightLog, NoFlightLog
from hubspot_hitl.ports.hooks import Hooks, NoHooks
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.lease import Leases
from hubspot_hitl.ports.ledger import Delivery, Ledger, Outcome
from hubspot_hitl.ports.privacy import Artifacts, Content, Evidence, NoArtifacts
from hubspot_hitl.ports.store import Handoffs, Installations, People
from hubspot_hitl.ports.webhooks import WebhookPortals


class Portals(Protocol):
    """HubSpot, one client per installation."""

    def of(self, installation: Installation) -> HubSpot:
        """The client that uses this installation's credentials."""
        ...


class Bots(Protocol):
    """The bot runtime, one client per installation."""

    def of(self, installation: Installation) -> BotRuntime:
        """The client that speaks as this installation."""
        ...


class CrmPortals(Protocol):
    """HubSpot's CRM, one client per installation."""

    def of(self, installation: Installation) -> Crm:
        """The client that uses this installation's credentials."""
        ...


class NoCrm:
    """Stands where no CRM client was handed in."""

    def of(self, installation: Installation) -> Crm:
        """Raises BadSettings."""
        raise BadSettings(
            f"Installation {installation.id!r} asked for the CRM, but this process was built"
            " without a CRM client: hand one to Services"
        )


class NoSnapshots:
    """Keeps nothing: what changed in the fields cannot be told after a restart."""

    async def load(self, installation_id: str, type_: CrmType) -> FieldSnapshot | None:
        """None."""
        return None

    async def save(self, installation_id: str, snapshot: FieldSnapshot) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Process-wide choices that handlers need. Times in the unit of their name.

    `order_check`: whether an agent's message waits until the thread's history shows that no elder
    one is missing ("always": a read for each burst of messages), or only when it comes later than
    `order_check_age_ms` ("late"). `fetch_attempts`: how often a file whose host is ailing is asked
    for before its address is told instead, `file_attempts` the same for a vendor that does not take
    or give it for the moment. `file_link_s`: how long a signed link to an agent's file
    shall work.
    `history_bot_direction`: how the bot's own lines are published when the history is shown as
    messages. HubSpot's reference has OUTGOING and explains it nowhere, so whether it notifies
    somebody or comes back to us is unverified; the default is what is known to work.
    """

    start_margin_ms: int = 1_000
    reopen_answer_ms: int = 60_000
    reopen_news_ms: int = 3_000
    start_timeout_s: float = 45.0
    register_timeout_s: float = 50.0
    message_chars_limit: int = 10_000
    order_check: Literal["always", "late"] = "always"
    order_check_age_ms: int = 1_500
    fetch_attempts: int = 3
    file_attempts: int = 6
    file_link_s: int = 7 * 24 * 3600
    history_messages_limit: int = 200
    history_bot_direction: Literal["INCOMING", "OUTGOING"] = "INCOMING"
    webhook_route: Literal["botpress", "direct"] = "botpress"
    public_url: str | None = None
    botpress_webhook_url: str = "https://webhook.botpress.cloud"

    def retries_file(self, error: HitlError, attempts: int) -> bool:
        """Whether a file is to be tried again rather than told by its address.

        Words wait behind a file, so neither an ailing host nor a Files API that alone is away may
        hold them for long. While the whole vendor is away, nothing could be delivered anyway.
        """
        if isinstance(error, AuthorizationLost | CircuitOpen):
            return True
        most = self.fetch_attempts if isinstance(error, FileUnreachable) else self.file_attempts
        return error.retryable and attempts + 1 < most

    @property
    def start_overdue_ms(self) -> int:
        """Age at which a handoff that is still starting has lost its process."""
        return int(self.start_timeout_s * 2_000)

    def botpress_webhook(self, installation: Installation) -> str:
        """The installation's address at Botpress: what `register` told, else built from its id."""
        if installation.webhook_url:
            return installation.webhook_url
        return f"{self.botpress_webhook_url.rstrip('/')}/{installation.id}"

    def direct_webhook(self, installation: Installation) -> str | None:
        """The installation's address at this server, when a public URL is set."""
        if not self.public_url:
            return None
        return f"{self.public_url.rstrip('/')}/hubspot/webhooks/{installation.id}"

    def channel_webhook(self, installation: Installation) -> str:
        """Where HubSpot shall send the channel's webhooks."""
        direct = self.direct_webhook(installation)
        if self.webhook_route == "direct" and direct:
            return direct
        return self.botpress_webhook(installation)


@dataclass(frozen=True, slots=True)
class Compared:
    """How far a thread's history was compared with the ledger, in HubSpot's time (epoch ms).

    Agent messages up to `through_ms` are all accepted; those up to `mixed_until_ms` may stand in
    their lane in another order than they were written. Until `unread_until_ms` (our clock) no
    message waits for a history that cannot be read. `places` orders messages that share a time, by
    the keys of their deliveries. `newest` are the keys of those written at `through_ms`, which the
    next look meets again.
    """

    through_ms: int = 0
    mixed_until_ms: int = 0
    unread_until_ms: int = 0
    places: Mapping[str, int] = field(default_factory=dict[str, int])
    newest: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnownPipelines:
    """Pipelines of a type as they were at a time (epoch ms)."""

    pipelines: tuple[Pipeline, ...]
    fetched_ms: int


def _no_jobs() -> Mapping[str, Job]:
    return {}


@dataclass(frozen=True, slots=True)
class Services:
    """The ports, bundled. Handlers take this and one delivery or one input.

    `order_checks` remembers, per handoff, how far its thread was compared with the ledger: a
    bounded hint that saves calls, not state that anybody relies on. `known_fields` and
    `known_pipelines` are caches of what portals define, `picks` tells when routing last chose an
    agent (epoch ms), `transcript_property` whether the property is there and when that was asked;
    each is bounded and may be empty at any time. Without `webhooks` the app's own
    webhooks are left to a person, without `leases` this is the only replica.
    Without `content` there are no files to scrub, without `evidence` receipts are not signed;
    `artifacts` knows the files and notes that handoffs left at the vendors.
    `marks_dropped` has the installations whose portal does not keep unseen marks of comments.
    Deliveries up to `named_by_number` are called by their number, see `ports.reading.name_of`.
    """

    hubspot: Portals
    bots: Bots
    handoffs: Handoffs
    people: People
    installations: Installations
    ledger: Ledger
    clock: Clock
    policy: Policy
    new_id: Callable[[], str] = lambda: str(uuid4())
    order_checks: MutableMapping[str, Compared] = field(
        default_factory=lambda: LRUCache[str, Compared](maxsize=10_000)
    )
    fetch: Fetch | None = None
    uploads: MutableMapping[str, str] = field(
        default_factory=lambda: LRUCache[str, str](maxsize=10_000)
    )
    crm: CrmPortals = field(default_factory=NoCrm)
    field_snapshots: FieldSnapshots = field(default_factory=NoSnapshots)
    known_fields: MutableMapping[str, FieldSnapshot] = field(
        default_factory=lambda: LRUCache[str, FieldSnapshot](maxsize=1_000)
    )
    known_pipelines: MutableMapping[str, KnownPipelines] = field(
        default_factory=lambda: LRUCache[str, KnownPipelines](maxsize=1_000)
    )
    picks: MutableMapping[str, int] = field(
        default_factory=lambda: LRUCache[str, int](maxsize=10_000)
    )
    transcript_property: MutableMapping[str, tuple[bool, int]] = field(
        default_factory=lambda: LRUCache[str, tuple[bool, int]](maxsize=1_000)
    )
    hooks: Hooks = field(default_factory=NoHooks)
    summariser: Summariser = field(default_factory=Extract)
    jobs: Mapping[str, Job] = field(default_factory=_no_jobs)
    webhooks: WebhookPortals | None = None
    leases: Leases | None = None
    content: Content | None = None
    evidence: Evidence | None = None
    flight: FlightLog = field(default_factory=NoFlightLog)
    artifacts: Artifacts = field(default_factory=NoArtifacts)
    marks_dropped: set[str] = field(default_factory=set[str])
    named_by_number: int = 0


DeliveryHandler = Callable[[Services, Delivery], Awaitable[Outcome]]
"""Does what one delivery asks. Raises one of our errors to have it tried again or given up."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work on a schedule: a cron expression in a time zone; `run` returns a note for people.

    `catch_up`: what becomes of moments at which no process ran.
    """

    name: str
    cron: str
    run: Callable[[Services], Awaitable[str]]
    zone: str = "UTC"
    catch_up: Literal["latest", "skip", "all"] = "latest"
