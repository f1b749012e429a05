"""A database is ours, of this mode and this schema, or it is refused."""

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from router.model.errors import AppendLost, BadInput, StoreUnavailable, WrongStore
from router.model.ids import Nanos
from router.store import SCHEMA, JournalStore, PostgresStore, SqliteStore, migrate, open_store
from router.store.engines import engine_for
from router.store.location import locate
from tests.store.conftest import Opener, Sql
from tests.store.makers import row


async def test_a_new_database_is_made(database_url: str, opened: Opener):
    """Of the right kind, empty, with an identity that stays."""
    first = await opened()
    again = await opened()

    assert isinstance(first, SqliteStore if database_url.startswith("sqlite") else PostgresStore)
    assert (first.mode, first.last_seq, first.incarnation) == ("lab", 0, 1)
    assert len(first.deployment) == 32
    assert again.deployment == first.deployment


async def test_another_mode_is_refused(opened: Opener):
    """What was traded in the lab is never taken for real."""
    await opened()

    with pytest.raises(WrongStore, match="belongs to mode lab"):
        await opened(mode="live")


async def test_an_unknown_schema_is_refused(opened: Opener, sql: Sql):
    """Neither newer nor older than this code knows."""
    await opened()
    await sql(f"UPDATE meta SET schema_version = {SCHEMA + 1}")

    with pytest.raises(WrongStore, match="schema"):
        await opened()


async def test_somebody_elses_database_is_left_alone(database_url: str, opened: Opener, sql: Sql):
    """Tables that are not ours: nothing is created among them."""
    await sql("CREATE TABLE customer (id INTEGER)")

    with pytest.raises(WrongStore, match="other tables"):
        await opened()


async def test_an_absent_database_is_not_made_unasked(database_url: str):
    """A reader that was given the wrong path does not leave an empty database behind."""
    with pytest.raises(WrongStore):
        await open_store(database_url, "lab", create=False)
    if database_url.startswith("sqlite"):
        assert not os.path.lexists(database_url.removeprefix("sqlite:///"))  # noqa: ASYNC240 - one look


async def test_many_open_a_new_database_at_once(database_url: str, opened: Opener):
    """Two cron jobs on the first day: one of them makes it, both use it."""
    stores = await asyncio.gather(*(opened() for _ in range(4)))

    assert len({store.deployment for store in stores}) == 1


async def test_migrating_twice_does_nothing(database_url: str, opened: Opener):
    """And a database that was only migrated has no mode yet."""
    await migrate(database_url)
    await migrate(database_url)
    with pytest.raises(WrongStore, match="never opened"):
        await open_store(database_url, "lab", create=False)

    assert (await opened()).mode == "lab"


async def test_the_migrations_make_what_the_tables_say(database_url: str):
    """The query tables' classes and their first revision are the same."""
    await migrate(database_url)
    engine = engine_for(locate(database_url))
    try:
        async with engine.connect() as connection:
            differences = await connection.run_sync(
                lambda sync: compare_metadata(
                    MigrationContext.configure(
                        sync, opts={"compare_type": True, "include_object": lambda _o, name, *_: name in OURS}
                    ),
                    SQLModel.metadata,
                )
            )
    finally:
        await engine.dispose()

    assert differences == []


OURS = {name for table in SQLModel.metadata.tables.values() for name in (table.name, *(i.name for i in table.indexes))}


async def test_the_incarnation_grows(opened: Opener):
    """After a restore no id is given out twice; everybody who opens it later knows."""
    store = await opened()

    assert await store.bump_incarnation() == 2
    assert store.incarnation == 2
    assert (await opened()).incarnation == 2


@pytest.mark.parametrize("url", ["", "mysql://x", "sqlite://", "sqlite:///", "sqlite:///:memory:", "/tmp/x.db"])
async def test_other_urls_are_refused(url: str):
    """With a sentence that names the field."""
    with pytest.raises(BadInput, match="database"):
        await open_store(url, "lab")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    """And left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("buy low, sell high " * 100)

    with pytest.raises(WrongStore):
        await open_store(f"sqlite:///{path}", "lab")

    assert path.read_text().startswith("buy low")


async def test_a_new_file_is_its_owners_only(tmp_path: Path):
    """It holds what was traded."""
    path = tmp_path / "new" / "sor.db"
    store = await open_store(f"sqlite:///{path}", "lab")
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        log = sqlite3.connect(path)
        assert log.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        log.close()
    finally:
        await store.close()


async def test_a_server_that_does_not_answer(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch):
    """Is unavailable, and its password is not shown."""
    monkeypatch.setattr("router.store.postgres.RECONNECT_S", 0.1)

    with pytest.raises(StoreUnavailable) as refused:
        await open_store(f"postgresql://desk:canary-secret@127.0.0.1:{unused_tcp_port}/sor", "lab")

    assert "canary-secret" not in str(refused.value)
    assert "canary-secret" not in repr(locate("postgresql://desk:canary-secret@127.0.0.1/sor?password=canary-secret"))
    assert "canary-secret" not in str(locate("postgresql://desk:canary-secret@127.0.0.1/sor?password=canary-secret"))


async def test_a_database_that_does_not_exist_is_named(postgres_url: str):
    """A server does not make databases by being asked for them."""
    with pytest.raises(WrongStore, match="create it first"):
        await open_store(postgres_url + "_not_there", "lab")


async def test_a_locked_file_is_unavailable_and_nothing_is_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another program holds the write lock longer than we wait: nothing was appended, and the writer stops."""
    monkeypatch.setattr("router.store.sqlite.BUSY_S", 0.05)
    path = tmp_path / "sor.db"
    store = await open_store(f"sqlite:///{path}", "lab")
    other = sqlite3.connect(path, isolation_level=None)
    try:
        await store.take_lease("driver", 60_000)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.append([row()])
        other.execute("ROLLBACK")
        assert await store.read(0, 9) == ()
        with pytest.raises(AppendLost):
            await store.append([row()])
    finally:
        other.close()
        await store.close()


async def test_snapshots(store: JournalStore, sql: Sql):
    """The newest of its version whose row is still in the journal; old ones go."""
    appended = await store.append([row() for _ in range(12)])
    assert await store.newest_snapshot(1) is None
    for one in appended:
        await store.save_snapshot(one.seq, one.hash, Nanos(1), 1, b"\x00state %d" % one.seq)
    await store.save_snapshot(12, appended[-1].hash, Nanos(1), 2, b"other version")

    assert await store.newest_snapshot(1) == (12, appended[11].hash, b"\x00state 12")
    assert await store.newest_snapshot(3) is None
    assert (await sql("SELECT COUNT(DISTINCT seq) FROM snapshot"))[0][0] == 8
    await sql("UPDATE snapshot SET hash = 'of a row that is gone' WHERE seq = 12")
    assert await store.newest_snapshot(1) == (11, appended[10].hash, b"\x00state 11")
