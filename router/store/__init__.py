"""The router's one database: the journal and what stands beside it in its transactions, and the tables people query."""

from router.store.base import JournalStore
from router.store.opening import PostgresStore, SqliteStore, open_store
from router.store.schema import SCHEMA, migrate

__all__ = ["SCHEMA", "JournalStore", "PostgresStore", "SqliteStore", "migrate", "open_store"]
