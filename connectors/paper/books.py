"""Real books, less what paper orders took of them. Pure.

The world does not know of a paper order, so its book goes on showing what we took. Here that stays taken until the feed
tells another size for the level: a level that is only told again, by a poll or a sign of life, is not refreshed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf

from router.model.ids import Nanos
from router.model.side import Side

Changes = list[tuple[float, float]]
"""(price, new size) of levels, as a sink is told them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """A level as an order may take it now, and as the feed told it then."""

    price: Decimal
    size: Decimal
    told_price: float
    told_size: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """The part of a book that orders can reach."""

    bids: tuple[Offered, ...] = ()
    asks: tuple[Offered, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """Sizes that are left of an offer, by price; a price not named is used up."""

    bids: Mapping[Decimal, Decimal]
    asks: Mapping[Decimal, Decimal]


class RealBook:
    """One listing's book as its feed tells it, and what is left of the levels we took from."""

    def __init__(self) -> None:
        self.trusted = False
        self.heard_ns = Nanos(0)
        self._bids = _Side()
        self._asks = _Side()

    def replace(
        self, bids: Mapping[float, float], asks: Mapping[float, float]
    ) -> tuple[Mapping[float, float], Mapping[float, float]]:
        """A snapshot. Returns it as it is to be shown: less what is taken."""
        self.trusted = True
        return self._bids.replace(bids), self._asks.replace(asks)

    def change(
        self, bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]]
    ) -> tuple[Changes, Changes]:
        """Changed levels. Returns those that are to be shown."""
        return self._bids.change(bids), self._asks.change(asks)

    def lose(self) -> None:
        """Nothing is on offer until the next snapshot: what cannot be trusted fills nobody."""
        self.trusted = False

    def facing(self, side: Side, limit_price: Decimal) -> Offer:
        """What an order on `side` can take."""
        if not self.trusted:
            return Offer()
        limit = float(limit_price)
        if side is Side.BUY:
            return Offer(asks=tuple(self._asks.offered(price for price in self._asks.told if price <= limit)))
        return Offer(bids=tuple(self._bids.offered(price for price in self._bids.told if price >= limit)))

    def took(self, offer: Offer, left: Left) -> tuple[Changes, Changes]:
        """Note what is left of an offer. Returns the levels that are to be shown anew."""
        return self._bids.took(offer.bids, left.bids), self._asks.took(offer.asks, left.asks)


class _Side:
    """`told` are the feed's sizes; `left` those of levels taken from since the feed changed them."""

    def __init__(self) -> None:
        self.told: dict[float, float] = {}
        self.left: dict[float, float] = {}

    def replace(self, levels: Mapping[float, float]) -> Mapping[float, float]:
        told = {price: size for price, size in levels.items() if size}
        self.left = {price: size for price, size in self.left.items() if told.get(price) == self.told[price]}
        self.told = told
        return {price: size for price, size in (told | self.left).items() if size}

    def change(self, levels: Iterable[tuple[float, float]]) -> Changes:
        shown = []
        for price, size in levels:
            if price in self.left:
                if self.told[price] == size:
                    continue
                del self.left[price]
            if size:
                self.told[price] = size
            else:
                self.told.pop(price, None)
            shown.append((price, size))
        return shown

    def offered(self, prices: Iterable[float]) -> Iterable[Offered]:
        for price in prices:
            told = self.told[price]
            size = self.left.get(price, told)
            if 0.0 < price < inf and 0.0 < size < inf:
                yield Offered(price=Decimal(repr(price)), size=Decimal(repr(size)), told_price=price, told_size=told)

    def took(self, offered: Iterable[Offered], left: Mapping[Decimal, Decimal]) -> Changes:
        shown = []
        for level in offered:
            rest = left.get(level.price, Decimal(0))
            # A level the feed has changed meanwhile is fresh: what we took came before.
            if rest != level.size and self.told.get(level.told_price) == level.told_size:
                self.left[level.told_price] = float(rest)
                shown.append((level.told_price, float(rest)))
        return shown
