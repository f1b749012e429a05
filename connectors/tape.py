"""Recorded days: what venues sent, byte for byte, in files that are bounded, checkable and readable line by line.

The format is that of the recorded data the lab plays: gzip, one JSON object per line, the first one `meta`; then
`ts_ns` (when it was received), `k` (`recv` a frame, `http` a REST answer, `send` what we sent, `conn` a connection),
`c` (which connection), `u` (its URL) and `d` (the text) or `b64` (the bytes). An `http` line also says what it answers:
`w` (`depth` or `book`) and `s` (the symbol). A series of files is one tape: when one is full the next goes on.

Files are flushed about once a second, so that a recorder that is killed leaves all but its last second readable.
"""

import base64
import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

FORMAT = "sor-tape-1"
MANIFEST = "MANIFEST.json"
_FLUSH_BYTES = 256 * 1024
_FLUSH_NS = 1_000_000_000
_LEVEL = 4
_HEADER_BYTES = 64
"""What gzip adds around anything."""

Json = Any


@dataclass(slots=True)
class Room:
    """How much may be written in all, over every file. `full` once something did not fit: nothing is written then."""

    bytes_max: int
    used: int = 0
    full: bool = False

    def take(self, size: int) -> bool:
        """Is there room for so much more? What does not fit closes the room: a tape has no holes in its middle."""
        self.full = self.full or self.used + size > self.bytes_max
        return not self.full


@dataclass(slots=True)
class _File:
    path: Path
    raw: BinaryIO
    zipped: gzip.GzipFile
    counts: Counter[str] = field(default_factory=Counter)
    first_ns: int | None = None
    last_ns: int | None = None
    unflushed: int = 0
    flushed_ns: int = 0
    counted: int = 0
    """Bytes of it that the room knows of."""


class TapeWriter:
    """One venue's tape. Rows go in as they come; `close` ends it and tells what was written."""

    def __init__(self, folder: Path, name: str, meta: Mapping[str, Json], room: Room, *, file_bytes_max: int) -> None:
        self._folder = folder
        self._name = name
        self._meta = meta
        self._room = room
        self._file_bytes_max = file_bytes_max
        self._file: _File | None = None
        self._done: list[dict[str, Json]] = []

    def write(self, ts_ns: int, kind: str, channel: str, url: str, data: str | bytes | None, **more: str) -> bool:
        """One row; False when there is no room left and nothing was written. Raises `OSError`."""
        row: dict[str, Json] = {"ts_ns": ts_ns, "k": kind, "c": channel, "u": url, **more}
        if isinstance(data, bytes):
            row["b64"] = base64.b64encode(data).decode()
        elif data is not None:
            row["d"] = data
        line = json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        file = self._ready(ts_ns, len(line))
        if file is None:
            return False
        self._put(file, line)
        file.counts[kind] += 1
        file.first_ns = ts_ns if file.first_ns is None else file.first_ns
        file.last_ns = ts_ns
        if file.unflushed >= _FLUSH_BYTES or ts_ns - file.flushed_ns >= _FLUSH_NS:
            self._flush(file, ts_ns)
        return True

    def close(self) -> Sequence[Mapping[str, Json]]:
        """End the tape. What each file is, with its hash, as the manifest says it."""
        self._end_file()
        return tuple(self._done)

    def _ready(self, ts_ns: int, size: int) -> _File | None:
        """A file this row fits into. The room is asked for the size before compression: it can only get better."""
        if not self._room.take(size):
            return None
        if self._file is not None and self._file.counted + self._file.unflushed + size > self._file_bytes_max:
            self._end_file()
        if self._file is None:
            head = json.dumps({"k": "meta", **self._meta}, default=str).encode() + b"\n"
            if not self._room.take(len(head) + size + _HEADER_BYTES):
                return None
            path = self._folder / f"{self._name}_{len(self._done):03}.jsonl.gz"
            raw = path.open("xb")
            self._file = _File(path, raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=_LEVEL, mtime=0))
            self._file.flushed_ns = ts_ns
            self._put(self._file, head)
            self._flush(self._file, ts_ns)
        return self._file

    def _put(self, file: _File, line: bytes) -> None:
        file.zipped.write(line)
        file.unflushed += len(line)
        self._room.used += len(line)  # until it is known how small it became

    def _flush(self, file: _File, ts_ns: int) -> None:
        file.zipped.flush(zlib.Z_SYNC_FLUSH)
        file.raw.flush()
        self._count(file)
        file.flushed_ns = ts_ns

    def _count(self, file: _File) -> None:
        size = file.raw.tell()
        self._room.used += size - file.counted - file.unflushed
        file.counted, file.unflushed = size, 0

    def _end_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        file.zipped.close()
        file.raw.flush()
        self._count(file)
        file.raw.close()
        self._done.append(
            {
                "name": file.path.name,
                "sha256": hashlib.sha256(file.path.read_bytes()).hexdigest(),
                "bytes": file.counted,
                "rows": dict(sorted(file.counts.items())),
                "first_ns": file.first_ns,
                "last_ns": file.last_ns,
            }
        )


def write_manifest(folder: Path, manifest: Mapping[str, Json]) -> None:
    """Put the manifest in its place, whole or not at all."""
    partly = folder / f"{MANIFEST}.part"
    partly.write_text(json.dumps({"format": FORMAT, **manifest}, indent=2) + "\n")
    partly.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Mapping[str, Json] | None:
    """The manifest of a recorded day; None where there is none of ours."""
    try:
        found = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("format") == FORMAT else None


def rows(paths: Sequence[Path]) -> Iterator[dict[str, Json]]:
    """Every row of a tape in order, its files one after another, each file's `meta` first.

    A file that was cut off (its recorder was killed) ends where it can be read no further.
    """
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            try:
                for line in lines:
                    yield json.loads(line)
            except (EOFError, ValueError, zlib.error):
                continue


def frame_of(row: Mapping[str, Json]) -> Json:
    """A `recv` row as ccxt hands frames over: parsed where it is JSON, else its text."""
    if "d" in row:
        text = row["d"]
    else:
        raw = base64.b64decode(row["b64"])
        try:
            text = zlib.decompress(raw, 31 if raw[:2] == b"\x1f\x8b" else -15).decode()
        except zlib.error:
            text = raw.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def answer_of(row: Mapping[str, Json]) -> Json:
    """An `http` row as ccxt hands answers over: numbers as the text they were sent as."""
    return json.loads(row["d"], parse_float=str, parse_int=str)
