"""What each order cost, as a line. Older tables stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "order_cost",
        sa.Column("parent_id", sa.Text(), primary_key=True),
        sa.Column("ended_ns", sa.BigInteger(), nullable=False),
        sa.Column("fills", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
    )
    op.create_index("ix_order_cost_ended", "order_cost", ["ended_ns"])
    op.execute("UPDATE meta SET schema_version = 7")


def downgrade() -> None:
    """Refused, as all are: restore the backup made before the upgrade."""
    message = "the lines of orders' costs cannot be taken away; restore the backup made before the upgrade"
    raise RuntimeError(message)
