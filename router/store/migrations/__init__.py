"""Alembic revisions of the router's database. Run by `router.store.schema.migrate`, never by hand."""
