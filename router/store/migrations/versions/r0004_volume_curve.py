"""Volume curves by name and day. Older tables stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "volume_curve",
        sa.Column("curve_id", sa.Text(), primary_key=True),
        sa.Column("curve_asof", sa.Text(), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kept_ns", sa.BigInteger(), nullable=False),
    )
    op.execute("UPDATE meta SET schema_version = 4")


def downgrade() -> None:
    """Refused: orders name the curves they were accepted with."""
    message = "the volume curves cannot be taken away; restore the backup made before the upgrade"
    raise RuntimeError(message)
