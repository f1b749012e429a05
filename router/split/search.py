"""Find integers: how many units at each curve, so that the whole costs least.

The fee- and FX-inclusive sweep is optimal as long as nothing is indivisible. Lots, minimums, what an order costs and
how many there may be make it a choice of *sets*: so sweep, round down to lots, put what is left where the next lot is
cheapest, exchange lots while that pays. When the result is not already as good as the sweep without any of these rules,
a tighter bound says which listings must be used and which cannot pay, and other sets are tried (one listing more, one
fewer, one swapped) until none is better. Deterministic: no clock, no seed, ties by rank.
"""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import inf, lcm

from router.split.curve import Curve
from router.split.group import Group
from router.split.hull import Relaxation, Solved

GOOD_ENOUGH_BPS = 0.001
"""A plan this close to the bound is not searched further."""

_PASSES_MAX = 32
_EXCHANGES_MAX = 64
_TINY = 1e-12
"""An improvement below this share of the whole is float noise."""

Units = list[int]


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
        self.curves = curves
        self.quantity = quantity
        self.groups = groups
        self.children_max = children_max
        self.rest_price = inf
        self.noise = 0.0
        self._related = tuple(related)
        """Sets worth trying whatever the sweep says, such as all listings of one venue."""
        self._tried: set[frozenset[int]] = set()
        self._hull: tuple[Relaxation, Solved] | None = None
        self.swept = self.spread([0] * len(curves), range(len(curves)))

    @property
    def marginal(self) -> tuple[int, int]:
        """Rank and level of the dearest one a plain sweep of the quantity needs."""
        worst = [
            (curve.prices[at], -rank, at)
            for rank, (curve, taken) in enumerate(zip(self.curves, self.swept, strict=True))
            if taken
            for at in (bisect_left(curve.cums, taken),)
        ]
        if worst:
            _, rank, at = max(worst)
            return -rank, at
        return min(range(len(self.curves)), key=lambda rank: (self.curves[rank].prices[0], rank)), 0

    def price_rest(self, price: float, marginal: tuple[int, int] | None = None) -> None:
        """A unit unfilled counts as `price` (signed): nothing dearer is taken. `marginal` by whoever has read it."""
        rank, at = marginal or self.marginal
        self.rest_price = price
        self.noise = _TINY * abs(price) * self.quantity
        if self.curves[rank].prices[at] >= price:
            self.swept = self.spread([0] * len(self.curves), range(len(self.curves)))

    def solve(self, hint: Callable[[], Units] | None = None) -> Units:
        """The best units found; `hint` makes a feasible plan to be beaten, asked for only when the search needs it."""
        bound = self._divisible()
        enough = self.noise + GOOD_ENOUGH_BPS / 1e4 * abs(bound)
        ranks = list(range(len(self.curves)))
        units = self._dropped(self.swept, ranks)
        used = [rank for rank in ranks if units[rank]]
        self._top_up(units, used)
        if self._counted(units) and self.total(units) - bound <= enough and not self._leaves_dust(units):
            return units
        self._exchange(units, used)
        if self._leaves_dust(units):
            enough = self.noise
        cost, counted = self.total(units), self._counted(units)
        if counted and cost - bound <= enough:
            return units
        _, solved = self.hull()
        if counted and cost - solved.bound <= enough:
            return units
        return self._among_sets(units, hint, solved, enough)

    def hull(self) -> tuple[Relaxation, Solved]:
        """The relaxation without lots, and its answer where nothing has been decided."""
        if self._hull is None:
            relaxation = Relaxation(self.curves, self.quantity, self.groups, self.children_max, self.rest_price)
            solved = relaxation.solve(relaxation.root())
            self._hull = relaxation, solved
        return self._hull

    def _leaves_dust(self, units: Sequence[int]) -> bool:
        """Is what is left too little for any listing, but no less than a lot? No later round could send it."""
        rest = self.quantity - sum(units)
        return min(curve.step for curve in self.curves) <= rest < min(curve.minimum for curve in self.curves)

    def _divisible(self) -> float:
        """What the sweep would come to if nothing were indivisible and orders cost nothing: no plan is cheaper."""
        cost = sum(curve.cost(taken) for curve, taken in zip(self.curves, self.swept, strict=True) if taken)
        return cost + (self.quantity - sum(self.swept)) * self.rest_price

    def open_gap(self, units: Sequence[int]) -> float | None:
        """Basis points between a plan and the bound; None where the bound was not needed to see that it is near."""
        if self._hull is None:
            return None
        cost = self.total(units)
        return (cost - self._hull[1].bound) * 1e4 / abs(cost) if cost else None

    def total(self, units: Sequence[int]) -> float:
        """Signed all-in cost with what orders count as, the rest at its price."""
        cost = 0.0
        for curve, taken in zip(self.curves, units, strict=True):
            if taken:
                cost += curve.full(taken)
        return cost + (self.quantity - sum(units)) * self.rest_price

    def spread(self, start: Units, ranks: Iterable[int]) -> Units:
        """Sweep what `start` leaves over the merged ladder of `ranks`, levels divisible at will."""
        units = list(start)
        left = self.quantity - sum(units)
        rooms = [group.room - group.used(units) for group in self.groups]
        curves, rest_price = self.curves, self.rest_price
        heap = []
        for rank in ranks:
            index = curves[rank].at(units[rank])
            if index is not None and curves[rank].prices[index] < rest_price:
                heap.append((curves[rank].prices[index], rank, index))
        heapq.heapify(heap)
        while heap and left > 0:
            _, rank, index = heap[0]
            curve = curves[rank]
            wanted = curve.cums[index] - units[rank]
            wanted = min(wanted, left)
            given = self._within(rooms, rank, units[rank], wanted) if rooms else wanted
            units[rank] += given
            left -= given
            index += 1
            if given < wanted or left == 0:
                heapq.heappop(heap)
            elif (index < len(curve.cums) or curve.extend()) and curve.prices[index] < rest_price:
                heapq.heapreplace(heap, (curve.prices[index], rank, index))
            else:
                heapq.heappop(heap)
        return units

    def sweep_only(self) -> Units:
        """The sweep in lots, what is under its minimum dropped, the rest used up; no search, no exchange."""
        nothing = [0] * len(self.curves)
        units = self._dropped(self.swept, list(range(len(nothing))))
        if not self._counted(units):
            kept = sorted(self._reduced(_used(units), units))
            units = self._dropped(self.spread(nothing, kept), kept)
        self._top_up(units, sorted(_used(units)))
        return units

    def repaired(self, units: Sequence[int]) -> Units | None:
        """A plan near these units, on the lattice and within every rule; None where there is none."""
        near = self._in_lots(units)
        ranks = [rank for rank, taken in enumerate(near) if taken]
        for rank in ranks:
            near[rank] = max(near[rank], self.curves[rank].minimum)
        if not ranks or sum(near) > self.quantity or not self._fits(near) or not self._counted(near):
            return None
        self._top_up(near, ranks)
        self._exchange(near, ranks)
        return near

    def within_rules(self, units: Units) -> Units:
        """These units, cut where groups and the number of orders say so, and what is left put where it is cheapest."""
        kept = [0] * len(units)
        for rank, wanted in enumerate(units):
            grown = wanted
            while grown >= self.curves[rank].minimum and not self.may_grow(kept, rank, grown):
                grown = grown // 2 - grown // 2 % self.curves[rank].step
            if grown >= self.curves[rank].minimum and self._counted_with(kept, rank, grown):
                kept[rank] = grown
        self._top_up(kept, sorted(_used(kept)))
        return kept

    def taking(self, units: Units, rank: int) -> Units:
        """These units and all that one more listing can take of what is left."""
        swept = self.spread(units, [rank])
        grown = swept[rank] - swept[rank] % self.curves[rank].step
        if grown < self.curves[rank].minimum or not self._counted_with(units, rank, grown):
            return units
        return [*units[:rank], grown, *units[rank + 1 :]]

    def _counted_with(self, units: Units, rank: int, taken: int) -> bool:
        return self._counted([*units[:rank], taken, *units[rank + 1 :]])

    def filled(self, active: frozenset[int]) -> Units | None:
        """The best found that uses these listings, unless that was tried before or cannot be."""
        if active in self._tried:
            return None
        self._tried.add(active)
        return self._fill(active)

    def _dropped(self, swept: Units, active: list[int]) -> Units:
        """Round to lots and drop the least of those under their minimum, again and again."""
        units = swept
        while True:
            units = self._in_lots(units)
            short = [rank for rank in active if 0 < units[rank] < self.curves[rank].minimum]
            if not short:
                return units
            active.remove(min(short, key=lambda rank: (units[rank], rank)))
            units = self.spread([0] * len(units), active)

    def _fill(self, active: frozenset[int]) -> Units | None:
        """The best found that uses all of `active` and nothing else; None when their minimums do not fit."""
        units = [0] * len(self.curves)
        for rank in active:
            units[rank] = self.curves[rank].minimum
        if not active or sum(units) > self.quantity or not self._fits(units):
            return None
        ranks = sorted(active)
        units = self._in_lots(self.spread(units, ranks))
        while not self._counted(units):
            several = [rank for rank in ranks if self.curves[rank].orders(units[rank]) > 1]
            if not several:
                return None
            rank = min(several, key=lambda each: (self._over_orders(units, each), each))
            units[rank] -= self._over_orders(units, rank)
        self._top_up(units, ranks)
        self._exchange(units, ranks)
        return units

    def _over_orders(self, units: Units, rank: int) -> int:
        """What goes with its last order."""
        curve = self.curves[rank]
        assert curve.order_max is not None
        return units[rank] - (curve.orders(units[rank]) - 1) * curve.order_max

    def _in_lots(self, units: Sequence[int]) -> Units:
        return [taken - taken % curve.step for curve, taken in zip(self.curves, units, strict=True)]

    def _top_up(self, units: Units, ranks: list[int]) -> None:
        """Put what is left where the next lot is cheapest, lot by lot, or a level at once."""
        left = self.quantity - sum(units)
        curves = self.curves
        while left > 0:
            best: tuple[float, int] | None = None
            for rank in ranks:
                curve, step = curves[rank], curves[rank].step
                if step <= left and curve.can(units[rank] + step) and self.may_grow(units, rank, step):
                    price = (curve.full(units[rank] + step) - curve.full(units[rank])) / step
                    if price < self.rest_price and (best is None or (price, rank) < best):
                        best = (price, rank)
            if best is None:
                return
            rank = best[1]
            curve, step = curves[rank], curves[rank].step
            index = curve.at(units[rank])
            assert index is not None
            lots = max(1, min(left, curve.cums[index] - units[rank]) // step)
            if curve.order_max is not None:
                lots = 1
            elif self.groups:
                lots = max(1, self._fitting(units, rank, lots * step) // step)
            units[rank] += lots * step
            left -= lots * step

    def _exchange(self, units: Units, ranks: list[int]) -> None:
        """Move lots between two listings, or a listing and the rest, as long as that makes the whole cheaper."""
        for _ in range(_EXCHANGES_MAX):
            best = min(self._moves(units, ranks), default=None)
            if best is None or best[0] >= -self.noise:
                return
            _, taker, more, giver, less = best
            units[giver] -= less
            units[taker] += more

    def _moves(self, units: Units, ranks: list[int]) -> Iterator[tuple[float, int, int, int, int]]:
        """(change of cost, taker, units more, giver, units less) of every exchange worth a look."""
        left = self.quantity - sum(units)
        costs = {rank: self.curves[rank].full(units[rank]) for rank in ranks}
        for giver in ranks:
            source = self.curves[giver]
            spare = units[giver] - source.minimum
            if spare <= 0:
                continue
            for taker in ranks:
                if taker == giver:
                    continue
                step = self.curves[taker].step
                one_lot = _up_by(step - left, source.step)
                offers = {(step, one_lot), ((left + source.step) // step * step, source.step)}
                common = lcm(step, source.step)
                offers.add((common, common))
                for more, less in offers:
                    if more > 0 and less <= spare:
                        change = self._change(units, costs, taker, more, giver, less)
                        if change is not None:
                            yield change, taker, more, giver, less

    def _change(
        self, units: Units, costs: Mapping[int, float], taker: int, more: int, giver: int, less: int
    ) -> float | None:
        """What the exchange adds to the cost; `costs` of what each has now. None where it cannot be."""
        curve, source = self.curves[taker], self.curves[giver]
        if (not curve.cums or curve.cums[-1] < units[taker] + more) and not curve.can(units[taker] + more):
            return None
        if self.groups or curve.order_max is not None:
            moved = list(units)
            moved[taker] += more
            moved[giver] -= less
            if not self._fits(moved) or not self._counted(moved):
                return None
        gained = curve.full(units[taker] + more) - costs[taker]
        saved = costs[giver] - source.full(units[giver] - less)
        return gained - saved + (less - more) * self.rest_price

    def _among_sets(self, first: Units, hint: Callable[[], Units] | None, solved: Solved, enough: float) -> Units:
        """Local search over which listings are used at all."""
        allowed = [plan for plan in (first, [0] * len(self.curves)) if self._counted(plan)]
        best = min(((self.total(plan), plan) for plan in allowed), key=lambda found: found[0])
        starts = [self._reduced(start, first) for start in (*_hinted(solved), _used(first))]
        best = self._better(best, starts, solved, enough)
        if hint is not None and best[0] - solved.bound > enough:
            hinted = hint()
            if self._counted(hinted):
                best = min(best, (self.total(hinted), hinted), key=lambda found: found[0])
            starts = [self._reduced(_used(hinted), hinted), *self._related]
            starts += [frozenset({rank}) for rank in range(len(self.curves))]
            best = self._better(best, starts, solved, enough)
        for _ in range(_PASSES_MAX):
            found = self._better(best, _neighbours(_used(best[1]), len(self.curves)), solved, enough)
            if found is best:
                break
            best = found
        return best[1]

    def _better(
        self, best: tuple[float, Units], candidates: Iterable[frozenset[int]], solved: Solved, enough: float
    ) -> tuple[float, Units]:
        """The best of `best` and every candidate set not tried before; `best` itself when none beats it.

        A set is passed over when the bound with it, or without what it leaves out, is no better than `best`.
        """
        for active in candidates:
            gap = best[0] - solved.bound
            if gap <= enough:
                break
            if len(active) > self._children_most() or not _can_pay(active, solved, gap - self.noise):
                continue
            units = self.filled(active)
            if units is not None:
                total = self.total(units)
                if total < best[0] - self.noise:
                    best = (total, units)
        return best

    def _children_most(self) -> int:
        return len(self.curves) if self.children_max is None else self.children_max

    def _reduced(self, active: frozenset[int], units: Units) -> frozenset[int]:
        """The largest of them, where there are more than children allowed."""
        if len(active) <= self._children_most():
            return active
        ranked = sorted(active, key=lambda rank: (-units[rank], rank))
        return frozenset(ranked[: self._children_most()])

    def _counted(self, units: Sequence[int]) -> bool:
        """Are there no more orders than allowed?"""
        if self.children_max is None:
            return True
        orders = sum(curve.orders(taken) for curve, taken in zip(self.curves, units, strict=True) if taken)
        return orders <= self.children_max

    def fits_more(self, units: Sequence[int], rank: int, more: int) -> bool:
        """Is there room for so many units more in all that this listing shares?"""
        return self._fits([*units[:rank], units[rank] + more, *units[rank + 1 :]])

    def _fits(self, units: Sequence[int]) -> bool:
        return all(group.used(units) <= group.room for group in self.groups)

    def may_grow(self, units: Units, rank: int, more: int) -> bool:
        """Do balances, caps and the number of orders allow so many units more?"""
        several = self.children_max is not None and self.curves[rank].order_max is not None
        if not self.groups and not several:
            return True
        grown = list(units)
        grown[rank] += more
        return self._fits(grown) and self._counted(grown)

    def _fitting(self, units: Units, rank: int, wanted: int) -> int:
        """As much of `wanted` more as the groups leave room for."""
        for group in self.groups:
            if rank in group.weights:
                wanted = group.most_more(rank, units[rank], wanted, group.room - group.used(units))
        return wanted

    def _within(self, rooms: list[Decimal], rank: int, have: int, wanted: int) -> int:
        """As much of `wanted` as the groups leave room for; takes it from them."""
        for group, room in zip(self.groups, rooms, strict=True):
            wanted = group.most_more(rank, have, wanted, room)
        for at, group in enumerate(self.groups):
            rooms[at] -= group.drawn(rank, have + wanted) - group.drawn(rank, have)
        return wanted


def _can_pay(active: frozenset[int], solved: Solved, gap: float) -> bool:
    """Could this set beat a plan that is `gap` above the bound? What each decision costs at least adds up."""
    extra = 0.0
    for rank, cost in enumerate(solved.reduced):
        if cost > 0.0:
            extra += cost if rank in active else 0.0
        elif rank not in active:
            extra -= cost
    return extra < gap


def _hinted(solved: Solved) -> Iterator[frozenset[int]]:
    """The sets the relaxation suggests: what it uses in full, with and without what it uses in part."""
    full, part = solved.full, solved.part
    yield full | part
    yield full
    for rank in sorted(part):
        yield full | {rank}
    for rank in sorted(full):
        yield (full | part) - {rank}


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
