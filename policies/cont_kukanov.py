"""Cont and Kukanov (2017): how much to take now, and how much to rest in which queue, over a short horizon.

Quantities are whole lots, so that a sum over scenarios is exact and the same everywhere; costs are exact decimals. The
printed cost is not convex where more than the quantity may fill, so the search starts from several points, and its
answer is never worse than taking all, resting all in one queue, or equal parts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.model.money import ZERO, ratio, roughly


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Per unit, in price. `half_spread`; `taker_fee`; `impact` per unit placed; what too little or too much costs."""

    half_spread: Decimal
    taker_fee: Decimal
    impact: Decimal
    under: Decimal
    over: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """One place to rest: `ahead` lots stand before us; `rebate` per unit filled, adverse selection taken off it.

    `outflows`: what left the front of the queue in each scenario, in lots; None when the price was traded through.
    `smallest`, `largest`: bounds of an order there, in lots.
    """

    ahead: int
    rebate: Decimal
    outflows: tuple[int | None, ...]
    smallest: int = 1
    largest: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """`taken` now and `resting` per queue, in lots; `cost` is what it should come to, in price times lots."""

    taken: int
    resting: tuple[int, ...]
    cost: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Place `quantity` lots; `taken_smallest`: what can be taken at least, if anything; at most `orders_max` orders."""

    quantity: int
    costs: Costs
    queues: tuple[Queue, ...]
    taken_smallest: int = 1
    orders_max: int | None = None


def cost(problem: Problem, taken: int, resting: Sequence[int]) -> Decimal:
    """Expected cost over the scenarios, exactly but for the last division."""
    return _Search(problem).cost_of((taken, *resting))


def place(problem: Problem) -> Placement:
    """The best placement found. The same problem gives the same answer."""
    search = _Search(problem)
    coarse = max(problem.quantity // 50, 1)
    rough = {search.improved(start, coarse) for start in search.starts()}
    fine = [search.improved(start, 1) for start in sorted(rough, key=lambda one: (search.cost_of(one), one))[:2]]
    best = min([*fine, *search.benchmarks()], key=lambda one: (search.cost_of(one), one))
    return Placement(taken=best[0], resting=best[1:], cost=search.cost_of(best))


def single_queue(
    quantity: Decimal,
    costs: Costs,
    queue: Decimal,
    rebate: Decimal,
    cdf: Callable[[Decimal], Decimal],
    quantile: Callable[[Decimal], Decimal],
) -> tuple[Decimal, Decimal]:
    """What to take and what to rest where there is one queue (proposition 3): a newsvendor's quantile.

    `cdf` and `quantile` describe the outflow. Needs only that being short costs something, so a maker's fee (a negative
    rebate) is allowed.
    """
    with roughly():
        spread = 2 * costs.half_spread + costs.taker_fee + rebate
        short = costs.under + costs.half_spread + rebate + costs.impact
        if short * cdf(queue + quantity) <= spread:
            return ZERO, quantity
        if short * cdf(queue) >= spread:
            return quantity, ZERO
        resting = min(max(quantile(ratio(spread, short)) - queue, ZERO), quantity)
        return quantity - resting, resting


def empirical(outflows: Sequence[int | None]) -> tuple[Callable[[Decimal], Decimal], Callable[[Decimal], Decimal]]:
    """Distribution and quantile of what was seen. A level traded through is beyond every figure."""
    seen = sorted(one for one in outflows if one is not None)
    beyond = Decimal(seen[-1] if seen else 0) + Decimal(10) ** 18

    def cdf(lots: Decimal) -> Decimal:
        return ratio(Decimal(sum(1 for one in seen if one <= lots)), Decimal(len(outflows)))

    def quantile(level: Decimal) -> Decimal:
        with roughly():
            rank = -int(-(level * len(outflows)) // 1)
        return Decimal(seen[max(rank, 1) - 1]) if rank <= len(seen) else beyond

    return cdf, quantile


def break_even_fill(costs: Costs, rebate: Decimal, adverse_selection: Decimal, drift: Decimal) -> Decimal:
    """The probability of a fill above which resting costs less than taking; more than 1: never."""
    with roughly():
        gained = 2 * costs.half_spread + costs.taker_fee + rebate - adverse_selection + drift
        return ratio(drift, gained) if gained > 0 else Decimal("Infinity")


def passive_cost(
    probability: Decimal, costs: Costs, rebate: Decimal, adverse_selection: Decimal, drift: Decimal
) -> Decimal:
    """What resting costs per unit if it fills with this probability, and else crosses after the price drifted."""
    with roughly():
        filled = adverse_selection - costs.half_spread - rebate
        return probability * filled + (1 - probability) * (costs.half_spread + costs.taker_fee + drift)


_ALL = 1 << 62
"""More lots than any order: what a level that was traded through lets fill."""


def _reach(queue: Queue) -> list[int]:
    """How many lots behind the queue each scenario gets to."""
    return [_ALL if one is None else max(one - queue.ahead, 0) for one in queue.outflows]


def _priced(problem: Problem, taken: int, resting: Sequence[int], sums: tuple[Sequence[int], int, int, int]) -> Decimal:
    """The cost function, from sums of whole lots over all scenarios."""
    costs, (totals, short, over, scenarios) = problem.costs, sums
    with roughly():
        earned = sum(
            ((costs.half_spread + queue.rebate) * total for queue, total in zip(problem.queues, totals, strict=True)),
            ZERO,
        )
        uncertain = (costs.under + costs.impact) * short + costs.over * over - earned
        certain = (costs.half_spread + costs.taker_fee) * taken + costs.impact * (taken + sum(resting))
        return certain + ratio(uncertain, Decimal(scenarios))


class _Search:
    """Descent over one order at a time and over pairs, in steps from a tenth of the quantity downwards.

    A placement is what is taken, then what rests in each queue.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._reach = [_reach(queue) for queue in problem.queues]
        self._seen: dict[tuple[int, ...], Decimal] = {}
        self._filled: dict[tuple[int, int], list[int]] = {}

    def starts(self) -> Iterator[tuple[int, ...]]:
        """Taking all, resting all in each queue, equal parts, and each queue's own best."""
        quantity, count = self._problem.quantity, len(self._problem.queues)
        yield (quantity, *[0] * count)
        for number in range(count):
            yield (0, *(quantity if one == number else 0 for one in range(count)))
        part = quantity // (count + 1)
        yield (quantity - part * count, *[part] * count)
        for number in range(count):
            taken, resting = self._alone(number)
            yield (taken, *(resting if one == number else 0 for one in range(count)))

    def benchmarks(self) -> Iterator[tuple[int, ...]]:
        """The simple placements that keep the bounds, as they are."""
        return (start for start in self.starts() if self._allowed(start))

    def improved(self, start: tuple[int, ...], finest: int) -> tuple[int, ...]:
        """The best placement near a start, to within steps of so many lots."""
        at = start if self._allowed(start) else (self._problem.quantity, *[0] * len(self._problem.queues))
        step = max(self._problem.quantity // 10, 1)
        while True:
            here = self.cost_of(at)
            better = next((one for one in self._around(at, step) if self.cost_of(one) < here), None)
            if better is not None:
                at = better
            elif step > finest:
                step = max(step // 2, finest)
            else:
                return at

    def _alone(self, number: int) -> tuple[int, int]:
        queue, problem = self._problem.queues[number], self._problem
        cdf, quantile = empirical(queue.outflows)
        quantity = Decimal(problem.quantity)
        taken, resting = single_queue(quantity, problem.costs, Decimal(queue.ahead), queue.rebate, cdf, quantile)
        return int(taken), int(resting)

    def _around(self, at: tuple[int, ...], step: int) -> Iterator[tuple[int, ...]]:
        """One order more or less, or so much from one to another. An order too small becomes none, or the smallest."""
        for number in range(len(at)):
            for change in (step, -step):
                yield from self._if_allowed(self._with(at, {number: change}))
            for other in range(len(at)):
                if other != number:
                    yield from self._if_allowed(self._with(at, {number: step, other: -step}))

    def _with(self, at: tuple[int, ...], changes: dict[int, int]) -> tuple[int, ...]:
        return tuple(
            self._fitting(number, lots, lots + changes[number]) if number in changes else lots
            for number, lots in enumerate(at)
        )

    def _fitting(self, number: int, before: int, lots: int) -> int:
        smallest, largest = self._bounds(number)
        if 0 < lots < smallest:
            return smallest if before < smallest else 0
        return min(max(lots, 0), largest)

    def _bounds(self, number: int) -> tuple[int, int]:
        problem = self._problem
        if number == 0:
            return problem.taken_smallest, problem.quantity
        queue = problem.queues[number - 1]
        return queue.smallest, problem.quantity if queue.largest is None else queue.largest

    def _if_allowed(self, at: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if self._allowed(at):
            yield at

    def _allowed(self, at: tuple[int, ...]) -> bool:
        orders_max = self._problem.orders_max
        if orders_max is not None and sum(1 for lots in at if lots) > orders_max:
            return False
        return all(
            lots == 0 or smallest <= lots <= largest
            for lots, (smallest, largest) in ((lots, self._bounds(number)) for number, lots in enumerate(at))
        )

    def cost_of(self, at: tuple[int, ...]) -> Decimal:
        """Expected cost, looked up where it was worked out before."""
        if at not in self._seen:
            self._seen[at] = self._cost(at)
        return self._seen[at]

    def _cost(self, at: tuple[int, ...]) -> Decimal:
        wanted, scenarios = self._problem.quantity - at[0], len(self._reach[0]) if self._reach else 1
        fills = [self._fills(number, lots) for number, lots in enumerate(at[1:])]
        totals = [sum(one) for one in fills]
        filled = [0] * scenarios
        for one in fills:
            filled = list(map(int.__add__, filled, one))
        short = sum([wanted - one for one in filled if one < wanted])
        over = short - (wanted * scenarios - sum(totals))
        return _priced(self._problem, at[0], at[1:], (totals, short, over, scenarios))

    def _fills(self, number: int, lots: int) -> list[int]:
        if (number, lots) not in self._filled:
            self._filled[number, lots] = [min(lots, one) for one in self._reach[number]]
        return self._filled[number, lots]
