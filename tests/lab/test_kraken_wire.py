"""Kraken's spelling, checked on what Kraken itself sent."""

import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.lab import kraken_wire as wire

DATA = Path(os.environ.get("SOR_DATA_DIR", str(Path(__file__).parents[2].parent / "shared" / "data"))) / "kraken-v2"


def frames(tape: Path) -> Iterator[dict[str, Any]]:
    """The venue's book frames of a tape, numbers kept as the text they were sent as."""
    with gzip.open(tape, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["k"] == "recv" and row["d"].startswith('{"channel":"book"'):
                yield json.loads(row["d"], parse_float=str, parse_int=str)


@pytest.mark.parametrize("name", ["kraken_v2_btcusd_d25_20260802T033550Z", "kraken_v2_btcusd_resub_20260801T025352Z"])
def test_checksum_agrees_with_every_recorded_frame(name: str) -> None:
    """A book kept from Kraken's own frames has Kraken's own checksum after each of them."""
    tape = DATA / f"{name}.jsonl.gz"
    if not tape.exists():
        pytest.skip(f"recorded Kraken frames are not here: {tape} (set SOR_DATA_DIR)")
    depth = 25 if "d25" in name else 10
    sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
    checked = 0

    for frame in frames(tape):
        (book,) = frame["data"]
        if frame["type"] == "snapshot":
            sides = {"bids": {}, "asks": {}}
        for side, levels in sides.items():
            levels |= {row["price"]: row["qty"] for row in book[side]}
            best = sorted((p for p, q in levels.items() if float(q)), key=Decimal, reverse=side == "bids")[:depth]
            sides[side] = {price: levels[price] for price in best}
        assert str(wire.checksum(list(sides["asks"].items()), list(sides["bids"].items()))) == book["checksum"]
        as_numbers = {side: [(Decimal(p), Decimal(q)) for p, q in levels.items()] for side, levels in sides.items()}
        assert str(wire.book_checksum(as_numbers["bids"], as_numbers["asks"], 1, 8)) == book["checksum"]
        checked += 1

    assert checked > 300


def test_numbers_keep_their_digits_in_json() -> None:
    """Websocket numbers are bare and keep trailing zeros: the checksum is over them."""
    frame = {
        "price": wire.fixed(Decimal("63388.7"), 1),
        "qty": wire.fixed(Decimal("0.7887911"), 8),
        "tags": ["a", None],
    }
    assert wire.dumps(frame) == '{"price":63388.7,"qty":0.78879110,"tags":["a",null]}'


def test_tiny_sizes_are_not_spelled_with_an_exponent() -> None:
    """1E-8 would be neither Kraken's spelling nor what the checksum covers."""
    assert wire.dumps(wire.fixed(Decimal("1E-8"), 8)) == "0.00000001"


@pytest.mark.parametrize(
    ("base", "quote", "key", "altname", "wsname"),
    [
        ("BTC", "USD", "XXBTZUSD", "XBTUSD", "XBT/USD"),
        ("ETH", "USD", "XETHZUSD", "ETHUSD", "ETH/USD"),
        ("USDT", "USD", "USDTZUSD", "USDTUSD", "USDT/USD"),
        ("BTC", "USDT", "XBTUSDT", "XBTUSDT", "XBT/USDT"),
        ("USDC", "USD", "USDCUSD", "USDCUSD", "USDC/USD"),
    ],
)
def test_pairs_have_kraken_names(base: str, quote: str, key: str, altname: str, wsname: str) -> None:
    """Old assets carry prefixes in REST; the websocket says BTC/USD."""
    names = wire.pair_names(base, quote)
    assert (names.key, names.altname, names.wsname, names.symbol) == (key, altname, wsname, f"{base}/{quote}")


def test_order_ids_go_both_ways() -> None:
    """A txid looks like Kraken's and gives its number back; anything else gives None."""
    assert wire.order_txid(42) == "O00000-00000-000016"
    assert wire.order_number(wire.order_txid(123_456_789)) == 123_456_789
    assert wire.order_number("TQCLML-BW3P3-BUCMWZ") is None
    assert wire.order_number("nonsense") is None


def test_a_subscriber_who_applies_the_changes_holds_the_new_view() -> None:
    """Removed, changed, newly visible and pushed-out levels: cut to depth, the subscriber is right."""

    def levels(*rows: str) -> list[wire.Level]:
        return [(Decimal(p), Decimal(s)) for p, s in (row.split("@")[::-1] for row in rows)]

    before, after = levels("1@100", "2@99", "3@98"), levels("5@101", "1@100", "4@98")
    held = dict(before)

    held.update(wire.view_changes(before, after, descending=True, depth=3))

    kept = sorted(((p, s) for p, s in held.items() if s), reverse=True)[:3]
    assert kept == after


def test_a_level_pushed_out_of_sight_is_not_sent() -> None:
    """Kraken leaves the cutting to the subscriber."""
    before = [(Decimal(100), Decimal(1)), (Decimal(99), Decimal(1))]
    after = [(Decimal(101), Decimal(1)), (Decimal(100), Decimal(1))]
    assert wire.view_changes(before, after, descending=True, depth=2) == [(Decimal(101), Decimal(1))]


def test_deadlines_are_read_to_the_microsecond() -> None:
    """RFC 3339 with Z or an offset; a time without a zone is none."""
    assert wire.parse_rfc3339("1970-01-01T00:00:01.500000Z") == 1_500_000_000
    assert wire.parse_rfc3339("1970-01-01T01:00:01+01:00") == 1_000_000_000
    assert wire.parse_rfc3339("1970-01-01T00:00:01") is None
    assert wire.parse_rfc3339("soon") is None
    assert wire.rfc3339(1_500_000_000) == "1970-01-01T00:00:01.500000Z"
