"""The store's tables; the ledger's own two are in :mod:`hubspot_hitl.ledger.tables`.

Times are epoch milliseconds. What is secret lives in `secrets` only, encrypted; a plain column of
another table holds nothing that opens a door. A change here needs a new file in `versions/`.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    text,
)

metadata = MetaData()

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("installation_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("start_key", Text, nullable=False),
    Column("integration_thread_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("inbox_id", Text, nullable=False),
    Column("channel_id", Text, nullable=False),
    Column("channel_account_id", Text, nullable=False),
    Column("conversation_id", Text),
    Column("thread_id", Text),
    Column("contact_id", Text),
    Column("user_name", Text),
    Column("title", Text),
    Column("description", Text),
    Column("language", Text),
    Column("agent_actor_id", Text),
    Column("agent_user_id", Text),
    Column("announced", Text, nullable=False, server_default=text("'[]'")),
    Column("assigned_ms", BigInteger),
    Column("first_assigned_ms", BigInteger),
    Column("first_reply_ms", BigInteger),
    Column("last_user_ms", BigInteger),  # never written: the ledger knows who spoke when
    Column("last_agent_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("end_reason", Text),
    Column("session", Text, nullable=False, server_default=text("'{}'")),
    Column("history_marks", Text, nullable=False, server_default=text("''")),
    Column("version", Integer, nullable=False, server_default=text("0")),
)

Index("handoffs_conversation", handoffs.c.conversation_id)
Index("handoffs_thread", handoffs.c.thread_id)
Index("handoffs_integration_thread", handoffs.c.integration_thread_id)
Index("handoffs_user", handoffs.c.user_id, handoffs.c.installation_id)
Index("handoffs_created", handoffs.c.created_ms)
Index("handoffs_state", handoffs.c.state, handoffs.c.created_ms)

people = Table(
    "people",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("picture_url", Text),
    Column("actor_id", Text),
    Column("language", Text),
    Column("seen_ms", BigInteger, nullable=False, server_default=text("0")),
)
installations = Table(
    "installations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bot_id", Text, nullable=False),
    Column("integration_id", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("app_id", Text, nullable=False),
    Column("portal_id", Text),
    Column("bot_user_id", Text),
    Column("configuration_type", Text),
    Column("webhook_url", Text),
    # grows with each change, so that replicas see that their copy is old without decrypting
    Column("revision", Integer, nullable=False, server_default=text("1")),
    Column("removed", Boolean, nullable=False, server_default=false()),
)
Index("installations_app", installations.c.app_id, installations.c.portal_id)

bindings = Table(
    "bindings",
    metadata,
    Column(
        "installation_id",
        Text,
        ForeignKey("installations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("channel_account_id", Text, primary_key=True),
    Column("channel_id", Text, nullable=False),
    Column("inbox_id", Text, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("default", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
Index("secrets_key", secrets.c.key_id)

audit = Table(
    "audit",
    metadata,
    # given by the appender, without gaps: a deleted entry shows
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("prev_hash", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False),
)
Index("audit_subject", audit.c.subject, audit.c.seq)

artifacts = Table(
    "artifacts",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("handoff_id", Text, nullable=False),
)
Index("artifacts_handoff", artifacts.c.handoff_id)

used_nonces = Table(
    "used_nonces",
    metadata,
    Column("name", Text, primary_key=True),
    Column("expires_ms", BigInteger, nullable=False),
)
Index("used_nonces_expires", used_nonces.c.expires_ms)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

flight = Table(
    "flight",
    metadata,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("handoff_id", Text, nullable=False),
    Column("seq", BigInteger),
    Column("name", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("detail", Text, nullable=False),
)
Index("flight_handoff", flight.c.handoff_id, flight.c.at_ms)
Index("flight_age", flight.c.at_ms)

# What is counted of an hour that is over, as JSON: see `figures.py`.
figure_hours = Table(
    "figure_hours",
    metadata,
    Column("hour_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("counted", Text, nullable=False),
)

rate_peaks = Table(
    "rate_peaks",
    metadata,
    Column("step_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("slot_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("app_id", Text, primary_key=True),
    Column("portal", Text, primary_key=True),
    Column("used", Float, nullable=False),
)


@cache
def whole() -> MetaData:
    """The tables with all their indexes, for whoever makes or compares them.

    To name an option of PostgreSQL loads SQLAlchemy's dialect for it: a server on SQLite does not.
    """
    active = "state IN ('starting', 'pending', 'assigned')"
    owner, key = handoffs.c.installation_id, handoffs.c.start_key
    _partial("handoffs_one_active", active, owner, key, unique=True)
    _partial("handoffs_starting", "state = 'starting'", owner)
    for name in ("first_assigned", "first_reply", "ended"):  # what the figures count by
        _partial(f"handoffs_{name}", f"{name}_ms IS NOT NULL", handoffs.c[f"{name}_ms"])
    _partial("people_actor", "actor_id IS NOT NULL", people.c.installation_id, people.c.actor_id)
    return metadata


def _partial(name: str, where: str, *columns: ColumnElement[object], unique: bool = False) -> None:
    """An index of the rows where the condition holds, the same on both databases."""
    rows = text(where)
    Index(name, *columns, unique=unique, sqlite_where=rows, postgresql_where=rows)
