"""One order's cost: every figure of its report, from its record alone.

Costs and slippages are positive when they hurt, improvements, markouts and savings when they helped. What cannot be
known is None, and `flags` says why.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.book.consolidated import ladder, top
from router.model.ids import ListingId, Nanos
from router.model.market import MarketView
from router.model.money import ZERO, bps_above, bps_of, exactly, plain, ratio
from router.model.side import Side
from router.model.trades import Traded
from router.split.compare import Comparison, compare
from router.split.plan import SplitRequest
from router.split.split import split
from router.tca.attribution import Attribution, Done, attribution
from router.tca.benchmarks import Own, Piece, improvement_bps, participation, pwp, twap, vwap
from router.tca.path import Path
from router.tca.record import ChildSeen, FillSeen, Instant, OrderRecord
from router.tca.result import all_in_of, per_unit
from router.tca.shortfall import Basis, Mids, Shortfall, shortfall
from router.tca.spreads import (
    HORIZONS_S,
    Marked,
    Weighted,
    by_quantity,
    effective_bps,
    impact_bps,
    markout_bps,
    realised_bps,
)
from router.tca.valued import DECIDED, Valued, valued

_NS_PER_S = 1_000_000_000
_HALF = Decimal("0.5")
PWP_RATES = (Decimal("0.05"), Decimal("0.1"), Decimal("0.2"))
AT_ONCE = frozenset({"SWEEP", "BEST_SINGLE", "SNIPER"})
"""Policies whose later rounds are retries: their fills are all held against the first decision's view."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """A price the average is held against; `coverage`: which share of it was seen (time, or listings' tapes)."""

    name: str
    price: Decimal | None
    slippage_bps: Decimal | None
    all_in_bps: Decimal | None
    coverage: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AtHorizon:
    """What the market did so many seconds after the fills, weighted by quantity."""

    seconds: int
    realised_bps: Weighted
    impact_bps: Weighted
    markout_bps: Weighted


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """Against another way to do the filled quantity on the view of arrival; positive is good for us.

    `planned_bps` is what our plan saved on that view, `realised_bps` what the fills did; None where the other could
    not have done it, of which `short` (base) says how much.
    """

    name: str
    venue: str | None
    planned_bps: Decimal | None
    realised_bps: Decimal | None
    short: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueScore:
    """One listing over the order's life. Quantities in base.

    Children that never left are not counted; `repeated` ones were sent again, with the same id.
    """

    listing_id: ListingId
    children: int
    sent: Decimal
    filled: Decimal
    average: Decimal | None
    fee: Decimal
    rejected: int
    repeated: int
    markout_bps: tuple[Weighted, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCost:
    """The report's figures, prices and money in reporting currency.

    `shortfall` charges delay to all that was ordered, `executed_basis` to what was done. `attributions`: by the round
    whose view they are held against. `flags`: what is missing, and why.
    """

    record: OrderRecord
    filled: Decimal
    average: Decimal | None
    average_all_in: Decimal | None
    decision_mid: Decimal | None
    arrival_mid: Decimal | None
    arrival_touch: Decimal | None
    final_mid: Decimal | None
    shortfall: Shortfall | None
    executed_basis: Shortfall | None
    spread_part: Decimal | None
    benchmarks: tuple[Benchmark, ...]
    participation: Decimal | None
    effective_bps: Weighted
    horizons: tuple[AtHorizon, ...]
    improvement_bps: Weighted
    net_improvement_bps: Weighted
    sweep_to_fill_bps: Decimal | None
    savings: tuple[Saving, ...]
    attributions: tuple[tuple[int, Attribution], ...]
    venues: tuple[VenueScore, ...]
    valued: tuple[Valued, ...]
    flags: tuple[str, ...]


class _Seen:
    """The record with what everything else needs of it worked out once."""

    def __init__(self, record: OrderRecord) -> None:
        self.record = record
        self.path = Path(record.instants, record.blind)
        self.children = {one.id: one for one in record.children}
        self.views = {one.round: one.view for one in record.decisions}
        self.arrival_view = next((one.view for one in record.decisions if one.view is not None), None)
        self.flags: set[str] = set()
        self.arrival = self._instant(record.decisions[0].round) if record.decisions else None
        found = [self._valued(index) for index in range(len(record.fills))]
        self.valued = tuple(one for one in found if one is not None)
        if len(self.valued) < len(found):
            self.flags.add("a fill or a fee could not be valued: no cost is stated")
        self.whole = len(self.valued) == len(found)
        for one in self.valued:
            self.flags |= {f"rates {rate.source}" for rate in one.rates if rate.source == DECIDED}

    def view_of(self, child: str) -> MarketView | None:
        """What the decision saw that planned this child."""
        known = self.children.get(child)
        return None if known is None else self.views.get(known.round)

    def sent_at(self, fill: FillSeen) -> Instant | None:
        """The market when the fill's child was decided; where nobody says when, as it stood at the fill."""
        child = self.children.get(fill.child)
        if child is None:
            self.flags.add("not told when a fill was sent: its spread is against the mid at the fill")
            return self.path.at(fill.at_ns)
        return self._instant(child.round) or self.path.at(child.decided_ns)

    def _instant(self, planning_round: int) -> Instant | None:
        """The market at a decision: as its view shows it, or as it was remembered."""
        decision = next((one for one in self.record.decisions if one.round == planning_round), None)
        if decision is None:
            return None
        if decision.view is None:
            return self.path.at(decision.at_ns)
        best, marks = top(decision.view), {mark.asset: mark.rate for mark in decision.view.fx}
        return Instant(at_ns=decision.at_ns, bid=best.bid, ask=best.ask, marks=marks)

    def _valued(self, index: int) -> Valued | None:
        fill = self.record.fills[index]
        return valued(self.record, fill, self.path, self.arrival, self.sent_at(fill))


