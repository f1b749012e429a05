"""Divide a quantity over listings at the best all-in price.

Promises: lines + residual = what was asked, exactly; every line on its listing's lattice and at or above its minimum;
nothing beyond the parent's limit, a balance or an order limit; a reason for every listing that got nothing and for
whatever is left; the same request gives the same plan, byte for byte.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from router.book.effective import all_in_here, spend_factor
from router.model import rounding
from router.model.facts import Exclusion
from router.model.ids import AccountId, Asset, ListingId
from router.model.instruments import Listing
from router.model.market import ListingView
from router.model.money import ZERO, exactly, fraction_of_bps
from router.model.side import Side
from router.split import reasons
from router.split.curve import Curve, Terms
from router.split.evaluate import Swept, sweep
from router.split.plan import Plan, PlanLine, SplitRequest
from router.split.search import Group, Search, Units

_FINEST_PLACES = 8
"""Units are at least this fine, so that what books display is whole numbers of them."""


def split(request: SplitRequest) -> Plan:
    """The plan for `request`."""
    with exactly():
        return _Splitter(request).plan()


def fee_blind(request: SplitRequest) -> Plan:
    """What a router that ignores fees would send: the raw-price sweep, under the same rules, costed all in."""
    with exactly():
        return _Splitter(request).blind_plan()


class _Splitter:
    """One split: who takes part, the curves, the search, and the plan made of its answer."""

    def __init__(self, request: SplitRequest) -> None:
        assert request.quantity > 0
        self._request = request
        self._excluded: dict[ListingId, str] = {}
        self._too_small: list[Curve] = []
        self._scale = _scale(request)
        self._quantity = int(request.quantity * self._scale)
        self._curves = self._take_part(self._allowed())
        self._groups = self._shared_balances()
        self._search = self._search_over(self._curves)
        self._rest_price = self._price_rest() if self._curves else request.options.residual_price

    def plan(self) -> Plan:
        units = self._search.solve(hint=self._blind_units) if self._curves else []
        return self._planned(units)

    def blind_plan(self) -> Plan:
        units = self._blind_units() if self._curves else []
        return self._planned(units)

    def _allowed(self) -> list[tuple[ListingView, Decimal]]:
        allowed = []
        for one in sorted(self._request.view.listings, key=lambda one: one.listing.id):
            why = reasons.not_allowed(self._request, one)
            rate = self._request.view.fx_rate(one.listing.quote)
            if why is not None or rate is None:
                self._excluded[one.listing.id] = why or reasons.NO_LISTING
            else:
                allowed.append((one, rate))
        return allowed

    def _take_part(self, allowed: Sequence[tuple[ListingView, Decimal]]) -> list[Curve]:
        curves = []
        terms = self._terms()
        for one, rate in allowed:
            collar = self._request.collar_prices.get(one.listing.id)
            curve = Curve(one, rate, terms, self._spendable(one.listing), collar)
            if curve.set_minimum():
                curves.append(curve)
            else:
                self._too_small.append(curve)
                self._excluded[one.listing.id] = reasons.too_small(curve, self._request, self._scale)
        return curves

    def _terms(self) -> Terms:
        request, options = self._request, self._request.options
        return Terms(
            side=request.side,
            scale=self._scale,
            quantity=self._quantity,
            limit_price=request.limit_price,
            reserve=options.reserve,
            child_notional_max=options.child_notional_max,
        )

    def _spendable(self, listing: Listing) -> Decimal | None:
        if self._request.spendable is None:
            return None
        return self._request.spendable.get(_balance(listing, self._request.side), ZERO)

    def _shared_balances(self) -> list[Group]:
        """A balance several listings draw on: each curve ends at it alone, together they must fit too."""
        if self._request.spendable is None:
            return []
        drawing: dict[tuple[AccountId, Asset], list[int]] = defaultdict(list)
        for rank, curve in enumerate(self._curves):
            drawing[_balance(curve.view.listing, self._request.side)].append(rank)
        return [
            _group(
                {rank: self._weight(self._curves[rank]) for rank in ranks},
                self._request.spendable.get(balance, ZERO) * self._scale,
            )
            for balance, ranks in drawing.items()
            if len(ranks) > 1
        ]

    def _weight(self, curve: Curve) -> Decimal:
        """What one unit draws at most: base for a sell; for a buy quote at the deepest price the curve may reach."""
        listing, side = curve.view.listing, self._request.side
        if side is Side.SELL:
            return spend_factor(listing, side)
        return curve.deepest_price() * spend_factor(listing, side)

    def _price_rest(self) -> Decimal:
        """What a unit unfilled counts as, and tell the search."""
        side, options = self._request.side, self._request.options
        price = options.residual_price
        if price is None:
            marginal = Decimal(f"{self._search.marginal * side.sign:.8f}")
            price = marginal * (1 + side.sign * fraction_of_bps(options.short_bps))
        self._search.price_rest(side.sign * float(price))
        return price

    def _signed_rest(self) -> float:
        return self._request.side.sign * float(self._rest_price or ZERO)

    def _search_over(self, curves: Sequence[Curve]) -> Search:
        by_venue: dict[str, set[int]] = defaultdict(set)
        for rank, curve in enumerate(curves):
            by_venue[curve.view.listing.venue].add(rank)
        return Search(
            curves,
            self._quantity,
            self._groups,
            self._request.options.children_max,
            related=[frozenset(ranks) for ranks in by_venue.values() if len(ranks) > 1],
        )

    def _blind_units(self) -> Units:
        """The sweep by raw price. Its curves end where ours do, so that it obeys the same limits."""
        blind = [curve.blind() for curve in self._curves]
        return self._search_over(blind).sweep_only()

    def _planned(self, units: Units) -> Plan:
        request = self._request
        swept = [
            sweep(curve.view, request.side, (taken // curve.step) * curve.view.listing.step, curve.rate)
            for curve, taken in zip(self._curves, units, strict=True)
            if taken
        ]
        rates = {curve.view.listing.id: curve for curve in self._curves}
        lines = tuple(_line(one, rates[one.listing_id], request) for one in swept)
        residual = request.quantity - sum((line.quantity for line in lines), ZERO)
        assert residual >= 0
        assert sum((line.quantity for line in lines), ZERO) + residual == request.quantity
        marginal = _marginal(swept, rates, request.side)
        return Plan(
            lines=lines,
            residual=residual,
            residual_reason=self._why_left(units) if residual else None,
            all_in_cost=sum((one.all_in for one in swept), ZERO) if swept else None,
            marginal_price=marginal,
            residual_price=self._rest_price,
            exclusions=self._exclusions(units, marginal),
        )

    def _why_left(self, units: Units) -> str:
        left = self._quantity - sum(units)
        children_max = self._request.options.children_max
        full = children_max is not None and sum(1 for taken in units if taken) >= children_max
        return reasons.left_over(
            [*self._curves, *self._too_small],
            [*units, *[0] * len(self._too_small)],
            left,
            self._signed_rest(),
            full,
            self._request,
        )

    def _exclusions(self, units: Units, marginal: Decimal | None) -> tuple[Exclusion, ...]:
        found = dict(self._excluded)
        side = self._request.side
        edge = None if marginal is None else side.sign * float(marginal)
        for curve, taken in zip(self._curves, units, strict=True):
            why = (
                reasons.held_back(curve, taken, self._scale)
                if taken
                else reasons.unused(curve, edge, side, self._scale)
            )
            if why is not None:
                found[curve.view.listing.id] = why
        return tuple(Exclusion(listing_id=one, reason=found[one]) for one in sorted(found))


def _line(swept: Swept, curve: Curve, request: SplitRequest) -> PlanLine:
    listing = curve.view.listing
    limit = rounding.limit_price(request.side, swept.worst_price, listing.tick)
    assert swept.beyond_depth == 0
    assert request.limit_price is None or (limit * curve.rate - request.limit_price) * request.side.sign <= 0
    return PlanLine(
        listing_id=listing.id,
        quantity=swept.quantity,
        limit_price=limit,
        expected_price=swept.average_price,
        effective_price=swept.effective_price,
        expected_fee=swept.fee.amount,
        fee_asset=swept.fee.asset,
    )


def _marginal(swept: Sequence[Swept], curves: Mapping[ListingId, Curve], side: Side) -> Decimal | None:
    """The worst all-in price among the levels used."""
    worst = [
        all_in_here(curves[one.listing_id].view.listing, side, one.worst_price, curves[one.listing_id].rate)
        for one in swept
    ]
    return max(worst, key=lambda price: price * side.sign, default=None)


def _scale(request: SplitRequest) -> Decimal:
    """Units per unit of base: a power of ten that every step is a whole number of."""
    places = [-int(one.listing.step.normalize().as_tuple().exponent) for one in request.view.listings]
    return Decimal(1).scaleb(max([_FINEST_PLACES, *places]))


def _balance(listing: Listing, side: Side) -> tuple[AccountId, Asset]:
    """Which balance an order draws on."""
    return listing.account, listing.quote if side is Side.BUY else listing.base


def _group(weights: Mapping[int, Decimal], room: Decimal) -> Group:
    """In whole numbers: weights scaled up until they are, the room likewise."""
    places = max(0, *(-int(weight.as_tuple().exponent) for weight in weights.values()))
    factor = Decimal(1).scaleb(places)
    return Group({rank: int(weight * factor) for rank, weight in weights.items()}, int(room * factor))
