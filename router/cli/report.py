"""What commands have to say, as plain data: printed as it is by `--json`, drawn as tables for people.

Decimals are text without exponents, times RFC 3339 in UTC. Nothing is computed twice: money comes from the fills as
booked and from the views the decisions were made on.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from router.book.consolidated import Rung, ladder
from router.book.discounts import as_reckoned
from router.config import Config
from router.curves.doubts import curve_doubts
from router.journal.codec import loads
from router.model import moments
from router.model.errors import BadInput
from router.model.ids import Asset, ClientOrderId, ListingId, Nanos, listing_id
from router.model.keys import KeyReading
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, cut, exactly, plain
from router.model.orders import ChildState, ParentOrder, ParentState, QuantityBasis
from router.model.policies import InForce, VwapParams
from router.model.requests import Request, RequestState
from router.model.side import Side
from router.model.trades import Traded
from router.requests import OrderBody, estimates
from router.requests.bodies import parse
from router.requests.orders import order_written
from router.split.compare import Comparison
from router.split.plan import Plan
from router.store.decision_records import FailedDecision
from router.store.queries import Explanation, ParentDetail, exclusions_of, key_of, never_left, plan_of, totals, traded
from router.store.tables import AlertTable, BalanceTable, ChildTable, FillTable, ParentTable, VenueAccountTable
from router.tca.band import WITHIN_MS
from router.tca.impact import PREFACTOR, PREFACTOR_SD, SIGMA_DAY_BPS
from router.tca.result import mid_of, money_of, per_unit, planned_quantity, result_of, slippage_bps

if TYPE_CHECKING:
    from router.app.estimate import Estimate  # brings ccxt with it
    from router.cli.records import Proven

Report = dict[str, Any]

_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000
_PLACES = 8
_NOT_SENT = "not sent: "
_NOT_ATOMIC = (
    "FOK is not atomic across venues: all of it is planned or nothing is sent, but each venue fills its part alone"
)


def number(value: Decimal | None) -> str | None:
    """As a person would write it."""
    return None if value is None else plain(value)


def price(value: Decimal | None) -> str | None:
    """A quotient: it is never fed back into anything."""
    return None if value is None else cut(value, _PLACES)


def moment(at_ns: int | None) -> str | None:
    """`2026-11-20T10:00:00.123456Z`."""
    return None if at_ns is None else moments.moment(at_ns)


def parent_line(parent: ParentTable) -> Report:
    """One line of the blotter."""
    order = _order_of(parent)
    by_value = order.quantity_basis.by_value
    return {
        "ref_id": parent.ref_id,
        "parent_id": parent.id,
        "instrument": parent.instrument,
        "side": parent.side,
        "quantity": None if by_value else number(order.size),
        "quote_value": number(order.size) if by_value else None,
        "limit_price": number(parent.limit_price),
        "policy": parent.policy,
        "state": parent.state,
        "reason": parent.reason,
        "accepted_at": moment(parent.accepted_ns),
    }


def request_line(request: Request) -> Report:
    """The same line for an order that was asked for and is no parent yet."""
    taken = request.state is RequestState.CONSUMED
    line: Report = {
        "ref_id": request.key,
        "parent_id": None,
        "instrument": None,
        "side": None,
        "quantity": None,
        "quote_value": None,
        "limit_price": None,
        "policy": None,
        "state": None,
        "reason": "refused when it was taken: see the log" if taken else "recorded, no driver has taken it yet",
        "accepted_at": None,
    }
    try:
        body = parse(OrderBody, json.loads(request.body))
    except (BadInput, ValueError, RecursionError):  # a row that came past our doors
        return line
    return line | {
        "instrument": body.instrument,
        "side": body.side,
        "quantity": number(body.quantity),
        "quote_value": body.quote_value,
        "limit_price": number(body.limit),
        "policy": body.policy,
    }


def request_report(asked: Request) -> Report:
    """An order that was asked for and is no parent yet."""
    return request_line(asked) | {"asked_at": moment(asked.asked_ns)}


def parent_report(detail: ParentDetail, rounds: Sequence[Explanation]) -> Report:
    """A parent and all that came of it. The same for everybody who asks, whenever they ask after its end."""
    parent = detail.parent
    side = Side(parent.side)
    fills = _fills_seen(detail, rounds)
    result = result_of(side, base_of(parent.instrument), fills)
    arrival = mid_of(next((one.view for one in rounds if one.view is not None), None))
    filled, order = result.totals.quantity, _order_of(parent)
    money = _money(order, fills)
    with exactly():
        remaining = parent.quantity - filled
        kept = sum(
            (fee.amount for one, _ in fills for fee in one.fees if fee.asset == base_of(parent.instrument)), ZERO
        )
        if order.quantity_basis is QuantityBasis.NET:
            remaining = order.size - filled + side.sign * kept
    return parent_line(parent) | {
        "entity": parent.entity,
        "order": order_written(order),
        "warnings": list(doubts_of(order, Nanos(parent.accepted_ns))),
        "filled": number(filled),
        "remaining": None if order.quantity_basis.by_value else number(remaining),
        "value": money if money is None else price(money),
        "value_left": price(order.size - money) if money is not None and order.quantity_basis.by_value else None,
        "in_doubt": any(ChildState(child.state).in_doubt for child in detail.children),
        "fills": result.totals.fills,
        "fees": {asset: number(amount) for asset, amount in result.totals.fees.items()},
        "all_in_price": price(result.all_in_price),
        "arrival_mid": price(arrival),
        "arrival_slippage_bps": price(slippage_bps(side, result.all_in_price, arrival)),
        "venues": _by_venue(detail, fills),
        "children": [child_report(child, detail.fills) for child in detail.children],
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


def _order_of(parent: ParentTable) -> ParentOrder:
    """The order as it stands."""
    order = loads(parent.order_json)
    assert isinstance(order, ParentOrder)
    return order


def doubts_of(order: ParentOrder, at_ns: Nanos) -> tuple[str, ...]:
    """What speaks against what an order goes by, and what it does not promise: a sentence each."""
    doubts: tuple[str, ...] = ()
    if isinstance(order.params, VwapParams):
        doubts = curve_doubts(order.params.curve, order.instrument, at_ns)
    return (*doubts, _NOT_ATOMIC) if order.envelope.in_force is InForce.FOK else doubts


def _money(order: ParentOrder, fills: Sequence["_Seen"]) -> Decimal | None:
    """What its fills paid or brought, as an order for money counts it; None without a mark for some of it."""
    base, with_fees = base_of(order.instrument), order.quantity_basis is QuantityBasis.VALUE_NET
    found = [
        None if view is None else money_of(order.side, base, one, view, with_fees=with_fees) for one, view in fills
    ]
    known = [one for one in found if one is not None]
    with exactly():
        return sum(known, ZERO) if len(known) == len(found) else None


def base_of(instrument: str) -> Asset:
    """BTC of BTC/USD."""
    return Asset(instrument.partition("/")[0])


_Seen = tuple[Traded, MarketView | None]


def _fills_seen(detail: ParentDetail, rounds: Sequence[Explanation]) -> list[_Seen]:
    """Every fill beside the view of the round that planned it, in the order of `detail.fills`."""
    view_of = {child.client_id: one.view for one in rounds for child in one.planned.children}
    return [(traded(fill), view_of.get(ClientOrderId(fill.client_id))) for fill in detail.fills]


def _by_venue(detail: ParentDetail, fills: Sequence[_Seen]) -> list[Report]:
    groups: defaultdict[tuple[str, str], list[_Seen]] = defaultdict(list)
    for fill, seen in zip(detail.fills, fills, strict=True):
        groups[fill.account, fill.symbol].append(seen)
    side, base = Side(detail.parent.side), base_of(detail.parent.instrument)
    results = {key: result_of(side, base, seen) for key, seen in sorted(groups.items())}
    return [
        {
            "account": account,
            "symbol": symbol,
            "quote": result.totals.by_quote[0].quote,
            "quantity": number(result.totals.quantity),
            "average": price(result.totals.average),
            "fees": {asset: number(amount) for asset, amount in result.totals.fees.items()},
            "all_in_price": price(result.all_in_price),
            "fills": result.totals.fills,
        }
        for (account, symbol), result in results.items()
    ]


def child_report(child: ChildTable, fills: Sequence[FillTable]) -> Report:
    """One child, with those of the fills that are its own."""
    own = [fill for fill in fills if fill.client_id == child.client_id]
    filled = totals(own).quantity
    return {
        "number": child.number,
        "client_id": child.client_id,
        "account": child.account,
        "symbol": child.symbol,
        "base": child.base,
        "quote": child.quote,
        "quantity": number(child.quantity),
        "limit_price": number(child.limit_price),
        "state": child.state,
        "reason": child.reason.removeprefix(_NOT_SENT) if never_left(child) else child.reason,
        "not_sent": never_left(child),
        "filled": number(filled),
        "copies": child.copies,
        "venue_order_id": child.venue_order_id,
        "decided_at": moment(child.decided_ns),
        "durable_at": moment(child.durable_ns),
        "sent_at": moment(child.sent_ns),
        "filled_at": moment(max((fill.venue_time_ns for fill in own), default=None)),
        "booked_at": moment(max((fill.booked_ns for fill in own), default=None)),
    }


def book_report(view: MarketView, depth: int) -> Report:
    """The consolidated ladder, all in, with the age of every book."""
    quotes = _quotes(view)
    return {
        "instrument": view.instrument,
        "at": moment(view.at_ns),
        "mid": price(mid_of(view)),
        "asks": [_rung(rung, quotes) for rung in islice(ladder(view, Side.BUY), depth)],
        "bids": [_rung(rung, quotes) for rung in islice(ladder(view, Side.SELL), depth)],
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


def _rung(rung: Rung, quotes: Mapping[ListingId, Asset]) -> Report:
    return {
        "listing": rung.listing_id,
        "quote": quotes[rung.listing_id],
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
        "quote": one.listing.quote,
        "bid": number(one.bids[0].price) if one.bids else None,
        "ask": number(one.asks[0].price) if one.asks else None,
        "levels": len(one.bids) + len(one.asks),
        "fee_bps": number(one.listing.charged_bps),
        "age_ms": one.book_age_ns // _NS_PER_MS,
        "unusable": one.unusable,
    }


def estimate_report(found: "Estimate") -> Report:
    """What an order should come to now, and what others would make of it. Bps of the mid; positive hurts."""
    order, seen = found.order, found.found
    request = seen.request
    return comparison_report(seen.comparison, order.side, found.due.base, found.view) | {
        "quote_value": number(order.size) if order.quantity_basis.by_value else None,
        "size_includes_fees": order.quantity_basis in (QuantityBasis.NET, QuantityBasis.VALUE_NET),
        "estimate_id": found.given.id,
        "estimate": estimates.written(found.given),
        "policy": order.policy,
        "warnings": list(doubts_of(order, found.view.at_ns)),
        "limit_price": number(order.limit_price),
        "feasible": not found.due.residual or bool(found.rests),
        "rests": [
            {"listing": one.listing_id, "quantity": number(one.quantity), "price": number(one.price)}
            for one in found.rests
        ],
        "book_bps": price(seen.book_bps),
        "fee_bps": price(seen.fee_bps),
        "fees": {asset: price(amount) for asset, amount in sorted(found.fees.items())},
        "band": None
        if seen.band is None
        else {
            "low": price(seen.band.low),
            "high": price(seen.band.high),
            "share": "0.8",
            "within_ms": WITHIN_MS,
            "moves_bps_per_s": price(seen.band.moves_bps),
            "watched": seen.band.watched,
        },
        "impact": {
            "volume_day": number(seen.volume_day) if seen.volume_day is None else price(seen.volume_day),
            "sigma_day_bps": number(SIGMA_DAY_BPS),
            "prefactor": f"{number(PREFACTOR)} (prior, sd {number(PREFACTOR_SD)})",
            "beyond_the_books_bps": price(seen.beyond_bps),
        },
        "rounds": [
            {"round": one.round, "quantity": number(one.quantity), "marginal_price": price(one.marginal_price)}
            for one in seen.rounds
        ],
        "over_time": [
            {
                "policy": one.policy,
                "horizon_s": one.horizon_s,
                "slices": one.slices,
                "cost_bps": price(one.cost_bps),
                "impact_bps": price(one.impact_bps),
                "risk_bps": price(one.risk_bps),
                "why_not": one.why_not,
            }
            for one in seen.over_time
        ],
        "cash": None
        if seen.cash is None
        else {
            "lost_bps": price(seen.cash.lost_bps),
            "shadow_prices": [
                {"account": one.account, "asset": one.asset, "worth": price(one.worth)} for one in seen.cash.shadows
            ],
        },
        "bridges": None
        if seen.bridges is None
        else {
            "saving": price(seen.bridges.saving),
            "saving_bps": price(seen.bridges.saving_bps),
            "through": {line.listing_id: number(line.quantity) for line in seen.bridges.lines},
            "sent": False,
        },
        "balances_known": request.spendable is not None,
        "listings": [_listing(one) for one in found.view.listings],
    }


def comparison_report(comparison: Comparison, side: Side, quantity: Decimal, view: MarketView) -> Report:
    """A plan beside the alternatives, on one view."""
    report = _plan(comparison.plan, side, view)
    report["instrument"] = view.instrument
    report["side"], report["quantity"], report["at"] = side.value, number(quantity), moment(view.at_ns)
    report["mid"] = price(mid_of(view))
    for name, other in (
        ("best_single", comparison.best_single),
        ("proportional", comparison.proportional),
        ("sequential", comparison.sequential),
        ("fee_blind", comparison.fee_blind),
    ):
        report[name] = (
            None
            if other is None
            else _plan(other.plan, side, view)
            | {"venue": other.venue, "saving": price(other.saving), "saving_bps": price(other.saving_bps)}
        )
    return report


def _quotes(view: MarketView | None) -> dict[ListingId, Asset]:
    return {} if view is None else {one.listing.id: one.listing.quote for one in view.listings}


def _plan(plan: Plan, side: Side, view: MarketView) -> Report:
    quantity = planned_quantity(plan)
    average = per_unit(plan.all_in_cost, quantity)
    quotes = _quotes(view)
    return {
        "lines": [
            {
                "listing": line.listing_id,
                "quote": quotes[line.listing_id],
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
        "slippage_bps": price(slippage_bps(side, average, mid_of(view))),
        "residual": number(plan.residual),
        "residual_reason": plan.residual_reason,
        "exclusions": {str(each.listing_id): each.reason for each in plan.exclusions},
    }


def explanation_report(
    one: Explanation, comparison: Comparison | None, side: Side, instrument: str, depth: int
) -> Report:
    """One decision: what was seen, what was planned, what was left out and why, what it saved."""
    planned, quotes = one.planned, _quotes(one.view)
    seen = None if one.view is None else as_reckoned(one.view, planned.fee_bases)
    return {
        "decision": f"{planned.parent_id}.{planned.round}",
        "instrument": instrument,
        "round": planned.round,
        "at": moment(one.at_ns),
        "journal_seq": one.seq,
        "journal_hash": one.hash,
        "due": number(planned.due),
        "rests": planned.rests,
        "fill_chances": planned.fill_chances,
        "plan": [
            {
                "client_id": child.client_id,
                "listing": child.listing_id,
                "quote": quotes.get(child.listing_id),
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
        "token_fees": [
            {
                "listing": basis.listing_id,
                "token": basis.token,
                "fee_bps": number(basis.taker_fee_bps),
                "needed": price(basis.needed),
                "held": number(basis.held),
                "rate": price(basis.token_rate),
                "source": basis.source or None,
                "age_ms": basis.age_ns // _NS_PER_MS,
                "why_not": basis.why_not,
            }
            for basis in planned.fee_bases
        ],
        "seen": None if seen is None else book_report(seen, depth),
        "against": (
            None
            if comparison is None or seen is None or planned.rests
            else comparison_report(comparison, side, planned.due, seen)
        ),
    }


def with_fills(explained: Report, fills: Sequence[FillTable]) -> Report:
    """A decision with what became of each of its children."""
    for child in explained["plan"]:
        own = [fill for fill in fills if fill.client_id == child["client_id"]]
        summed = totals(own)
        child["filled"] = number(summed.quantity)
        child["average"] = price(summed.average) if own else None
    return explained


def proof_report(proven: "Proven | None") -> Report | None:
    """How near a decision was to the best there was, what the cash's place cost it, and whether its proof holds.

    None where nobody has proven it, and working it out would take long: `sor replay --decision` does.
    """
    if proven is None:
        return None
    made = proven.record
    bound = made["certificate"]
    return {
        "kept": proven.kept,
        "failed": proven.failed or None,
        "status": None if bound is None else bound["status"],
        "gap_bps": None if bound is None else bound["gap_bps"],
        "upper": None if bound is None else bound["upper"],
        "lower": None if bound is None else bound["lower"],
        "view": made["view"],
        "facts": made["facts"],
        "cash": made["cash"],
    }


def venues_report(
    config: Config,
    gates: Sequence[VenueAccountTable],
    balances: Sequence[BalanceTable],
    driver: Report | None = None,
) -> list[Report]:
    """Every configured account: tier, fence, gate, books, streams, holdings.

    Gate and holdings are None before a driver has run; `driver` is what one that runs now shows (`shown`).
    """
    books = None if driver is None else driver["books"]
    gate_of: Mapping[str, VenueAccountTable] = {gate.account: gate for gate in gates}
    lines = []
    for venue in config.venues:
        gate = gate_of.get(venue.account)
        lines.append(
            {
                "account": venue.account,
                "mode": config.mode.value,
                "ccxt_id": venue.ccxt_id,
                "tier": venue.tier,
                "symbols": dict(venue.symbols),
                "fence": venue.terms.fence.value,
                "books": venue.books.value,
                "books_now": None
                if books is None
                else {
                    symbol: books.get(listing_id(venue.account, symbol), {"age_ms": None, "unusable": "no book yet"})
                    for symbol in venue.symbols
                },
                "streams_now": None if driver is None else driver["streams"].get(venue.account),
                "loopback": venue.loopback,
                "gate_open": None if gate is None else gate.gate_open,
                "gate_reason": None if gate is None else gate.reason,
                "key": None if gate is None else _key(key_of(gate)),
                "balances": {
                    one.asset: {"total": number(one.total), "free": number(one.free), "asked_at": moment(one.asked_ns)}
                    for one in balances
                    if one.account == venue.account
                },
            }
        )
    return lines


def _key(key: KeyReading | None) -> Report | None:
    """What the venue tells of the key, what the operator attests, and what is wrong with it."""
    if key is None:
        return None
    return {
        **asdict(key.powers),
        "attested": {one.what: {"by": one.by, "on": one.on, "until": one.until} for one in key.attested},
        "doubts": list(key.doubts),
        "refused": key.refusal is not None,
        "told_at": moment(key.told_ns),
    }


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


def failed_line(found: FailedDecision) -> Report:
    """A decision that does not stand up to its own proof, among the alerts."""
    return {
        "seq": found.seq,
        "at": moment(found.at_ns),
        "kind": "PROOF_FAILED",
        "account": None,
        "subject": f"{found.parent_id}.{found.round}",
        "detail": found.failed,
    }
