"""Where parents that have left the state are found again, and the names they are asked for by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two new tables."""
    op.create_table(
        "archived_parent",
        sa.Column("shard", sa.Text(), primary_key=True),
        sa.Column("parent_id", sa.Text(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "archived_child",
        sa.Column("shard", sa.Text(), primary_key=True),
        sa.Column("client_id", sa.Text(), primary_key=True),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=True),
    )
    op.create_index("ix_archived_child_order", "archived_child", ["order_key"])
    op.execute("UPDATE meta SET schema_version = 3")


def downgrade() -> None:
    """Refused: parents that have left the state would not be found again."""
    message = "the archive cannot be taken away; restore the backup made before the upgrade"
    raise RuntimeError(message)
