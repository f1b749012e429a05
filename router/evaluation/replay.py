"""One parent, replayed with latency under one rule.

The rule decides on the books as they were known at t0 (each listing's feed delay ago). Its orders reach their venues
after a drawn latency each and meet the book of that moment; the answers take as long again. What was not filled is
planned again by the policy SWEEP's own rule, on the books of then. What was taken is missing for a second at that
price, and nobody else meets the same world.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from policies.sweep import Sweep
from router.book.consolidated import ladder, top
from router.book.effective import all_in
from router.evaluation.contestants import Rule, Sent
from router.evaluation.history import BookHistory, MarketHistory
from router.model.ids import ListingId, Nanos
from router.model.market import Level, ListingView, MarketView
from router.model.money import ZERO, bps_of, exactly
from router.model.orders import ParentOrder
from router.model.side import Side
from router.ports.policy import Progress
from router.split.evaluate import levels_for, sweep
from router.split.plan import SplitOptions, SplitRequest
from router.split.split import split

_MS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Delays:
    """How old the books are when they are seen, and how long an order takes one way: median and lognormal sigma.

    What was taken is missing for `refill_ms`: at the prices where it was taken, or, with `from_top`, as so much less
    of the best that is shown then, wherever the venue quotes by that time.
    """

    feed_ms: Mapping[str, int]
    order_ms: Mapping[str, int]
    order_sigma: float = 0.4
    decide_ms: int = 2
    refill_ms: int = 1_000
    from_top: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One parent to be replayed. `seed` draws its latencies, the same for every rule."""

    order: ParentOrder
    at_ns: Nanos
    seed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What came of one parent under one rule.

    `cost_bps`: all-in shortfall against the arrival mid, everything counted: what was left after the last round is
    bought at the books of then. `planned_bps` is what the first plan expected of the same. `missed`: the share of what
    was sent that did not fill.
    """

    cost_bps: float
    planned_bps: float | None
    filled: Decimal
    left: Decimal
    missed: float
    rounds: int
    children: int
    took_ms: float


@dataclass(slots=True)
class World:
    """The market as one contestant meets it: the history less what it took itself."""

    history: MarketHistory
    delays: Delays
    side: Side
    taken: dict[tuple[ListingId, Decimal], list[tuple[int, Decimal]]] = field(default_factory=dict)
    hit: list[tuple[int, ListingId, Decimal]] = field(default_factory=list)

    def view(self, at_ns: int, *, feed: bool = True, arrivals: Mapping[ListingId, int] | None = None) -> MarketView:
        """What is known at `at_ns`; without `feed`, what is; with `arrivals`, each book as it will be then."""
        listings = []
        for book in self.history.books:
            when = at_ns - (self.delays.feed_ms[book.listing.venue] * _MS if feed else 0)
            if arrivals is not None:
                when = arrivals[book.listing.id]
            listings.append(self._listing(book, when))
        return MarketView(
            instrument=self.history.instrument.id, at_ns=Nanos(at_ns), listings=tuple(listings), fx=self.history.fx
        )

    def _listing(self, book: BookHistory, when: int) -> ListingView:
        bids, asks = book.at(when)
        levels = self._left(book.listing.id, asks if self.side is Side.BUY else bids, when)
        return ListingView(
            listing=book.listing,
            bids=bids if self.side is Side.BUY else levels,
            asks=levels if self.side is Side.BUY else asks,
            book_age_ns=book.since(when),
            book_seq=bisect_right(book.moments, when),
        )

    def _left(self, listing: ListingId, levels: tuple[Level, ...], when: int) -> tuple[Level, ...]:
        """The levels less what this contestant took there, and what makers withdrew because it took elsewhere."""
        away = self._withdrawn(listing, when)
        if not self.taken and not away:
            return levels
        horizon = when - self.delays.refill_ms * _MS
        if self.delays.from_top:
            away += sum((size for at_ns, where, size in self.hit if where == listing and horizon < at_ns <= when), ZERO)
        found = []
        for level in levels:
            size = level.size
            if not self.delays.from_top:
                size -= self._taken_at(listing, level.price, horizon, when)
            if away > 0:
                gone = min(away, max(size, ZERO))
                size -= gone
                away -= gone
            if size > 0:
                found.append(level if size == level.size else Level(level.price, size))
        return tuple(found)

    def _taken_at(self, listing: ListingId, price: Decimal, after_ns: int, until_ns: int) -> Decimal:
        parts = self.taken.get((listing, price))
        return ZERO if parts is None else sum((size for at_ns, size in parts if after_ns < at_ns <= until_ns), ZERO)

    def _withdrawn(self, listing: ListingId, when: int) -> Decimal:
        if not self.history.duplicated:
            return ZERO
        horizon = when - self.delays.refill_ms * _MS
        hit = sum((size for at_ns, where, size in self.hit if where != listing and horizon < at_ns < when), ZERO)
        return hit * self.history.duplicated

    def trade(self, one: Sent, at_ns: int) -> tuple[Decimal, Decimal]:
        """Quantity filled and quote paid or got, at the book of that moment."""
        book = next(book for book in self.history.books if book.listing.id == one.listing_id)
        view = self._listing(book, at_ns)
        left, value = one.quantity, ZERO
        with exactly():
            for price, size in view.asks if self.side is Side.BUY else view.bids:
                if left <= 0 or (price - one.limit_price) * self.side.sign > 0:
                    break
                part = min(size, left)
                self.taken.setdefault((one.listing_id, price), []).append((at_ns, part))
                value += part * price
                left -= part
            done = one.quantity - left
        if done:
            self.hit.append((at_ns, one.listing_id, done))
        return done, value


@dataclass(slots=True)
class Latencies:
    """One-way delays, drawn from the parent's seed: the n-th order to a venue meets the same for every rule."""

    delays: Delays
    seed: str
    _drawn: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def of(self, venue: str, number: int) -> tuple[int, int]:
        """There and back, in nanoseconds."""
        if (venue, number) not in self._drawn:
            rng = Random(f"{self.seed}:{venue}:{number}")
            median = self.delays.order_ms[venue] * _MS
            self._drawn[venue, number] = (
                int(median * rng.lognormvariate(0, self.delays.order_sigma)),
                int(median * rng.lognormvariate(0, self.delays.order_sigma)),
            )
        return self._drawn[venue, number]


