"""Bitstamp spot books: diffs and a REST snapshot, both under a time in microseconds, and no number to count by.

A diff that is lost leaves no trace in the stream. So the time must grow from diff to diff, and every three seconds (of
the venue's time, while the book moves) the book is held against a REST snapshot: the snapshot, brought forward by the
diffs after it, must be the book we hold. Diffs hold absolute sizes, so bringing forward one that the snapshot has
already seen changes nothing. ccxt checks none of this.

On recordings of the venue a snapshot bears the time of a diff or lies between two, and is up to two seconds old.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest

from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.decoders import (
    BookBroken,
    BookChanged,
    BookWhole,
    Json,
    Mirror,
    OrderTouched,
    Sides,
    Signal,
    SnapshotWanted,
    levels,
)

_CHANNEL = "diff_order_book_"
_ORDERS = "private-my_orders_"
_CHECK_EVERY_US = 3_000_000
_CHECKED = 100
# Of a snapshot's thousands of levels: enough for the best hundred after a few seconds of diffs.
_CHECK_ROWS = 500
# Kept to bring a snapshot forward: ten diffs a second for a minute, far longer than a REST answer takes.
_KEPT_MAX = 600


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    live: bool = False
    at_us: int = 0
    began_us: int | None = None
    """Time of the first diff of this connection: a snapshot from before it may miss what came in between."""
    floor_us: int = 0
    """Time of the snapshot the book began with: diffs up to it say nothing new."""
    asked: bool = False
    checked_us: int = 0
    diffs: deque[Mapping[str, Json]] = field(default_factory=lambda: deque(maxlen=_KEPT_MAX))
    ahead: Mapping[str, Json] | None = None
    """A snapshot newer than our book: held until the diffs have caught up with it."""


class BitstampBooks:
    """All books of one connection."""

    shares_pulse = False  # nothing says that channels are in step with each other
    numbered = True

    def __init__(self, symbol_by_id: Mapping[str, str]) -> None:
        self._symbol_by_id = symbol_by_id
        self._books = {symbol: _Book() for symbol in symbol_by_id.values()}

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """A diff of a book; a subscription that stands asks for the first snapshot."""
        check_accepted(message)
        if not isinstance(message, dict) or not str(message.get("channel")).startswith(_CHANNEL):
            return None
        symbol = self._symbol_by_id.get(str(message["channel"]).removeprefix(_CHANNEL))
        if symbol is None:
            return ()
        book = self._books[symbol]
        if message.get("event") == "bts:subscription_succeeded":
            return self._ask(symbol, book)
        return self._diff(symbol, book, message["data"]) if message.get("event") == "data" else ()

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Begin the book, or check it."""
        book = self._books[symbol]
        book.asked = False
        if book.live:
            book.ahead = body
            return self._check(symbol, book)
        if book.began_us is not None and _time_of(body) < book.began_us:
            return ()  # older than our first diff: the next diff asks again
        return self._begin(symbol, book, body)

    def agrees(self, symbol: str, body: Json) -> bool:
        """Nothing came for a while: is a REST book, not older than ours, the very same?"""
        book = self._books[symbol]
        return book.live and _time_of(body) >= book.at_us and _best(_top_of(body)) == _best(book.mirror)

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over."""
        for symbol in self._books:
            self._books[symbol] = _Book()

    def _ask(self, symbol: str, book: _Book) -> Iterable[Signal]:
        if book.asked:
            return ()
        book.asked = True
        return (SnapshotWanted(symbol),)

    def _diff(self, symbol: str, book: _Book, diff: Mapping[str, Json]) -> Iterable[Signal]:
        at_us = _time_of(diff)
        first = book.began_us is None
        book.began_us = at_us if book.began_us is None else book.began_us
        if book.live and at_us <= book.at_us:
            return () if at_us <= book.floor_us else self._broken(symbol, book, "time does not grow")
        book.diffs.append(diff)
        if not book.live:
            return self._ask(symbol, book)
        bids, asks = _apply(book.mirror, diff)
        book.at_us = at_us
        signals: list[Signal] = [BookChanged(symbol, bids, asks)]
        signals += self._check(symbol, book)
        if first or at_us - book.checked_us >= _CHECK_EVERY_US:
            signals += self._ask(symbol, book)
        return signals

    def _begin(self, symbol: str, book: _Book, body: Mapping[str, Json]) -> Iterable[Signal]:
        book.mirror = _brought_forward(_mirror_of(body), _time_of(body), book.diffs)
        book.at_us = max([_time_of(body), *(_time_of(diff) for diff in book.diffs)])
        book.floor_us = book.checked_us = _time_of(body)
        book.live = True
        return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)

    def _check(self, symbol: str, book: _Book) -> Iterable[Signal]:
        """Hold the book against the snapshot at hand, once our diffs have reached it."""
        if book.ahead is None or book.at_us < _time_of(book.ahead):
            return ()
        body, book.ahead = book.ahead, None
        book.checked_us = max(book.checked_us, _time_of(body))
        if book.diffs.maxlen == len(book.diffs) and _time_of(body) < _time_of(book.diffs[0]):
            return ()  # the diffs that would bring it forward are no longer kept: no evidence either way
        told = _brought_forward(_top_of(body), _time_of(body), book.diffs)
        if _best(told) != _best(book.mirror):
            return self._broken(symbol, book, "not the book that REST shows")
        return ()

    def _broken(self, symbol: str, book: _Book, why: str) -> Iterable[Signal]:
        self._books[symbol] = _Book(began_us=book.began_us)
        return (BookBroken(symbol, why),)


def _brought_forward(mirror: Mirror, from_us: int, diffs: Iterable[Mapping[str, Json]]) -> Mirror:
    for diff in diffs:
        if _time_of(diff) > from_us:
            _apply(mirror, diff)
    return mirror


def _mirror_of(body: Mapping[str, Json]) -> Mirror:
    mirror = Mirror()
    mirror.set_whole(levels(body["bids"]), levels(body["asks"]))
    return mirror


def _top_of(body: Mapping[str, Json]) -> Mirror:
    mirror = Mirror()
    mirror.set_whole(levels(body["bids"][:_CHECK_ROWS]), levels(body["asks"][:_CHECK_ROWS]))
    return mirror


def _best(mirror: Mirror) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """The levels that are compared, best first."""
    return nlargest(_CHECKED, mirror.bids.items()), nsmallest(_CHECKED, mirror.asks.items())


def _apply(mirror: Mirror, diff: Mapping[str, Json]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    bids, asks = levels(diff["bids"]), levels(diff["asks"])
    mirror.change(bids, asks)
    return bids, asks


def _time_of(source: Mapping[str, Json]) -> int:
    return int(source["microtimestamp"])


def check_accepted(message: Json) -> None:
    """A refusal, or the venue's wish that we connect anew, ends the connection: ccxt would wait on."""
    event = message.get("event") if isinstance(message, dict) else None
    if event in {"bts:error", "bts:request_reconnect"}:
        raise StreamRefused(f"the venue said {event}")


class BitstampOrders:
    """The `private-my_orders` channels."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Created, changed, deleted: each names its order."""
        check_accepted(message)
        if not isinstance(message, dict) or not str(message.get("channel")).startswith(_ORDERS):
            return None
        data = message.get("data")
        if not isinstance(data, dict) or not data:
            return None
        order_id = data.get("id_str") or data.get("id")
        return (
            OrderTouched(data.get("client_order_id"), None if order_id is None else str(order_id), message["event"]),
        )

    def confirms(self, message: Json) -> bool:
        """The venue says that the subscription stands."""
        return (
            isinstance(message, dict)
            and message.get("event") == "bts:subscription_succeeded"
            and str(message.get("channel")).startswith(_ORDERS)
        )
