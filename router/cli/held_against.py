"""A reading held against the books, as `sor reconcile` prints it: what agrees, what differs, what was done."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from router.cli.report import Report, moment, number
from router.model import facts as f
from router.model.money import ZERO
from router.model.orders import VenueOrder, VenueTrade

if TYPE_CHECKING:
    from router.app.account_now import AccountNow


def held_against(seen: "AccountNow") -> Report:
    """Foreign orders are told and are no difference; an order of ours under way is looked up, and is none either."""
    state, account, found = seen.state, seen.read.account, seen.differences
    ledger, gate = state.ledgers.get(account), state.gates.get(account)
    odd = {} if ledger is None else ledger.unexplained | ledger.suspected
    balances = {one.asset: one.total for one in seen.read.balances}
    assets = sorted({*balances, *(() if ledger is None else ledger.expected)})
    return {
        "account": account,
        "read_at": moment(seen.read.asked_ns),
        "driver": seen.by_driver,
        "gate": "never read" if gate is None else "open" if gate.open else gate.reason,
        "agrees": {
            "orders": len(found.alive),
            "trades": seen.booked,
            "assets": None if ledger is None else [asset for asset in assets if asset not in odd],
        },
        "under_way": list(found.to_look_up),
        "foreign_orders": [_order(one) for one in found.strangers],
        "differs": [
            *({"what": "trade not booked", "detail": f"{_trade(one)}, of child {child}"} for child, one in found.fills),
            *(
                {"what": "alive after its end", "detail": f"{_order(one)}, child {child}"}
                for child, one in found.revived
            ),
            *({"what": "order with our tag, no intent", "detail": _order(one)} for one in found.orphans),
            *({"what": "trade with our tag, no intent", "detail": _trade(one)} for one in found.unexplained),
            *(
                {
                    "what": "balance" if ledger is not None and asset in ledger.unexplained else "balance, seen once",
                    "detail": f"{asset}: {number(balances.get(asset, ZERO))} there, {number(off)} of it unexplained",
                }
                for asset, off in sorted(odd.items())
            ),
        ],
        "done" if seen.by_driver else "a_driver_would": list(_done(seen)),
    }


def _done(seen: "AccountNow") -> Iterator[str]:
    """What follows from the reading, decision by decision."""
    for fact in seen.facts:
        match fact:
            case f.FillBooked(fill=fill):
                yield f"book trade {fill.trade.trade_id}"
            case f.ChildMoved(client_id=client_id, state=state, reason=reason):
                yield f"child {client_id} {state}: {reason}"
            case f.ChildAdopted(order=order):
                yield f"adopt {order.client_id}"
            case f.StrangerSeen(order=order):
                yield f"report order {order.venue_order_id}"
            case f.TaggedTradeSeen(client_id=client_id):
                yield f"report a trade of {client_id}"
            case f.LateFillSuspected(client_id=client_id, why=why):
                yield f"look up {client_id} again: {why}"
            case f.BreachRaised(detail=detail):
                yield f"alarm: {detail}"
            case f.HoldingJudged(asset=asset, difference=difference, stays=stays):
                sure = "unexplained" if stays else "odd, until the next reading"
                yield f"{asset}: {f'note {number(difference)} as {sure}' if difference else 'agrees again'}"
            case f.GateMoved(open=is_open, reason=reason):
                yield "open the account" if is_open else f"shut the account: {reason}"
            case _:
                pass
    for client_id in seen.differences.to_look_up:
        yield f"look up {client_id}"


def _order(order: VenueOrder) -> str:
    return (
        f"{order.venue_order_id}: {order.side} {number(order.quantity)} {order.symbol}, {number(order.executed)} done"
    )


def _trade(trade: VenueTrade) -> str:
    return f"{trade.trade_id}: {trade.side} {number(trade.quantity)} {trade.symbol} at {number(trade.price)}"
