"""A market as it went: every listing's book at every moment, to be looked at or traded on at any of them.

Nobody's orders move it. What a contestant took is subtracted for a while, by whoever replays (`replay.World`).
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from router.model.ids import ListingId, Nanos
from router.model.instruments import Instrument, Listing
from router.model.market import FxMark, Level
from router.model.side import Side

DEPTH = 150
"""Levels a side that are remembered."""


@dataclass(kw_only=True, slots=True)
class BookHistory:
    """One listing's book over time. `moments[i]` is when `books[i]` (bids, asks; best first) began to hold."""

    listing: Listing
    moments: list[int] = field(default_factory=list)
    books: list[tuple[tuple[Level, ...], tuple[Level, ...]]] = field(default_factory=list)

    def at(self, at_ns: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks at a moment; empty before the first."""
        index = bisect_right(self.moments, at_ns) - 1
        return self.books[index] if index >= 0 else ((), ())

    def since(self, at_ns: int) -> int:
        """For how long the book of that moment had stood."""
        index = bisect_right(self.moments, at_ns) - 1
        return at_ns - self.moments[index] if index >= 0 else 0

    def add(self, at_ns: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """The book from `at_ns` on; of two at one moment the later holds."""
        if self.moments and self.moments[-1] == at_ns:
            self.books[-1] = (bids, asks)
            return
        assert not self.moments or at_ns > self.moments[-1]
        self.moments.append(at_ns)
        self.books.append((bids, asks))


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketHistory:
    """All listings of one instrument over the same time, from `begins_ns` to `ends_ns`."""

    name: str
    instrument: Instrument
    books: tuple[BookHistory, ...]
    fx: tuple[FxMark, ...]
    begins_ns: Nanos
    ends_ns: Nanos
    duplicated: Decimal = Decimal(0)
    """Share of what is taken at one venue that its makers take away from the others at once (known truth; else 0)."""

    def listings(self) -> Mapping[ListingId, Listing]:
        """The listings by id."""
        return {one.listing.id: one.listing for one in self.books}


class Ladders:
    """Both sides of one book under change, to be copied at every moment that counts."""

    def __init__(self) -> None:
        self._sizes: dict[Side, dict[Decimal, Level]] = {Side.BUY: {}, Side.SELL: {}}
        self._prices: dict[Side, list[Decimal]] = {Side.BUY: [], Side.SELL: []}

    def change(self, side: Side, changes: Iterable[tuple[Decimal, Decimal]]) -> None:
        """Set levels of the bids (`BUY`) or asks; size 0 removes."""
        levels, prices = self._sizes[side], self._prices[side]
        for price, size in changes:
            if size > 0:
                if price not in levels:
                    insort(prices, price)
                levels[price] = Level(price, size)
            elif levels.pop(price, None) is not None:
                del prices[bisect_left(prices, price)]

    def top(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks, best first, as deep as is remembered."""
        bids, asks = self._sizes[Side.BUY], self._sizes[Side.SELL]
        return (
            tuple(bids[price] for price in reversed(self._prices[Side.BUY][-DEPTH:])),
            tuple(asks[price] for price in self._prices[Side.SELL][:DEPTH]),
        )
