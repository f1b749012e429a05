"""A streamed book held against REST's. Pure.

Neither book is a picture of the same instant, and most venues give REST no number to tell by. But a level that a stream
got wrong is, until it is told again, a level the stream does not touch: so only those count that nothing was said about
from a while before REST was asked until a while after it answered. Whatever one of these shows differently at REST,
twice running, is an error and no matter of timing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from math import inf

from connectors.ccxt_venue.decoders import Levels, Sides, level

COMPARED = 10
"""How many of the best levels of each side are held against each other."""

_ROUNDED_FROM = 3
"""Sizes that REST writes with so many decimals or more may have been rounded there (Kraken writes three)."""

Rows = Sequence[Sequence[str]]
"""A REST book's levels, best first, each a row that begins with price and size."""
Place = tuple[str, float]
"""A side and a price."""


@dataclass(slots=True)
class Watch:
    """What the stream said of one book while REST was asked. `void`: the book began anew, so nothing can be said."""

    bids: set[float] = field(default_factory=set)
    asks: set[float] = field(default_factory=set)
    void: bool = False

    def heard(self, bids: Levels, asks: Levels) -> None:
        """Changed levels."""
        self.bids.update(price for price, _ in bids)
        self.asks.update(price for price, _ in asks)


def differing(ours: Sides, bids: Rows, asks: Rows, watch: Watch) -> frozenset[Place]:
    """Levels among the best that REST shows differently, and of which the stream said nothing meanwhile.

    Raises `AnswerUnusable` for rows that are no levels.
    """
    near_bids, near_asks = nlargest(COMPARED, ours[0]), nsmallest(COMPARED, ours[1])
    return frozenset(
        [("bid", price) for price in _side(ours[0], near_bids, bids[:COMPARED], watch.bids, sign=-1)]
        + [("ask", price) for price in _side(ours[1], near_asks, asks[:COMPARED], watch.asks, sign=1)]
    )


def _side(
    ours: Mapping[float, float], near: Sequence[float], rows: Rows, touched: set[float], *, sign: int
) -> list[float]:
    """`sign` orders prices outward: 1 for asks, -1 for bids. Beyond where either list was cut nothing is compared."""
    theirs = dict(level(row[0], row[1]) for row in rows)
    cut = [max(price * sign for price in prices) for prices in (near, theirs) if len(prices) >= COMPARED]
    bound = min(cut, default=inf)
    unit = _unit(rows)
    return [
        price
        for price in {*near, *theirs} - touched
        if price * sign <= bound and abs(ours.get(price, 0.0) - theirs.get(price, 0.0)) > unit
    ]


def _unit(rows: Rows) -> float:
    """By how much a size at REST may differ from the true one: the last decimal it is written with."""
    decimals = max((len(str(row[1]).partition(".")[2]) for row in rows), default=0)
    return 1.001 * 10**-decimals if decimals >= _ROUNDED_FROM else 0.0
