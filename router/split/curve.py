"""One listing inside one split: cumulative size and cost of its levels, ended where something forbids more.

Sizes are integers of the split's unit, so sums are exact and a plan is the same on every machine. Prices in here are
signed so that smaller is better on both sides (a sell's proceeds are negative) and are floats: they order the search,
they are never reported. Levels are converted as the search reaches them; what a float decides is looked at exactly
wherever it comes near a bound.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, islice
from math import inf

from router.book.effective import all_in_at_most_here, all_in_here, factor_here, spend_factor
from router.model import rounding
from router.model.market import Level, ListingView
from router.model.money import ONE, ZERO, ratio
from router.model.side import Side
from router.split.plan import Landing, Reserve, SplitRequest

_CHUNK = 2
"""Levels converted at first; twice as many each time more are needed."""
_NEARLY = 1.0 - 1e-9
"""A float this far inside a bound needs no exact look."""
_CLOSE = 1e-6

_FINE = Decimal("1E-12")


class End(StrEnum):
    """Why a listing cannot take more than its curve shows."""

    ENOUGH = "enough"
    DEPTH = "no depth"
    LIMIT = "beyond limit"
    ALL_IN_LIMIT = "beyond all-in limit"
    COLLAR = "beyond collar"
    BALANCE = "balance"
    MAX_QUANTITY = "maximum order quantity"
    CHILD_NOTIONAL = "child notional limit"


class Terms:
    """What all curves of one split share. `scale` is units per unit of base."""

    __slots__ = ("landing", "quantity", "request", "scale", "scale_float", "side", "sign")

    def __init__(self, request: SplitRequest, scale: Decimal, quantity: int) -> None:
        self.request = request
        self.side = request.side
        self.sign = request.side.sign
        self.scale = scale
        self.scale_float = float(scale)
        self.quantity = quantity
        self.landing: Landing | None = request.landing


class Curve:
    """Cost against quantity at one listing. `cums[i]`, `costs[i]`: units and signed cost up to and with level i.

    Costs are price x units. `fixed` is what an order counts as beside, in the same measure; `order_max` the units of
    one order where several may be sent, None where one is all there is.
    """

    __slots__ = (
        "_chances",
        "_chunk",
        "_exact",
        "_fallback",
        "_levels",
        "_next",
        "_purse",
        "_size",
        "_spend",
        "_terms",
        "_top_units",
        "_top_why",
        "_within",
        "_within_why",
        "costs",
        "cums",
        "end",
        "factor",
        "fixed",
        "minimum",
        "order_max",
        "prices",
        "rate",
        "spendable",
        "step",
        "view",
    )

    def __init__(self, view: ListingView, rate: Decimal, terms: Terms, spendable: Decimal | None, fixed: float) -> None:
        listing, side = view.listing, terms.side
        self.view = view
        self.rate = rate
        self.spendable = spendable
        self.fixed = fixed
        self.prices: list[float] = []
        self.cums: list[int] = []
        self.costs: list[float] = []
        self.end: End | None = None
        self._terms = terms
        self._levels: tuple[Level, ...] = view.asks if side is Side.BUY else view.bids
        self._chunk = _CHUNK
        self._next = 0
        self._size = ZERO
        self.step = int(listing.step * terms.scale)
        self._exact = factor_here(listing, side, rate)
        self.factor = terms.sign * float(self.all_in(ONE))
        """Signed all-in price per native price."""
        self._within, self._within_why = self._limits()
        self.minimum = self._least()
        self.order_max: int | None = None
        self._spend = ONE if spendable is None else spend_factor(listing, side)
        self._top_units, self._top_why = self._most()
        self._purse = self._safe()
        self._chances: tuple[float, ...] | None = None
        self._fallback = 0.0
        if terms.landing is not None and listing.id in terms.landing.survival:
            self._chances = tuple(float(chance) for chance in terms.landing.survival[listing.id])
            self._fallback = terms.sign * float(terms.landing.fallback_price)

    @property
    def certain(self) -> bool:
        """Is what is displayed counted on in full?"""
        return self._chances is None

    def chance(self) -> float:
        """That the first level is there when an order lands."""
        return 1.0 if self._chances is None else self._chances[0]

    def all_in(self, price: Decimal) -> Decimal:
        """What one unit at `price` comes to in reporting currency, exactly."""
        if self._exact is None:
            return all_in_here(self.view.listing, self._terms.side, price, self.rate)
        return price * self._exact

    def blind(self) -> "Curve":
        """The same curve, ended where this one ends, its prices without the fee."""
        while self.extend():
            pass
        twin = Curve.__new__(Curve)
        for name in Curve.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.prices, twin.costs = [], []
        cost, before, at, shown = 0.0, 0, -1, 0
        raw, scale, size = self._terms.sign * float(self.rate), self._terms.scale, ZERO
        for units in self.cums:
            while shown <= before:  # a level of less than a unit is in no curve
                at += 1
                size += self._levels[at].size
                shown = int(size * scale)
            price = raw * float(self._levels[at].price)
            cost += (units - before) * price
            before = units
            twin.prices.append(price)
            twin.costs.append(cost)
        return twin

    def best(self) -> float | None:
        """The first level's signed all-in price; None when nothing may be taken."""
        return self.prices[0] if self.prices or self.extend() else None

    def can(self, units: int) -> bool:
        """Are there so many units to be had?"""
        while not self.cums or self.cums[-1] < units:
            if not self.extend():
                return False
        return True

    def at(self, units: int) -> int | None:
        """The level the next unit after `units` comes from; None when there is none."""
        index = bisect_right(self.cums, units)
        while index == len(self.cums):
            if not self.extend():
                return None
            index = bisect_right(self.cums, units, index)
        return index

    def cost(self, units: int) -> float:
        """Signed all-in cost of `units`, which must be there, without what orders count as."""
        if units <= 0:
            return 0.0
        index = bisect_left(self.cums, units)
        return self.costs[index] - (self.cums[index] - units) * self.prices[index]

    def orders(self, units: int) -> int:
        """How many orders it takes."""
        if units <= 0:
            return 0
        return 1 if self.order_max is None else -(-units // self.order_max)

    def full(self, units: int) -> float:
        """`cost` and what the orders count as."""
        if units <= 0:
            return 0.0
        index = bisect_left(self.cums, units)
        cost = self.costs[index] - (self.cums[index] - units) * self.prices[index]
        return cost + self.fixed * (1 if self.order_max is None else self.orders(units))

    def most(self) -> int:
        """The largest quantity on the lattice; reads every level that may be taken."""
        while self.extend():
            pass
        return self.cums[-1] // self.step * self.step if self.cums else 0

    def reach_most(self) -> int:
        """`most` where the curve has ended; else no less than that, without reading on."""
        most = self._terms.quantity if self.end is None else self.cums[-1]
        return most // self.step * self.step

    def reach(self, price: float) -> None:
        """Convert every level better than `price`."""
        while (not self.prices or self.prices[-1] < price) and self.extend():
            pass

    def native_price(self, units: int) -> Decimal:
        """In quote, of the deepest level that `units` > 0 touch."""
        return self._levels[self.native_index(units)].price

    def walked(self, units: int) -> Decimal:
        """Quote x units: what walking the displayed levels for `units` comes to, before fees."""
        if units <= 0:
            return ZERO
        left, total = Decimal(units), ZERO
        scale = self._terms.scale
        for price, size in self._levels:
            taken = min(left, size * scale)
            total += price * taken
            left -= taken
            if not left:
                break
        return total

    def blocked(self, units: int) -> Decimal:
        """Quote x units at the price of the deepest level touched: what a venue sets aside, before fees."""
        return ZERO if units <= 0 else self.native_price(units) * units

    def native_index(self, units: int) -> int:
        """Which of the book's levels that is."""
        left = Decimal(units)
        for at, level in enumerate(self._levels):
            left -= level.size * self._terms.scale
            if left <= 0:
                return at
        return len(self._levels) - 1

    def extend(self) -> bool:
        """Convert some more levels; False when the curve has ended and none was added."""
        had = len(self.cums)
        while self.end is None and len(self.cums) == had:
            self._convert()
        return len(self.cums) > had

    def _convert(self) -> None:
        """The next few levels. Those that no bound can touch go the short way."""
        prices, cums, costs = self.prices, self.cums, self.costs
        scale, factor, top, purse = self._terms.scale, self.factor, self._top_units, self._purse
        before, cost = (cums[-1], costs[-1]) if cums else (0, 0.0)
        size_sum, at = self._size, self._next
        until = min(at + self._chunk, self._within)
        self._chunk *= 2
        if until - at > _CHUNK and self._convert_plainly(until):
            return
        for price, size in self._levels[at:until]:
            at += 1
            native = float(price)
            size_sum += size
            units = int(size_sum * scale)
            if units > top or native * units > purse:
                self._next, self._size = at, size_sum
                units = self._bounded(price, size, before, units)
            if units > before:
                value = native * factor
                if self._chances is not None:
                    value = self._landed(value, at - 1)
                cost += (units - before) * value
                before = units
                prices.append(value)
                cums.append(units)
                costs.append(cost)
            if self.end is not None:
                return
        self._next, self._size = at, size_sum
        if at == self._within:
            self.end = End.DEPTH if at == len(self._levels) else self._within_why

    def _convert_plainly(self, until: int) -> bool:
        """All levels up to `until` at once, if none of them needs a second look; else nothing is done."""
        if self._chances is not None:
            return False
        levels, scale, factor = self._levels[self._next : until], self._terms.scale, self.factor
        natives = [float(level[0]) for level in levels]
        sums = list(accumulate([level[1] for level in levels], initial=self._size))
        units = [int(each * scale) for each in islice(sums, 1, None)]
        # Both grow with depth, but a sell's price: its purse is all or nothing.
        if units[-1] > self._top_units or max(natives[0], natives[-1]) * units[-1] > self._purse:
            return False
        before, cost = (self.cums[-1], self.costs[-1]) if self.cums else (0, 0.0)
        values, costs = [native * factor for native in natives], []
        for taken, value in zip(units, values, strict=True):
            if taken <= before:
                return False
            cost += (taken - before) * value
            before = taken
            costs.append(cost)
        self.prices += values
        self.cums += units
        self.costs += costs
        self._next, self._size = until, sums[-1]
        if until == self._within:
            self.end = End.DEPTH if until == len(self._levels) else self._within_why
        return True

    def _landed(self, value: float, at: int) -> float:
        chances = self._chances
        assert chances is not None
        chance = chances[min(at, len(chances) - 1)]
        value = chance * value + (1.0 - chance) * self._fallback
        return max(value, self.prices[-1]) if self.prices else value

    def _bounded(self, price: Decimal, size: Decimal, before: int, units: int) -> int:
        """How many units may be taken up to this level; ends the curve when that is fewer than there are."""
        if float(price) * min(units, self._top_units) <= self._purse:  # only the caps that no price moves
            self.end = self._top_why if units > self._top_units else None
            return max(before, min(units, self._top_units))
        bounds = [(units, None), (self._top_units, self._top_why)]
        terms = self._terms
        if terms.side is Side.BUY and self.spendable is not None:
            bounds.append((self._affordable(self._budget(), price, size), End.BALANCE))
        child_max = terms.request.options.child_notional_max
        if child_max is not None:
            valued_at = price if terms.side is Side.BUY else self._levels[0].price
            bounds.append((int(ratio(ratio(child_max * terms.scale, self.rate), valued_at)), End.CHILD_NOTIONAL))
        most, self.end = min(bounds, key=lambda bound: bound[0])
        return max(before, most)

    def _affordable(self, budget: Decimal, price: Decimal, size: Decimal) -> int:
        """Units the balance pays for: all at this level's price, or each level at its own."""
        if self._terms.request.options.reserve is Reserve.WORST:
            return int(ratio(budget, price))
        walked = sum((level.price * level.size for level in self._levels[: self._next - 1]), ZERO)
        scale = self._terms.scale
        return int((self._size - size) * scale) + int(ratio(budget - walked * scale, price))

    def _budget(self) -> Decimal:
        """How far a buy's balance goes, in quote x units, its fee set aside."""
        assert self.spendable is not None
        return rounding.down(ratio(self.spendable * self._terms.scale, self._spend), _FINE)

    def _safe(self) -> float:
        """Levels at which price x units stays below this cannot touch a balance or an order limit."""
        terms, limit = self._terms, inf
        child_max = terms.request.options.child_notional_max
        if child_max is not None:
            limit = float(child_max) * terms.scale_float / float(self.rate) if terms.side is Side.BUY else 0.0
        if terms.side is Side.BUY and self.spendable is not None:
            limit = min(limit, float(self.spendable) * terms.scale_float / float(self._spend))
        return limit * _NEARLY

    def _most(self) -> tuple[int, End]:
        """The caps that no price moves: the parent, the venue's largest order, a sell's balance."""
        listing, terms = self.view.listing, self._terms
        most, why = terms.quantity, End.ENOUGH
        if listing.max_quantity is not None:
            largest = int(listing.max_quantity * terms.scale)
            if largest < most:
                most, why = min(most, self._several(largest)), End.MAX_QUANTITY
        if terms.side is Side.SELL and self.spendable is not None:
            sellable = int(ratio(self.spendable * terms.scale, self._spend))
            if sellable < most:
                most, why = sellable, End.BALANCE
        return most, why

    def _several(self, largest: int) -> int:
        """What may go there in all when one order takes `largest`: more than that only where halves still do."""
        listing, terms = self.view.listing, self._terms
        largest -= largest % self.step
        half = largest // 2 - largest // 2 % self.step
        worth = half * self._levels[-1].price if self._levels else ZERO
        count = terms.request.options.orders_each_max
        if count <= 1 or half < self.minimum or half <= 0 or worth < listing.min_notional * terms.scale:
            return largest
        self.order_max = largest
        return largest * count

    def _limits(self) -> tuple[int, End]:
        """How many levels the limits let be taken, and which of them is the tightest."""
        request, listing = self._terms.request, self.view.listing
        within, why = len(self._levels), End.LIMIT
        if request.limit_price is None and request.all_in_limit_price is None and not request.collar_prices:
            return within, why
        limits: list[tuple[Decimal, End, Callable[[Decimal], Decimal] | None]] = []
        if request.limit_price is not None:
            limits.append((request.limit_price, End.LIMIT, None))
        if listing.id in request.collar_prices:
            limits.append((request.collar_prices[listing.id], End.COLLAR, None))
        if request.all_in_limit_price is not None:
            limits.append((request.all_in_limit_price, End.ALL_IN_LIMIT, self._all_in_at_most))
        for limit, end, value in limits:
            native = native_limit(self.view, request.side, limit, self.rate, value)
            levels = _within(self._levels, request.side, native)
            if levels < within:
                within, why = levels, end
        return within, why

    def _all_in_at_most(self, price: Decimal) -> Decimal:
        return all_in_at_most_here(self.view.listing, self._terms.side, price, self.rate)

    def _least(self) -> int:
        """The least this listing takes."""
        listing, scale = self.view.listing, self._terms.scale
        least = self.step
        if listing.min_quantity > listing.step:
            least = max(least, up_to_step(_ceiling(listing.min_quantity * scale), self.step))
        if listing.min_notional > 0 and self._levels:
            least = max(least, self._for_notional(listing.min_notional))
        return least

    def _for_notional(self, notional: Decimal) -> int:
        """Fewest units from which on every child is worth `notional` (quote) at the price it is judged by.

        A buy is judged at the best ask, which its limit price cannot be below; a sell at its limit price, which falls
        with every level: a quantity just past a level's edge can be worth less than one just before it.
        """
        scale, first = self._terms.scale, self._levels[0]
        if self._terms.sign > 0 or first.size * self._levels[-1].price >= notional:
            # One price judges: for a sell too, when the first level is worth it at the deepest price.
            return self._worth(notional, first.price)
        scaled = notional * scale
        least, edge, size = self.step, 0, ZERO
        enough_anywhere = _ceiling(ratio(scaled, self._levels[-1].price))
        for level in self._levels:
            if edge >= enough_anywhere:
                break
            needed = _ceiling(ratio(scaled, level.price))
            size += level.size
            next_edge = int(size * scale)
            too_little = min(next_edge, needed - 1) // self.step * self.step
            if too_little > edge:
                least = max(least, too_little + self.step)
            edge = next_edge
        return least

    def _worth(self, notional: Decimal, price: Decimal) -> int:
        """The fewest whole lots worth `notional` at `price`."""
        lots = float(notional) * self._terms.scale_float / (float(price) * self.step)
        whole = int(lots)
        if _CLOSE < lots - whole < 1.0 - _CLOSE:
            return (whole + 1) * self.step
        return up_to_step(_ceiling(ratio(notional * self._terms.scale, price)), self.step)


def _within(levels: Sequence[Level], side: Side, limit: Decimal) -> int:
    """How many levels are no worse than `limit`."""
    if not levels or (levels[-1].price - limit) * side.sign <= 0:
        return len(levels)
    sign = side.sign
    return bisect_right(levels, limit * sign, key=lambda level: level.price * sign)


def native_limit(
    view: ListingView, side: Side, limit: Decimal, rate: Decimal, value: Callable[[Decimal], Decimal] | None = None
) -> Decimal:
    """A limit in reporting currency in the listing's quote, on its tick, never worse than given: exactly.

    `value` says what a native price is compared as; without it, the price after FX.
    """
    tick = view.listing.tick
    per_native = rate if value is None else value(ONE)
    native = rounding.limit_price(side, ratio(limit, per_native), tick)
    while ((native * rate if value is None else value(native)) - limit) * side.sign > 0:
        native -= tick * side.sign
    return native


def up_to_step(units: int, step: int) -> int:
    """The smallest multiple of `step` not below `units`."""
    return -(-units // step) * step


def _ceiling(value: Decimal) -> int:
    whole = int(value)
    return whole if whole == value else whole + 1
