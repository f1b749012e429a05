"""One side of a book: outside size and resting orders per price, in price-time order."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from router.model.side import Side

ZERO = Decimal(0)


@dataclass(kw_only=True, slots=True)
class RestingOrder:
    """The part of one of our orders that stands in the book. `ahead`: outside size at its price that came before it."""

    order_id: int
    remaining: Decimal
    ahead: Decimal = ZERO


@dataclass(kw_only=True, slots=True)
class LadderLevel:
    """What stands at a price. `outside` came from the world and is gone once taken, until the world sets it again.

    `resting` are in the order of their arrival.
    """

    outside: Decimal = ZERO
    resting: list[RestingOrder] = field(default_factory=list)

    @property
    def size(self) -> Decimal:
        """Everything that can be taken here."""
        return sum((order.remaining for order in self.resting), self.outside) if self.resting else self.outside

    def queue(self) -> list[tuple[RestingOrder | None, Decimal]]:
        """Who is served in which order, and how much of each; None stands for the outside."""
        served: list[tuple[RestingOrder | None, Decimal]] = []
        passed = ZERO
        for order in self.resting:
            if order.ahead > passed:
                served.append((None, order.ahead - passed))
                passed = order.ahead
            served.append((order, order.remaining))
        return [*served, (None, self.outside - passed)] if self.outside > passed else served

    def join(self, order_id: int, quantity: Decimal) -> None:
        """An order of ours comes to rest, behind all that stands here."""
        self.resting.append(RestingOrder(order_id=order_id, remaining=quantity, ahead=self.outside))

    def take_outside(self, quantity: Decimal) -> None:
        """So much of the outside was traded, the first of it first."""
        self.outside -= quantity
        self.step_up(quantity)

    def step_up(self, quantity: Decimal) -> None:
        """So much of what stood first has traded, whatever the world shows of it yet."""
        for order in self.resting:
            order.ahead = max(ZERO, order.ahead - quantity)

    def tell_outside(self, size: Decimal) -> None:
        """The world shows another size. What is more came last; what is less went last, as far as that goes."""
        self.outside = size
        for order in self.resting:
            order.ahead = min(order.ahead, size)


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

    def set_outside(self, price: Decimal, size: Decimal) -> bool:
        """The outside's size at a price. Was that a change?"""
        level = self._levels.get(price)
        if level is None:
            if size == 0:
                return False
            self._levels[price] = LadderLevel(outside=size)
            insort(self._keys, self._key(price))
            return True
        before = level.outside
        level.tell_outside(size)
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

    def better_than(self, price: Decimal) -> Iterator[tuple[Decimal, LadderLevel]]:
        """Levels that stand before `price`, from the best on."""
        bound = self._key(price)
        for key in self._keys[: bisect_left(self._keys, bound)]:
            yield self._price(key), self._levels[self._price(key)]

    def rests_at(self, price: Decimal) -> bool:
        """Does an order of ours stand at this price?"""
        level = self._levels.get(price)
        return level is not None and bool(level.resting)

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
