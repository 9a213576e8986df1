"""The first schema: the ledger, the handoffs and all that is kept beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Create every table."""
    _ledger()
    _store()


def _ledger() -> None:
    op.create_table(
        "deliveries",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("handoff_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("timer", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("started", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("dedup_key"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "deliveries_dead",
        "deliveries",
        ["seq"],
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "deliveries_finished",
        "deliveries",
        ["finished_ms"],
        sqlite_where=sa.text("state IN ('done', 'cancelled')"),
        postgresql_where=sa.text("state IN ('done', 'cancelled')"),
    )
    op.create_index(
        "deliveries_handoff",
        "deliveries",
        ["handoff_id", "seq"],
        sqlite_where=sa.text("handoff_id IS NOT NULL"),
        postgresql_where=sa.text("handoff_id IS NOT NULL"),
    )
    op.create_index(
        "deliveries_ready",
        "deliveries",
        ["lane", "seq"],
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_table(
        "lanes",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_until_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("lane"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "lanes_due",
        "lanes",
        ["due_ms"],
        sqlite_where=sa.text("due_ms IS NOT NULL"),
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )


def _store() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("prev_hash"),
    )
    op.create_index("audit_subject", "audit", ["subject", "seq"])
    op.create_table(
        "handoffs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("start_key", sa.Text(), nullable=False),
        sa.Column("integration_thread_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("channel_account_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("thread_id", sa.Text(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("agent_actor_id", sa.Text(), nullable=True),
        sa.Column("agent_user_id", sa.Text(), nullable=True),
        sa.Column("announced", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("assigned_ms", sa.BigInteger(), nullable=True),
        sa.Column("first_reply_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_user_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_agent_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("session", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("handoffs_conversation", "handoffs", ["conversation_id"])
    op.create_index("handoffs_created", "handoffs", ["created_ms"])
    op.create_index("handoffs_integration_thread", "handoffs", ["integration_thread_id"])
    op.create_index(
        "handoffs_one_active",
        "handoffs",
        ["installation_id", "start_key"],
        unique=True,
        sqlite_where=sa.text("state IN ('starting', 'pending', 'assigned')"),
        postgresql_where=sa.text("state IN ('starting', 'pending', 'assigned')"),
    )
    op.create_index(
        "handoffs_starting",
        "handoffs",
        ["installation_id"],
        sqlite_where=sa.text("state = 'starting'"),
        postgresql_where=sa.text("state = 'starting'"),
    )
    op.create_index("handoffs_state", "handoffs", ["state"])
    op.create_index("handoffs_thread", "handoffs", ["thread_id"])
    op.create_table(
        "installations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("integration_id", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("portal_id", sa.Text(), nullable=True),
        sa.Column("bot_user_id", sa.Text(), nullable=True),
        sa.Column("configuration_type", sa.Text(), nullable=True),
        sa.Column("webhook_url", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("installations_app", "installations", ["app_id", "portal_id"])
    op.create_table(
        "people",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("picture_url", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("seen_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "user_id"),
    )
    op.create_index(
        "people_actor",
        "people",
        ["installation_id", "actor_id"],
        sqlite_where=sa.text("actor_id IS NOT NULL"),
        postgresql_where=sa.text("actor_id IS NOT NULL"),
    )
    op.create_table(
        "secrets",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name"),
    )
    op.create_index("secrets_key", "secrets", ["key_id"])
    op.create_table(
        "used_nonces",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("used_nonces_expires", "used_nonces", ["expires_ms"])
    op.create_table(
        "bindings",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("channel_account_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("default", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["installation_id"], ["installations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("installation_id", "channel_account_id"),
    )
