"""Books whose messages are numbered: joined to a snapshot by its number, and checked for holes from then on.

What a venue's frames look like is one function per venue (`Read`); the rules are the same. Changes that come before the
snapshot wait; those it already holds are dropped; the first one kept must go on from it; from then on each goes on
exactly where the last one ended. ccxt checks nothing of this on KuCoin and Gate, and dies of a hole on Crypto.com and
HTX.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from typing import NamedTuple

from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.decoders import (
    BookAlive,
    BookBroken,
    BookChanged,
    BookWhole,
    Json,
    Levels,
    Mirror,
    Sides,
    Signal,
    SnapshotWanted,
)

_BUFFER_MAX = 1000
_COMPARED = 5


class Delta(NamedTuple):
    """Changed levels of a symbol, numbered `first` to `last`."""

    symbol: str
    bids: Levels
    asks: Levels
    first: int
    last: int


class Whole(NamedTuple):
    """The whole book of a symbol, as of number `last`."""

    symbol: str
    bids: Levels
    asks: Levels
    last: int


class Alive(NamedTuple):
    """The stream of a symbol lives."""

    symbol: str


Read = Callable[[Json], Iterable[Delta | Whole | Alive] | None]
"""What a frame holds of our books; None when it is not about books. Raises when the venue refused a subscription."""
ReadRest = Callable[[str, Json], Whole]
"""A REST book with its number."""
ReadTop = Callable[[Json], tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]]
"""Bids and asks of a REST book, best first."""


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    last: int | None = None
    joined: bool = False
    waiting: list[Delta] = field(default_factory=list)


class NumberedBooks:
    """All books of one connection.

    `rest` reads the REST snapshot that changes are joined to; without it snapshots come on the socket, and `top` reads
    a REST book, which has no number there, for comparison.
    """

    shares_pulse = False
    numbered = True

    def __init__(
        self, symbols: Sequence[str], read: Read, *, rest: ReadRest | None = None, top: ReadTop | None = None
    ) -> None:
        self._read = read
        self._rest = rest
        self._top = top
        self._books = {symbol: _Book() for symbol in symbols}

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """A frame of the stream."""
        pieces = self._read(message)
        if pieces is None:
            return None
        return [signal for piece in pieces if piece.symbol in self._books for signal in self._piece(piece)]

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Start the book from a REST snapshot and whatever waited."""
        assert self._rest is not None, f"{symbol}: no snapshot was wanted"
        return self._join(self._books[symbol], self._rest(symbol, body))

    def agrees(self, symbol: str, body: Json) -> bool:
        """The number of the last change, where REST tells it; else the best levels."""
        if self._rest is not None:
            return self._books[symbol].last == self._rest(symbol, body).last
        return self._top is not None and same_top(self._books[symbol].mirror, *self._top(body))

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over."""
        self._books = {symbol: _Book() for symbol in self._books}

    def _piece(self, piece: Delta | Whole | Alive) -> Iterable[Signal]:
        book = self._books[piece.symbol]
        if isinstance(piece, Alive):
            return (BookAlive(piece.symbol),) if book.last is not None else ()
        return self._join(book, piece) if isinstance(piece, Whole) else self._delta(book, piece)

    def _delta(self, book: _Book, delta: Delta) -> Iterable[Signal]:
        if book.last is None:
            book.waiting.append(delta)
            del book.waiting[:-_BUFFER_MAX]
            return (SnapshotWanted(delta.symbol),) if self._rest is not None and len(book.waiting) == 1 else ()
        if delta.last <= book.last:
            return (BookAlive(delta.symbol),)
        follows = delta.first == book.last + 1 or (not book.joined and delta.first <= book.last + 1)
        if not follows:
            return self._broken(book, delta)
        book.mirror.change(delta.bids, delta.asks)
        book.last, book.joined = delta.last, True
        return (BookChanged(delta.symbol, delta.bids, delta.asks),)

    def _join(self, book: _Book, whole: Whole) -> Iterable[Signal]:
        waiting = book.waiting
        if waiting and self._rest is not None and waiting[0].first > whole.last + 1:
            return (SnapshotWanted(whole.symbol),)  # older than everything that waits: ask again
        book.mirror.set_whole(whole.bids, whole.asks)
        book.last, book.joined, book.waiting = whole.last, False, []
        for delta in waiting:
            for signal in self._delta(book, delta):
                if isinstance(signal, BookBroken):
                    return (signal,)
        return (BookWhole(whole.symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)

    @staticmethod
    def _broken(book: _Book, delta: Delta) -> Iterable[Signal]:
        why = f"gap: {delta.first} after {book.last}"
        book.last, book.joined, book.waiting = None, False, []
        return (BookBroken(delta.symbol, why),)


def same_top(mirror: Mirror, bids: Iterable[Sequence[str | float]], asks: Iterable[Sequence[str | float]]) -> bool:
    """Do the best levels of a REST book equal ours? For venues whose REST books carry no number."""
    ours = [(price, mirror.bids[price]) for price in nlargest(_COMPARED, mirror.bids)]
    ours += [(price, mirror.asks[price]) for price in nsmallest(_COMPARED, mirror.asks)]
    theirs = [(float(row[0]), float(row[1])) for row in [*list(bids)[:_COMPARED], *list(asks)[:_COMPARED]]]
    return bool(ours) and ours == theirs


def number_of(source: Mapping[str, Json], name: str) -> int:
    """A whole number, from an integer or its text."""
    try:
        return int(source[name])
    except (KeyError, TypeError, ValueError):
        message = f"field {name} of a frame is not a number"
        raise AnswerUnusable(message) from None
