"""What every decision was proven to be, and the fill chances that were learned. Older tables stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two new tables."""
    op.create_table(
        "decision_record",
        sa.Column("shard", sa.Text(), primary_key=True),
        sa.Column("parent_id", sa.Text(), primary_key=True),
        sa.Column("round", sa.BigInteger(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_decision_record_seq", "decision_record", ["shard", "seq"])
    op.create_table(
        "fill_model",
        sa.Column("version", sa.Text(), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kept_ns", sa.BigInteger(), nullable=False),
    )
    op.execute("UPDATE meta SET schema_version = 6")


def downgrade() -> None:
    """Refused: decisions name the set of chances they were made with."""
    message = "the records of decisions cannot be taken away; restore the backup made before the upgrade"
    raise RuntimeError(message)
