"""Prove a plan: branch and bound from the same request, and the bound in exact numbers.

The order does not wait for this. It runs from the stored view and gives the same answer whenever it is run.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd, inf

from router.book.consolidated import top
from router.model import rounding
from router.model.money import ONE, ZERO, bps_of, exactly, ratio
from router.model.side import Side
from router.split.branch import Node, Tree, explored
from router.split.certificate import Certificate, Cut, Duals, Leaf, Proof, Status
from router.split.curve import Curve
from router.split.evaluate import objective, order_cost, priced
from router.split.group import Draw
from router.split.hull import Box
from router.split.plan import Plan, SplitRequest
from router.split.split import Splitter

TOLERANCE_BPS = Decimal("0.01")
NODES_MAX = 150
NODES_MAX_SMALL = 2_000
"""For a parent of fewer than a hundred of the coarsest steps, where lots matter most."""
_SMALL_STEPS = 100
_SAME_BPS = Decimal("0.000001")
_DIGITS = 15
PLACES = Decimal("1E-24")


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """How far to go. `nodes_max` None: by the parent's size."""

    tolerance_bps: Decimal = TOLERANCE_BPS
    nodes_max: int | None = None


PRODUCTION = Effort()


def prove(request: SplitRequest, effort: Effort = PRODUCTION) -> Proof:
    """The plan `split` makes of `request`, and how far it can be from the best there is."""
    with exactly():
        splitter = Splitter(request)
        plan = splitter.plan()
        if not splitter.curves or plan.residual_price is None:
            return Proof(plan=plan, certificate=None, better=None, better_bps=None)
        return _Prover(splitter, plan, effort).proof()


class _Prover:
    def __init__(self, splitter: Splitter, plan: Plan, effort: Effort) -> None:
        assert plan.residual_price is not None
        self._splitter = splitter
        self._plan = plan
        self._effort = effort
        self._residual_price = plan.residual_price
        self._exact = _Exact(splitter, plan.residual_price)
        self._notional = notional(splitter)

    def proof(self) -> Proof:
        plan, request = self._plan, self._splitter.request
        tree = self._explored()
        found = self._splitter.planned(tree.units)
        upper = objective(request, plan, self._residual_price)
        better = upper - objective(request, found, self._residual_price)
        return Proof(
            plan=plan,
            certificate=self._certificate(plan, upper, tree),
            better=found if better > 0 else None,
            better_bps=bps_of(better, self._notional) if better > 0 else None,
        )

    def _explored(self) -> Tree:
        splitter = self._splitter
        coarsest = max(curve.step for curve in splitter.curves)
        nodes_max = self._effort.nodes_max
        if nodes_max is None:
            nodes_max = NODES_MAX_SMALL if splitter.quantity < _SMALL_STEPS * coarsest else NODES_MAX
        tolerance = float(self._effort.tolerance_bps * self._notional) / 1e4 * float(splitter.scale)
        return explored(splitter.search, splitter.units(), tolerance=tolerance, nodes_max=nodes_max)

    def _certificate(self, plan: Plan, upper: Decimal, tree: Tree) -> Certificate:
        exact = self._exact
        leaves, lower = self._leaves(tree.root)
        root = exact.duals(tree.root)
        assert root is not None
        linear = exact.linear_duals()
        gap_bps = bps_of(upper - lower, self._notional)
        status = Status.NODE_LIMIT
        if gap_bps <= _SAME_BPS:
            status = Status.OPTIMAL
        elif gap_bps <= self._effort.tolerance_bps:
            status = Status.GAP_LIMIT
        assert plan.residual_price is not None
        return Certificate(
            residual_price=plan.residual_price,
            notional=self._notional,
            upper=upper,
            lower=lower,
            lower_hull=exact.bound(tree.root.box, root),
            lower_lp=exact.linear_bound(linear),
            gap_bps=gap_bps,
            nodes=tree.nodes,
            status=status,
            root=root,
            linear=linear,
            tree=leaves,
        )

    def _leaves(self, root: Node) -> tuple[Cut | Leaf, Decimal]:
        """The tree as it is told, and the least bound of its leaves. A tree may be deeper than calls can be."""
        told: list[tuple[Cut | Leaf, Decimal]] = []
        stack = [(root, False)]
        while stack:
            node, halves_told = stack.pop()
            if node.below is None or node.above is None:
                told.append(self._leaf(node))
            elif not halves_told:
                stack += [(node, True), (node.above, False), (node.below, False)]
            else:
                (above, high), (below, low) = told.pop(), told.pop()
                at = Decimal(node.at) / self._splitter.scale
                listing = self._splitter.curves[node.rank].view.listing.id
                told.append((Cut(listing_id=listing, quantity=at, below=below, above=above), min(low, high)))
        return told[0]

    def _leaf(self, node: Node) -> tuple[Leaf, Decimal]:
        duals = self._exact.duals(node)
        return Leaf(duals=duals), self._exact.infinite if duals is None else self._exact.bound(node.box, duals)


