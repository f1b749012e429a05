"""The schema's version, and bringing a database to it."""

from collections.abc import Callable

from sqlalchemy import Connection, text

from router.store.engines import engine_for
from router.store.location import SqliteFile, locate

SCHEMA = 7
"""The version of the schema this code reads and writes; `meta.schema_version` of a database must be the same."""

_MIGRATION_LOCK = 0x736F72
"""PostgreSQL advisory lock: two processes that create the same database wait for each other."""


async def migrate(url: str) -> None:
    """Create or upgrade the tables, in one transaction. Does nothing where there is nothing to do."""
    location = locate(url)
    # Before the transaction: a server ends one that stands still, and on a busy machine the import takes seconds.
    upgrade = _upgrade_with_alembic()
    engine = engine_for(location)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                if not isinstance(location, SqliteFile):
                    await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def _upgrade_with_alembic() -> Callable[[Connection], None]:
    # Only the first start of all needs Alembic; every command would pay for its import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "router.store:migrations")

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    return upgrade