@dataclass(slots=True)
class _Tally:
    filled: Decimal = ZERO
    cash: Decimal = ZERO
    sent: Decimal = ZERO
    children: int = 0
    rounds: int = 0
    last_ns: int | None = None
    last_sent: bool = False


Told = Callable[[MarketView, Sent, Decimal], None]
"""Of each order: the view it was decided on, what it asked, and how much of it filled."""


def replay(history: MarketHistory, delays: Delays, task: Task, rule: Rule, told: Told | None = None) -> Run:
    """Take one parent to its end under `rule`."""
    order = task.order
    world = World(history, delays, order.side)
    latencies = Latencies(delays, task.seed)
    numbers: dict[str, int] = {}
    tally, now_ns = _Tally(), int(task.at_ns)
    planned: float | None = None
    mid = arrival_mid(history, delays, task)
    listings = history.listings()
    while True:
        target = Sweep().target(_progress(order, task, tally), Nanos(now_ns), None)
        if target.finished:
            break
        due = target.quantity - tally.filled
        if due <= 0:
            assert target.not_before_ns is not None
            now_ns = int(target.not_before_ns)
            continue
        request = _request(world.view(now_ns), order, due)
        sent = rule(request, tally.rounds)
        if tally.rounds == 0:
            planned = _planned_bps(request, sent, mid)
        tally.rounds, tally.last_ns, tally.last_sent = tally.rounds + 1, now_ns, bool(sent)
        if not sent and _dust(request):
            break
        back_ns = now_ns
        arrivals = []
        for one in sent:
            venue = listings[one.listing_id].venue
            there, back = latencies.of(venue, numbers.get(venue, 0))
            numbers[venue] = numbers.get(venue, 0) + 1
            arrivals.append((now_ns + (delays.decide_ms + one.after_ms) * _MS + there, one, back))
        for at_ns, one, back in sorted(arrivals, key=lambda each: (each[0], each[1].listing_id)):
            done, value = world.trade(one, at_ns)
            if told is not None:
                told(request.view, one, done)
            tally.filled += done
            tally.sent += one.quantity
            tally.children += 1
            if done:
                tally.cash += _all_in(history, order.side, one.listing_id, value)
            back_ns = max(back_ns, at_ns + back)
        now_ns = back_ns
    left = order.quantity - tally.filled
    cash = tally.cash + (_completed(world, order, left, now_ns) if left else ZERO)
    return Run(
        cost_bps=_bps(order.side, cash, order.quantity, mid),
        planned_bps=planned,
        filled=tally.filled,
        left=left,
        missed=1 - float(tally.filled) / float(tally.sent) if tally.sent else 0.0,
        rounds=tally.rounds,
        children=tally.children,
        took_ms=(now_ns - task.at_ns) / _MS,
    )


