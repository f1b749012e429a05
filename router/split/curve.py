"""One listing inside one split: cumulative size and cost of its levels, ended where something forbids more.

Sizes are integers of the split's unit, so sums are exact and a plan is the same on every machine. Prices in here are
signed so that smaller is better on both sides (a sell's proceeds are negative) and are floats: they order the search,
they are never reported. Levels are converted as the search reaches them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from copy import copy
from decimal import Decimal
from enum import StrEnum
from math import inf

from router.book.effective import all_in_here, spend_factor
from router.model import rounding
from router.model.instruments import Listing
from router.model.market import Level, ListingView
from router.model.money import ONE, ZERO, ratio
from router.model.side import Side
from router.split.evaluate import levels_for
from router.split.plan import Reserve

_CHUNK = 8
_NEARLY = 1.0 - 1e-9
"""A float this far inside a budget needs no exact look."""


_FINE = Decimal("1E-12")


class End(StrEnum):
    """Why a listing cannot take more than its curve shows."""

    ENOUGH = "enough"
    DEPTH = "no depth"
    LIMIT = "beyond limit"
    COLLAR = "beyond collar"
    BALANCE = "balance"
    MAX_QUANTITY = "maximum order quantity"
    CHILD_NOTIONAL = "child notional limit"


class Terms:
    """What all curves of one split share. `scale` is units per unit of base."""

    __slots__ = ("child_notional_max", "limit_price", "quantity", "reserve", "scale", "side")

    def __init__(
        self,
        *,
        side: Side,
        scale: Decimal,
        quantity: int,
        limit_price: Decimal | None,
        reserve: Reserve,
        child_notional_max: Decimal | None,
    ) -> None:
        self.side = side
        self.scale = scale
        self.quantity = quantity
        self.limit_price = limit_price
        self.reserve = reserve
        self.child_notional_max = child_notional_max


class Curve:
    """Cost against quantity at one listing. `cums[i]`, `costs[i]`: units and signed cost up to and with level i."""

    __slots__ = (
        "_budget",
        "_factor",
        "_levels",
        "_next",
        "_order_value",
        "_purse",
        "_size",
        "_terms",
        "_top_units",
        "_top_why",
        "_within",
        "_within_why",
        "costs",
        "cums",
        "end",
        "minimum",
        "prices",
        "rate",
        "spendable",
        "step",
        "view",
    )

    def __init__(
        self,
        view: ListingView,
        rate: Decimal,
        terms: Terms,
        spendable: Decimal | None,
        collar_price: Decimal | None,
    ) -> None:
        listing, side, scale = view.listing, terms.side, terms.scale
        self.view = view
        self.rate = rate
        self.spendable = spendable
        self.prices: list[float] = []
        self.cums: list[int] = []
        self.costs: list[float] = []
        self.end: End | None = None
        self._terms = terms
        self._levels: tuple[Level, ...] = levels_for(view, side)
        self._factor = side.sign * float(all_in_here(listing, side, Decimal(1), rate))
        within_limit = _within(self._levels, side, native_limit(view, side, terms.limit_price, rate))
        within_collar = _within(self._levels, side, native_limit(view, side, collar_price, rate))
        self._within = min(within_limit, within_collar)
        self._within_why = End.COLLAR if within_collar < within_limit else End.LIMIT
        self._next = 0
        self._size = ZERO
        self.step = int(listing.step * scale)
        self._top_units, self._top_why = self._most(spendable)
        self._budget = _budget(listing, terms, spendable)
        child_max = terms.child_notional_max
        self._order_value = ratio(child_max * scale, rate) if child_max is not None else None
        limits = [float(bound) * _NEARLY for bound in (self._budget, self._order_value) if bound is not None]
        self._purse = min(limits, default=inf) if side is Side.BUY else inf if self._order_value is None else 0.0
        """Levels at which price x units stays below this cannot touch a balance or an order limit."""
        self.minimum = 0

    def set_minimum(self) -> bool:
        """Find the least this listing takes; False when it cannot take that much."""
        listing, scale = self.view.listing, self._terms.scale
        minimum = up_to_step(int(rounding.up(listing.min_quantity * scale, ONE)), self.step)
        minimum = max(self.step, minimum)
        if listing.min_notional > 0 and self._levels:
            minimum = max(minimum, self._for_notional(listing.min_notional * scale))
        self.minimum = minimum
        return self.can(minimum)

    def blind(self) -> "Curve":
        """The same curve, ended where this one ends, its prices without the fee."""
        while self.extend():
            pass
        raw = self._terms.side.sign * float(self.rate) / self._factor  # both signed: the sign stays
        twin = copy(self)
        twin.prices = [price * raw for price in self.prices]
        twin.costs = [cost * raw for cost in self.costs]
        return twin

    def deepest_price(self) -> Decimal:
        """In quote, of the last level the whole curve can reach, or one further."""
        while self.extend():
            pass
        return self._levels[max(0, self._next - 1)].price

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
        """Signed all-in cost of `units`, which must be there."""
        if units <= 0:
            return 0.0
        index = bisect_left(self.cums, units)
        return self.costs[index] - (self.cums[index] - units) * self.prices[index]

    def extend(self) -> bool:
        """Convert some more levels; False when the curve has ended and none was added."""
        had = len(self.cums)
        while self.end is None and len(self.cums) == had:
            self._convert()
        return len(self.cums) > had

    def _convert(self) -> None:
        """The next few levels. Those that no bound can touch go the short way."""
        prices, cums, costs = self.prices, self.cums, self.costs
        scale, factor = self._terms.scale, self._factor
        before, cost = (cums[-1], costs[-1]) if cums else (0, 0.0)
        for price, size in self._levels[self._next : min(self._next + _CHUNK, self._within)]:
            self._next += 1
            native = float(price)
            value = native * factor
            self._size += size
            units = int(self._size * scale)
            if units > self._top_units or native * units > self._purse:
                units = self._bounded(price, size, before, units)
            if units > before:
                cost += (units - before) * value
                before = units
                prices.append(value)
                cums.append(units)
                costs.append(cost)
            if self.end is not None:
                return
        if self._next == self._within:
            self.end = End.DEPTH if self._next == len(self._levels) else self._within_why

    def _bounded(self, price: Decimal, size: Decimal, before: int, units: int) -> int:
        """How many units may be taken up to this level; ends the curve when that is fewer than there are."""
        bounds = [(units, None), (self._top_units, self._top_why)]
        if self._budget is not None:
            bounds.append((self._affordable(self._budget, price, size), End.BALANCE))
        if self._order_value is not None:
            valued_at = price if self._terms.side is Side.BUY else self._levels[0].price
            bounds.append((int(ratio(self._order_value, valued_at)), End.CHILD_NOTIONAL))
        most, self.end = min(bounds, key=lambda bound: bound[0])
        return max(before, most)

    def _affordable(self, budget: Decimal, price: Decimal, size: Decimal) -> int:
        """Units the balance pays for: all at this level's price, or each level at its own."""
        if self._terms.reserve is Reserve.WORST:
            return int(ratio(budget, price))
        walked = sum((level.price * level.size for level in self._levels[: self._next - 1]), ZERO)
        scale = self._terms.scale
        return int((self._size - size) * scale) + int(ratio(budget - walked * scale, price))

    def _most(self, spendable: Decimal | None) -> tuple[int, End]:
        """The caps that no price moves: the parent, the venue's largest order, a sell's balance."""
        listing, terms = self.view.listing, self._terms
        most, why = terms.quantity, End.ENOUGH
        if listing.max_quantity is not None and int(listing.max_quantity * terms.scale) < most:
            most, why = int(listing.max_quantity * terms.scale), End.MAX_QUANTITY
        if terms.side is Side.SELL and spendable is not None:
            sellable = int(ratio(spendable * terms.scale, spend_factor(listing, terms.side)))
            if sellable < most:
                most, why = sellable, End.BALANCE
        return most, why

    def _for_notional(self, notional: Decimal) -> int:
        """Fewest units from which on every child is worth `notional` (quote x units) at the price it is judged by.

        A buy is judged at the best ask, which its limit price cannot be below; a sell at its limit price, which falls
        with every level: a quantity just past a level's edge can be worth less than one just before it.
        """
        if self._terms.side is Side.BUY:
            return up_to_step(_ceiling(ratio(notional, self._levels[0].price)), self.step)
        least, edge, size = self.step, 0, ZERO
        enough_anywhere = _ceiling(ratio(notional, self._levels[-1].price))
        for level in self._levels:
            if edge >= enough_anywhere:
                break
            needed = _ceiling(ratio(notional, level.price))
            size += level.size
            next_edge = int(size * self._terms.scale)
            too_little = min(next_edge, needed - 1) // self.step * self.step
            if too_little > edge:
                least = max(least, too_little + self.step)
            edge = next_edge
        return least


