"""Power loss in real histories: whatever part of the log three killed routers left is torn, a clean prefix remains."""

import asyncio
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.lab.faults import Call, FaultKind
from router.journal.rows import StoredRow
from router.journal.verify import breaks
from tests.e2e.desk import desk_at
from tests.e2e.runner import Moment, Point

_HEADER = 32
_FRAME = 4096 + 24
_PREFIXES_LEAST = 5
_TOLD_BY = {"intent": '"t":"ChildIntended"', "booking": '"t":"FillBooked"'}
_COLUMNS = ("shard", "seq", "epoch", "at_ns", "kind", "payload", "hash")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM journal ORDER BY seq"
HISTORIES: dict[str, tuple[dict[str, Any] | None, Moment]] = {
    "all goes well": (None, Moment(Point.AFTER_FILL, 3)),
    "answers are lost": (
        {"fault": FaultKind.ANSWER_LOST, "call": Call.PLACE, "times": 2, "hold_ms": 400},
        Moment(Point.LOOKED_UP, 6),
    ),
    "the venue is too busy": (
        {"fault": FaultKind.HTTP_429, "call": Call.PLACE, "times": 3, "retry_after": "0"},
        Moment(Point.AFTER_COMMIT, 12),
    ),
}


@pytest.mark.nightly
@pytest.mark.parametrize("history", HISTORIES)
async def test_a_torn_log_of_a_real_run_is_a_clean_prefix(tmp_path: Path, history: str) -> None:
    """Cut, zeroed and flipped at and beside every frame: whole commits in order, and their side rows with them."""
    left = tmp_path / "left"
    left.mkdir()
    await _killed(tmp_path, left, history)
    found = await asyncio.to_thread(_prefixes, tmp_path, left)
    assert 0 in found
    assert len(found) > _PREFIXES_LEAST, found


async def _killed(folder: Path, left: Path, history: str) -> None:
    """A router dies in the middle of an order; its files as they lay."""
    fault, moment = HISTORIES[history]
    async with desk_at(folder, f"sqlite:///{folder / 'sor.db'}") as desk:
        if fault is not None:
            await desk.control.inject("*", **fault)
        run = desk.execute("run", desk.order(), moment=moment)
        assert await run.ended() < 0, run.said()
        for name in ("sor.db", "sor.db-wal", "sor.db-shm"):
            shutil.copy(folder / name, left / name)


def _prefixes(folder: Path, left: Path) -> set[int]:
    """How many rows each damage left; fails where they are not the first rows of the whole journal."""
    log = (left / "sor.db-wal").read_bytes()
    (frames,) = struct.unpack_from("=I", (left / "sor.db-shm").read_bytes(), 16)
    whole = _rows(folder, left, log)
    assert breaks(whole) == ()
    seen = {len(whole)}
    for kind, at in _damages(_HEADER + int(frames) * _FRAME):
        rows = _rows(folder, left, _damaged(log, kind, at))
        assert rows == whole[: len(rows)], (kind, at)
        seen.add(len(rows))
    return seen


def _damages(size: int) -> Iterator[tuple[str, int]]:
    edges = {_HEADER + frame * _FRAME + off for frame in range(size // _FRAME + 1) for off in (-1, 0, 25)}
    for at in sorted(edge for edge in edges if 0 <= edge < size):
        for kind in ("cut", "zeros", "flip"):
            yield kind, at


def _damaged(log: bytes, kind: str, at: int) -> bytes:
    if kind == "cut":
        return log[:at]
    if kind == "zeros":
        return log[:at] + bytes(len(log) - at)
    return log[:at] + bytes([log[at] ^ 0x10]) + log[at + 1 :]


def _rows(folder: Path, left: Path, log: bytes) -> list[StoredRow]:
    """The journal as SQLite reads it with this log; what stands beside it must belong to it."""
    path = folder / "torn.db"
    shutil.copy(left / "sor.db", path)
    path.with_name("torn.db-wal").write_bytes(log)
    path.with_name("torn.db-shm").unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous=OFF")
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
            return []
        rows = [StoredRow(**dict(zip(_COLUMNS, row, strict=True))) for row in database.execute(_SELECT)]
        last = rows[-1].seq if rows else 0
        for table, told in _TOLD_BY.items():
            [(beyond,)] = database.execute(f"SELECT COUNT(*) FROM {table} WHERE seq > {last}")
            assert beyond == 0, table
            [(stood,)] = database.execute(f"SELECT COUNT(*) FROM {table}")
            assert stood == sum(row.payload.count(told) for row in rows), table
        return rows