def notional(splitter: Splitter) -> Decimal:
    """What gaps are measured against: quantity x mid, or the best all-in price where one side is not shown."""
    request = splitter.request
    mid = top(request.view).mid
    if mid is None:
        best = [next(priced(curve.view, request.side, curve.rate))[0] for curve in splitter.curves]
        mid = min(best) if request.side is Side.BUY else max(best)
    return mid * request.quantity


class _Levels:
    """One listing's levels in exact numbers, summed up as far as they were asked for."""

    __slots__ = ("_more", "costs", "cums", "prices")

    def __init__(self, levels: Iterator[tuple[Decimal, Decimal]]) -> None:
        self._more = levels
        self.prices: list[Decimal] = []
        self.cums: list[Decimal] = []
        self.costs: list[Decimal] = []

    def reached(self, price: Decimal) -> Decimal:
        """Base displayed at levels better than `price`."""
        while (not self.prices or self.prices[-1] < price) and self._read():
            pass
        index = bisect_left(self.prices, price)
        return self.cums[index - 1] if index else ZERO

    def cost(self, quantity: Decimal) -> Decimal:
        while (not self.cums or self.cums[-1] < quantity) and self._read():
            pass
        index = bisect_left(self.cums, quantity)
        return self.costs[index] - (self.cums[index] - quantity) * self.prices[index]

    def _read(self) -> bool:
        level = next(self._more, None)
        if level is None:
            return False
        price, size = level
        self.prices.append(price)
        self.cums.append(size + (self.cums[-1] if self.cums else ZERO))
        self.costs.append(price * size + (self.costs[-1] if self.costs else ZERO))
        return True


