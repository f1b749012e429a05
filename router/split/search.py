"""Find integers: how many units at each curve, so that the whole costs least.

The fee- and FX-inclusive sweep is optimal as long as nothing is indivisible. Lots, minimums and the number of children
make it a choice of *sets*: so sweep, round down to lots, put what is left where the next lot is cheapest, exchange
lots while that pays; and when the result is not already as good as the sweep without any of these rules, try other sets
(one more listing, one fewer, one swapped) until none is better. Deterministic: no clock, no seed, ties by rank.
"""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, lcm

from router.split.curve import Curve

GOOD_ENOUGH_BPS = 0.001
"""A plan this close to the bound (the sweep without lots and minimums) is not searched further."""

_PASSES_MAX = 32
_EXCHANGES_MAX = 64
_TINY = 1e-12
"""An improvement below this share of the whole is float noise."""

Units = list[int]


class Group:
    """Curves that draw on one balance: sum of weight x units <= room."""

    __slots__ = ("room", "weights")

    def __init__(self, weights: dict[int, int], room: int) -> None:
        self.weights = weights
        self.room = room

    def used(self, units: Sequence[int]) -> int:
        """What `units` draw."""
        return sum(weight * units[rank] for rank, weight in self.weights.items())


class Search:
    """One problem: curves by rank and the quantity wanted. Before `solve` say what a unit unfilled costs."""

    def __init__(
        self,
        curves: Sequence[Curve],
        quantity: int,
        groups: Sequence[Group] = (),
        children_max: int | None = None,
        related: Iterable[frozenset[int]] = (),
    ) -> None:
        self._curves = curves
        self._quantity = quantity
        self._groups = groups
        self._children_max = len(curves) if children_max is None else children_max
        self._related = tuple(related)
        """Sets worth trying whatever the sweep says, such as all listings of one venue."""
        self._rest_price = inf
        self._noise = 0.0
        self._swept = self.spread([0] * len(curves), range(len(curves)))

    @property
    def marginal(self) -> float:
        """The signed all-in price of the worst level a plain sweep of the quantity needs."""
        worst = [
            curve.prices[bisect_left(curve.cums, taken)]
            for curve, taken in zip(self._curves, self._swept, strict=True)
            if taken
        ]
        return max(worst, default=min(curve.prices[0] for curve in self._curves))

    def price_rest(self, price: float) -> None:
        """A unit unfilled counts as `price` (signed): nothing dearer is taken."""
        dearest = self.marginal
        self._rest_price = price
        self._noise = _TINY * abs(price) * self._quantity
        if dearest >= price:
            self._swept = self.spread([0] * len(self._curves), range(len(self._curves)))

    def solve(self, hint: Callable[[], Units] | None = None) -> Units:
        """The best units found; `hint` makes a feasible plan to be beaten, asked for only when the search needs it."""
        bound = self.total(self._swept)
        units = self._dropped(self._swept, list(range(len(self._curves))))
        units = self._polish(units, sorted(_used(units)))
        slack = self.total(units) - bound
        if len(_used(units)) <= self._children_max and slack <= self._noise + GOOD_ENOUGH_BPS / 1e4 * abs(bound):
            return units
        return self._among_sets(units, hint() if hint is not None else units)

    def total(self, units: Sequence[int]) -> float:
        """Signed all-in cost, the rest at its price."""
        cost = sum(curve.cost(taken) for curve, taken in zip(self._curves, units, strict=True))
        return cost + (self._quantity - sum(units)) * self._rest_price

    def spread(self, start: Units, ranks: Iterable[int]) -> Units:
        """Sweep what `start` leaves over the merged ladder of `ranks`, levels divisible at will."""
        units = list(start)
        left = self._quantity - sum(units)
        rooms = [group.room - group.used(units) for group in self._groups]
        curves = self._curves
        heap = []
        for rank in ranks:
            index = curves[rank].at(units[rank])
            if index is not None and curves[rank].prices[index] < self._rest_price:
                heap.append((curves[rank].prices[index], rank, index))
        heapq.heapify(heap)
        while heap and left > 0:
            _, rank, index = heap[0]
            curve = curves[rank]
            take = curve.cums[index] - units[rank]
            wanted = min(take, left)
            given = self._within(rooms, rank, wanted) if rooms else wanted
            units[rank] += given
            left -= given
            index += 1
            if given < wanted or left == 0:
                heapq.heappop(heap)
            elif (index < len(curve.cums) or curve.extend()) and curve.prices[index] < self._rest_price:
                heapq.heapreplace(heap, (curve.prices[index], rank, index))
            else:
                heapq.heappop(heap)
        return units

    def sweep_only(self) -> Units:
        """The sweep in lots, what is under its minimum dropped, the rest used up; no search, no exchange."""
        nothing = [0] * len(self._curves)
        units = self._dropped(self._swept, list(range(len(nothing))))
        if len(_used(units)) > self._children_max:
            kept = sorted(self._reduced(_used(units), units))
            units = self._dropped(self.spread(nothing, kept), kept)
        self._top_up(units, sorted(_used(units)))
        return units

    def _dropped(self, swept: Units, active: list[int]) -> Units:
        """Round to lots and drop the least of those under their minimum, again and again."""
        units = swept
        while True:
            units = self._in_lots(units)
            short = [rank for rank in active if 0 < units[rank] < self._curves[rank].minimum]
            if not short:
                return units
            active.remove(min(short, key=lambda rank: (units[rank], rank)))
            units = self.spread([0] * len(units), active)

    def _fill(self, active: frozenset[int]) -> Units | None:
        """The best found that uses all of `active` and nothing else; None when their minimums do not fit."""
        units = [0] * len(self._curves)
        for rank in active:
            units[rank] = self._curves[rank].minimum
        if not active or sum(units) > self._quantity or not self._fits(units):
            return None
        ranks = sorted(active)
        return self._polish(self._in_lots(self.spread(units, ranks)), ranks)

    def _in_lots(self, units: Units) -> Units:
        return [taken - taken % curve.step for curve, taken in zip(self._curves, units, strict=True)]

    def _polish(self, units: Units, ranks: list[int]) -> Units:
        self._top_up(units, ranks)
        self._exchange(units, ranks)
        return units

    def _top_up(self, units: Units, ranks: list[int]) -> None:
        """Put what is left where the next lot is cheapest, lot by lot, or a level at once."""
        left = self._quantity - sum(units)
        curves = self._curves
        while True:
            best: tuple[float, int] | None = None
            for rank in ranks:
                curve, step = curves[rank], curves[rank].step
                if step <= left and curve.can(units[rank] + step) and self._fits_with(units, rank, step):
                    price = (curve.cost(units[rank] + step) - curve.cost(units[rank])) / step
                    if price < self._rest_price and (best is None or (price, rank) < best):
                        best = (price, rank)
            if best is None:
                return
            rank = best[1]
            curve, step = curves[rank], curves[rank].step
            index = curve.at(units[rank])
            assert index is not None
            lots = max(1, min(left, curve.cums[index] - units[rank]) // step)
            if not self._fits_with(units, rank, lots * step):
                lots = 1
            units[rank] += lots * step
            left -= lots * step

    def _exchange(self, units: Units, ranks: list[int]) -> None:
        """Move lots between two listings, or a listing and the rest, as long as that makes the whole cheaper."""
        for _ in range(_EXCHANGES_MAX):
            best = min(self._moves(units, ranks), default=None)
            if best is None or best[0] >= -self._noise:
                return
            _, taker, more, giver, less = best
            units[giver] -= less
            units[taker] += more

    def _moves(self, units: Units, ranks: list[int]) -> Iterator[tuple[float, int, int, int, int]]:
        """(change of cost, taker, units more, giver, units less) of every exchange worth a look."""
        left = self._quantity - sum(units)
        for giver in ranks:
            source = self._curves[giver]
            for taker in ranks:
                if taker == giver:
                    continue
                step = self._curves[taker].step
                one_lot = _up_by(step - left, source.step)
                offers = {(step, one_lot), ((left + source.step) // step * step, source.step)}
                common = lcm(step, source.step)
                offers.add((common, common))
                for more, less in sorted(offers):
                    if more > 0 and units[giver] - less >= source.minimum:
                        change = self._change(units, taker, more, giver, less)
                        if change is not None:
                            yield change, taker, more, giver, less

    def _change(self, units: Units, taker: int, more: int, giver: int, less: int) -> float | None:
        curve, source = self._curves[taker], self._curves[giver]
        if not curve.can(units[taker] + more):
            return None
        if self._groups:
            moved = list(units)
            moved[taker] += more
            moved[giver] -= less
            if not self._fits(moved):
                return None
        gained = curve.cost(units[taker] + more) - curve.cost(units[taker])
        saved = source.cost(units[giver]) - source.cost(units[giver] - less)
        return gained - saved + (less - more) * self._rest_price

    def _among_sets(self, first: Units, hint: Units) -> Units:
        """Local search over which listings are used at all."""
        count = len(self._curves)
        allowed = [plan for plan in (first, hint) if len(_used(plan)) <= self._children_max]
        best = min(((self.total(plan), plan) for plan in [*allowed, [0] * count]), key=lambda found: found[0])
        singles = (frozenset({rank}) for rank in range(count))
        starts = [self._reduced(start, first) for start in (_used(first), _used(hint), *singles, *self._related)]
        tried: set[frozenset[int]] = set()
        best = self._better(best, starts, tried)
        for _ in range(_PASSES_MAX):
            found = self._better(best, _neighbours(_used(best[1]), count), tried)
            if found is best:
                break
            best = found
        return best[1]

    def _better(
        self, best: tuple[float, Units], candidates: Iterable[frozenset[int]], tried: set[frozenset[int]]
    ) -> tuple[float, Units]:
        """The best of `best` and every candidate set not tried before; `best` itself when none beats it."""
        for active in candidates:
            if active in tried or len(active) > self._children_max:
                continue
            tried.add(active)
            units = self._fill(active)
            if units is not None and self.total(units) < best[0] - self._noise:
                best = (self.total(units), units)
        return best

    def _reduced(self, active: frozenset[int], units: Units) -> frozenset[int]:
        """The largest of them, where there are more than children allowed."""
        if len(active) <= self._children_max:
            return active
        ranked = sorted(active, key=lambda rank: (-units[rank], rank))
        return frozenset(ranked[: self._children_max])

    def _fits(self, units: Sequence[int]) -> bool:
        return all(group.used(units) <= group.room for group in self._groups)

    def _fits_with(self, units: Units, rank: int, more: int) -> bool:
        return all(group.used(units) + group.weights.get(rank, 0) * more <= group.room for group in self._groups)

    def _within(self, rooms: list[int], rank: int, wanted: int) -> int:
        """As much of `wanted` as the balances leave room for; takes it from them."""
        for group, room in zip(self._groups, rooms, strict=True):
            weight = group.weights.get(rank, 0)
            if weight:
                wanted = min(wanted, room // weight)
        for at, group in enumerate(self._groups):
            rooms[at] -= group.weights.get(rank, 0) * wanted
        return wanted


def _up_by(needed: int, step: int) -> int:
    """The fewest whole steps that make `needed`, none when nothing is."""
    return -(-needed // step) * step if needed > 0 else 0


def _used(units: Sequence[int]) -> frozenset[int]:
    return frozenset(rank for rank, taken in enumerate(units) if taken > 0)


def _neighbours(current: frozenset[int], count: int) -> Iterator[frozenset[int]]:
    """One listing fewer, one more, one for another."""
    outside = sorted(frozenset(range(count)) - current)
    for rank in sorted(current):
        yield current - {rank}
    for rank in outside:
        yield current | {rank}
    for rank in sorted(current):
        for other in outside:
            yield (current - {rank}) | {other}
