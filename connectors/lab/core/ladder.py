"""One side of a book: outside size and resting orders per price, in price-time order."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from router.model.side import Side

ZERO = Decimal(0)


@dataclass(kw_only=True, slots=True)
class RestingOrder:
    """The part of one of our orders that stands in the book. `arrival` decides who is first at a price."""

    order_id: int
    remaining: Decimal
    arrival: int


@dataclass(kw_only=True, slots=True)
class LadderLevel:
    """What stands at a price. `outside` came from the world and is gone once taken, until the world sets it again."""

    outside: Decimal = ZERO
    outside_arrival: int = 0
    resting: list[RestingOrder] = field(default_factory=list)

    @property
    def size(self) -> Decimal:
        """Everything that can be taken here."""
        return sum((order.remaining for order in self.resting), self.outside) if self.resting else self.outside

    def queue(self) -> list[RestingOrder | None]:
        """Who is served in which order; None stands for the outside."""
        entries: list[tuple[int, RestingOrder | None]] = [(order.arrival, order) for order in self.resting]
        if self.outside > 0:
            entries.append((self.outside_arrival, None))
        return [who for _, who in sorted(entries, key=lambda entry: entry[0])]


class Ladder:
    """Bids or asks. Keys of the sorted list grow away from the best price, so index 0 is always the best."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._levels: dict[Decimal, LadderLevel] = {}
        self._keys: list[Decimal] = []

    def __iter__(self) -> Iterator[tuple[Decimal, LadderLevel]]:
        """Levels from the best price on. The ladder must not change meanwhile."""
        for key in self._keys:
            price = self._price(key)
            yield price, self._levels[price]

    def size_at(self, price: Decimal) -> Decimal:
        """The whole size at a price."""
        level = self._levels.get(price)
        return level.size if level else ZERO

    def level(self, price: Decimal) -> LadderLevel:
        """The level at a price, made if it is not there. Call `tidy` after changing it."""
        level = self._levels.get(price)
        if level is None:
            level = self._levels[price] = LadderLevel()
            insort(self._keys, self._key(price))
        return level

    def set_outside(self, price: Decimal, size: Decimal, arrival: int) -> bool:
        """The outside's size at a price; where it was nothing, it queues from `arrival` on. Was that a change?"""
        level = self._levels.get(price)
        if level is None:
            if size == 0:
                return False
            self._levels[price] = LadderLevel(outside=size, outside_arrival=arrival)
            insort(self._keys, self._key(price))
            return True
        before, level.outside = level.outside, size
        if before == 0:
            level.outside_arrival = arrival
        if size == 0:
            self.tidy(price)
        return before != size

    def tidy(self, price: Decimal) -> None:
        """Forget a level at which nothing is left."""
        level = self._levels.get(price)
        if level is not None and level.size <= 0:
            del self._levels[price]
            del self._keys[bisect_left(self._keys, self._key(price))]

    def best(self) -> Decimal | None:
        """The best price, None when the side is empty."""
        return self._price(self._keys[0]) if self._keys else None

    def outside_prices(self) -> list[Decimal]:
        """Prices at which outside size stands."""
        return [price for price, level in self._levels.items() if level.outside > 0]

    def top(self, depth: int | None) -> list[tuple[Decimal, Decimal]]:
        """(price, size) of the best `depth` levels; all when None."""
        prices = [self._price(key) for key in self._keys[:depth]]
        return [(price, self._levels[price].size) for price in prices]

    def reaches(self, price: Decimal, limit: Decimal | None) -> bool:
        """Whether an order from the other side, limited to `limit`, would trade at `price`."""
        if limit is None:
            return True
        return price <= limit if self.side is Side.SELL else price >= limit

    def _key(self, price: Decimal) -> Decimal:
        return price.copy_negate() if self.side is Side.BUY else price

    def _price(self, key: Decimal) -> Decimal:
        return key.copy_negate() if self.side is Side.BUY else key