def measure(record: OrderRecord) -> OrderCost:
    """Everything there is to say of one order that has ended."""
    seen = _Seen(record)
    side = record.side
    with exactly():
        filled = sum((one.quantity for one in record.fills), ZERO)
        paid = sum((one.seen.quantity * one.price for one in seen.valued), ZERO)
        fees = sum((one.fee for one in seen.valued), ZERO)
        all_in = paid + side.sign * fees
    average = per_unit(paid, filled) if seen.whole else None
    average_all_in = per_unit(all_in, filled) if seen.whole else None
    around = _mids(seen)
    costs = _shortfalls(seen, around)
    marked = [(one, _marked(seen, one)) for one in seen.valued]
    return OrderCost(
        record=record,
        filled=filled,
        average=average,
        average_all_in=average_all_in,
        decision_mid=around[0],
        arrival_mid=around[1],
        arrival_touch=None if seen.arrival is None else seen.arrival.opposite(side),
        final_mid=around[2],
        shortfall=costs[0],
        executed_basis=costs[1],
        spread_part=_spread_part(seen),
        benchmarks=_benchmarks(seen, around, average, average_all_in),
        participation=_participation(seen),
        effective_bps=_weighted(marked, effective_bps),
        horizons=tuple(_horizon(marked, seconds) for seconds in HORIZONS_S),
        improvement_bps=_improvements(seen, net=False),
        net_improvement_bps=_improvements(seen, net=True),
        sweep_to_fill_bps=_sweep_to_fill(seen, filled),
        savings=_savings(seen, filled),
        attributions=_attributions(seen),
        venues=_venues(seen, marked),
        valued=seen.valued,
        flags=tuple(sorted(seen.flags)),
    )


_Around = tuple[Decimal | None, Decimal | None, Decimal | None]
_Pairs = Sequence[tuple[Valued, Marked | None]]
_Figure = Callable[[Marked], Decimal | None]


def _mids(seen: _Seen) -> _Around:
    """At the decision, at arrival, at the end."""
    record, path = seen.record, seen.path
    arrival = None if seen.arrival is None else seen.arrival.mid
    if seen.arrival is not None and arrival is None:
        seen.flags.add("no consolidated mid at arrival")
    decision, final = path.mid(record.decided_ns), path.mid(record.ended_ns)
    if decision is None and seen.arrival is not None:
        decision = arrival
        seen.flags.add("mid at the decision not seen: that of arrival stands for it")
    last = next((one.view for one in reversed(record.decisions) if one.view is not None), None)
    if final is None and last is not None:
        final = top(last).mid
        seen.flags.add("mid at the end not seen: that of the last decision stands for it")
    return decision, arrival, final


