"""Seeded splits of four families, and an exact solver that knows nothing of ours: its answer is costed again by ours.

Realistic; small parents, where minimums bite; orders that cost and may be few; and one that is out to hurt, with lots
that do not nest, minimums of thousands and dear orders.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from router.model.ids import AccountId, Asset, InstrumentId, ListingId, Nanos, VenueId, account_id, listing_id
from router.model.instruments import FeeIn, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.money import ZERO, exactly
from router.model.side import Side
from router.split.evaluate import objective
from router.split.plan import Cap, Plan, PlanLine, Reserve, SplitOptions, SplitRequest
from router.split.verify import Market, Shared, markets, shared

MID = 60_000
STEPS = ("1E-8", "1E-6", "1E-5", "1E-5", "1E-5", "1E-4", "1E-4", "1E-3")
ODD_STEPS = ("0.00003", "0.0007", "0.001", "0.0013", "0.00251", "0.005", "0.01")
FEES = ("0", "2", "4", "5", "7.5", "10", "16", "26", "-1")


def realistic(rng: random.Random) -> SplitRequest:
    return request(rng, rng.uniform(0.05, 20), STEPS, lambda: rng.uniform(1, 10))


def small(rng: random.Random) -> SplitRequest:
    return request(rng, rng.uniform(0.0003, 0.02), STEPS, lambda: rng.uniform(1, 10))


def costly_orders(rng: random.Random) -> SplitRequest:
    made = request(rng, rng.uniform(0.05, 10), STEPS, lambda: rng.uniform(1, 10))
    return priced(rng, made, 2.0)


def adversarial(rng: random.Random) -> SplitRequest:
    made = request(rng, rng.uniform(0.02, 5), ODD_STEPS, lambda: rng.choice([10, 100, 1_000, 10_000]) * rng.random())
    return priced(rng, made, 50.0)


FAMILIES: dict[str, Callable[[random.Random], SplitRequest]] = {
    "realistic": realistic,
    "small": small,
    "costly orders": costly_orders,
    "adversarial": adversarial,
}


def priced(rng: random.Random, made: SplitRequest, most: float) -> SplitRequest:
    """With a cost for each order, and room for few of them."""
    count = len(made.view.listings)
    costs = {one.listing.id: Decimal(f"{rng.uniform(0, most):.2f}") for one in made.view.listings}
    options = replace(made.options, order_costs=costs, children_max=rng.randint(1, max(2, count // 2)))
    return replace(made, options=options)


def request(
    rng: random.Random, quantity: float, steps: tuple[str, ...], min_notional: Callable[[], float]
) -> SplitRequest:
    side = rng.choice(list(Side))
    count = rng.randint(3, 12)
    views = tuple(_view(rng, side, number, steps, min_notional) for number in range(count))
    amount = Decimal(f"{quantity:.6f}")
    share = quantity / count
    spendable: dict[tuple[AccountId, Asset], Decimal] = {}
    for one in views:
        key = (one.listing.account, one.listing.quote if side is Side.BUY else one.listing.base)
        wealth = share * (rng.uniform(0.3, 3) if rng.random() < 0.35 else 1e4)
        spendable[key] = Decimal(f"{wealth * (MID if side is Side.BUY else 1):.6f}")
    caps = ()
    if rng.random() < 0.3:
        some = frozenset(one.listing.id for one in rng.sample(views, rng.randint(2, count)))
        caps = (Cap(name="some", listings=some, quantity=Decimal(f"{quantity * rng.uniform(0.2, 0.9):.6f}")),)
    view = MarketView(
        instrument=InstrumentId("BTC/USD"),
        at_ns=Nanos(0),
        listings=views,
        fx=(
            FxMark(asset=Asset("USD"), rate=Decimal(1), age_ns=0, source="test"),
            FxMark(asset=Asset("USDT"), rate=Decimal("0.9993"), age_ns=0, source="test"),
        ),
    )
    return SplitRequest(
        view=view,
        side=side,
        quantity=amount,
        spendable=spendable,
        caps=caps,
        options=SplitOptions(reserve=Reserve.WALK),
    )


def _view(
    rng: random.Random, side: Side, number: int, steps: tuple[str, ...], min_notional: Callable[[], float]
) -> ListingView:
    # Two listings of one account now and then: a sell of both draws on the same base.
    venue = VenueId(f"v{number:02}" if number % 4 else f"v{max(0, number - 1):02}")
    quote = "USDT" if number % 4 == 0 else "USD"
    step = rng.choice(steps)
    listing = Listing(
        id=listing_id(account_id(venue, "main"), f"BTC/{quote}"),
        instrument=InstrumentId("BTC/USD"),
        venue=venue,
        account=account_id(venue, "main"),
        symbol=f"BTC/{quote}",
        base=Asset("BTC"),
        quote=Asset(quote),
        tick=Decimal("0.01"),
        step=Decimal(step),
        min_quantity=Decimal(step) * rng.choice([1, 1, 10]),
        min_notional=Decimal(f"{min_notional():.2f}"),
        max_quantity=None,
        taker_fee_bps=Decimal(rng.choice(FEES)),
        fee_in=rng.choice([FeeIn.QUOTE, FeeIn.QUOTE, FeeIn.RECEIVED]),
    )
    touch = MID * (1 + rng.gauss(0, 3e-4))
    levels, price = [], touch + side.sign * rng.uniform(0.1, 5)
    scale = rng.lognormvariate(-2.0, 1.0)
    for _ in range(rng.randint(8, 40)):
        levels.append(
            Level(Decimal(f"{price:.2f}"), Decimal(f"{scale * rng.lognormvariate(0, 1.1):.6f}") + Decimal("1E-6"))
        )
        price += side.sign * max(0.01, rng.expovariate(1 / 4))
    other = (Level(Decimal(f"{touch - side.sign * 20:.2f}"), Decimal(1)),)
    return ListingView(
        listing=listing,
        bids=other if side is Side.BUY else tuple(levels),
        asks=tuple(levels) if side is Side.BUY else other,
        book_age_ns=0,
        book_seq=1,
    )


def solved(asked: SplitRequest, residual_price: Decimal) -> Decimal | None:
    """The objective of what HiGHS says is optimal, re-evaluated exactly; None where its point breaks a rule."""
    with exactly():
        return _solved(asked, residual_price)


def _solved(asked: SplitRequest, residual_price: Decimal) -> Decimal | None:
    quantities = _quantities(asked, residual_price)
    if quantities is None:
        return None
    lines = tuple(
        PlanLine(
            listing_id=one,
            quantity=quantity,
            limit_price=ZERO,
            expected_price=ZERO,
            effective_price=ZERO,
            expected_fee=ZERO,
            fee_asset=Asset("USD"),
        )
        for one, quantity in quantities.items()
    )
    plan = Plan(
        lines=lines,
        residual=asked.quantity - sum(quantities.values(), ZERO),
        residual_reason=None,
        all_in_cost=None,
        marginal_price=None,
        residual_price=residual_price,
        exclusions=(),
    )
    return objective(asked, plan, residual_price)


class _Rows:
    """Constraints as they are written down."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[np.ndarray] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def add(self, low: float, high: float, cells: Iterable[tuple[int, float]]) -> None:
        made = np.zeros(self._width)
        for at, value in cells:
            made[at] += value
        self._rows.append(made)
        self._low.append(low)
        self._high.append(high)

    def made(self) -> LinearConstraint:
        return LinearConstraint(np.array(self._rows), self._low, self._high)


