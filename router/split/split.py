"""Divide a quantity over listings at the best all-in price.

Promises: lines + residual = what was asked, exactly; every line on its listing's lattice and at or above its minimum;
nothing beyond the parent's limits, a balance, a cap or an order limit; a reason for every listing that got nothing and
for whatever is left; the same request gives the same plan, byte for byte.

This is the plan an order waits for. What it can be proven to be is `router.split.proof`'s, later and elsewhere.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import gcd

from router.book.effective import spend_factor
from router.model import rounding
from router.model.facts import Exclusion
from router.model.ids import AccountId, Asset, ListingId
from router.model.instruments import Listing
from router.model.money import ZERO, exactly, fraction_of_bps, ratio
from router.model.side import Side
from router.split import reasons
from router.split.branch import explored
from router.split.curve import Curve, Terms
from router.split.evaluate import Swept, order_cost, priced, sweep_here
from router.split.group import Draw, Group
from router.split.plan import Cap, Plan, PlanLine, Reserve, SplitRequest
from router.split.search import Search, Units

_FINEST_PLACES = 8
"""Units are at least this fine, so that what books display is whole numbers of them."""
_OPEN_BPS = 0.01
_NODES_MAX = 40
"""What the order may wait for; the proof goes on from there later."""
_SCALES = [Decimal(1).scaleb(places) for places in range(40)]


def split(request: SplitRequest) -> Plan:
    """The plan for `request`."""
    with exactly():
        return Splitter(request).plan()


class Splitter:
    """One split: who takes part, the curves, the search, and the plan made of its answer. Used under `exactly()`."""

    def __init__(self, request: SplitRequest) -> None:
        assert request.quantity > 0
        self.request = request
        self._excluded: dict[ListingId, str] = {}
        self._too_small: list[Curve] = []
        self._units: Units | None = None
        self.scale = _scale(request)
        self.quantity = int(request.quantity * self.scale)
        self.curves = self._take_part()
        dust = self.quantity % gcd(*(curve.step for curve in self.curves)) if self.curves else 0
        self.reachable = self.quantity - dust
        """What whole lots can add up to: what is beyond it stays unfilled whatever is done."""
        self.groups = [*self._shared_balances(), *self._caps()]
        self.search = self._search_over(self.curves)
        self.rest_price = self._price_rest() if self.curves else request.options.residual_price

    def plan(self) -> Plan:
        """The best found."""
        return self.planned(self.units())

    def units(self) -> Units:
        """What it sends, by curve."""
        if self._units is None:
            self._units = self._found() if self.curves else []
        return self._units

    def _found(self) -> Units:
        """The search over sets, and a few branches where that leaves more than a hundredth of a basis point open."""
        units = self.search.solve(hint=self.blind_units)
        gap = self.search.open_gap(units)
        if gap is None or gap <= _OPEN_BPS:
            return units
        tolerance = _OPEN_BPS / 1e4 * abs(self.search.total(units))
        return explored(self.search, units, tolerance=tolerance, nodes_max=_NODES_MAX).units

    def planned(self, units: Sequence[int]) -> Plan:
        """The plan that sends these units."""
        request, side = self.request, self.request.side
        lines: list[PlanLine] = []
        sent, total, marginal = ZERO, ZERO, None
        for curve, taken in zip(self.curves, units, strict=True):
            if not taken:
                continue
            whole = sweep_here(curve.view, side, (taken // curve.step) * curve.view.listing.step, curve.rate)
            assert whole.beyond_depth == 0
            lines += self._lines(curve, taken, whole)
            sent += whole.quantity
            total += whole.all_in
            worst = curve.all_in(whole.worst_price)
            if marginal is None or (worst - marginal) * side.sign > 0:
                marginal = worst
        residual = request.quantity - sent
        assert residual >= 0
        return Plan(
            lines=tuple(lines),
            residual=residual,
            residual_reason=self._why_left(units) if residual else None,
            all_in_cost=total if lines else None,
            marginal_price=marginal,
            residual_price=self.rest_price,
            exclusions=self._exclusions(units, marginal),
        )

    def blind_units(self) -> Units:
        """The sweep by raw price. Its curves end where ours do, so that it obeys the same limits."""
        if not self.curves:
            return []
        return self._search_over([curve.blind() for curve in self.curves]).sweep_only()

    def _lines(self, curve: Curve, taken: int, whole: Swept) -> Iterator[PlanLine]:
        """The orders that send `taken`: one, or as many as the listing's largest order makes necessary."""
        listing, request, side = curve.view.listing, self.request, self.request.side
        limit = rounding.limit_price(side, whole.worst_price, listing.tick)
        assert request.limit_price is None or (limit * curve.rate - request.limit_price) * side.sign <= 0
        orders = curve.orders(taken)
        if orders == 1:
            yield _line(listing, whole.quantity, limit, whole, None)
            return
        before: Swept | None = None
        for number in range(1, orders + 1):
            upto = (taken // curve.step) * number // orders * listing.step
            swept = whole if number == orders else sweep_here(curve.view, side, upto, curve.rate)
            yield _line(listing, swept.quantity - (before.quantity if before else ZERO), limit, swept, before)
            before = swept

    def _take_part(self) -> list[Curve]:
        """Curves of the listings that can be used, in the order in which ties are broken."""
        request = self.request
        terms = Terms(request, self.scale, self.quantity)
        default, costs = float(request.options.order_cost) * terms.scale_float, request.options.order_costs
        rates = {mark.asset: mark.rate for mark in reversed(request.view.fx)}
        curves = []
        for one in request.view.listings:
            why = reasons.not_allowed(request, one, rates)
            if why is not None:
                self._excluded[one.listing.id] = why
                continue
            fixed = default
            if one.listing.id in costs:
                fixed = float(order_cost(request, one.listing.id)) * terms.scale_float
            curve = Curve(one, rates[one.listing.quote], terms, self._spendable(one.listing), fixed)
            if curve.can(curve.minimum):
                curves.append(curve)
            else:
                self._too_small.append(curve)
                self._excluded[one.listing.id] = reasons.too_small(curve, request, self.scale)
        self._too_small.sort(key=lambda curve: curve.view.listing.id)
        curves.sort(key=lambda curve: (-curve.chance(), curve.fixed, curve.view.listing.id))
        return curves

    def _spendable(self, listing: Listing) -> Decimal | None:
        if self.request.spendable is None:
            return None
        return self.request.spendable.get(_balance(listing, self.request.side), ZERO)

    def _shared_balances(self) -> Iterator[Group]:
        """A balance several listings draw on: each curve ends at it alone, together they must fit too."""
        request, side = self.request, self.request.side
        if request.spendable is None:
            return
        balances = [_balance(curve.view.listing, side) for curve in self.curves]
        if len(set(balances)) == len(balances):
            return
        drawing: dict[tuple[AccountId, Asset], list[int]] = defaultdict(list)
        for rank, balance in enumerate(balances):
            drawing[balance].append(rank)
        buying = Draw.BLOCKED if request.options.reserve is Reserve.WORST else Draw.WALKED
        for (account, asset), ranks in drawing.items():
            if len(ranks) > 1:
                weights = {rank: spend_factor(self.curves[rank].view.listing, side) for rank in ranks}
                room = request.spendable.get((account, asset), ZERO) * self.scale
                draw = buying if side is Side.BUY else Draw.UNITS
                yield Group(f"balance {account} {asset}", draw, weights, room, self.curves, (account, asset))

    def _caps(self) -> Iterator[Group]:
        for cap in self.request.caps:
            ranks = [rank for rank, curve in enumerate(self.curves) if curve.view.listing.id in cap.listings]
            if ranks and cap.quantity is not None:
                weights = {rank: cap.weight(self.curves[rank].view.listing.id) for rank in ranks}
                yield Group(f"{cap.name} quantity", Draw.UNITS, weights, cap.quantity * self.scale, self.curves)
            if ranks and cap.notional is not None:
                yield self._notional_cap(cap, cap.notional, ranks)

    def _notional_cap(self, cap: Cap, notional: Decimal, ranks: Sequence[int]) -> Group:
        """In reporting currency at the limit prices of a buy; a sell's at the best bid."""
        curves, room = self.curves, notional * self.scale
        name = f"{cap.name} notional"
        rates = {rank: curves[rank].rate * cap.weight(curves[rank].view.listing.id) for rank in ranks}
        if self.request.side is Side.BUY:
            return Group(name, Draw.BLOCKED, rates, room, curves)
        weights = {rank: rate * curves[rank].view.bids[0].price for rank, rate in rates.items()}
        return Group(name, Draw.UNITS, weights, room, curves)

    def _price_rest(self) -> Decimal:
        """What a unit unfilled counts as, and tell the search."""
        side, options, marginal = self.request.side, self.request.options, None
        price = options.residual_price
        if price is None:
            rank, at = marginal = self.search.marginal
            price = self._level_price(self.curves[rank], at) * (1 + side.sign * fraction_of_bps(options.short_bps))
        self.search.price_rest(side.sign * float(price), marginal)
        return price

    def _level_price(self, curve: Curve, at: int) -> Decimal:
        """The exact all-in price, expected where that is uncertain, of a level of the curve."""
        request = self.request
        if request.landing is None:
            return curve.all_in(curve.native_price(curve.cums[at]))
        levels, index = (
            priced(curve.view, request.side, curve.rate, request.landing),
            curve.native_index(curve.cums[at]),
        )
        return next(price for number, (price, _) in enumerate(levels) if number == index)

    def _search_over(self, curves: Sequence[Curve]) -> Search:
        by_venue: dict[str, list[int]] = {}
        for rank, curve in enumerate(curves):
            by_venue.setdefault(curve.view.listing.venue, []).append(rank)
        related = [frozenset(ranks) for ranks in by_venue.values() if len(ranks) > 1]
        return Search(curves, self.reachable, self.groups, self.request.options.children_max, related)

    def _why_left(self, units: Sequence[int]) -> str:
        left = self.quantity - sum(units)
        children_max = self.request.options.children_max
        orders = sum(curve.orders(taken) for curve, taken in zip(self.curves, units, strict=True))
        growing = [
            not self.groups or self.search.fits_more(units, rank, curve.step if taken else curve.minimum)
            for rank, (curve, taken) in enumerate(zip(self.curves, units, strict=True))
        ]
        return reasons.left_over(
            [*self.curves, *self._too_small],
            [*units, *[0] * len(self._too_small)],
            left,
            self.request.side.sign * float(self.rest_price or ZERO),
            self.request,
            children_full=children_max is not None and orders >= children_max,
            fits=[*growing, *[True] * len(self._too_small)],
        )

    def _exclusions(self, units: Sequence[int], marginal: Decimal | None) -> tuple[Exclusion, ...]:
        found = dict(self._excluded)
        side = self.request.side
        edge = None if marginal is None else side.sign * float(marginal)
        for curve, taken in zip(self.curves, units, strict=True):
            why = (
                reasons.held_back(curve, taken, self.scale) if taken else reasons.unused(curve, edge, side, self.scale)
            )
            if why is not None:
                found[curve.view.listing.id] = why
        return tuple(Exclusion(listing_id=one, reason=found[one]) for one in sorted(found))


def _line(listing: Listing, quantity: Decimal, limit: Decimal, swept: Swept, before: Swept | None) -> PlanLine:
    """One order: what `swept` comes to, less what the orders before it do."""
    notional, all_in, fee = swept.notional, swept.all_in, swept.fee.amount
    if before is not None:
        notional, all_in, fee = notional - before.notional, all_in - before.all_in, fee - before.fee.amount
    return PlanLine(
        listing_id=listing.id,
        quantity=quantity,
        limit_price=limit,
        expected_price=ratio(notional, quantity),
        effective_price=ratio(all_in, quantity),
        expected_fee=fee,
        fee_asset=swept.fee.asset,
    )


def _scale(request: SplitRequest) -> Decimal:
    """Units per unit of base: a power of ten that every step is a whole number of."""
    places = _FINEST_PLACES
    for step in {one.listing.step for one in request.view.listings}:
        exponent = step.as_tuple().exponent
        assert isinstance(exponent, int)
        places = max(places, -exponent)
    return _SCALES[places]


def _balance(listing: Listing, side: Side) -> tuple[AccountId, Asset]:
    """Which balance an order draws on."""
    return listing.account, listing.quote if side is Side.BUY else listing.base
