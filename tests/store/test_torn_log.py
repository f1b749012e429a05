"""Power loss: whatever part of SQLite's log is left, cut or garbled, the journal is a clean prefix of the commits."""

import random
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.journal.rows import StoredRow
from router.journal.verify import breaks
from router.store import open_store
from router.store.audit import audit
from tests.store.makers import booked, intended, row

COMMITS = 8
FRAME = 4096 + 24
HEADER = 32


@pytest.fixture(params=[0, 200_000], ids=["growing", "grown before"])
async def crashed(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a database as its files lay while it was being written, its log not yet folded in."""
    monkeypatch.setattr("router.store.sqlite.LOG_BYTES", request.param)
    live, copy = tmp_path / "live", tmp_path / "crashed"
    store = await open_store(f"sqlite:///{live / 'sor.db'}", "lab")
    try:
        await store.take_lease("driver", 60_000)
        for n in range(1, COMMITS + 1):
            await store.append([row(intended(n)), row(booked(n, f"T{n}"))])
        shutil.copytree(live, copy)
    finally:
        await store.close()
    return copy


def used(crashed: Path) -> int:
    """How much of the log counts; behind it may lie what an undone transaction left."""
    (frames,) = struct.unpack_from("=I", (crashed / "sor.db-shm").read_bytes(), 16)
    return HEADER + int(frames) * FRAME


def damages(size: int) -> Iterator[tuple[str, int]]:
    chance = random.Random(7)
    edges = {HEADER + frame * FRAME + off for frame in range(size // FRAME + 1) for off in (-1, 0, 25)}
    for at in sorted(edge for edge in edges if 0 <= edge <= size):
        yield "cut", at
    for _ in range(40):
        yield chance.choice(["cut", "zeros", "garbage", "flip"]), chance.randrange(size)


def damaged(log: bytes, kind: str, at: int) -> bytes:
    if kind == "cut":
        return log[:at]
    if kind == "zeros":
        return log[:at] + bytes(len(log) - at)
    if kind == "garbage":
        return log[:at] + random.Random(at).randbytes(len(log) - at)
    return log[:at] + bytes([log[at] ^ 0x10]) + log[at + 1 :]


def test_every_torn_log_is_a_clean_prefix(crashed: Path, tmp_path: Path):
    """Whole commits, in order, the tables beside the journal with them; never a part of one."""
    log = (crashed / "sor.db-wal").read_bytes()
    seen: set[int] = set()
    for kind, at in damages(used(crashed)):
        path = tmp_path / "torn.db"
        shutil.copy(crashed / "sor.db", path)
        (tmp_path / "torn.db-wal").write_bytes(damaged(log, kind, at))
        (tmp_path / "torn.db-shm").unlink(missing_ok=True)
        seen.add(_commits_in(path))
    assert {0, COMMITS} <= seen
    assert len(seen) > COMMITS // 2


def _commits_in(path: Path) -> int:
    """How many commits the database holds; fails if it is not a clean prefix."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
            return 0
        select = "SELECT shard, seq, epoch, at_ns, kind, payload, hash FROM journal ORDER BY seq"
        names = ("shard", "seq", "epoch", "at_ns", "kind", "payload", "hash")
        rows = [StoredRow(**dict(zip(names, found, strict=True))) for found in connection.execute(select)]
        assert breaks(rows) == ()
        assert len(rows) % 2 == 0
        commits = len(rows) // 2
        intents = connection.execute("SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM intent").fetchone()
        bookings = connection.execute("SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM booking").fetchone()
        assert intents == (commits, max(2 * commits - 1, 0))
        assert bookings == (commits, 2 * commits)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return commits
    finally:
        connection.close()


async def test_the_store_goes_on_from_a_torn_log(crashed: Path):
    """Opened as ever: what is left is audited clean, and the next row follows on it."""
    log = crashed / "sor.db-wal"
    whole, cut = log.read_bytes(), used(crashed) - FRAME // 2
    log.write_bytes(whole[:cut] + bytes(10) + whole[cut + 10 :])
    (crashed / "sor.db-shm").unlink(missing_ok=True)
    store = await open_store(f"sqlite:///{crashed / 'sor.db'}", "lab")
    try:
        assert store.last_seq == 2 * (COMMITS - 1)
        connection = sqlite3.connect(crashed / "sor.db", isolation_level=None)
        connection.execute("UPDATE lease SET expires_at_ms = 0")
        connection.close()
        assert await store.take_lease("next", 60_000) is not None
        await store.append([row(intended(COMMITS))])
        assert (await audit(store)).clean
    finally:
        await store.close()