def _quantities(asked: SplitRequest, residual_price: Decimal) -> dict[ListingId, Decimal] | None:
    """Variables: fill of each level, lots of each listing, used or not, shortfall. Prices relative to the best."""
    found = list(markets(asked))
    groups = shared(asked, {one.view.listing.id: one for one in found})
    wanted, count = float(asked.quantity), len(found)
    steps = [float(one.view.listing.step) for one in found]
    levels = [
        (rank, float(price), min(float(size), wanted)) for rank, one in enumerate(found) for price, size in one.levels
    ]
    size, best = len(levels), min(level[1] for level in levels)
    rows = _Rows(size + 2 * count + 1)
    for rank, one in enumerate(found):
        lots, used = size + rank, size + count + rank
        mine = [(at, 1.0) for at, level in enumerate(levels) if level[0] == rank]
        rows.add(0, 0, [*mine, (lots, -steps[rank])])
        rows.add(-np.inf, 0, [(lots, steps[rank]), (used, -float(one.most))])
        rows.add(0, np.inf, [(lots, steps[rank]), (used, -float(one.least))])
    rows.add(wanted, wanted, [*((size + rank, steps[rank]) for rank in range(count)), (-1, 1.0)])
    if asked.options.children_max is not None:
        rows.add(-np.inf, asked.options.children_max, ((size + count + rank, 1.0) for rank in range(count)))
    for group in groups.values():
        weights = [float(group.weights.get(one.view.listing.id, ZERO)) for one in found]
        rows.add(-np.inf, float(group.room), ((size + rank, weights[rank] * steps[rank]) for rank in range(count)))
    fixed = [float(one.fixed) for one in found]
    rest = asked.side.sign * float(residual_price) - best
    most = [float(one.most) / step for one, step in zip(found, steps, strict=True)]
    answer = milp(
        [*(level[1] - best for level in levels), *[0.0] * count, *fixed, rest],
        integrality=[*[0] * size, *[1] * 2 * count, 0],
        bounds=Bounds(0, [*(level[2] for level in levels), *most, *[1] * count, wanted]),
        constraints=rows.made(),
        options={"mip_rel_gap": 0, "time_limit": 20},
    )
    if answer.x is None:
        return None
    lots = [int(np.rint(each)) for each in answer.x[size : size + count]]
    taken = {one.view.listing.id: each * one.view.listing.step for one, each in zip(found, lots, strict=True) if each}
    return taken if _allowed(asked, found, groups, taken) else None


def _allowed(
    asked: SplitRequest, found: list[Market], groups: Mapping[str, Shared], taken: Mapping[ListingId, Decimal]
) -> bool:
    """Is the solver's point, rounded, within the rules? Now and then it is not."""
    ranges = {one.view.listing.id: (one.least, one.most) for one in found}
    children_max = asked.options.children_max
    return (
        all(ranges[one][0] <= quantity <= ranges[one][1] for one, quantity in taken.items())
        and sum(taken.values(), ZERO) <= asked.quantity
        and (children_max is None or len(taken) <= children_max)
        and all(
            sum((group.weights.get(one, ZERO) * quantity for one, quantity in taken.items()), ZERO) <= group.room
            for group in groups.values()
        )
    )