class _Exact:
    """The dual bound in exact numbers, over the same listings, minimums and caps as the search."""

    def __init__(self, splitter: Splitter, residual_price: Decimal) -> None:
        request = splitter.request
        sign = request.side.sign
        self._splitter = splitter
        self._curves = splitter.curves
        self._quantity = request.quantity
        self._rest = sign * residual_price
        self._fixed = [order_cost(request, curve.view.listing.id) for curve in splitter.curves]
        self._rooms = [group.room / splitter.scale for group in splitter.groups]
        self._draws = [_least_draws(group.draw, group.weights, splitter.curves) for group in splitter.groups]
        self._levels = [_Levels(_signed(request, curve)) for curve in splitter.curves]
        self.infinite = Decimal("1E+60")

    def duals(self, node: Node) -> Duals | None:
        """The multipliers of a node in decimal digits; None when nothing fits into its box."""
        solved = node.solved
        if solved.bound == inf:
            return None
        return Duals(
            marginal_price=_decimal(solved.marginal),
            order_price=_decimal(solved.order_price / float(self._splitter.scale)),
            shares=tuple(
                (group.name, _decimal(share)) for group, share in zip(self._splitter.groups, solved.shares, strict=True)
            ),
        )

    def bound(self, box: Box, duals: Duals) -> Decimal:
        """L of these multipliers in this box."""
        scale = self._splitter.scale
        total = self._outside(duals, self._reachable(box))
        for rank, curve in enumerate(self._curves):
            low, high = max(box.low[rank], curve.minimum), box.high[rank]
            if high < low:
                continue
            term = self._term(rank, Decimal(low) / scale, Decimal(high) / scale, duals)
            total += term if box.low[rank] else min(ZERO, term)
        return total

    def linear_duals(self) -> Duals:
        """A marginal price for the plain relaxation: orders cost by the unit, minimums do not count."""
        most = [self._most(rank) for rank in range(len(self._curves))]
        left, marginal = self._splitter.quantity, self._splitter.search.rest_price
        ladder = [(curve.prices[0] + curve.fixed / most[rank], rank, 0) for rank, curve in enumerate(self._curves)]
        heapq.heapify(ladder)
        while ladder and ladder[0][0] < marginal:
            price, rank, at = ladder[0]
            curve = self._curves[rank]
            left -= min(curve.cums[at], most[rank]) - min(curve.cums[at - 1] if at else 0, most[rank])
            if left <= 0:
                marginal = price
                break
            at += 1
            if at < len(curve.prices):
                heapq.heapreplace(ladder, (curve.prices[at] + curve.fixed / most[rank], rank, at))
            else:
                heapq.heappop(ladder)
        none = tuple((group.name, ZERO) for group in self._splitter.groups)
        return Duals(marginal_price=_decimal(marginal), order_price=ZERO, shares=none)

    def linear_bound(self, duals: Duals) -> Decimal:
        """L of the plain relaxation."""
        scale = self._splitter.scale
        total = self._outside(duals, self._quantity)
        for rank in range(len(self._curves)):
            most = Decimal(self._most(rank)) / scale
            gain = duals.marginal_price
            if self._fixed[rank]:
                gain -= rounding.down(ratio(self._fixed[rank], most), PLACES)
            taken = min(self._levels[rank].reached(gain), most)
            if taken:
                total += self._levels[rank].cost(taken) - gain * taken
        return total

    def _most(self, rank: int) -> int:
        """The largest quantity there; where no order costs anything, only as far as levels are worth taking."""
        curve = self._curves[rank]
        return curve.most() if self._fixed[rank] else curve.reach_most()

    def _reachable(self, box: Box) -> Decimal:
        """What whole lots of the listings that may be used can add up to."""
        units = self._splitter.quantity
        steps = [curve.step for curve, high in zip(self._curves, box.high, strict=True) if high >= curve.minimum]
        return Decimal(units - units % gcd(*steps) if steps else 0) / self._splitter.scale

    def _outside(self, duals: Duals, reachable: Decimal) -> Decimal:
        """What of L belongs to no listing."""
        price = duals.marginal_price
        total = price * reachable + min(ZERO, self._rest - price) * reachable
        total += self._rest * (self._quantity - reachable)
        total -= duals.order_price * (self._splitter.request.options.children_max or 0)
        return total - sum((share * room for (_, share), room in zip(duals.shares, self._rooms, strict=True)), ZERO)

    def _term(self, rank: int, low: Decimal, high: Decimal, duals: Duals) -> Decimal:
        """The least of cost + orders + draws - lambda x quantity between `low` and `high`."""
        drawn = sum(
            (share * draws[rank] for (_, share), draws in zip(duals.shares, self._draws, strict=True) if rank in draws),
            ZERO,
        )
        gain = duals.marginal_price - drawn
        charge, levels = self._fixed[rank] + duals.order_price, self._levels[rank]
        taken, orders = levels.reached(gain), charge
        order_max = self._curves[rank].order_max
        if order_max is not None:
            one = Decimal(order_max) / self._splitter.scale
            per_unit = rounding.down(ratio(charge, one), PLACES)
            count = rounding.steps_in(low, one) + (0 if rounding.on_grid(low, one) else 1)
            if taken > one * count:
                taken = max(one * count, levels.reached(gain - per_unit))
            taken = min(max(taken, low), high)
            orders = max(charge * count, per_unit * taken)
        taken = min(max(taken, low), high)
        return levels.cost(taken) + orders - gain * taken


def _signed(request: SplitRequest, curve: Curve) -> Iterator[tuple[Decimal, Decimal]]:
    sign = request.side.sign
    for price, size in priced(curve.view, request.side, curve.rate, request.landing):
        yield sign * price, size


def _least_draws(draw: Draw, weights: Mapping[int, Decimal], curves: Sequence[Curve]) -> dict[int, Decimal]:
    """What each unit draws at least; by the price, the best price."""
    if draw is Draw.UNITS:
        return dict(weights)
    return {rank: weight * curves[rank].native_price(1) for rank, weight in weights.items()}


def _decimal(value: float) -> Decimal:
    """A float as the short decimal it is meant to be."""
    return Decimal(f"{value:.{_DIGITS}g}") * ONE
