"""Recorded markets replayed through the book: the venue's own best quote, carried on another stream, is the judge."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.book.venue_book import VenueBook
from router.model.ids import Nanos
from router.model.side import Side

DATA = Path(os.environ.get("SOR_DATA_DIR", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
TAPES = ["binance_spot_btcusdt", "binance_usdm_btcusdt", "binance_coinm_btcusd_perp"]


@pytest.mark.parametrize("name", TAPES)
def test_a_recorded_market_never_crosses_and_equals_the_venues_own_top(name: str):
    """Every state after the snapshot is usable; where a best quote came with a message's update id, it is our best."""
    book, compared, states = VenueBook(), 0, 0
    tickers, early = dict[int, tuple](), list[tuple]()
    last_id = 0
    for at_ns, kind, message in frames(name):
        if kind == "ticker":
            tickers[message["u"]] = tuple(float(message[key]) for key in "bBaA")
            continue
        if kind == "snapshot":
            last_id = message["lastUpdateId"]
            assert book.snapshot(dict(levels(message["bids"])), dict(levels(message["asks"])), at_ns) is None
        else:
            early.append((at_ns, message))
        while last_id and early:  # what came before the snapshot is played after it
            then_ns, depth = early.pop(0)
            if depth["u"] <= last_id:
                continue
            assert book.apply(levels(depth["b"]), levels(depth["a"]), then_ns) is None
            states += 1
            if depth["u"] in tickers:
                assert (*best(book, Side.SELL), *best(book, Side.BUY)) == tickers[depth["u"]]
                compared += 1
    assert states > 5_000
    assert compared > 200


def frames(name: str) -> Iterator[tuple[Nanos, str, dict]]:
    found = sorted((DATA / "binance-3mkt").glob(f"{name}_*.jsonl.gz"))
    if not found:
        pytest.skip(f"no recorded tape {name}: set SOR_DATA_DIR to a folder that has binance-3mkt")
    with gzip.open(found[0], "rt") as lines:
        for line in lines:
            if '"depthUpdate' not in line and "@bookTicker" not in line and '"k":"http"' not in line:
                continue
            frame = json.loads(line)
            payload = json.loads(frame["d"])
            if frame["k"] == "http":
                yield frame["ts_ns"], "snapshot", payload
            else:
                kind = "ticker" if payload["stream"].endswith("@bookTicker") else "depth"
                yield frame["ts_ns"], kind, payload["data"]


def levels(rows: list) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size in rows]


def best(book: VenueBook, side: Side) -> tuple[float, float]:
    found = book.best(side)
    assert found is not None
    return found
