"""Where Alembic gets its connection: from `migrate`, which has opened it, and a transaction, already."""

from alembic import context
from sqlmodel import SQLModel

import router.store.tables

assert router.store.tables.FOLLOWING  # importing them is what puts them into the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    version_table="schema_revision",
)
context.run_migrations()
