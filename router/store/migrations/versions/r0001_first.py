"""The first schema: journal, lease, requests, side rows, snapshots, and the tables people query."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite counts up by itself only in a column of exactly this type."""


def upgrade() -> None:
    """Create everything."""
    _written_with_the_journal()
    _followers_of_the_journal()


def downgrade() -> None:
    """Refused: a journal is not taken away by a command."""
    message = "the first schema cannot be taken away; delete the database if that is what you want"
    raise RuntimeError(message)


def _written_with_the_journal() -> None:
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Integer(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name="meta_is_one_row"),
    )
    op.create_table(
        "journal",
        sa.Column("shard", sa.Text(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("shard", sa.Text(), primary_key=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "request",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("asked_ns", sa.BigInteger(), nullable=False),
        sa.Column("consumed_seq", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("entity", "kind", "key", name="request_key_once"),
    )
    op.create_index(
        "ix_request_open",
        "request",
        ["id"],
        postgresql_where=sa.text("consumed_seq IS NULL"),
        sqlite_where=sa.text("consumed_seq IS NULL"),
    )
    op.create_table(
        "intent",
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), primary_key=True),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("parent_id", "number", name="intent_number_once"),
    )
    op.create_table(
        "booking",
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("booking_key", sa.Text(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "snapshot",
        sa.Column("shard", sa.Text(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _followers_of_the_journal() -> None:
    op.create_table(
        "parent",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("ref_id", sa.String(), nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("limit_price", sa.String(), nullable=True),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("order_json", sa.Text(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("accepted_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_parent_entity_ref", "parent", ["entity", "ref_id"])
    op.create_index("ix_parent_state", "parent", ["state"])
    op.create_index("ix_parent_accepted_ns", "parent", ["accepted_ns"])
    op.create_table(
        "child",
        sa.Column("client_id", sa.String(), primary_key=True),
        sa.Column("parent_id", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("listing_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("limit_price", sa.String(), nullable=False),
        sa.Column("time_in_force", sa.String(), nullable=False),
        sa.Column("reserved_asset", sa.String(), nullable=False),
        sa.Column("reserved", sa.String(), nullable=False),
        sa.Column("notional", sa.String(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.String(), nullable=True),
        sa.Column("executed", sa.String(), nullable=True),
        sa.Column("decided_ns", sa.BigInteger(), nullable=False),
        sa.Column("deadline_ns", sa.BigInteger(), nullable=True),
        sa.Column("durable_ns", sa.BigInteger(), nullable=True),
        sa.Column("sent_ns", sa.BigInteger(), nullable=True),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("intended_seq", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_child_parent", "child", ["parent_id"])
    op.create_index("ix_child_state", "child", ["state"])
    op.create_table(
        "fill",
        sa.Column("booking_key", sa.String(), primary_key=True),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("trade_id", sa.String(), nullable=False),
        sa.Column("venue_order_id", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("price", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("fees_json", sa.Text(), nullable=False),
        sa.Column("maker", sa.Boolean(), nullable=True),
        sa.Column("venue_time_ns", sa.BigInteger(), nullable=False),
        sa.Column("booked_ns", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_fill_parent", "fill", ["parent_id"])
    op.create_index("ix_fill_child", "fill", ["client_id"])
    op.create_index("ix_fill_account_time", "fill", ["account", "venue_time_ns"])
    op.create_table(
        "decision",
        sa.Column("parent_id", sa.String(), primary_key=True),
        sa.Column("round", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.String(), nullable=False),
        sa.Column("residual", sa.String(), nullable=False),
        sa.Column("residual_reason", sa.Text(), nullable=True),
        sa.Column("all_in_cost", sa.String(), nullable=True),
        sa.Column("marginal_price", sa.String(), nullable=True),
        sa.Column("plan_json", sa.Text(), nullable=False),
        sa.Column("exclusions_json", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "alert",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_alert_kind", "alert", ["kind"])
    op.create_table(
        "venue_account",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("gate_open", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gate_moved_ns", sa.BigInteger(), nullable=True),
        sa.Column("trades_until_ns", sa.BigInteger(), nullable=True),
        sa.Column("key_json", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "balance",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("asset", sa.String(), primary_key=True),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("total", sa.String(), nullable=False),
        sa.Column("free", sa.String(), nullable=False),
        sa.Column("asked_ns", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "difference",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("asset", sa.String(), primary_key=True),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("expected", sa.String(), nullable=False),
        sa.Column("unexplained", sa.String(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "cursor",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("shard", sa.String(), primary_key=True),
        sa.Column("as_of_seq", sa.BigInteger(), nullable=False),
    )
