"""What commands have to say, as plain data: printed as it is by `--json`, drawn as tables for people.

Decimals are text without exponents, times RFC 3339 in UTC. Nothing is computed twice: money comes from the fills as
booked and from the views the decisions were made on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from router.book.consolidated import ladder, top
from router.config import Config
from router.model.ids import Asset
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, bps_of, exactly, plain, ratio
from router.model.orders import ChildState, ParentState
from router.model.side import Side
from router.split.compare import Comparison
from router.split.plan import Plan
from router.store.queries import Explanation, ParentDetail, exclusions_of, fees_of, plan_of
from router.store.tables import AlertTable, BalanceTable, ChildTable, FillTable, ParentTable, VenueAccountTable

if TYPE_CHECKING:
    from router.app.estimate import Estimate  # brings ccxt with it

Report = dict[str, Any]

_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000
_PRICE_PLACES = 8


def number(value: Decimal | None) -> str | None:
    """As a person would write it."""
    return None if value is None else plain(value)


def price(value: Decimal | None) -> str | None:
    """A quotient, cut for reading: it is never fed back into anything."""
    return None if value is None else plain(Decimal(f"{value:.{_PRICE_PLACES}f}"))


def moment(at_ns: int | None) -> str | None:
    """`2026-11-20T10:00:00.123456Z`."""
    if at_ns is None:
        return None
    seconds, rest = divmod(at_ns, _NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def parent_line(parent: ParentTable) -> Report:
    """One line of the blotter."""
    return {
        "ref_id": parent.ref_id,
        "parent_id": parent.id,
        "instrument": parent.instrument,
        "side": parent.side,
        "quantity": number(parent.quantity),
        "limit_price": number(parent.limit_price),
        "policy": parent.policy,
        "state": parent.state,
        "reason": parent.reason,
        "accepted_at": moment(parent.accepted_ns),
    }


def parent_report(detail: ParentDetail, rounds: Sequence[Explanation]) -> Report:
    """A parent and all that came of it. The same for everybody who asks, whenever they ask after its end."""
    parent = detail.parent
    side = Side(parent.side)
    filled = detail.totals.quantity
    valued = _Valued(detail, rounds)
    arrival = _arrival(rounds)
    all_in = valued.all_in(detail.fills)
    with exactly():
        remaining = parent.quantity - filled
    average = None if all_in is None or not filled else ratio(all_in, filled)
    return parent_line(parent) | {
        "entity": parent.entity,
        "filled": number(filled),
        "remaining": number(remaining),
        "in_doubt": any(ChildState(child.state).in_doubt for child in detail.children),
        "fills": detail.totals.fills,
        "fees": {asset: number(amount) for asset, amount in detail.totals.fees.items()},
        "all_in_price": price(average),
        "arrival_mid": price(arrival),
        "arrival_slippage_bps": price(_slippage_bps(side, average, arrival)),
        "venues": _by_venue(detail, valued),
        "children": [_child(child, detail.fills) for child in detail.children],
        "rounds": [
            {
                "round": one.round,
                "at": moment(one.at_ns),
                "due": number(one.due),
                "children": len(plan_of(one)),
                "residual": number(one.residual),
                "residual_reason": one.residual_reason,
                "exclusions": {str(each.listing_id): each.reason for each in exclusions_of(one)},
            }
            for one in detail.decisions
        ],
        "ended_at": moment(parent.updated_ns) if ParentState(parent.state).ended else None,
    }


class _Valued:
    """Fills in the reporting currency, at the marks of the round that planned them."""

    def __init__(self, detail: ParentDetail, rounds: Sequence[Explanation]) -> None:
        self._side = Side(detail.parent.side)
        self._view_of: dict[str, MarketView | None] = {
            child.client_id: one.view for one in rounds for child in one.planned.children
        }
        self._base_of = {child.client_id: child.base for child in detail.children}

    def all_in(self, fills: Iterable[FillTable]) -> Decimal | None:
        """What they cost (buy) or brought (sell), fees included; None where a fee or a quote has no mark."""
        total = ZERO
        for fill in fills:
            value = self._one(fill)
            if value is None:
                return None
            with exactly():
                total += value
        return total

    def _one(self, fill: FillTable) -> Decimal | None:
        view = self._view_of.get(fill.client_id)
        rate = None if view is None else view.fx_rate(Asset(fill.quote))
        if view is None or rate is None:
            return None
        with exactly():
            value = fill.price * fill.quantity * rate
            for fee in fees_of(fill):
                # A fee in base is valued at what replacing it would have cost right here.
                in_base = fee.asset == self._base_of[fill.client_id]
                worth = fill.price * rate if in_base else view.fx_rate(fee.asset)
                if worth is None:
                    return None
                value += self._side.sign * fee.amount * worth
        return value


def _by_venue(detail: ParentDetail, valued: _Valued) -> list[Report]:
    groups: defaultdict[tuple[str, str], list[FillTable]] = defaultdict(list)
    for fill in detail.fills:
        groups[fill.account, fill.symbol].append(fill)
    lines = []
    for (account, symbol), fills in sorted(groups.items()):
        fees: defaultdict[Asset, Decimal] = defaultdict(lambda: ZERO)
        with exactly():
            quantity = sum((fill.quantity for fill in fills), ZERO)
            notional = sum((fill.quantity * fill.price for fill in fills), ZERO)
            for fee in (fee for fill in fills for fee in fees_of(fill)):
                fees[fee.asset] += fee.amount
        all_in = valued.all_in(fills)
        lines.append(
            {
                "account": account,
                "symbol": symbol,
                "quantity": number(quantity),
                "average": price(ratio(notional, quantity)),
                "fees": {asset: number(amount) for asset, amount in sorted(fees.items())},
                "all_in_price": None if all_in is None else price(ratio(all_in, quantity)),
                "fills": len(fills),
            }
        )
    return lines


def _child(child: ChildTable, fills: Sequence[FillTable]) -> Report:
    own = [fill for fill in fills if fill.client_id == child.client_id]
    with exactly():
        filled = sum((fill.quantity for fill in own), ZERO)
    return {
        "number": child.number,
        "client_id": child.client_id,
        "account": child.account,
        "symbol": child.symbol,
        "quantity": number(child.quantity),
        "limit_price": number(child.limit_price),
        "state": child.state,
        "reason": child.reason,
        "filled": number(filled),
        "copies": child.copies,
        "venue_order_id": child.venue_order_id,
        "decided_at": moment(child.decided_ns),
        "sent_at": moment(child.sent_ns),
        "booked_at": moment(max((fill.booked_ns for fill in own), default=None)),
    }


def _arrival(rounds: Sequence[Explanation]) -> Decimal | None:
    first = next((one.view for one in rounds if one.view is not None), None)
    return None if first is None else top(first).mid


def _slippage_bps(side: Side, average: Decimal | None, arrival: Decimal | None) -> Decimal | None:
    if average is None or not arrival:
        return None
    return bps_of(side.sign * (average - arrival), arrival)


def book_report(view: MarketView, depth: int) -> Report:
    """The consolidated ladder, all in, with the age of every book."""
    best = top(view)
    return {
        "instrument": view.instrument,
        "at": moment(view.at_ns),
        "mid": price(best.mid),
        "asks": [_rung(rung) for rung in islice(ladder(view, Side.BUY), depth)],
        "bids": [_rung(rung) for rung in islice(ladder(view, Side.SELL), depth)],
        "listings": [_listing(one) for one in view.listings],
        "fx": [
            {
                "asset": mark.asset,
                "rate": price(mark.rate),
                "age_ms": mark.age_ns // _NS_PER_MS,
                "source": mark.source,
            }
            for mark in view.fx
        ],
    }


def _rung(rung: Any) -> Report:  # noqa: ANN401 - Rung, named so in the ladder's own module
    return {
        "listing": rung.listing_id,
        "price": number(rung.price),
        "fee_bps": number(rung.fee_bps),
        "all_in_price": price(rung.effective_price),
        "size": number(rung.size),
        "cumulative": number(rung.cumulative),
        "age_ms": rung.age_ns // _NS_PER_MS,
    }


def _listing(one: ListingView) -> Report:
    return {
        "listing": one.listing.id,
        "bid": number(one.bids[0].price) if one.bids else None,
        "ask": number(one.asks[0].price) if one.asks else None,
        "levels": len(one.bids) + len(one.asks),
        "fee_bps": number(one.listing.taker_fee_bps),
        "age_ms": one.book_age_ns // _NS_PER_MS,
        "unusable": one.unusable,
    }


def estimate_report(found: "Estimate") -> Report:
    """What an order should come to now, and what others would make of it."""
    order = found.order
    return comparison_report(found.comparison, order.side, order.quantity, found.view) | {
        "instrument": order.instrument,
        "limit_price": number(order.limit_price),
        "fees": {asset: price(amount) for asset, amount in sorted(found.fees.items())},
        "listings": [_listing(one) for one in found.view.listings],
    }


def comparison_report(comparison: Comparison, side: Side, quantity: Decimal, view: MarketView) -> Report:
    """A plan beside the alternatives, on one view."""
    mid = top(view).mid
    report = _plan(comparison.plan, side, mid)
    report["side"], report["quantity"], report["at"] = side.value, number(quantity), moment(view.at_ns)
    report["mid"] = price(mid)
    for name, other in (("best_single", comparison.best_single), ("fee_blind", comparison.fee_blind)):
        report[name] = (
            None
            if other is None
            else _plan(other.plan, side, mid)
            | {"venue": other.venue, "saving": price(other.saving), "saving_bps": price(other.saving_bps)}
        )
    return report


def _plan(plan: Plan, side: Side, mid: Decimal | None) -> Report:
    with exactly():
        quantity = sum((line.quantity for line in plan.lines), ZERO)
    average = ratio(plan.all_in_cost, quantity) if plan.all_in_cost is not None and quantity else None
    return {
        "lines": [
            {
                "listing": line.listing_id,
                "quantity": number(line.quantity),
                "limit_price": number(line.limit_price),
                "expected_price": price(line.expected_price),
                "all_in_price": price(line.effective_price),
                "fee": price(line.expected_fee),
                "fee_asset": line.fee_asset,
            }
            for line in plan.lines
        ],
        "planned": number(quantity),
        "all_in_cost": price(plan.all_in_cost),
        "all_in_price": price(average),
        "slippage_bps": price(_slippage_bps(side, average, mid)),
        "residual": number(plan.residual),
        "residual_reason": plan.residual_reason,
        "exclusions": {str(each.listing_id): each.reason for each in plan.exclusions},
    }


def explanation_report(one: Explanation, comparison: Comparison | None, side: Side, depth: int) -> Report:
    """One decision: what was seen, what was planned, what was left out and why, what it saved."""
    planned = one.planned
    return {
        "round": planned.round,
        "at": moment(one.at_ns),
        "journal_seq": one.seq,
        "journal_hash": one.hash,
        "due": number(planned.due),
        "plan": [
            {
                "client_id": child.client_id,
                "listing": child.listing_id,
                "quantity": number(child.quantity),
                "limit_price": number(child.limit_price),
                "expected_price": price(child.expected_price),
                "all_in_price": price(child.effective_price),
            }
            for child in planned.children
        ],
        "all_in_cost": price(planned.all_in_cost),
        "marginal_price": price(planned.marginal_price),
        "residual": number(planned.residual),
        "residual_reason": planned.residual_reason,
        "exclusions": {str(each.listing_id): each.reason for each in planned.exclusions},
        "seen": None if one.view is None else book_report(one.view, depth),
        "against": (
            None
            if comparison is None or one.view is None
            else comparison_report(comparison, side, planned.due, one.view)
        ),
    }


def venues_report(config: Config, gates: Sequence[VenueAccountTable], balances: Sequence[BalanceTable]) -> list[Report]:
    """Every configured account: tier, fence, gate, holdings. The last two are None before a driver has run."""
    gate_of: Mapping[str, VenueAccountTable] = {gate.account: gate for gate in gates}
    lines = []
    for venue in config.venues:
        gate = gate_of.get(venue.account)
        lines.append(
            {
                "account": venue.account,
                "ccxt_id": venue.ccxt_id,
                "tier": venue.tier,
                "symbols": dict(venue.symbols),
                "fence": venue.terms.fence.value,
                "books": venue.books.value,
                "loopback": venue.loopback,
                "gate_open": None if gate is None else gate.gate_open,
                "gate_reason": None if gate is None else gate.reason,
                "balances": {
                    one.asset: {"total": number(one.total), "free": number(one.free), "asked_at": moment(one.asked_ns)}
                    for one in balances
                    if one.account == venue.account
                },
            }
        )
    return lines


def alert_line(alert: AlertTable) -> Report:
    """One thing a person should know."""
    return {
        "seq": alert.seq,
        "at": moment(alert.at_ns),
        "kind": alert.kind,
        "account": alert.account,
        "subject": alert.subject,
        "detail": alert.detail,
    }
