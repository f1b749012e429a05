"""One venue account in virtual time: what happens *at* the venue, at the moment a request has arrived there.

Pure: time is an argument and chance is handed in. The exchange is the lab's, so that a rule of matching or of duplicate
ids exists once. What the way to the venue and back does to a request is the wire's business, not ours.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal

from connectors.lab.core import (
    Exchange,
    Levels,
    NewOrder,
    OrderChanged,
    OrderRecord,
    Rejection,
    RejectKind,
    TimeInForce,
    TradeRecord,
    VenueRules,
)
from connectors.lab.words import Words, new_order, symbol_rules
from router.model.balances import Balance
from router.model.ids import AccountId, Asset, ClientOrderId, Nanos, VenueOrderId
from router.model.instruments import FeeIn, Listing
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
from router.model.side import Side

_MARGIN_NS = 70_000_000_000
"""How wrong the asker's clock may be: trades are looked through from so much earlier on."""
_CANCEL_TAKES_NS = 5_000_000_000
"""From its acknowledgement to the book, where a venue takes its time."""
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

    `accepted`: (when, child) of every order made, in order; `unfunded`: of those refused for want of money;
    `arrived`: copies per client order id.
    """

    accepted: list[tuple[Nanos, ChildOrder]] = field(default_factory=list)
    unfunded: list[tuple[Nanos, ChildOrder]] = field(default_factory=list)
    arrived: dict[ClientOrderId, int] = field(default_factory=dict)


class SimVenue:
    """One account at one venue, with one symbol, and perhaps others beside it that nothing is wrong with.

    `takes_deadline`: a request that arrives after its deadline is refused. `trade_lag_ns`: how much later than the
    order's record its trades are shown. `names_trades`: rows of the trade list carry our id, not only the venue's.
    `forgets_after_ns`: how long an ended order can still be looked up; its trades stay. `maker_fee_bps`: what resting
    costs there, where that is another rate than the listing's; negative is a rebate.
    """

    def __init__(
        self,
        listing: Listing,
        rules: VenueRules,
        *,
        takes_deadline: bool,
        money: dict[Asset, Decimal],
        others: tuple[Listing, ...] = (),
        trade_lag_ns: int = 0,
        names_trades: bool = True,
        forgets_after_ns: int | None = None,
        maker_fee_bps: Decimal | None = None,
    ) -> None:
        self.listing = listing
        self.others = others
        self.account: AccountId = listing.account
        self.truth = Truth()
        self.takes_deadline = takes_deadline
        self.trade_lag_ns = trade_lag_ns
        self.names_trades = names_trades
        self.forgets_after_ns = forgets_after_ns
        self.reached: Counter[str] = Counter()
        """How often what is rare at a venue happened here."""
        self.rests_ioc = False
        """It takes an immediate-or-cancel order for one that rests."""
        self.rejects_later = False
        """It acknowledges, and rejects a moment later (bybit's way)."""
        self.half_blind = False
        """Look-ups are answered by one endpoint alone, a replica that stands still: it knows nothing new."""
        self.cancels_later = False
        """It acknowledges a cancel, and takes the order off the book at its next turn: until then it may fill."""
        rules_of = [symbol_rules(one) for one in (listing, *others)]
        if maker_fee_bps is not None:
            rules_of = [replace(one, maker_fee_bps=maker_fee_bps) for one in rules_of]
        self.exchange = Exchange(rules, rules_of)
        self._cancelling: dict[int, tuple[Nanos, Decimal]] = {}
        self._rejected: dict[ClientOrderId, VenueOrder] = {}
        self._words = Words("sim")
        self._told: dict[int, VenueTrade] = {}
        for asset, amount in money.items():
            self.exchange.deposit(self.account, asset, amount)

    # Requests, as they arrive.

    def place(self, child: ChildOrder, deadline_ns: Nanos | None, now_ns: Nanos) -> PlaceOutcome:
        """One copy has arrived."""
        self.truth.arrived[child.client_id] = self.truth.arrived.get(child.client_id, 0) + 1
        if self.takes_deadline and deadline_ns is not None and now_ns > deadline_ns:
            self.reached["came after its deadline"] += 1
            return Refused(code="TOO_LATE", text="the request came after its deadline", transient=True)
        if child.contradiction is not None:
            return Refused(code="TERMS", text=child.contradiction, transient=False)
        if child.client_id in self._rejected:
            return Exists(code="DUPLICATE")
        known = {record.order_id for record in self.exchange.find(self.account, client_id=child.client_id)}
        if self.rejects_later and not known:
            return self._take_and_reject(child, now_ns)
        order = replace(new_order(child), tif=TimeInForce.GTC) if self.rests_ioc else new_order(child)
        answer = self.exchange.place(self.account, order, now_ns)
        if isinstance(answer, OrderRecord) and answer.order_id not in known:
            self.truth.accepted.append((now_ns, child))
            self.reached["rested"] += child.post_only
        if isinstance(answer, Rejection) and answer.kind is RejectKind.POST_ONLY_WOULD_TAKE:
            self.reached["post-only would have taken"] += 1
        if known:
            self.reached["id seen again"] += 1
        if isinstance(answer, Rejection) and answer.kind is RejectKind.INSUFFICIENT_FUNDS:
            self.truth.unfunded.append((now_ns, child))
        return self._words.outcome(answer)

    def cancel(self, child: ChildOrder, now_ns: Nanos) -> CancelOutcome:
        """End what stands under our id."""
        standing = [one for one in self.exchange.find(self.account, client_id=child.client_id) if not one.status.ended]
        if not standing:
            self.reached["cancel of an order that had ended"] += 1
            self.reached["a fill was faster than a cancel"] += child.post_only
            return CancelUnclear(why="unknown order")
        if self.cancels_later:
            self._cancelling.setdefault(standing[0].order_id, (now_ns, standing[0].executed))
            return CancelTaken()
        self.reached["withdrawn after a part had filled"] += child.post_only and standing[0].executed > 0
        answer = self.exchange.cancel(self.account, standing[0].order_id, now_ns)
        return CancelUnclear(why=answer.text) if isinstance(answer, Rejection) else CancelTaken()

    def look_up(self, child: ChildOrder, now_ns: Nanos) -> LookUpResult:
        """The record under our id, as far as look-ups show it by now."""
        found = self.seek(child.client_id, now_ns)
        if isinstance(found, Missing) and len(found.endpoints) > 1:
            return replace(found, strangers=self._strangers(child, now_ns))
        return found

    def seek(self, client_id: ClientOrderId, now_ns: Nanos) -> LookUpResult:
        """The same, of an order nobody remembers."""
        rejected = self._rejected.get(client_id)
        if rejected is not None:
            return Found(order=rejected, trades=())
        known = self.exchange.find(self.account, client_id=client_id, now_ns=now_ns)
        if self.half_blind:
            self.reached["looked up where one endpoint was blind"] += bool(known)
            return Missing(endpoints=_ENDPOINTS[:1])
        records = self._remembered(known, now_ns)
        if not records:
            if known:
                self.reached["looked up after the venue forgot it"] += 1
            return Missing(endpoints=_ENDPOINTS)
        record = records[-1]
        trades = self._trades(now_ns, order_id=record.order_id)
        if sum((trade.quantity for trade in trades), ZERO) < record.executed:
            self.reached["record ahead of its trades"] += 1
        return Found(order=self._words.order(record), trades=trades)

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
        return tuple(self._said(row) for row in self.exchange.trades(self.account))

    # The world.

    def take_turn(self, now_ns: Nanos) -> None:
        """What the venue does in its own time: cancels it has acknowledged take effect."""
        for order_id, (asked_ns, executed) in tuple(self._cancelling.items()):
            if now_ns - asked_ns < _CANCEL_TAKES_NS:
                continue
            del self._cancelling[order_id]
            (record,) = self.exchange.find(self.account, order_id=order_id)
            if record.executed > executed:
                self.reached["filled after its cancel was acknowledged"] += 1
            if not record.status.ended:
                self.exchange.cancel(self.account, order_id, now_ns)

    def cancel_all(self, now_ns: Nanos) -> None:
        """The venue takes every order off its book, on its own account."""
        for record in self.exchange.orders(self.account, open_only=True):
            self.exchange.cancel(self.account, record.order_id, now_ns)
            self.reached["cancelled by the venue"] += 1
            self.reached["taken off by the venue while it rested"] += record.post_only

    def by_hand(self, order: NewOrder, now_ns: Nanos) -> OrderRecord | None:
        """Somebody else trades at the account; None when the venue refuses it."""
        answer = self.exchange.place(self.account, order, now_ns)
        return answer if isinstance(answer, OrderRecord) else None

    def knows(self, client_id: ClientOrderId) -> bool:
        """Was there ever an order under this id?"""
        return client_id in self._rejected or bool(self.exchange.find(self.account, client_id=client_id))

    def would_tell(self, client_id: ClientOrderId, now_ns: Nanos) -> bool:
        """Would a look-up find an order under this id now? For a judge: nobody has asked."""
        known = self.exchange.find(self.account, client_id=client_id, now_ns=now_ns)
        return client_id in self._rejected or bool(self._remembered(known, now_ns))

    def fill_late(self, child: ChildOrder, quantity: Decimal, now_ns: Nanos) -> bool:
        """An execution is added to an order that had ended. False where there is no such order, or no money for it."""
        records = self.exchange.find(self.account, client_id=child.client_id)
        if not records or not records[-1].status.ended or records[-1].remaining < quantity:
            return False
        return self.exchange.fill_late(self.account, records[-1].order_id, quantity, now_ns)

    def charge(self, fee_bps: Decimal, fee_in: FeeIn) -> bool:
        """From now on the fee is this, whatever a listing says. Not while an order has money locked by the old one."""
        if self.exchange.orders(self.account, open_only=True):
            return False
        name = self.listing.symbol
        rules = self.exchange.symbols[name]
        self.exchange.symbols[name] = replace(rules, taker_fee_bps=fee_bps, maker_fee_bps=fee_bps)
        self.exchange.rules = replace(self.exchange.rules, fee_in=fee_in)
        return True

    def set_book(self, bids: Levels, asks: Levels, now_ns: Nanos, symbol: str | None = None) -> None:
        """Outside liquidity is now this and nothing else."""
        self.exchange.replace_outside(symbol or self.listing.symbol, bids, asks, now_ns)

    def trade(self, taker_side: Side, quantity: Decimal, price: Decimal, now_ns: Nanos) -> None:
        """Strangers trade: what rests better than this price, or stands first at it, has its part."""
        self.exchange.print_outside(self.listing.symbol, taker_side, price, quantity, now_ns)

    def book(self, symbol: str | None = None) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """(price, size) of bids and asks, best first."""
        return self.exchange.book(symbol or self.listing.symbol)

    def drain(self) -> tuple[list[Hint], bool]:
        """What the private stream has to say since the last call, and whether the book has changed."""
        events = self.exchange.drain()
        filled = [one for one in events if isinstance(one, OrderChanged) and one.execution is not None]
        self.reached["filled while it rested"] += sum(1 for one in filled if one.record.post_only)
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
        said = tuple(self._said(row) for row in rows)
        return said if self.names_trades else tuple(replace(trade, client_id=None) for trade in said)

    def _remembered(self, records: tuple[OrderRecord, ...], now_ns: Nanos) -> tuple[OrderRecord, ...]:
        if self.forgets_after_ns is None:
            return records
        oldest_ns = now_ns - self.forgets_after_ns
        return tuple(record for record in records if not record.status.ended or record.updated_ns > oldest_ns)

    def _strangers(self, child: ChildOrder, now_ns: Nanos) -> tuple[VenueTrade, ...]:
        """Trades the child could have made, of orders no list names any more or that are not ours."""
        trades = self._trades(now_ns, since_ns=child.decided_at_ns - _MARGIN_NS)
        if not trades:
            return ()
        shown = self._remembered(self.exchange.orders(self.account, now_ns=now_ns), now_ns)
        listed = {self._words.order_id(record.order_id) for record in shown}
        mine = (one for one in trades if (one.symbol, one.side) == (child.symbol, child.side))
        return tuple(one for one in mine if one.venue_order_id not in listed)

    def _said(self, row: TradeRecord) -> VenueTrade:
        """An execution never changes, and is asked for often: it is put into words once."""
        known = self._told.get(row.execution_id)
        if known is None:
            known = self._told[row.execution_id] = self._words.trade(row)
        return known

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