def _within(levels: Sequence[Level], side: Side, limit: Decimal | None) -> int:
    """How many levels are no worse than `limit`."""
    if limit is None:
        return len(levels)
    sign = side.sign
    return bisect_right(levels, limit * sign, key=lambda level: level.price * sign)


def native_limit(view: ListingView, side: Side, limit_price: Decimal | None, rate: Decimal) -> Decimal | None:
    """The parent's limit in the listing's quote, on its tick, never worse than given: exactly, not to 60 digits."""
    if limit_price is None:
        return None
    tick = view.listing.tick
    native = rounding.limit_price(side, ratio(limit_price, rate), tick)
    while (native * rate - limit_price) * side.sign > 0:
        native -= tick * side.sign
    return native


def _budget(listing: Listing, terms: Terms, spendable: Decimal | None) -> Decimal | None:
    """How far a buy's balance goes, in quote x units, its fee set aside; None where no quote balance binds."""
    if terms.side is Side.SELL or spendable is None:
        return None
    return rounding.down(ratio(spendable * terms.scale, spend_factor(listing, terms.side)), _FINE)


def up_to_step(units: int, step: int) -> int:
    """The smallest multiple of `step` not below `units`."""
    return -(-units // step) * step


def _ceiling(value: Decimal) -> int:
    whole = int(value)
    return whole if whole == value else whole + 1
