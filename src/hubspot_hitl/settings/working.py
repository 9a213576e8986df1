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
            "Where the ledger and all state live: sqlite:///file or postgresql://user@host/name."
            " Unset: a SQLite file in the data directory."
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
            "Key ring for encryption at rest: id:base64-of-32-bytes, comma separated, the first"
            " one encrypts. Unset, on SQLite: a key file is made in the data directory."
        ),
    )
    retention_days: int = Field(
        default=30, ge=1, le=3650, description="How long finished deliveries are kept as evidence."
    )
    content_days: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description=(
            "After how many days what was said and people's names are blanked; the rows stay and"
            " count. Unset: the retention."
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
        description="How long a handoff's deliveries wait after startHitl has been answered.",
    )
    start_timeout_s: float = Field(
        default=45, gt=0, le=59, description="Longest time startHitl may take; Botpress waits 60 s."
    )
    reopen_answer_s: float = Field(
        default=60,
        gt=0,
        le=3_600,
        description="How long a bot has to start HITL for a user whose agent reopened the thread.",
    )
    reopen_news_s: float = Field(
        default=3,
        ge=0,
        le=60,
        description=(
            "How long a message behind the end waits for news that its thread was opened again,"
            " where the bot is asked to resume."
        ),
    )
    order_check: Annotated[Literal["always", "late"], LOWERED] = Field(
        default="always",
        description=(
            "Whether an agent's message waits for a look at the thread's history, which shows"
            " elder ones that no webhook has brought yet: 'always' (one read more per message or"
            " burst), or only when it is itself 'late'."
        ),
    )
    message_chars_limit: int = Field(
        default=10_000,
        ge=100,
        description="Longer texts to HubSpot are split; HubSpot publishes no limit.",
    )
    register_timeout_s: float = Field(
        default=50,
        gt=0,
        le=59,
        description=(
            "Longest time register waits for HubSpot to show a new channel; Botpress waits 60 s."
            " What is not ready then is finished in the background."
        ),
    )
    vendor_timeout_s: float = Field(
        default=15, gt=0, le=120, description="Longest time one call to a vendor may take."
    )
    worker_concurrency: int = Field(
        default=256, ge=1, le=4096, description="How many lanes are worked on at the same time."
    )
    lease_s: float = Field(
        default=15, ge=1, le=600, description="How long a worker owns a lane without renewing."
    )


class Files(Group):
    """Files from addresses that users send."""

    fetch_allow_private: bool = Field(
        default=False,
        description=(
            "Fetch files also from private and loopback addresses. For demos and tests on one"
            " machine: otherwise a user could make this server read its neighbours."
        ),
    )
    fetch_max_bytes: int = Field(
        default=20_000_000, ge=1_000, description="Largest file that is passed on, in bytes."
    )
    fetch_timeout_s: float = Field(
        default=30, gt=0, le=120, description="Longest time the download of one file may take."
    )


class Jobs(Group):
    """Work on a schedule, and parts of other packages."""

    refresh_cron: str = Field(
        default="17 3 * * *",
        description=(
            "When the CRM fields of all portals are read anew and held against the routing rules,"
            " as a cron expression; 'off' never."
        ),
    )
    reconcile_cron: str = Field(
        default="*/5 * * * *",
        description=(
            "When open handoffs are compared with their threads and missed events repaired, as a"
            " cron expression; 'off' never."
        ),
    )
    schedule_zone: str = Field(
        default="UTC", description="Time zone of the cron expressions, as Europe/Berlin."
    )
    jobs: NameList = Field(
        default=(),
        description=(
            "Further jobs to run on their schedules, comma separated: names in the entry point"
            " group hubspot_hitl.jobs of installed packages."
        ),
    )
    summariser: str | None = Field(
        default=None,
        description=(
            "Who summarises a chat for the note at its end: a name in the entry point group"
            " hubspot_hitl.summarisers. Unset: its own first and last words are quoted."
        ),
    )
