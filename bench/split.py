"""The decision: from books to a plan with its reasons and exact costs, beside the bare float sweep inside it.

`sweep` is what a quick script does: floats, fees, lots rounded down, no minimums repaired, nothing explained. `split`
is the splitter on a view that is there; `view + split` reads the books too, `first view` with every level read for the
first time. Only the splitter is timed here; the whole decision of the engine has its own line elsewhere.
"""

import heapq
from collections.abc import Iterator
from copy import deepcopy
from math import floor

from bench.markets import Case, case
from bench.measure import Contestant, Table, in_turn, table
from router.split.check import violations
from router.split.plan import SplitRequest
from router.split.split import split


def run(*, quick: bool) -> Iterator[Table]:
    rounds, count = (3, 3) if quick else (9, 20)
    for venues in (3, 10):
        for reached in (5, 50, 500):
            cases = [case(f"{venues}/{reached}/{each}", venues, reached) for each in range(count)]
            yield _table(f"{venues} venues, {reached} levels reached", cases, rounds)
        small = [case(f"small/{venues}/{each}", venues, 5, small=True) for each in range(count)]
        yield _table(f"{venues} venues, parents of 15-300 USD", small, rounds)


def _table(title: str, cases: list[Case], rounds: int) -> Table:
    unread = deepcopy(cases)
    requests = [one.request() for one in cases]
    plans = [split(request) for request in requests]
    assert not any(violations(request, plan) for request, plan in zip(requests, plans, strict=True))
    ladders = [_floats(request) for request in requests]
    count = len(cases)
    spent = in_turn(
        {
            "bare float sweep": Contestant(
                setup=lambda: ladders, run=lambda given: [_sweep(*one) for one in given], units=count
            ),
            "split": Contestant(setup=lambda: requests, run=lambda given: [split(one) for one in given], units=count),
            "view + split": Contestant(
                setup=lambda: cases, run=lambda given: [split(one.request()) for one in given], units=count
            ),
            "first view + split": Contestant(
                setup=lambda: deepcopy(unread),
                run=lambda given: [split(one.request()) for one in given],
                units=count,
            ),
        },
        rounds,
    )
    children = sum(len(plan.lines) for plan in plans) / count
    return table(
        f"split: us per decision, {title}", spent, unit="us", notes=[f"{children:.1f} children a plan, {count} parents"]
    )


def _floats(request: SplitRequest):
    assert request.spendable is not None
    books = [
        (
            1 + float(one.listing.taker_fee_bps) / 1e4,
            float(one.listing.step),
            float(request.spendable[one.listing.account, one.listing.quote]),
            [(float(price), float(size)) for price, size in one.asks],
        )
        for one in request.view.listings
    ]
    return books, float(request.quantity)


def _sweep(books, quantity: float) -> list[float]:
    taken = [0.0] * len(books)
    money = [budget for _, _, budget, _ in books]
    heap = [(levels[0][0] * fee, rank, 0) for rank, (fee, _, _, levels) in enumerate(books)]
    heapq.heapify(heap)
    while heap and quantity > 0:
        effective, rank, index = heap[0]
        levels = books[rank][3]
        size = min(levels[index][1], quantity, money[rank] / effective)
        taken[rank] += size
        quantity -= size
        money[rank] -= size * effective
        if money[rank] > 0 and index + 1 < len(levels):
            heapq.heapreplace(heap, (levels[index + 1][0] * books[rank][0], rank, index + 1))
        else:
            heapq.heappop(heap)
    return [floor(size / step + 1e-9) * step for size, (_, step, _, _) in zip(taken, books, strict=True)]
