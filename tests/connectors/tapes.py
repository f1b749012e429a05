"""Recorded feeds, replayed into a book decoder: judged by a rebuild of its own, and with messages taken away."""

import base64
import copy
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.ccxt_venue.decoders import (
    BookBroken,
    BookChanged,
    BookDecoder,
    BookWhole,
    Signal,
    SnapshotWanted,
)

Json = Any
Book = tuple[dict[float, float], dict[float, float]]
SnapshotOf = Callable[[str], Json]
"""The REST book a tape holds for a symbol, as the decoder wants it."""
TRIALS = [40, pytest.param(200, marks=pytest.mark.nightly)]


def tape(folder: Path, name: str) -> list[dict[str, Json]]:
    """Every line of a tape after its head; `frame` holds the parsed text of what the venue sent."""
    return entries_of(folder, f"cryptofeed-wire/{name}")


def entries_of(folder: Path, name: str) -> list[dict[str, Json]]:
    """The same of any set: `name` is its folder and the tape."""
    path = folder / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no recorded tape {name}")
    with gzip.open(path, "rt") as lines:
        entries = [json.loads(line) for line in lines]
    for entry in entries:
        if entry["k"] in {"recv", "http"}:
            entry["frame"] = _parsed(entry)
    return entries[1:]


def _parsed(entry: dict[str, Json]) -> Json:
    if "d" in entry:
        text = entry["d"]
    else:
        raw = base64.b64decode(entry["b64"])
        text = zlib.decompress(raw, 31 if raw[:2] == b"\x1f\x8b" else -15).decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def received(entries: Iterable[dict[str, Json]]) -> list[Json]:
    """The frames."""
    return [entry["frame"] for entry in entries if entry["k"] == "recv"]


def played(decoder: BookDecoder, frames: Iterable[Json], snapshot_of: SnapshotOf | None = None) -> Iterator[Signal]:
    """Every signal, wanted snapshots served at once."""
    for frame in frames:
        for signal in decoder.take(frame) or ():
            if isinstance(signal, SnapshotWanted):
                assert snapshot_of is not None
                yield from decoder.snapshot(signal.symbol, snapshot_of(signal.symbol))
            else:
                yield signal


def books_of(signals: Iterable[Signal]) -> tuple[dict[str, Book], int]:
    """What a consumer holds after all of them, and how often a book changed. A broken book fails the test."""
    books: dict[str, Book] = {}
    states = 0
    for signal in signals:
        assert not isinstance(signal, BookBroken), signal
        if isinstance(signal, BookWhole):
            books[signal.symbol] = (dict(signal.bids), dict(signal.asks))
        elif isinstance(signal, BookChanged):
            for side, levels in zip(books[signal.symbol], (signal.bids, signal.asks), strict=True):
                for price, size in levels:
                    side[price] = size
                    if not size:
                        del side[price]
        states += isinstance(signal, BookWhole | BookChanged)
    return {symbol: _sized(book) for symbol, book in books.items()}, states


def _sized(book: Book) -> Book:
    bids, asks = ({price: size for price, size in side.items() if size} for side in book)
    return bids, asks


def unnoticed(
    decoder: BookDecoder,
    frames: list[Json],
    key: Callable[[Json], str | None],
    trials: int,
    snapshot_of: SnapshotOf | None = None,
    same: Callable[[Any, Any, str], bool] = lambda _one, _other, _key: False,
) -> tuple[int, list[int]]:
    """Take one message away, so many times: how often that could be tried, and which went unnoticed by the next one.

    `same` tells that two decoders hold the same book after all: the next message made good what was lost.

    `key` names the book of a message (or the connection, where all messages of one are numbered), None for others.
    """
    following: dict[int, int] = {}
    last: dict[str, int] = {}
    for place, frame in enumerate(frames):
        name = key(frame)
        if name is not None:
            if name in last:
                following[last[name]] = place
            last[name] = place
    live: set[str] = set()
    chosen = set(Random(7).sample(sorted(following), min(len(following), 12 * trials)))
    tried, missed = 0, []
    for place, frame in enumerate(frames):
        if place in chosen and tried < trials and key(frame) in live:
            later = frames[following[place]]
            complete, robbed = copy.deepcopy(decoder), copy.deepcopy(decoder)
            if all(_changes(complete.take(each) or ()) for each in (frame, later)):
                tried += 1
                noticed = any(isinstance(signal, BookBroken) for signal in robbed.take(later) or ())
                missed += [] if noticed or same(complete, robbed, key(frame) or "") else [place]
        for signal in played(decoder, [frame], snapshot_of):
            if isinstance(signal, BookWhole | BookChanged):
                live.add(key(frame) or "")
    return tried, missed


def _changes(heard: Iterable[Signal]) -> bool:
    """Does a frame change a book that stands? The loss of one that does not, or starts over, loses nothing."""
    signals = list(heard)
    whole = any(isinstance(signal, BookWhole) for signal in signals)
    return not whole and any(isinstance(signal, BookChanged) and (signal.bids or signal.asks) for signal in signals)
