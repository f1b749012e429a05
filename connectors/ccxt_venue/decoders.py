"""What a stream says, decoded. Pure: a frame in, signals out; no clock, no socket.

A book decoder keeps a mirror of every book it reads. It needs one to check what the venue lets us check (a checksum, a
sequence, a crossed book), and it is the decoder's word, not the consumer's, that a book may be trusted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from connectors.ccxt_venue.calls import AnswerUnusable

Json = Any
Levels = list[tuple[float, float]]
Sides = tuple[Mapping[float, float], Mapping[float, float]]
"""Bids and asks, price -> size."""

_PRICE_DIGITS_MAX = 15
_SIZE_DIGITS_MAX = 17
_LEAST = 1e-18
_MOST = 1e18


class BookWhole(NamedTuple):
    """The book of a symbol, complete."""

    symbol: str
    bids: Mapping[float, float]
    asks: Mapping[float, float]


class BookChanged(NamedTuple):
    """Changed levels of a symbol; size 0 removes."""

    symbol: str
    bids: Levels
    asks: Levels


class BookBroken(NamedTuple):
    """The book of a symbol can no longer be trusted."""

    symbol: str
    why: str


class BookAlive(NamedTuple):
    """The venue shows that the stream of a symbol lives."""

    symbol: str


class SnapshotWanted(NamedTuple):
    """The decoder buffers deltas of a symbol until it is handed a snapshot from REST."""

    symbol: str


Signal = BookWhole | BookChanged | BookBroken | BookAlive | SnapshotWanted


class OrderTouched(NamedTuple):
    """A private stream named an order. Ids as the venue spells them."""

    client_id: str | None
    venue_order_id: str | None
    hint: str


@dataclass(slots=True)
class Mirror:
    """One book, price -> size per side."""

    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)

    def set_whole(self, bids: Levels, asks: Levels) -> None:
        """Replace both sides."""
        self.bids = {price: size for price, size in bids if size > 0}
        self.asks = {price: size for price, size in asks if size > 0}

    def change(self, bids: Levels, asks: Levels) -> None:
        """Apply changed levels."""
        _apply(self.bids, bids)
        _apply(self.asks, asks)

    def keep_best(self, depth: int) -> tuple[Levels, Levels]:
        """Cut both sides to the best `depth` levels; returns what fell out, as removals."""
        gone_bids = sorted(self.bids, reverse=True)[depth:] if len(self.bids) > depth else []
        gone_asks = sorted(self.asks)[depth:] if len(self.asks) > depth else []
        for price in gone_bids:
            del self.bids[price]
        for price in gone_asks:
            del self.asks[price]
        return [(price, 0.0) for price in gone_bids], [(price, 0.0) for price in gone_asks]


def _apply(side: dict[float, float], levels: Levels) -> None:
    for price, size in levels:
        if size > 0:
            side[price] = size
        else:
            side.pop(price, None)


class BookDecoder(Protocol):
    """Reads one connection's public frames."""

    shares_pulse: bool
    """Does any frame of the connection show that all its books are up to date?"""
    numbered: bool
    """Do REST books carry a number that can be compared with ours?"""

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols it reads."""
        ...

    def take(self, message: Json) -> Iterable[Signal] | None:
        """What a frame says of our books; None when it is not about books and ccxt should see it."""
        ...

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Join a REST snapshot that was wanted to the buffered deltas."""
        ...

    def agrees(self, symbol: str, body: Json, /) -> bool:
        """Is a REST snapshot the very book we hold?"""
        ...

    def held(self, symbol: str) -> "Sides":
        """The book as it was passed on: bids and asks, price -> size. Live: read at once or copy."""
        ...

    def forget(self) -> None:
        """The connection is gone: everything read over it is void."""
        ...


class OrderDecoder(Protocol):
    """Reads one connection's private frames."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Orders a frame names; None when it is not a private frame. Raises when the venue says the stream is over."""
        ...

    def confirms(self, message: Json) -> bool:
        """Does this frame show that the private subscription stands?"""
        ...


def levels(rows: Iterable[Sequence[str]]) -> Levels:
    """[[price, size], ...] as floats. Raises `AnswerUnusable` for a level that no book holds."""
    try:
        return [level(row[0], row[1]) for row in rows]
    except (TypeError, LookupError):
        message = "a level is not a price and a size"
        raise AnswerUnusable(message) from None


def level(price: str | float, size: str | float) -> tuple[float, float]:
    """A price and a size (0 removes) as floats: exact, because a venue's number has at most 15 digits (a size, 17).

    Raises `AnswerUnusable` for anything else: a book with such a level is not a book.
    """
    try:
        read = float(price), float(size)
    except (TypeError, ValueError):
        message = "a level is not two numbers"
        raise AnswerUnusable(message) from None
    sane = _LEAST < read[0] < _MOST and 0 <= read[1] < _MOST
    if not sane or _digits(price) > _PRICE_DIGITS_MAX or _digits(size) > _SIZE_DIGITS_MAX:
        message = "a level is negative, endless, or has digits that no venue's number has"
        raise AnswerUnusable(message)
    return read


def _digits(value: str | float) -> int:
    """Significant digits as written; of a number that JSON made a float of, those of its shortest spelling."""
    spelled = value if isinstance(value, str) else repr(value)
    if len(spelled) <= _PRICE_DIGITS_MAX:
        return len(spelled)
    return len(spelled.lower().partition("e")[0].replace(".", "").strip("0"))
