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
_COMMITS_LEAST = 5
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
    """Cut, zeroed and flipped at and beside every frame: exactly the commits before the damage, side rows with them."""
    left = tmp_path / "left"
    left.mkdir()
    await _killed(tmp_path, left, history)
    commits, found = await asyncio.to_thread(_prefixes, tmp_path, left)
    assert 0 in commits
    assert len(commits) > _COMMITS_LEAST, commits
    assert found == commits


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


def _prefixes(folder: Path, left: Path) -> tuple[set[int], set[int]]:
    """After how many rows there was a COMMIT, and how many rows each damage left.

    Fails where those are not the rows of the last COMMIT that lies wholly before the damage: fewer would be a loss of
    what was durable, others a dirty prefix.
    """
    log = (left / "sor.db-wal").read_bytes()
    frames = _frames_that_count(log)
    whole = _rows(folder, left, log)
    assert breaks(whole) == ()
    durable = [len(_rows(folder, left, b""))]
    for frame in range(1, frames + 1):
        rows = _rows(folder, left, log[: _HEADER + frame * _FRAME]) if _commits(log, frame) else whole[: durable[-1]]
        assert rows == whole[: len(rows)], frame
        assert len(rows) >= durable[-1], frame
        durable.append(len(rows))
    assert durable[-1] == len(whole)
    seen = {len(whole)}
    for kind, at in _damages(_HEADER + frames * _FRAME):
        rows = _rows(folder, left, _damaged(log, kind, at))
        before = max(_first_wrong(log, kind, at) - _HEADER, 0) // _FRAME
        assert rows == whole[: durable[min(before, frames)]], (kind, at)
        seen.add(len(rows))
    return set(durable), seen


def _commits(log: bytes, frame: int) -> bool:
    """Is the `frame`-th one, counted from 1, the last of a COMMIT? It says how large the database is then."""
    (pages,) = struct.unpack_from(">I", log, _HEADER + (frame - 1) * _FRAME + 4)
    return bool(pages)


def _frames_that_count(log: bytes) -> int:
    """Up to the last COMMIT whose checksums hold; behind it may lie what an undone transaction left.

    A process that dies in a COMMIT may not have told the index beside the log of it.
    """
    words = ">" if log[3] & 1 else "<"
    sums, counts = _summed((0, 0), log[:24], words), 0
    for number in range(1, (len(log) - _HEADER) // _FRAME + 1):
        frame = log[_HEADER + (number - 1) * _FRAME :][:_FRAME]
        sums = _summed(_summed(sums, frame[:8], words), frame[24:], words)
        if frame[8:16] != log[16:24] or struct.unpack_from(">2I", frame, 16) != sums:
            break
        counts = number if _commits(log, number) else counts
    return counts


def _summed(sums: tuple[int, int], data: bytes, words: str) -> tuple[int, int]:
    """SQLite's checksum over the log so far, and over this."""
    one, other = sums
    for first, second in struct.iter_unpack(f"{words}2I", data):
        one = (one + first + other) & 0xFFFFFFFF
        other = (other + second + one) & 0xFFFFFFFF
    return one, other


def _first_wrong(log: bytes, kind: str, at: int) -> int:
    """Where the damage begins: zeros do none where there were zeros."""
    return at + len(log[at:]) - len(log[at:].lstrip(bytes(1))) if kind == "zeros" else at


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