def _shortfalls(seen: _Seen, around: _Around) -> tuple[Shortfall, Shortfall] | tuple[None, None]:
    decision, arrival, final = around
    if decision is None or arrival is None or final is None or not seen.whole:
        return None, None
    mids = Mids(decision=decision, arrival=arrival, final=final)
    fills = [one.execution for one in seen.valued]
    by_order = shortfall(seen.record.side, seen.record.quantity, mids, fills)
    return by_order, shortfall(seen.record.side, seen.record.quantity, mids, fills, Basis.EXECUTED)


def _spread_part(seen: _Seen) -> Decimal | None:
    """Half the spread that taking fills crossed, as it stood when they were decided."""
    parts = []
    for one in seen.valued:
        if one.seen.maker:
            continue
        best = seen.sent_at(one.seen)
        if best is None or best.bid is None or best.ask is None:
            return None
        with exactly():
            parts.append(one.seen.quantity * (best.ask - best.bid) * _HALF)
    with exactly():
        return sum(parts, ZERO)


def _benchmarks(seen: _Seen, around: _Around, average: Decimal | None, all_in: Decimal | None) -> tuple[Benchmark, ...]:
    record, side = seen.record, seen.record.side
    arrival_ns = _arrival_ns(record)
    tape, coverage = _tape(seen, arrival_ns, record.ended_ns)
    after, _ = _tape(seen, arrival_ns, None)
    own = _own(seen)
    touch = None if seen.arrival is None else seen.arrival.opposite(side)
    mean, known = twap(seen.path.mids(arrival_ns, record.ended_ns), arrival_ns, record.ended_ns)
    filled = sum((one.seen.quantity for one in seen.valued), ZERO)
    prices: list[tuple[str, Decimal | None, Decimal | None]] = [
        ("decision mid", around[0], None),
        ("arrival mid", around[1], None),
        ("arrival far touch", touch, None),
        ("arrival best all in", _best_all_in(seen), None),
        ("interval VWAP", vwap(tape), coverage),
        ("interval VWAP without own prints", _others(seen, tape, own), coverage),
        ("interval TWAP", mean, known),
        *((f"PWP {plain(rate * 100)} %", pwp(after, filled, rate) if filled else None, None) for rate in PWP_RATES),
    ]
    return tuple(
        Benchmark(
            name=name,
            price=price,
            slippage_bps=_worse(side, average, price),
            all_in_bps=_worse(side, all_in, price),
            coverage=share,
        )
        for name, price, share in prices
    )


def _others(seen: _Seen, tape: Sequence[Piece], own: Own) -> Decimal | None:
    try:
        return vwap(tape, own)
    except ValueError:
        seen.flags.add("own prints are not all on the tape: no VWAP without them")
        return None


def _participation(seen: _Seen) -> Decimal | None:
    tape, _ = _tape(seen, _arrival_ns(seen.record), seen.record.ended_ns)
    return participation(_own(seen), tape)


def _arrival_ns(record: OrderRecord) -> Nanos:
    return record.decisions[0].at_ns if record.decisions else record.decided_ns


def _tape(seen: _Seen, from_ns: Nanos, to_ns: Nanos | None) -> tuple[list[Piece], Decimal | None]:
    """What was traded in public in that time, in reporting currency, and which share of it was surely seen."""
    pieces, known, total = [], 0, 0
    for one in seen.record.tape:
        if one.to_ns <= from_ns or (to_ns is not None and one.from_ns >= to_ns):
            continue
        mark = Decimal(1) if one.quote == seen.record.reporting else seen.path.mark(one.quote, one.to_ns)
        total += one.to_ns - one.from_ns
        if mark is None:
            continue
        known += one.to_ns - one.from_ns if one.whole else 0
        with exactly():
            worth = one.notional * mark
        pieces.append(Piece(from_ns=one.from_ns, to_ns=one.to_ns, quantity=one.quantity, notional=worth))
    return sorted(pieces, key=lambda piece: piece.to_ns), ratio(Decimal(known), Decimal(total)) if total else None


