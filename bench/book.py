"""One book: a message of changes taken and the ten best rows of the sides touched read, ours beside ccxt's.

The stream is seeded: 80 % of the changes hit the ten best levels of a side, 70 % change a size, the rest insert and
remove so that the depth stays about the same. Both books end up equal, checked before anything is timed.
"""

import random
from bisect import insort
from collections.abc import Iterator

from ccxt.async_support.base.ws.order_book import OrderBook

from bench.measure import Contestant, Table, in_turn, table
from router.book.venue_book import VenueBook
from router.model.side import Side

LEVELS = 1000
NEAR = 0.8
TOP = 10

Changes = list[tuple[float, float]]
Message = tuple[Changes, Changes]


class Stream:
    """A random market that knows its own book: prices are whole ticks of 0.1."""

    def __init__(self, seed: int, levels: int) -> None:
        self._random = random.Random(seed)
        self._levels = levels
        # Ticks from the best outward grow: a bid's distance below the start, an ask's above it.
        self._ticks = [self._outward(), self._outward()]
        self.sizes = [{tick: self._size() for tick in side} for side in self._ticks]

    def snapshot(self) -> tuple[dict[float, float], dict[float, float]]:
        bids, asks = ({price(side, tick): size for tick, size in self.sizes[side].items()} for side in (0, 1))
        return bids, asks

    def messages(self, count: int, size: int) -> list[Message]:
        return [self._message(size) for _ in range(count)]

    def _message(self, size: int) -> Message:
        message: Message = ([], [])
        for _ in range(size):
            side, tick, amount = self._change()
            message[side].append((price(side, tick), amount))
        return message

    def _change(self) -> tuple[int, int, float]:
        draw = self._random
        side = draw.getrandbits(1)
        ticks, sizes = self._ticks[side], self.sizes[side]
        near = draw.random() < NEAR
        at = draw.randrange(TOP) if near else draw.randrange(TOP, len(ticks))
        tick, kind = ticks[at], draw.random()
        too_deep = len(ticks) > self._levels
        if kind < 0.7:  # a new size at a level there is
            sizes[tick] = self._size()
        elif kind < (0.9 if too_deep else 0.8):  # a level goes
            del ticks[at], sizes[tick]
            return side, tick, 0.0
        else:  # a level comes, just behind the one drawn
            while tick in sizes:
                tick += 1
            insort(ticks, tick)
            sizes[tick] = self._size()
        return side, tick, sizes[tick]

    def _outward(self) -> list[int]:
        tick, ticks = 1, []
        for _ in range(self._levels):
            ticks.append(tick)
            tick += self._random.randint(1, 3)
        return ticks

    def _size(self) -> float:
        return round(self._random.lognormvariate(-1.5, 1.3) + 0.00001, 5)


def price(side: int, tick: int) -> float:
    return (600_000 + (tick if side else -tick)) / 10


def run(*, quick: bool) -> Iterator[Table]:
    rounds, changes = (3, 4_000) if quick else (9, 60_000)
    for size, what in ((1, "one change a message"), (24, "24 changes a message, as binance sends them")):
        stream = Stream(7, LEVELS)
        start = stream.snapshot()
        messages = stream.messages(changes // size, size)
        _same(start, messages)
        contestants = {
            "ccxt OrderBook.store, rows by reference": _of(_ccxt, _ccxt_run, start, messages, size),
            "ccxt OrderBook.store, rows copied": _of(_ccxt, _ccxt_copy_run, start, messages, size),
            "ours, rows by reference": _of(_ours, _ours_run, start, messages, size),
            "ours, taken only": _of(_ours, _ours_take, start, messages, size),
        }
        yield table(
            f"book: ns per change, {what}, then the {TOP} best rows of the sides touched ({LEVELS} levels a side)",
            in_turn(contestants, rounds),
        )


def _of(make, run_it, start, messages, size) -> Contestant:
    return Contestant(setup=lambda: make(start), run=lambda book: run_it(book, messages), units=len(messages) * size)


def _ccxt(start) -> OrderBook:
    bids, asks = start
    return OrderBook({"bids": [[*row] for row in bids.items()], "asks": [[*row] for row in asks.items()]})


def _ours(start) -> VenueBook:
    book = VenueBook()
    book.snapshot(*start, 0)
    return book


def _ccxt_run(book, messages) -> None:
    bids, asks = book["bids"], book["asks"]
    for bid_changes, ask_changes in messages:
        for at, size in bid_changes:
            bids.store(at, size)
        for at, size in ask_changes:
            asks.store(at, size)
        if bid_changes:
            bids[:TOP]
        if ask_changes:
            asks[:TOP]


def _ccxt_copy_run(book, messages) -> None:
    bids, asks = book["bids"], book["asks"]
    for bid_changes, ask_changes in messages:
        for at, size in bid_changes:
            bids.store(at, size)
        for at, size in ask_changes:
            asks.store(at, size)
        if bid_changes:
            [(row[0], row[1]) for row in bids[:TOP]]
        if ask_changes:
            [(row[0], row[1]) for row in asks[:TOP]]


def _ours_run(book, messages) -> None:
    apply, top, buy, sell = book.apply, book.top, Side.BUY, Side.SELL
    for bid_changes, ask_changes in messages:
        apply(bid_changes, ask_changes, 0)
        if bid_changes:
            top(sell, TOP)
        if ask_changes:
            top(buy, TOP)


def _ours_take(book, messages) -> None:
    apply = book.apply
    for bid_changes, ask_changes in messages:
        apply(bid_changes, ask_changes, 0)


def _same(start, messages) -> None:
    """Both contestants must tell the same story, or their times mean nothing."""
    theirs, ours = _ccxt(start), _ours(start)
    _ccxt_run(theirs, messages)
    _ours_run(ours, messages)
    assert ours.unusable is None
    for side, name in ((Side.SELL, "bids"), (Side.BUY, "asks")):
        assert [row[:2] for row in theirs[name]] == ours.top(side, 10**6)
