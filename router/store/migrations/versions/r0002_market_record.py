"""The market record: blocks with a chain of their own, and where it begins and ends. Older tables stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two new tables."""
    op.create_table(
        "market_block",
        sa.Column("shard", sa.String(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
    )
    op.create_index("ix_market_block_until", "market_block", ["shard", "last_ns"])
    op.create_table(
        "market_record",
        sa.Column("shard", sa.String(), primary_key=True),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.Text(), nullable=False),
        sa.Column("cut_seq", sa.BigInteger(), nullable=False),
        sa.Column("cut_hash", sa.Text(), nullable=False),
    )
    op.execute("UPDATE meta SET schema_version = 2")


def downgrade() -> None:
    """Refused: what was recorded is not taken away by a command."""
    message = "the market record cannot be taken away; restore the backup made before the upgrade"
    raise RuntimeError(message)