def _own(seen: _Seen) -> Own:
    """Our prints on tapes that were watched."""
    watched = {one.listing_id for one in seen.record.tape}
    ours = [one for one in seen.valued if (child := seen.children.get(one.seen.child)) and child.listing_id in watched]
    with exactly():
        return Own(
            quantity=sum((one.seen.quantity for one in ours), ZERO),
            notional=sum((one.seen.quantity * one.price for one in ours), ZERO),
        )


def _best_all_in(seen: _Seen) -> Decimal | None:
    best = None if seen.arrival_view is None else next(ladder(seen.arrival_view, seen.record.side), None)
    return None if best is None else best.effective_price


def _worse(side: Side, price: Decimal | None, benchmark: Decimal | None) -> Decimal | None:
    return None if price is None or not benchmark else side.sign * bps_above(price, benchmark)


def _marked(seen: _Seen, one: Valued) -> Marked | None:
    sent = seen.sent_at(one.seen)
    mid = None if sent is None else sent.mid
    if mid is None:
        return None
    return Marked(
        side=seen.record.side,
        quantity=one.seen.quantity,
        price=one.price,
        mid=mid,
        later={seconds: seen.path.mid(one.seen.at_ns + seconds * _NS_PER_S) for seconds in HORIZONS_S},
    )


def _weighted(pairs: _Pairs, figure: _Figure) -> Weighted:
    return by_quantity((one.seen.quantity, None if fill is None else figure(fill)) for one, fill in pairs)


def _horizon(pairs: _Pairs, seconds: int) -> AtHorizon:
    return AtHorizon(
        seconds=seconds,
        realised_bps=_weighted(pairs, lambda fill: realised_bps(fill, seconds)),
        impact_bps=_weighted(pairs, lambda fill: impact_bps(fill, seconds)),
        markout_bps=_weighted(pairs, lambda fill: markout_bps(fill, seconds)),
    )


def _improvements(seen: _Seen, *, net: bool) -> Weighted:
    """Against the best the fill's own decision saw: raw price against raw touch, or both all in."""
    side = seen.record.side
    figures: list[tuple[Decimal, Decimal | None]] = []
    for one in seen.valued:
        view, sent, figure = seen.view_of(one.seen.child), seen.sent_at(one.seen), None
        if not net:
            touch = None if sent is None else sent.opposite(side)
            figure = None if touch is None else improvement_bps(side, one.price, touch)
        elif view is not None:
            best, price = next(ladder(view, side), None), _all_in_price(seen, one, view)
            figure = None if best is None or price is None else improvement_bps(side, price, best.effective_price)
        figures.append((one.seen.quantity, figure))
    return by_quantity(figures)


def _all_in(seen: _Seen, one: Valued, view: MarketView) -> Decimal | None:
    """At the marks of the view it is held against, so that a currency's move is no part of a venue's cost."""
    trade = Traded(quote=one.seen.quote, quantity=one.seen.quantity, price=one.seen.price, fees=one.seen.fees)
    return all_in_of(seen.record.side, seen.record.base, trade, view)


def _all_in_price(seen: _Seen, one: Valued, view: MarketView) -> Decimal | None:
    return per_unit(_all_in(seen, one, view), one.seen.quantity)


def _arrival_all_in(seen: _Seen) -> Decimal | None:
    """What the fills cost or brought, at the marks of arrival."""
    if seen.arrival_view is None or not seen.whole:
        return None
    found = [_all_in(seen, one, seen.arrival_view) for one in seen.valued]
    known = [one for one in found if one is not None]
    with exactly():
        return sum(known, ZERO) if len(known) == len(found) else None


def _request(seen: _Seen, filled: Decimal) -> SplitRequest | None:
    """The filled quantity again, on the view of arrival, balances and limits aside."""
    if seen.arrival_view is None or filled <= 0:
        return None
    return SplitRequest(view=seen.arrival_view, side=seen.record.side, quantity=filled)


def _sweep_to_fill(seen: _Seen, filled: Decimal) -> Decimal | None:
    request, actual = _request(seen, filled), _arrival_all_in(seen)
    if request is None or actual is None:
        return None
    plan = split(request)
    if plan.all_in_cost is None or plan.residual:
        seen.flags.add("the books of arrival do not show all that was filled: no sweep to hold it against")
        return None
    return _worse(seen.record.side, per_unit(actual, filled), per_unit(plan.all_in_cost, filled))


