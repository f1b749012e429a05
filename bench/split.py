"""The decision: a sendable plan and its full proof, beside a heap walk and an exact solver on the same cases.

`heap walk` is what a quick script does: floats, fees, lots rounded down, no minimums repaired, nothing explained; once
from the view the split is given, once from floats that somebody has made before. `split` is the plan an order waits
for, exact costs and reasons in it; `proof` is what follows off the order loop: bound, branch and bound, certificate.
HiGHS gets the same problem as a MILP, its building included. Percentiles are over single decisions.
"""

import gc
import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from math import floor
from statistics import median

from bench.markets import Case, case
from bench.measure import Row, Table
from router.split.check import violations
from router.split.plan import SplitRequest
from router.split.proof import prove
from router.split.split import split
from tests.split.families import solved

_SOLVED = 3
"""HiGHS is given so many of the cases: it takes as long as all the rest together."""


def run(*, quick: bool) -> Iterator[Table]:
    rounds, count = (1, 3) if quick else (5, 40)
    for venues in (3, 10, 30):
        for reached in (5, 50, 500):
            cases = [case(f"{venues}/{reached}/{each}", venues, reached) for each in range(count)]
            yield _table(f"{venues} markets, {reached} levels reached", cases, rounds)
        small = [case(f"small/{venues}/{each}", venues, 5, small=True) for each in range(count)]
        yield _table(f"{venues} markets, parents of 15-300 USD", small, rounds)


def _table(title: str, cases: list[Case], rounds: int) -> Table:
    requests = [one.request() for one in cases]
    plans = [split(request) for request in requests]
    assert not any(violations(request, plan) for request, plan in zip(requests, plans, strict=True))
    ways: dict[str, list[Callable[[], object]]] = {
        "heap walk from the view": [partial(_walk, request) for request in requests],
        "heap walk, floats ready": [partial(_sweep, *_floats(request)) for request in requests],
        "split": [partial(split, request) for request in requests],
        "view, read for the first time, + split": [partial(_first, one) for one in deepcopy(cases)],
        "split + proof": [partial(prove, request) for request in requests],
        "HiGHS": [
            partial(solved, request, plan.residual_price)
            for request, plan in list(zip(requests, plans, strict=True))[:_SOLVED]
            if plan.residual_price is not None
        ],
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, calls in ways.items():
            if (name == "HiGHS" or "first" in name) and number:
                continue
            spent[name] += [_timed(call) for call in calls]
    ready = median(spent["heap walk, floats ready"])
    notes = [f"p99: {', '.join(f'{name} {_at(times, 0.99):.0f} us' for name, times in spent.items())}"]
    notes += [f"split to the heap walk on ready floats: x{median(spent['split']) / ready:.1f}"]
    notes += [f"{sum(len(plan.lines) for plan in plans) / len(plans):.1f} children a plan, {len(cases)} parents"]
    base = median(next(iter(spent.values())))
    rows = [
        Row(name=name, median=median(times), best=min(times), worst=max(times), ratio=median(times) / base)
        for name, times in spent.items()
    ]
    return Table(title=f"split: us of a decision, {title}", unit="us", rows=rows, notes=notes)


def _timed(call: Callable[[], object]) -> float:
    """Microseconds of this thread's CPU for one call."""
    gc.collect(0)
    gc.disable()
    started = time.thread_time_ns()
    call()
    taken = time.thread_time_ns() - started
    gc.enable()
    return taken / 1e3


def _at(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _first(one: Case) -> object:
    return split(one.request())


def _walk(request: SplitRequest) -> list[float]:
    return _sweep(*_floats(request))


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
