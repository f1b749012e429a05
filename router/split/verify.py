"""Verify a proof without trusting who made it: the rules and the bound worked out again from the request alone.

Nothing in here is shared with the search; both know the exact evaluator and the meaning of a certificate. A listing's
range is found by trying quantities, the bound by walking every level. The definitions both sides keep to:

* the least an order takes is the smallest quantity from which on every larger one meets the minimums too;
* what is shared draws at least its weight per unit, and where it draws by the price, at least at the best price;
* with several orders of at most M at a listing, orders cost at least max(orders at the least quantity, quantity / M).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from router.book.consolidated import top
from router.book.effective import all_in_at_most_here, spend_factor
from router.model import rounding
from router.model.ids import AccountId, Asset, ListingId
from router.model.market import ListingView
from router.model.money import ONE, ZERO, bps_of, exactly, fraction_of_bps, ratio
from router.model.side import Side
from router.split.certificate import Certificate, Cut, Duals, Leaf, Status
from router.split.check import violations
from router.split.evaluate import levels_for, objective, order_cost, priced, sweep
from router.split.plan import Plan, Reserve, SplitRequest

_PLACES = Decimal("1E-24")
_SAME_BPS = Decimal("0.000001")
_DEPTH_MAX = 2_500
"""A tree deeper than any search makes is not a proof."""


@dataclass(frozen=True, slots=True)
class Market:
    """One listing that may take between `least` and `most`, its signed levels, and what an order counts as."""

    view: ListingView
    rate: Decimal
    least: Decimal
    most: Decimal
    order_max: Decimal | None
    fixed: Decimal
    levels: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """Something that several listings draw on: at least so much per unit, no more than `room` in all.

    `per_quote`: where a buy draws by the price, how much per quote spent, `blocked` at the deepest price touched.
    """

    room: Decimal
    weights: Mapping[ListingId, Decimal]
    per_quote: Mapping[ListingId, Decimal] = field(default_factory=dict)
    blocked: bool = False

    def drawn(self, view: ListingView, quantity: Decimal) -> Decimal:
        """By one listing of a buy or a sell, exactly."""
        one = view.listing.id
        if one not in self.per_quote:
            return self.weights.get(one, ZERO) * quantity
        swept = sweep(view, Side.BUY, quantity, ONE)
        return self.per_quote[one] * (quantity * swept.worst_price if self.blocked else swept.notional)


_Range = tuple[Decimal, Decimal]


def faults(request: SplitRequest, plan: Plan, certificate: Certificate) -> tuple[str, ...]:
    """Every sentence of the proof that is not so; none for a sound one."""
    broken = violations(request, plan)
    if broken:
        return broken
    with exactly():
        return tuple(_Verifier(request, plan, certificate).faults())


class _Verifier:
    def __init__(self, request: SplitRequest, plan: Plan, certificate: Certificate) -> None:
        self._request = request
        self._plan = plan
        self._told = certificate
        self._markets = {one.view.listing.id: one for one in markets(request)}
        self._shared = shared(request, self._markets)

    def faults(self) -> Iterator[str]:
        told, request = self._told, self._request
        if not self._markets:
            yield "no listing can be used, and a proof was made"
            return
        if told.residual_price != self._plan.residual_price:
            yield "the proof prices the residual otherwise than the plan"
        if not self._residual_priced():
            yield "the residual price is none that the request leads to"
        if told.notional != self._notional():
            yield "the notional is not quantity times mid"
        if told.upper != objective(request, self._plan, told.residual_price):
            yield "the upper bound is not what the plan costs"
        yield from self._bounds()
        if told.gap_bps != bps_of(told.upper - told.lower, told.notional):
            yield "the gap is not that of its bounds"
        if (told.status is Status.OPTIMAL) is not (told.gap_bps <= _SAME_BPS):
            yield "its status is not that of its gap"
        if told.nodes != 2 * _cuts(told.tree):
            yield "it does not tell every box it looked at"

    def _bounds(self) -> Iterator[str]:
        told = self._told
        every = [told.root, told.linear, *_multipliers(told.tree)]
        if not all(self._meant(duals) for duals in every):
            yield "a multiplier is negative or of something that is not shared"
            return
        nothing_decided = {one: (ZERO, market.most) for one, market in self._markets.items()}
        if told.lower_hull != self._bound(nothing_decided, told.root):
            yield "the bound of the root is not what its multipliers make"
        if told.lower_lp != self._linear(told.linear):
            yield "the linear bound is not what its multipliers make"
        found = list(self._leaves(told.tree, nothing_decided))
        if any(bound is None for bound in found):
            yield "a box said to be empty is not, or a cut is none"
        elif told.lower != min(bound for bound in found if bound is not None):
            yield "the lower bound is not what the tree makes"

    def _leaves(self, root: Cut | Leaf, everywhere: dict[ListingId, _Range]) -> Iterator[Decimal | None]:
        """The bound of every leaf; None for what does not hold."""
        stack = [(root, everywhere, 0)]
        while stack:
            tree, ranges, depth = stack.pop()
            if isinstance(tree, Leaf):
                yield self._leaf(tree, ranges)
                continue
            market = self._markets.get(tree.listing_id)
            if market is None or depth > _DEPTH_MAX or not rounding.on_grid(tree.quantity, market.view.listing.step):
                yield None
                return
            low, high = ranges[tree.listing_id]
            if not low <= tree.quantity <= high:
                yield None
                return
            more = tree.quantity + market.view.listing.step
            stack.append((tree.above, {**ranges, tree.listing_id: (more, high)}, depth + 1))
            stack.append((tree.below, {**ranges, tree.listing_id: (low, tree.quantity)}, depth + 1))

    def _leaf(self, leaf: Leaf, ranges: dict[ListingId, _Range]) -> Decimal | None:
        if leaf.duals is not None:
            return self._bound(ranges, leaf.duals)
        return Decimal("1E+60") if self._empty(ranges) else None

    def _empty(self, ranges: Mapping[ListingId, _Range]) -> bool:
        """Does nothing fit into these ranges?"""
        used = {one: max(low, self._markets[one].least) for one, (low, _) in ranges.items() if low > 0}
        if any(low > ranges[one][1] for one, low in used.items()):
            return True
        if sum(used.values(), ZERO) > self._request.quantity:
            return True
        children_max = self._request.options.children_max
        orders = sum(_orders(self._markets[one], low) for one, low in used.items())
        if children_max is not None and orders > children_max:
            return True
        return any(
            sum((shared.drawn(self._markets[one].view, low) for one, low in used.items()), ZERO) > shared.room
            for shared in self._shared.values()
        )

    def _bound(self, ranges: Mapping[ListingId, _Range], duals: Duals) -> Decimal:
        """L: nothing in these ranges costs less."""
        total = self._outside(duals, self._reachable(ranges))
        for one, (low, high) in ranges.items():
            market = self._markets[one]
            least = max(low, market.least)
            if high < least:
                if low > 0:
                    return Decimal("1E+60")
                continue
            term = self._least_term(market, least, high, duals)
            total += term if low > 0 else min(ZERO, term)
        return total

    def _least_term(self, market: Market, low: Decimal, high: Decimal, duals: Duals) -> Decimal:
        """The least of cost + orders + draws - lambda x quantity: at an end, a level's edge, or one order's size."""
        gain, charge = duals.marginal_price - self._drawn(market, duals), market.fixed + duals.order_price
        edges, reached = {low, high}, ZERO
        for _, size in market.levels:
            reached += size
            if low < reached < high:
                edges.add(reached)
            if reached >= high:
                break
        if market.order_max is not None and low < (full := market.order_max * _orders(market, low)) < high:
            edges.add(full)
        best, spent, walked = None, ZERO, ZERO
        levels = iter(market.levels)
        price, size = next(levels)
        for edge in sorted(edges):
            while walked + size < edge:
                spent, walked = spent + price * size, walked + size
                price, size = next(levels)
            cost = spent + price * (edge - walked)
            value = cost + _charged(market, charge, low, edge) - gain * edge
            if best is None or value < best:
                best = value
        assert best is not None
        return best

    def _linear(self, duals: Duals) -> Decimal:
        """The plain relaxation: any part of a level, orders by the unit."""
        total = self._outside(duals, self._request.quantity)
        for market in self._markets.values():
            gain = duals.marginal_price - self._drawn(market, duals)
            if market.fixed:
                gain -= rounding.down(ratio(market.fixed, market.most), _PLACES)
            left = market.most
            for price, size in market.levels:
                if price >= gain or not left:
                    break
                total += (price - gain) * min(size, left)
                left -= min(size, left)
        return total

    def _reachable(self, ranges: Mapping[ListingId, _Range]) -> Decimal:
        """The most that whole lots of what may still be used can add up to: whole times what all steps divide by."""
        steps = [
            self._markets[one].view.listing.step
            for one, (low, high) in ranges.items()
            if high >= max(low, self._markets[one].least)
        ]
        return rounding.down(self._request.quantity, _common(steps)) if steps else ZERO

    def _outside(self, duals: Duals, reachable: Decimal) -> Decimal:
        request, price = self._request, duals.marginal_price
        rest = request.side.sign * self._told.residual_price
        total = price * reachable + min(ZERO, rest - price) * reachable
        total += rest * (request.quantity - reachable)
        total -= duals.order_price * (request.options.children_max or 0)
        return total - sum((share * self._shared[name].room for name, share in duals.shares), ZERO)

    def _drawn(self, market: Market, duals: Duals) -> Decimal:
        return sum(
            (share * self._shared[name].weights.get(market.view.listing.id, ZERO) for name, share in duals.shares), ZERO
        )

    def _meant(self, duals: Duals) -> bool:
        named = [name for name, _ in duals.shares]
        if len(set(named)) != len(named) or not set(named) <= set(self._shared):
            return False
        if self._request.options.children_max is None and duals.order_price:
            return False
        return duals.order_price >= 0 and all(share >= 0 for _, share in duals.shares)

    def _residual_priced(self) -> bool:
        request, options = self._request, self._request.options
        if options.residual_price is not None:
            return self._told.residual_price == options.residual_price
        above = ONE + request.side.sign * fraction_of_bps(options.short_bps)
        return any(
            abs(price) * above == self._told.residual_price
            for market in self._markets.values()
            for price, _ in market.levels
        )

    def _notional(self) -> Decimal:
        mid = top(self._request.view).mid
        if mid is None:
            best = [abs(next(priced(one.view, self._request.side, one.rate))[0]) for one in self._markets.values()]
            mid = min(best) if self._request.side is Side.BUY else max(best)
        return mid * self._request.quantity


def _common(steps: Sequence[Decimal]) -> Decimal:
    """The largest step that divides all of them."""
    common = steps[0]
    for step in steps[1:]:
        other = step
        while other:
            common, other = other, common % other
    return common


def _multipliers(tree: Cut | Leaf) -> Iterator[Duals]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Cut):
            stack += [node.below, node.above]
        elif node.duals is not None:
            yield node.duals


def _cuts(tree: Cut | Leaf) -> int:
    count, stack = 0, [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Cut):
            count += 1
            stack += [node.below, node.above]
    return count


def _charged(market: Market, charge: Decimal, low: Decimal, quantity: Decimal) -> Decimal:
    """What the orders for `quantity` count as, at least."""
    if market.order_max is None:
        return charge
    return max(charge * _orders(market, low), rounding.down(ratio(charge, market.order_max), _PLACES) * quantity)


def _orders(market: Market, quantity: Decimal) -> int:
    if market.order_max is None:
        return 1
    whole = rounding.steps_in(quantity, market.order_max)
    return whole if whole * market.order_max == quantity else whole + 1


def markets(request: SplitRequest) -> Iterator[Market]:
    """Listings that can take at least their least."""
    for view in request.view.listings:
        listing = view.listing
        rate = request.view.fx_rate(listing.quote)
        if (
            view.unusable is not None
            or rate is None
            or listing.id in request.blocked
            or listing.venue in request.venues_exclude
            or (request.venues_include is not None and listing.venue not in request.venues_include)
            or not levels_for(view, request.side)
        ):
            continue
        least = _least(request, view)
        order_max, orders_max = _one_order(request, view, least)
        most = _most(request, view, rate, orders_max)
        if most >= least:
            yield Market(
                view=view,
                rate=rate,
                least=least,
                most=most,
                order_max=order_max,
                fixed=order_cost(request, listing.id),
                levels=tuple(
                    (request.side.sign * price, size)
                    for price, size in priced(view, request.side, rate, request.landing)
                ),
            )


def _least(request: SplitRequest, view: ListingView) -> Decimal:
    """The smallest quantity from which on every one meets the minimums."""
    listing, levels = view.listing, levels_for(view, request.side)
    least = max(listing.step, rounding.up(listing.min_quantity, listing.step))
    if request.side is Side.BUY:
        return max(least, rounding.up(ratio(listing.min_notional, levels[0].price), listing.step))
    walked = ZERO
    for price, size in levels:
        walked += size
        # The largest quantity judged at this price that is not worth enough: everything up to it is ruled out.
        enough = rounding.up(ratio(listing.min_notional, price), listing.step) - listing.step
        worthless = min(rounding.down(walked, listing.step), enough)
        if worthless > rounding.down(walked - size, listing.step):
            least = max(least, worthless + listing.step)
    return least


def _one_order(request: SplitRequest, view: ListingView, least: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """The size of one order where several may be sent, and the largest quantity that orders can take."""
    listing, count = view.listing, request.options.orders_each_max
    if listing.max_quantity is None or listing.max_quantity >= request.quantity:
        return None, listing.max_quantity
    largest = rounding.down(listing.max_quantity, listing.step)
    half = rounding.down(largest * Decimal("0.5"), listing.step)
    deepest = levels_for(view, request.side)[-1].price
    if count <= 1 or half <= 0 or half < least or half * deepest < listing.min_notional:
        return None, largest
    return largest, largest * count


def _most(request: SplitRequest, view: ListingView, rate: Decimal, orders_max: Decimal | None) -> Decimal:
    """The largest lattice quantity that is allowed here, by halving: what is allowed stays so for less."""
    step = view.listing.step
    low, high = 0, rounding.steps_in(request.quantity, step)
    while low < high:
        middle = (low + high + 1) // 2
        if _allowed(request, view, rate, middle * step, orders_max):
            low = middle
        else:
            high = middle - 1
    return low * step


def _allowed(
    request: SplitRequest, view: ListingView, rate: Decimal, quantity: Decimal, orders_max: Decimal | None
) -> bool:
    listing, side, sign = view.listing, request.side, request.side.sign
    if orders_max is not None and quantity > orders_max:
        return False
    swept = sweep(view, side, quantity, rate)
    worst = swept.worst_price
    bounds = [
        (request.limit_price, worst * rate),
        (request.collar_prices.get(listing.id), worst * rate),
        (request.all_in_limit_price, all_in_at_most_here(listing, side, worst, rate)),
    ]
    if swept.beyond_depth or any(limit is not None and (price - limit) * sign > 0 for limit, price in bounds):
        return False
    valued_at = worst if side is Side.BUY else view.bids[0].price
    child_max = request.options.child_notional_max
    if child_max is not None and quantity * valued_at * rate > child_max:
        return False
    if request.spendable is None:
        return True
    given = swept.notional if request.options.reserve is Reserve.WALK else quantity * worst
    asset = listing.quote if side is Side.BUY else listing.base
    drawn = (given if side is Side.BUY else quantity) * spend_factor(listing, side)
    return drawn <= request.spendable.get((listing.account, asset), ZERO)


def shared(request: SplitRequest, using: Mapping[ListingId, Market]) -> dict[str, Shared]:
    """By name, what listings have in common."""
    found: dict[str, Shared] = {}
    buying = request.side is Side.BUY
    balances: dict[tuple[AccountId, Asset], list[Market]] = defaultdict(list)
    for market in using.values():
        listing = market.view.listing
        balances[listing.account, listing.quote if buying else listing.base].append(market)
    for (account, asset), drawing in balances.items():
        if request.spendable is None:
            break
        factors = {one.view.listing.id: spend_factor(one.view.listing, request.side) for one in drawing}
        room = request.spendable.get((account, asset), ZERO)
        blocked = request.options.reserve is Reserve.WORST
        name = f"balance {account} {asset}"
        found[name] = _by_price(room, factors, using, blocked=blocked) if buying else Shared(room, factors)
    for cap in request.caps:
        inside = {one: market for one, market in using.items() if one in cap.listings}
        if cap.quantity is not None:
            found[f"{cap.name} quantity"] = Shared(cap.quantity, {one: cap.weight(one) for one in inside})
        if cap.notional is not None:
            rates = {one: market.rate * cap.weight(one) for one, market in inside.items()}
            name = f"{cap.name} notional"
            if buying:
                found[name] = _by_price(cap.notional, rates, using, blocked=True)
            else:
                weights = {one: rates[one] * market.view.bids[0].price for one, market in inside.items()}
                found[name] = Shared(cap.notional, weights)
    return found


def _by_price(
    room: Decimal, per_quote: Mapping[ListingId, Decimal], using: Mapping[ListingId, Market], *, blocked: bool
) -> Shared:
    least = {one: factor * using[one].view.asks[0].price for one, factor in per_quote.items()}
    return Shared(room, least, per_quote, blocked)