def clairvoyant(history: MarketHistory, delays: Delays, task: Task) -> float:
    """The cost in bps of the best split of the books that the first round's orders will meet."""
    order = task.order
    world, latencies = World(history, delays, order.side), Latencies(delays, task.seed)
    arrivals = {
        one.listing.id: task.at_ns + delays.decide_ms * _MS + latencies.of(one.listing.venue, 0)[0]
        for one in history.books
    }
    plan = split(_request(world.view(task.at_ns, arrivals=arrivals), order, order.quantity))
    cash = (plan.all_in_cost or ZERO) + plan.residual * (plan.residual_price or ZERO)
    return _bps(order.side, cash, order.quantity, arrival_mid(history, delays, task))


def arrival_mid(history: MarketHistory, delays: Delays, task: Task) -> Decimal:
    """The consolidated mid as it was known when the parent came."""
    mid = top(World(history, delays, task.order.side).view(task.at_ns)).mid
    assert mid is not None
    return mid


def _request(view: MarketView, order: ParentOrder, due: Decimal) -> SplitRequest:
    return SplitRequest(view=view, side=order.side, quantity=due, limit_price=order.limit_price, options=SplitOptions())


def _progress(order: ParentOrder, task: Task, tally: _Tally) -> Progress:
    return Progress(
        order=order,
        accepted_ns=task.at_ns,
        filled=tally.filled,
        working=ZERO,
        in_doubt=ZERO,
        rounds=tally.rounds,
        last_round_ns=None if tally.last_ns is None else Nanos(tally.last_ns),
        last_round_sent=tally.last_sent,
    )


def _all_in(history: MarketHistory, side: Side, listing: ListingId, value: Decimal) -> Decimal:
    one = history.listings()[listing]
    rate = next(mark.rate for mark in history.fx if mark.asset == one.quote)
    return all_in(one, side, value, rate)


def _completed(world: World, order: ParentOrder, left: Decimal, at_ns: int) -> Decimal:
    """What the rest comes to on the true books of the end; dust below every minimum at the price of a unit unfilled."""
    view = world.view(at_ns, feed=False)
    plan = split(_request(view, order, left))
    dust_price = plan.residual_price or next(ladder(view, order.side)).effective_price
    return (plan.all_in_cost or ZERO) + plan.residual * dust_price


def _dust(request: SplitRequest) -> bool:
    """Is it too small for every listing?"""
    return all(
        request.quantity < max(one.listing.min_quantity, one.listing.step)
        or request.quantity * levels_for(one, request.side)[0].price < one.listing.min_notional
        for one in request.view.listings
        if levels_for(one, request.side)
    )


def _planned_bps(request: SplitRequest, sent: Sequence[Sent], mid: Decimal) -> float | None:
    """What these orders come to on the very view they were planned on; None where they leave something."""
    views = {one.listing.id: one for one in request.view.listings}
    total, quantity = ZERO, ZERO
    for one in sent:
        rate = request.view.fx_rate(views[one.listing_id].listing.quote)
        assert rate is not None
        total += sweep(views[one.listing_id], request.side, one.quantity, rate).all_in
        quantity += one.quantity
    return _bps(request.side, total, quantity, mid) if quantity == request.quantity else None


def _bps(side: Side, cash: Decimal, quantity: Decimal, mid: Decimal) -> float:
    with exactly():
        above = side.sign * (cash - quantity * mid)
        whole = quantity * mid
    return float(bps_of(above, whole))
