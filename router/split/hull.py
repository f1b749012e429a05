"""The problem without lots: convex hulls of the cost curves, swept; and the dual bound that follows from its prices.

A listing costs nothing at zero and from its minimum on a convex curve plus what an order counts as. Its hull begins
with one segment from zero to the quantity of least average price, then follows the levels. The sweep over the hulls
gives a marginal price, and with it multipliers for what listings share and for the number of orders. Whatever these
are, the bound holds (weak duality):

    L = lambda Q + min(0, mu - lambda) Q + mu D - nu K - sum of gamma x room + sum over listings of the least of
        cost + (fixed + nu) x orders + gamma x drawn - lambda x quantity     (0 where nothing need be sent there)

Q is what whole lots of the listings that may be used can add up to, D the dust beyond it, which nothing fills.

Floats: they choose where to look. What is reported is the same formula in exact numbers (`proof`).
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, inf

from router.split.curve import Curve
from router.split.group import Draw, Group

_NU_STEPS = 16
_NU_STEPS_LATER = 5
_HUGE = 1e30
_SAME = 1e-13


@dataclass(frozen=True, slots=True)
class Box:
    """What has been decided: listing `rank` takes between `low` and `high` units; with low 0 also nothing."""

    low: tuple[int, ...]
    high: tuple[int, ...]

    def cut(self, rank: int, at: int, curve: Curve) -> "tuple[Box, Box]":
        """Both halves: no more than `at` units there, and at least a step more, which is at least its minimum."""
        low, high = list(self.low), list(self.high)
        high[rank] = at
        low[rank] = max(at + curve.step, curve.minimum)
        return Box(self.low, tuple(high)), Box(tuple(low), self.high)


@dataclass(frozen=True, slots=True)
class Solved:
    """One box's relaxation. `bound` is inf where nothing fits into it.

    `marginal` (lambda) and `order_price` (nu) and `shares` (gamma by group) are its multipliers, all per unit of what
    the search counts; `units` the relaxation's own answer; `full` and `part` the listings it uses past their hull's
    first segment and within it. `reduced`: by listing what using it (positive) or leaving it (negative) costs at least.
    """

    bound: float
    marginal: float
    order_price: float
    shares: tuple[float, ...]
    units: tuple[int, ...]
    full: frozenset[int]
    part: frozenset[int]
    reduced: tuple[float, ...]


class Relaxation:
    """All boxes of one problem."""

    def __init__(
        self,
        curves: Sequence[Curve],
        quantity: int,
        groups: Sequence[Group],
        children_max: int | None,
        rest_price: float,
    ) -> None:
        self.curves = curves
        self.quantity = quantity
        self.groups = groups
        self.children_max = children_max
        self.rest_price = rest_price
        self._hulls: dict[tuple[int, int, float], tuple[float, int] | None] = {}
        self._rooms = [float(group.room) for group in groups]
        self._least_weights = [
            {rank: _least_draw(group, rank, curves[rank]) for rank in group.weights} for group in groups
        ]
        for curve in curves:
            curve.reach(rest_price)

    def root(self) -> Box:
        """Nothing decided."""
        return Box(
            low=(0,) * len(self.curves),
            high=tuple(curve.reach_most() for curve in self.curves),
        )

    def solve(self, box: Box, order_price: float | None = None) -> Solved:
        """The bound of a box. `order_price`: where to begin looking for nu, None for a search from nothing."""
        fixed = sum(self.curves[rank].orders(low) for rank, low in enumerate(box.low) if low)
        if self.children_max is None:
            return self._at(box, 0.0)
        free = [rank for rank, low in enumerate(box.low) if not low and box.high[rank] >= self.curves[rank].minimum]
        if fixed > self.children_max:
            return self._impossible(box)
        if fixed == self.children_max and all(self.curves[rank].order_max is None for rank in range(len(box.low))):
            high = tuple(0 if rank in free else each for rank, each in enumerate(box.high))
            # No order is left for the others; the dust is still that of the box, which is what can be verified.
            solved = self._at(Box(box.low, high), 0.0, self._reachable(box))
            best = max(abs(curve.prices[0]) for curve in self.curves)
            dear = 2.0 * self.quantity * (abs(self.rest_price) + best) + 1.0
            return Solved(
                bound=solved.bound,
                marginal=solved.marginal,
                order_price=dear,
                shares=solved.shares,
                units=solved.units,
                full=solved.full,
                part=solved.part,
                reduced=solved.reduced,
            )
        slack = self._at(box, 0.0)
        if slack.bound == inf or self._orders(slack, box) <= self.children_max:
            return slack
        return self._priced(box, slack, order_price)

    def _priced(self, box: Box, slack: Solved, start: float | None) -> Solved:
        """The nu with the best bound: concave and made of straight pieces, so look where two of them cross."""
        assert self.children_max is not None
        dear = self.quantity * (self.rest_price - min(curve.prices[0] for curve in self.curves)) + 1.0
        best, below, above = slack, (slack, self._orders(slack, box) - self.children_max), None
        price = start if start is not None and 0.0 < start < dear else dear
        for _ in range(_NU_STEPS if start is None else _NU_STEPS_LATER):
            solved = self._at(box, price)
            slope = self._orders(solved, box) - self.children_max
            if solved.bound > best.bound:
                best = solved
            if slope == 0.0:
                break
            if slope > 0.0:
                below = solved, slope
            else:
                above = solved, slope
            if above is None:
                price = dear
                continue
            crossing = _crossing(below, above)
            if crossing is None or crossing[1] - best.bound <= _SAME * abs(best.bound):
                break
            price = crossing[0]
        return best

    def _orders(self, solved: Solved, box: Box) -> float:
        """How many orders the relaxation uses, a part of a first segment as that part."""
        count = 0.0
        for rank, units in enumerate(solved.units):
            if not units:
                continue
            curve = self.curves[rank]
            if box.low[rank]:
                count += curve.orders(units)
                continue
            hull = self._hull(rank, box.high[rank], solved.order_price)
            reach = hull[1] if hull is not None else units
            count += min(1.0, units / reach) if curve.order_max is None else max(1, units / curve.order_max)
        return count

    def _at(self, box: Box, order_price: float, reachable: int | None = None) -> Solved:
        """Sweep the hulls at this price of an order."""
        curves, units = self.curves, list(box.low)
        if reachable is None:
            reachable = self._reachable(box)
        left = reachable - sum(units)
        if left < 0:
            return self._impossible(box)
        rooms = [
            room - sum(float(group.drawn(rank, units[rank])) for rank in group.weights)
            for room, group in zip(self._rooms, self.groups, strict=True)
        ]
        if rooms and any(room < -1e-9 * abs(whole) for room, whole in zip(rooms, self._rooms, strict=True)):
            return self._impossible(box)
        heap: list[tuple[float, int, int]] = []
        for rank, low in enumerate(box.low):
            if low > box.high[rank]:
                return self._impossible(box)
            if low:
                self._push(heap, rank, low, box, order_price)
            else:
                hull = self._hull(rank, box.high[rank], order_price)
                if hull is not None and hull[0] < self.rest_price:
                    heap.append((hull[0], rank, hull[1]))
        heapq.heapify(heap)
        marginal, inside = self.rest_price, set()
        stopped: dict[int, tuple[float, int]] = {}
        while heap:
            slope, rank, until = heapq.heappop(heap)
            wanted = min(until - units[rank], left)
            given, stop = (wanted, None) if not rooms else self._room(rooms, rank, units[rank], wanted)
            first = not box.low[rank] and not units[rank]
            units[rank] += given
            left -= given
            if given < until - units[rank] + given and first:
                inside.add(rank)
            if left == 0:
                marginal = slope
                break
            if stop is not None:
                stopped.setdefault(stop, (slope, rank))
                continue
            self._push(heap, rank, units[rank], box, order_price)
        part = frozenset(rank for rank in inside if units[rank])
        full = frozenset(rank for rank, taken in enumerate(units) if taken) - part
        shares = self._shares(marginal, stopped)
        terms = [self._term(rank, box, marginal, order_price, shares) for rank in range(len(curves))]
        bound = marginal * reachable + min(0.0, self.rest_price - marginal) * reachable
        bound += self.rest_price * (self.quantity - reachable)
        bound -= order_price * (self.children_max or 0)
        bound -= sum(share * room for share, room in zip(shares, self._rooms, strict=True))
        bound += sum(term if box.low[rank] else min(0.0, term) for rank, term in enumerate(terms))
        return Solved(
            bound=bound,
            marginal=marginal,
            order_price=order_price,
            shares=shares,
            units=tuple(units),
            full=full,
            part=part,
            reduced=tuple(0.0 if box.low[rank] else term for rank, term in enumerate(terms)),
        )

    def _reachable(self, box: Box) -> int:
        """What whole lots of the listings that may be used can add up to."""
        steps = [curve.step for curve, high in zip(self.curves, box.high, strict=True) if high >= curve.minimum]
        return self.quantity - self.quantity % gcd(*steps) if steps else 0

    def _push(self, heap: list[tuple[float, int, int]], rank: int, units: int, box: Box, order_price: float) -> None:
        """The next segment of a listing that is in use."""
        curve, high = self.curves[rank], box.high[rank]
        if units >= high:
            return
        index = bisect_right(curve.cums, units)
        if index >= len(curve.cums):
            return
        slope, until = curve.prices[index], min(curve.cums[index], high)
        if curve.order_max is not None:
            paid = max(1, curve.orders(box.low[rank])) * curve.order_max
            if units >= paid:
                slope += (curve.fixed + order_price) / curve.order_max
            else:
                until = min(until, paid)
        if slope < self.rest_price:
            heapq.heappush(heap, (slope, rank, until))

    def _hull(self, rank: int, high: int, order_price: float) -> tuple[float, int] | None:
        """Slope and end of the segment from zero: the least average price, and the quantity that has it."""
        key = rank, high, order_price
        if key not in self._hulls:
            self._hulls[key] = self._first_segment(rank, high, order_price)
        return self._hulls[key]

    def _first_segment(self, rank: int, high: int, order_price: float) -> tuple[float, int] | None:
        curve = self.curves[rank]
        units = curve.minimum
        if high < units:
            return None
        charge = curve.fixed + order_price
        cost = curve.cost(units) + charge * (1 if curve.order_max is None else max(1.0, units / curve.order_max))
        index = bisect_right(curve.cums, units)
        while units < high and index < len(curve.cums):
            price, until = curve.prices[index], min(curve.cums[index], high)
            if curve.order_max is not None:
                if units >= curve.order_max:
                    price += charge / curve.order_max
                else:
                    until = min(until, curve.order_max)
            if price * units >= cost:
                break
            cost += price * (until - units)
            units = until
            index = bisect_right(curve.cums, units, index)
        return cost / units, units

    def _room(self, rooms: list[float], rank: int, have: int, wanted: int) -> tuple[int, int | None]:
        """As much of `wanted` as the groups leave room for, and the group that stops it."""
        stop = None
        drawn = [float(group.drawn(rank, have)) for group in self.groups]
        for at, group in enumerate(self.groups):
            more = float(group.drawn(rank, have + wanted)) - drawn[at]
            if more > 0.0 and more > rooms[at]:
                wanted, stop = max(0, int(wanted * max(0.0, rooms[at]) / more)), at
        for at, group in enumerate(self.groups):
            rooms[at] -= float(group.drawn(rank, have + wanted)) - drawn[at]
        return wanted, stop

    def _shares(self, marginal: float, stopped: dict[int, tuple[float, int]]) -> tuple[float, ...]:
        """What one more unit of room is worth: how far below the marginal price a full group stopped."""
        shares = [0.0] * len(self.groups)
        for at, (slope, rank) in sorted(stopped.items(), key=lambda item: (-item[1][0], item[0])):
            others = sum(share * self._least_weights[each].get(rank, 0.0) for each, share in enumerate(shares))
            weight = self._least_weights[at][rank]
            if weight > 0.0:
                shares[at] = max(0.0, (marginal - slope - others) / weight)
        return tuple(shares)

    def _term(self, rank: int, box: Box, marginal: float, order_price: float, shares: Sequence[float]) -> float:
        """The least of what a listing adds to the bound when it is used; inf where it cannot be."""
        curve = self.curves[rank]
        low, high = max(box.low[rank], curve.minimum), box.high[rank]
        if high < low:
            return inf
        share = 0.0
        for at, each in enumerate(shares):
            share += each * self._least_weights[at].get(rank, 0.0)
        gain, charge = marginal - share, curve.fixed + order_price
        units = self._reached(curve, gain)
        count = curve.orders(low)
        if curve.order_max is not None and units > count * curve.order_max:
            units = max(count * curve.order_max, self._reached(curve, gain - charge / curve.order_max))
        units = min(max(units, low), high)
        orders = float(count) if curve.order_max is None else max(count, units / curve.order_max)
        return curve.cost(units) + charge * orders - gain * units

    @staticmethod
    def _reached(curve: Curve, price: float) -> int:
        """Units of the levels better than `price`."""
        index = bisect_left(curve.prices, price)
        return curve.cums[index - 1] if index else 0

    def _impossible(self, box: Box) -> Solved:
        count = len(self.curves)
        return Solved(
            bound=inf,
            marginal=-_HUGE,
            order_price=_HUGE,
            shares=(_HUGE,) * len(self.groups),
            units=box.low,
            full=frozenset(),
            part=frozenset(),
            reduced=(0.0,) * count,
        )


def _crossing(below: tuple[Solved, float], above: tuple[Solved, float]) -> tuple[float, float] | None:
    """Where the straight pieces through two points of the bound meet: nu, and what the bound is there at most."""
    (low, rising), (high, falling) = below, above
    if rising <= falling:
        return None
    at = (high.bound - low.bound + rising * low.order_price - falling * high.order_price) / (rising - falling)
    if not low.order_price < at < high.order_price:
        return None
    return at, low.bound + rising * (at - low.order_price)


def _least_draw(group: Group, rank: int, curve: Curve) -> float:
    """What each unit draws at least: a price-weighted draw counts at the best price, which no unit is below."""
    weight = float(group.weights[rank])
    return weight if group.draw is Draw.UNITS else weight * float(curve.native_price(1))
