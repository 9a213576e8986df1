"""What is kept, where, how long, and how it is worked on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from hubspot_hitl.settings.environment import Group
from hubspot_hitl.settings.types import (
    LOWERED,
    DatabaseUrl,
    NameList,
)


class Storage(Group):
    """What is kept."""

    data_dir: Path = Field(
        default=Path("./data"), description="Directory for the SQLite file and the key file."
    )
    database_url: DatabaseUrl = Field(
        default_factory=lambda data: f"sqlite:///{data.get('data_dir', 'data')}/hubspot-hitl.db",
        repr=False,
        description=(
            "The database: sqlite:///file or postgresql://user@host/name. Use PostgreSQL for more"
            " than one replica. Unset: a SQLite file in the data directory."
        ),
    )
    database_wait_s: float = Field(
        default=60,
        ge=0,
        le=3600,
        description=(
            "How long a server that starts tries again while PostgreSQL cannot be reached. A wrong"
            " login or a database that does not exist ends it at once."
        ),
    )
    secret_keys: SecretStr | None = Field(
        default=None,
        description=(
            "Keys that encrypt secrets at rest: id:base64-of-32-bytes, comma separated; the first"
            " one encrypts. Make one with `hubspot-hitl keys new`. Unset: a key file in the data"
            " directory on SQLite, a key in the database on PostgreSQL."
        ),
    )
    retention_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description=("How long finished deliveries are kept, to look things up. Less saves disk."),
    )
    content_days: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description=(
            "When message contents and people's names are erased from ended handoffs; the rows"
            " stay and are counted. Unset: as HITL_RETENTION_DAYS."
        ),
    )

    @property
    def is_sqlite(self) -> bool:
        """Whether state lives in a SQLite file, so that one process owns it."""
        return self.database_url.startswith("sqlite")

    @property
    def key_file(self) -> Path:
        """Where the keys lie that seal secrets, when `secret_keys` is unset and on SQLite."""
        return self.data_dir / "secret.key"


class Handoffs(Group):
    """Handoffs and deliveries."""

    start_margin_ms: int = Field(
        default=1000,
        ge=0,
        le=60_000,
        description=(
            "How long a handoff's deliveries wait after startHitl was answered: Botpress's HITL"
            " plugin ignores what comes earlier. Raise it if a first message goes missing."
        ),
    )
    start_timeout_s: float = Field(
        default=45,
        gt=0,
        le=59,
        description="How long startHitl may take; Botpress gives up after 60 s.",
    )
    reopen_answer_s: float = Field(
        default=60,
        gt=0,
        le=3_600,
        description=(
            "How long the bot has to start HITL again after an agent reopened the thread, where"
            " `reopen` is `resume`."
        ),
    )
    reopen_news_s: float = Field(
        default=3,
        ge=0,
        le=60,
        description=(
            "How long an agent's message after the end of a handoff waits for HubSpot to report"
            " that the thread was reopened, where `reopen` is `resume`."
        ),
    )
    order_check: Annotated[Literal["always", "late"], LOWERED] = Field(
        default="always",
        description=(
            "When to read the thread's history before an agent's message is delivered, in case an"
            " earlier one has no webhook yet: 'always', or only when the message is itself 'late'."
            " 'late' saves one HubSpot call for each message, at some risk to the order."
        ),
    )
    message_chars_limit: int = Field(
        default=10_000,
        ge=100,
        description=(
            "Longer texts to HubSpot are split into numbered parts. HubSpot documents no limit;"
            " lower it if HubSpot refuses long texts."
        ),
    )
    register_timeout_s: float = Field(
        default=50,
        gt=0,
        le=59,
        description=(
            "How long `register` waits for HubSpot to show a new channel; Botpress gives up after"
            " 60 s. What is not ready by then is finished in the background."
        ),
    )
    vendor_timeout_s: float = Field(
        default=15, gt=0, le=120, description="How long one call to HubSpot or Botpress may take."
    )
    worker_concurrency: int = Field(
        default=256, ge=1, le=4096, description="How many handoffs are worked on at the same time."
    )
    lease_s: float = Field(
        default=15,
        ge=1,
        le=600,
        description=(
            "On PostgreSQL, how long a silent replica keeps its handoffs before another takes"
            " over. Raise it if `lane_lost` is frequent."
        ),
    )


class Files(Group):
    """Files from addresses that users send."""

    fetch_allow_private: bool = Field(
        default=False,
        description=(
            "Also fetch files from private and loopback addresses. For tests only: it lets users"
            " make this server read from your network."
        ),
    )
    fetch_max_bytes: int = Field(
        default=20_000_000,
        ge=1_000,
        description="Largest file that is passed on; HubSpot and Botpress have limits too.",
    )
    fetch_timeout_s: float = Field(
        default=30, gt=0, le=120, description="How long the download of one file may take."
    )


class Jobs(Group):
    """Work on a schedule, and parts of other packages."""

    refresh_cron: str = Field(
        default="17 3 * * *",
        description=(
            "When every portal's CRM fields are read again and compared with the routing rules, as"
            " a cron expression, or 'off'."
        ),
    )
    reconcile_cron: str = Field(
        default="*/5 * * * *",
        description=(
            "When open handoffs are compared with their HubSpot threads and missed events are"
            " repaired, as a cron expression, or 'off'."
        ),
    )
    schedule_zone: str = Field(
        default="UTC", description="Time zone of the cron expressions, such as Europe/Berlin."
    )
    jobs: NameList = Field(
        default=(),
        description=(
            "Jobs of installed packages to run, comma separated: names in the entry point group"
            " hubspot_hitl.jobs."
        ),
    )
    summariser: str | None = Field(
        default=None,
        description=(
            "What summarises a chat for the closing note: a name in the entry point group"
            " hubspot_hitl.summarisers. Unset: the first and last messages are quoted."
        ),
    )