def _savings(seen: _Seen, filled: Decimal) -> tuple[Saving, ...]:
    request, actual = _request(seen, filled), _arrival_all_in(seen)
    if request is None or actual is None:
        return ()
    mid = top(request.view).mid
    return () if mid is None else tuple(_saved(request, compare(request, split(request)), actual, mid * filled))


def _saved(request: SplitRequest, found: Comparison, actual: Decimal, paper: Decimal) -> list[Saving]:
    others = (found.best_single, found.proportional, found.sequential, found.fee_blind)
    savings = []
    for other in others:
        if other is None:
            continue
        whole = other.plan.all_in_cost if not other.plan.residual else None
        saved = None
        if whole is not None:
            with exactly():
                saved = request.side.sign * (whole - actual)
        savings.append(
            Saving(
                name=other.name,
                venue=other.venue,
                planned_bps=None if whole is None else other.saving_bps,
                realised_bps=None if saved is None else bps_of(saved, paper),
                short=other.plan.residual,
            )
        )
    return savings


def _attributions(seen: _Seen) -> tuple[tuple[int, Attribution], ...]:
    """By the decision they are held against: an order done at once has one, a schedule one per round."""
    groups: defaultdict[int, list[Valued]] = defaultdict(list)
    first = next((one.round for one in seen.record.decisions if one.view is not None), 0)
    for one in seen.valued:
        child = seen.children.get(one.seen.child)
        number = 0 if child is None else first if seen.record.policy in AT_ONCE else child.round
        groups[number].append(one)
    found = [(number, _attributed(seen, seen.views.get(number), fills)) for number, fills in sorted(groups.items())]
    if any(one is None for _, one in found):
        seen.flags.add("some fills cannot be held against what their venue showed: attribution is not whole")
    return tuple((number, one) for number, one in found if one is not None)


def _attributed(seen: _Seen, view: MarketView | None, fills: Sequence[Valued]) -> Attribution | None:
    mid = None if view is None else top(view).mid
    if view is None or mid is None:
        return None
    done: dict[ListingId, Done] = {}
    for one in fills:
        child, cash = seen.children.get(one.seen.child), _all_in(seen, one, view)
        if child is None or cash is None:
            return None
        before = done.get(child.listing_id, Done(quantity=ZERO, all_in=ZERO))
        with exactly():
            done[child.listing_id] = Done(quantity=before.quantity + one.seen.quantity, all_in=before.all_in + cash)
    side = seen.record.side
    with exactly():
        quantity = sum((one.quantity for one in done.values()), ZERO)
    plan = split(SplitRequest(view=view, side=side, quantity=quantity))
    if plan.all_in_cost is None or plan.residual:
        return None
    return attribution(side, view, mid, plan.all_in_cost, done)


def _venues(seen: _Seen, marked: _Pairs) -> tuple[VenueScore, ...]:
    groups: defaultdict[ListingId, list[ChildSeen]] = defaultdict(list)
    for child in seen.record.children:
        groups[child.listing_id].append(child)
    return tuple(_score(listing_id, children, marked) for listing_id, children in sorted(groups.items()))


def _score(listing_id: ListingId, children: Sequence[ChildSeen], marked: _Pairs) -> VenueScore:
    ids = {child.id for child in children}
    own = [(one, fill) for one, fill in marked if one.seen.child in ids]
    with exactly():
        filled = sum((one.seen.quantity for one, _ in own), ZERO)
        paid = sum((one.seen.quantity * one.price for one, _ in own), ZERO)
        return VenueScore(
            listing_id=listing_id,
            children=sum(child.left for child in children),
            sent=sum((child.quantity for child in children if child.left), ZERO),
            filled=filled,
            average=per_unit(paid, filled),
            fee=sum((one.fee for one, _ in own), ZERO),
            rejected=sum(child.left and child.state == "REJECTED" for child in children),
            repeated=sum(child.copies > 1 for child in children),
            markout_bps=tuple(_horizon(own, seconds).markout_bps for seconds in HORIZONS_S),
        )
