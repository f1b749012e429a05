"""One venue account in virtual time: what happens *at* the venue, at the moment a request has arrived there.

Pure: time is an argument and chance is handed in. The exchange is the lab's, so that a rule of matching or of duplicate
ids exists once. What the way to the venue and back does to a request is the wire's business, not ours.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from connectors.lab.core import Exchange, Levels, OrderChanged, OrderRecord, Rejection, TimeInForce, VenueRules
from connectors.lab.words import Words, new_order, symbol_rules
from router.model.balances import Balance
from router.model.ids import AccountId, Asset, ClientOrderId, Nanos, VenueOrderId
from router.model.instruments import Listing
from router.model.money import ZERO
from router.model.orders import ChildOrder, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.outcomes import (
    Accepted,
    CancelOutcome,
    CancelTaken,
    CancelUnclear,
    Exists,
    Found,
    LookUpResult,
    Missing,
    PlaceOutcome,
    Refused,
)

_ENDPOINTS = ("order", "open orders", "closed orders", "trades")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """What the private stream says of an order."""

    client_id: ClientOrderId | None
    venue_order_id: VenueOrderId
    status: str


@dataclass(slots=True)
class Truth:
    """What the venue knows and nobody else: every arrival and every order it made. Only a judge reads it.

    `accepted`: (when, child) of every order made, in order; `arrived`: copies per client order id.
    """

    accepted: list[tuple[Nanos, ChildOrder]] = field(default_factory=list)
    arrived: dict[ClientOrderId, int] = field(default_factory=dict)


class SimVenue:
    """One account at one venue, with one symbol.

    `takes_deadline`: a request that arrives after its deadline is refused. `trade_lag_ns`: how much later than the
    order's record its trades are shown.
    """

    def __init__(
        self,
        listing: Listing,
        rules: VenueRules,
        *,
        takes_deadline: bool,
        money: dict[Asset, Decimal],
        trade_lag_ns: int = 0,
    ) -> None:
        self.listing = listing
        self.account: AccountId = listing.account
        self.truth = Truth()
        self.takes_deadline = takes_deadline
        self.trade_lag_ns = trade_lag_ns
        self.rests_ioc = False
        """It takes an immediate-or-cancel order for one that rests (VENUES §0.5)."""
        self.rejects_later = False
        """It acknowledges, and rejects a moment later (bybit's way)."""
        self.exchange = Exchange(rules, [symbol_rules(listing)])
        self._rejected: dict[ClientOrderId, VenueOrder] = {}
        self._words = Words("sim")
        for asset, amount in money.items():
            self.exchange.deposit(self.account, asset, amount)

    # Requests, as they arrive.

    def place(self, child: ChildOrder, deadline_ns: Nanos | None, now_ns: Nanos) -> PlaceOutcome:
        """One copy has arrived."""
        self.truth.arrived[child.client_id] = self.truth.arrived.get(child.client_id, 0) + 1
        if self.takes_deadline and deadline_ns is not None and now_ns > deadline_ns:
            return Refused(code="TOO_LATE", text="the request came after its deadline", transient=True)
        if child.client_id in self._rejected:
            return Exists(code="DUPLICATE")
        known = {record.order_id for record in self.exchange.find(self.account, client_id=child.client_id)}
        if self.rejects_later and not known:
            return self._take_and_reject(child, now_ns)
        order = replace(new_order(child), tif=TimeInForce.GTC) if self.rests_ioc else new_order(child)
        answer = self.exchange.place(self.account, order, now_ns)
        if isinstance(answer, OrderRecord) and answer.order_id not in known:
            self.truth.accepted.append((now_ns, child))
        return self._words.outcome(answer)

    def cancel(self, child: ChildOrder, now_ns: Nanos) -> CancelOutcome:
        """End what stands under our id."""
        standing = [one for one in self.exchange.find(self.account, client_id=child.client_id) if not one.status.ended]
        if not standing:
            return CancelUnclear(why="unknown order")
        answer = self.exchange.cancel(self.account, standing[0].order_id, now_ns)
        return CancelUnclear(why=answer.text) if isinstance(answer, Rejection) else CancelTaken()

    def look_up(self, child: ChildOrder, now_ns: Nanos) -> LookUpResult:
        """The record under our id, as far as look-ups show it by now."""
        rejected = self._rejected.get(child.client_id)
        if rejected is not None:
            return Found(order=rejected, trades=())
        records = self.exchange.find(self.account, client_id=child.client_id, now_ns=now_ns)
        if not records:
            return Missing(endpoints=_ENDPOINTS)
        record = records[-1]
        return Found(order=self._words.order(record), trades=self._trades(now_ns, order_id=record.order_id))

    def balances(self) -> tuple[Balance, ...]:
        """Everything the account holds. Never lags."""
        return tuple(
            Balance(account=self.account, asset=Asset(asset), total=one.total, free=one.free)
            for asset, one in self.exchange.balances(self.account).items()
        )

    def open_orders(self, now_ns: Nanos) -> tuple[VenueOrder, ...]:
        """Everything that stands, as far as look-ups show it by now."""
        return tuple(
            self._words.order(record) for record in self.exchange.orders(self.account, open_only=True, now_ns=now_ns)
        )

    def trades(self, since_ns: Nanos, now_ns: Nanos) -> tuple[VenueTrade, ...]:
        """Executions since then, as far as lists show them by now."""
        return self._trades(now_ns, since_ns=since_ns)

    def all_trades(self) -> tuple[VenueTrade, ...]:
        """Every execution there was: for a judge."""
        return tuple(self._words.trade(row) for row in self.exchange.trades(self.account))

    # The world.

    def set_book(self, bids: Levels, asks: Levels, now_ns: Nanos) -> None:
        """Outside liquidity is now this and nothing else."""
        self.exchange.replace_outside(self.listing.symbol, bids, asks, now_ns)

    def book(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """(price, size) of bids and asks, best first."""
        return self.exchange.book(self.listing.symbol)

    def drain(self) -> tuple[list[Hint], bool]:
        """What the private stream has to say since the last call, and whether the book has changed."""
        events = self.exchange.drain()
        hints = [
            Hint(
                client_id=ClientOrderId(one.record.client_id) if one.record.client_id else None,
                venue_order_id=self._words.order_id(one.record.order_id),
                status=str(one.record.status),
            )
            for one in events
            if isinstance(one, OrderChanged)
        ]
        return hints, len(hints) < len(events)

    # Parts.

    def _trades(self, now_ns: Nanos, since_ns: int = 0, order_id: int | None = None) -> tuple[VenueTrade, ...]:
        rows = self.exchange.trades(
            self.account, order_id=order_id, since_ns=since_ns, now_ns=now_ns - self.trade_lag_ns
        )
        return tuple(self._words.trade(row) for row in rows)

    def _take_and_reject(self, child: ChildOrder, now_ns: Nanos) -> PlaceOutcome:
        order_id = VenueOrderId(f"sim-rejected-{len(self._rejected)}")
        self._rejected[child.client_id] = VenueOrder(
            account=self.account,
            symbol=child.symbol,
            venue_order_id=order_id,
            client_id=child.client_id,
            side=child.side,
            status=VenueOrderStatus.REJECTED,
            quantity=child.quantity,
            executed=ZERO,
            limit_price=child.limit_price,
            venue_time_ns=now_ns,
        )
        return Accepted(venue_order_id=order_id)
