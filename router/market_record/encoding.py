"""Blocks as text and back, and the hash that chains them. Money is text, digit for digit.

A block's text is versioned JSON of bare arrays: names in every sample would be most of it. The database holds the text
compressed; the hash is over the text itself, so no release of a compressor can break a chain.
"""

import hashlib
import json
import zlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from router.market_record.samples import Block, Gap, Sample, VenueTop
from router.model.errors import SorError
from router.model.ids import Asset, InstrumentId, ListingId, Nanos
from router.model.market import FxMark, Level
from router.model.money import plain
from router.model.public_trades import TradeCounters

GENESIS = "0" * 64
"""What the first block is chained to."""
VERSION = 1
_FAST = 1
_TEXT_MAX = 64 << 20

Json = Any


class BlockUnreadable(SorError):
    """Stored bytes are not a block this code knows how to read."""


def text_of(block: Block) -> str:
    """The block's one spelling."""
    body = {"g": [_gap(one) for one in block.gaps], "s": [_sample(one) for one in block.samples], "v": VERSION}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=True)


def packed(text: str) -> bytes:
    """As it is stored."""
    return zlib.compress(text.encode(), _FAST)


def unpacked(stored: bytes) -> str:
    """The inverse. Raises `BlockUnreadable`."""
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(stored, _TEXT_MAX).decode()
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise BlockUnreadable(f"not what was packed: {error}") from error
    if unpacking.unconsumed_tail or unpacking.unused_data or not unpacking.eof:
        raise BlockUnreadable("not what was packed: its length is another")
    return text


def block_of(first_ns: Nanos, last_ns: Nanos, text: str) -> Block:
    """The inverse of `text_of`. Raises `BlockUnreadable`."""
    try:
        body = json.loads(text)
        if body["v"] != VERSION:
            raise BlockUnreadable(f"block of version {body['v']}, and this code reads version {VERSION}")
        samples, gaps = tuple(map(_read_sample, body["s"])), tuple(map(_read_gap, body["g"]))
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise BlockUnreadable(f"not a block: {type(error).__name__}") from error
    return Block(first_ns=first_ns, last_ns=last_ns, samples=samples, gaps=gaps)


def block_hash(previous: str, shard: str, seq: int, first_ns: int, last_ns: int, text: str) -> str:
    """SHA-256 in hex over the previous hash, every column and the text: one line each, the text last."""
    digest = hashlib.sha256(f"{previous}\n{shard}\n{seq}\n{first_ns}\n{last_ns}\n".encode())
    digest.update(text.encode())
    return digest.hexdigest()


def _sample(one: Sample) -> Sequence[Json]:
    venues, fx = [*map(_top, one.venues)], [*map(_mark, one.fx)]
    return (one.at_ns, one.instrument, _money(one.bid), _money(one.ask), venues, fx)


def _top(one: VenueTop) -> Sequence[Json]:
    return (one.listing, _level(one.bid), _level(one.ask), one.age_ns, one.unusable, _counters(one.trades))


def _counters(one: TradeCounters | None) -> Sequence[Json] | None:
    if one is None:
        return None
    amounts = (one.quantity, one.notional, one.bought, one.sold)
    return (one.epoch_ns, one.prints, *map(plain, amounts), one.last_ns)


def _mark(one: FxMark) -> Sequence[Json]:
    return (one.asset, plain(one.rate), one.age_ns, one.source)


def _gap(one: Gap) -> Sequence[Json]:
    return (one.from_ns, one.to_ns, one.why, one.lost)


def _level(one: Level | None) -> Sequence[str] | None:
    return None if one is None else (plain(one.price), plain(one.size))


def _money(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _read_sample(told: Sequence[Json]) -> Sample:
    at_ns, instrument, bid, ask, venues, fx = told
    return Sample(
        at_ns=Nanos(at_ns),
        instrument=InstrumentId(instrument),
        bid=_read_money(bid),
        ask=_read_money(ask),
        venues=tuple(map(_read_top, venues)),
        fx=tuple(map(_read_mark, fx)),
    )


def _read_top(told: Sequence[Json]) -> VenueTop:
    listing, bid, ask, age_ns, unusable, trades = told
    return VenueTop(
        listing=ListingId(listing),
        bid=_read_level(bid),
        ask=_read_level(ask),
        age_ns=age_ns,
        unusable=unusable,
        trades=None if trades is None else _read_counters(trades),
    )


def _read_counters(told: Sequence[Json]) -> TradeCounters:
    epoch_ns, prints, *amounts, last_ns = told
    quantity, notional, bought, sold = map(Decimal, amounts)
    return TradeCounters(Nanos(epoch_ns), prints, quantity, notional, bought, sold, last_ns)


def _read_mark(told: Sequence[Json]) -> FxMark:
    asset, rate, age_ns, source = told
    return FxMark(asset=Asset(asset), rate=Decimal(rate), age_ns=age_ns, source=source)


def _read_gap(told: Sequence[Json]) -> Gap:
    from_ns, to_ns, why, lost = told
    return Gap(from_ns=Nanos(from_ns), to_ns=Nanos(to_ns), why=why, lost=lost)


def _read_level(told: Sequence[str] | None) -> Level | None:
    return None if told is None else Level(Decimal(told[0]), Decimal(told[1]))


def _read_money(told: str | None) -> Decimal | None:
    return None if told is None else Decimal(told)
