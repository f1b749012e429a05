"""The engine of a lab venue: accounts, books, price-time matching. Pure: time is an argument, nothing is awaited.

Outside liquidity is what `set_outside` says. What our orders take of it stays taken until the world sets that level
again. Every change is also an event; `drain` hands them over in order.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from connectors.lab.core.filters import refused_by_filter
from connectors.lab.core.ladder import Ladder, LadderLevel, RestingOrder
from connectors.lab.core.records import (
    BalanceChanged,
    BalanceRecord,
    BookChanged,
    Charge,
    KeyGrants,
    MarketEvent,
    MovementRecord,
    NewOrder,
    OrderChanged,
    OrderRecord,
    OrderStatus,
    Printed,
    Rejection,
    RejectKind,
    TimeInForce,
    TradeRecord,
)
from connectors.lab.core.rules import DuplicateRule, SymbolRules, VenueRules
from connectors.lab.core.wallet import Wallet
from router.model import rounding
from router.model.instruments import FeeIn
from router.model.money import ONE, ZERO, exactly, fraction_of_bps, ratio
from router.model.side import Side

Levels = Sequence[tuple[Decimal, Decimal]]
_PRINTS_KEPT = 5_000


class Exchange:
    """One venue's matching engine and book-keeping for all its symbols and accounts."""

    def __init__(self, rules: VenueRules, symbols: Sequence[SymbolRules]) -> None:
        self.rules = rules
        self.symbols = {symbol.symbol: symbol for symbol in symbols}
        self.grants = KeyGrants()
        self.charge: Charge | None = None
        self._movements: dict[str, list[MovementRecord]] = {}
        self._ladders = {(name, side): Ladder(side) for name in self.symbols for side in Side}
        self._wallets: dict[str, Wallet] = {}
        self._orders: dict[int, OrderRecord] = {}
        self._past: dict[int, list[OrderRecord]] = {}
        self._of_account: dict[str, list[int]] = {}
        self._by_client_id: dict[tuple[str, str], list[int]] = {}
        self._open: dict[int, None] = {}
        self._locks: dict[int, Decimal] = {}
        self._trades: dict[str, list[TradeRecord]] = {}
        self._trade_ids = dict.fromkeys(self.symbols, 0)
        self._prints = {name: deque[Printed](maxlen=_PRINTS_KEPT) for name in self.symbols}
        self._halted: set[str] = set()
        self._next_order = rules.first_id
        self._next_execution = rules.first_id
        self._dead_man_ns: dict[str, int] = {}
        self._events: list[MarketEvent] = []

    # What an account may do

    def deposit(
        self, account: str, asset: str, amount: Decimal, *, now_ns: int = 0, listed: bool = True
    ) -> BalanceRecord:
        """Credit an account, which exists from then on. A negative amount withdraws; never more than is free.

        What is not `listed` happens without a trace in the account's own record.
        """
        with exactly():
            wallet = self._wallets.setdefault(account, Wallet())
            assert wallet.free(asset) + amount >= 0
            wallet.add(asset, amount)
            if listed:
                moved = self._movements.setdefault(account, [])
                moved.append(MovementRecord(number=len(moved) + 1, asset=asset, amount=amount, at_ns=now_ns))
            self._tell_balances(account, (asset,))
            return wallet.balance(asset)

    def restore(self, record: OrderRecord) -> None:
        """Take an order back as it stood: known by its ids and, while open, locked for and queued last at its price.

        For book-keeping that outlives this object. An open order its account can no longer pay for is cancelled.
        """
        with exactly():
            self._orders[record.order_id] = record
            self._past[record.order_id] = [record]
            self._name(record)
            self._next_order = max(self._next_order, record.order_id + 1)
            if not record.status.ended:
                self._resume(record)

    def place(self, account: str, order: NewOrder, now_ns: int) -> OrderRecord | Rejection:
        """Match and, if it may rest, book an order. The record is as it stands after matching."""
        with exactly():
            known = self._seen_before(account, order)
            if known is not None:
                return known
            refusal = self._refusal(account, order)
            if refusal is not None:
                return refusal
            return self._accept(account, order, now_ns)

    def cancel(self, account: str, order_id: int, now_ns: int) -> OrderRecord | Rejection:
        """End an open order of this account."""
        record = self._orders.get(order_id)
        if record is None or record.account != account:
            return Rejection(kind=RejectKind.UNKNOWN_ORDER, text="Unknown order.")
        if record.status.ended:
            return Rejection(kind=RejectKind.ALREADY_ENDED, text=f"Order is {record.status}.")
        with exactly():
            return self._end(record, OrderStatus.CANCELLED, now_ns)

    # What an account may ask

    def find(
        self,
        account: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        symbol: str | None = None,
        now_ns: int | None = None,
    ) -> tuple[OrderRecord, ...]:
        """Orders with this id or client id, oldest first. With `now_ns` as look-ups show them: read lag applied."""
        if order_id is not None:
            ids = [order_id] if order_id in self._orders else []
        else:
            ids = self._by_client_id.get((account, client_id or ""), [])
        records = self._seen(ids, now_ns)
        return tuple(
            record
            for record in records
            if record.account == account
            and (client_id is None or record.client_id == client_id)
            and (symbol is None or record.symbol == symbol)
        )

    def cancel_all_at(self, account: str, due_ns: int | None) -> None:
        """The dead-man timer of an account: at `due_ns` everything it has open is cancelled; None stops it."""
        if due_ns is None:
            self._dead_man_ns.pop(account, None)
        else:
            self._dead_man_ns[account] = due_ns

    def dead_man_ns(self, account: str) -> int | None:
        """When the account's timer runs out; None when it is stopped, or has run out."""
        return self._dead_man_ns.get(account)

    def heed_dead_men(self, now_ns: int) -> None:
        """Cancel for the accounts whose timers have run out."""
        for account in [account for account, due_ns in self._dead_man_ns.items() if due_ns <= now_ns]:
            del self._dead_man_ns[account]
            for record in self.orders(account, open_only=True):
                self.cancel(account, record.order_id, now_ns)

    def orders(
        self, account: str, *, open_only: bool = False, symbol: str | None = None, now_ns: int | None = None
    ) -> tuple[OrderRecord, ...]:
        """An account's orders, oldest first. With `now_ns` as look-ups show them: read lag applied."""
        # With a lag an order that has just ended is still shown as open, so every order must be looked at.
        fresh = open_only and (now_ns is None or self.rules.read_lag_ns == 0)
        ids = self._open if fresh else self._of_account.get(account, [])
        return tuple(
            record
            for record in self._seen(ids, now_ns)
            if record.account == account
            and (symbol is None or record.symbol == symbol)
            and not (open_only and record.status.ended)
        )

    def trades(
        self,
        account: str,
        *,
        symbol: str | None = None,
        order_id: int | None = None,
        since_ns: int = 0,
        now_ns: int | None = None,
    ) -> tuple[TradeRecord, ...]:
        """An account's executions from `since_ns` on, oldest first. With `now_ns` the read lag is applied."""
        until_ns = None if now_ns is None else now_ns - self.rules.read_lag_ns
        return tuple(
            trade
            for trade in self._trades.get(account, [])
            if trade.at_ns >= since_ns
            and (until_ns is None or trade.at_ns <= until_ns)
            and (symbol is None or trade.symbol == symbol)
            and (order_id is None or trade.order_id == order_id)
        )

    def balances(self, account: str) -> dict[str, BalanceRecord]:
        """Everything an account holds, by asset. Never lags."""
        wallet = self._wallets.get(account)
        return wallet.balances() if wallet else {}

    def movements(self, account: str, since_ns: int = 0) -> tuple[MovementRecord, ...]:
        """Deposits and withdrawals, oldest first."""
        return tuple(moved for moved in self._movements.get(account, ()) if moved.at_ns >= since_ns)

    def accounts(self) -> tuple[str, ...]:
        """Accounts that were ever credited."""
        return tuple(self._wallets)

    # The market

    def set_outside(self, symbol: str, bids: Levels, asks: Levels, now_ns: int) -> None:
        """The world's size at these prices is now this, whatever was taken there before; 0 takes the level away.

        Where it crosses a resting order of ours, that order is filled at its own price.
        """
        with exactly():
            for side, levels in ((Side.BUY, bids), (Side.SELL, asks)):
                for price, size in levels:
                    self._set_level(symbol, side, price, size)
            for side in Side:
                self._fill_crossed(symbol, side, now_ns)

    def replace_outside(self, symbol: str, bids: Levels, asks: Levels, now_ns: int) -> None:
        """Like `set_outside`, and levels not named are taken away."""
        gone: dict[Side, list[tuple[Decimal, Decimal]]] = {}
        for side, levels in ((Side.BUY, bids), (Side.SELL, asks)):
            named = {price for price, _ in levels}
            prices = self._ladders[symbol, side].outside_prices()
            gone[side] = [(price, ZERO) for price in prices if price not in named]
        self.set_outside(symbol, [*gone[Side.BUY], *bids], [*gone[Side.SELL], *asks], now_ns)

    def restate(self, symbol: str) -> None:
        """Tell the best level of each side again, unchanged: a sign of life."""
        with exactly():
            for side in Side:
                best = self._ladders[symbol, side].best()
                if best is not None:
                    self._tell_level(symbol, side, best)

    def print_outside(self, symbol: str, taker_side: Side, price: Decimal, quantity: Decimal, now_ns: int) -> None:
        """Strangers traded: goes to the public trades, and changes nothing of what the world shows.

        An order of ours that stood better was in the way, and had its part of the trade at its own price; one at this
        very price had it once the outside size that came before it had traded.
        """
        with exactly():
            rest = self._fill_passed(symbol, price, quantity, now_ns)
            rest = self._fill_in_turn(symbol, _other(taker_side), price, rest, now_ns)
            if rest > 0:
                self._print(symbol, self._next_trade_id(symbol), price, rest, taker_side, now_ns)

    def trade_through(self, symbol: str, price: Decimal, quantity: Decimal, made_ns: int, now_ns: int) -> None:
        """Strangers traded at `price`, at `made_ns`, in a market that knows nothing of our orders.

        Those that stood better by then would have been in the way: they fill at their own price. One at this very price
        had a place in a queue that nobody knows, and gets nothing.
        """
        with exactly():
            self._fill_passed(symbol, price, quantity, now_ns, standing_ns=made_ns)

    def prints(self, symbol: str) -> tuple[Printed, ...]:
        """The newest public trades of a symbol, oldest first, own executions and strangers' alike."""
        return tuple(self._prints[symbol])

    def set_halted(self, symbol: str, *, halted: bool) -> None:
        """A halted symbol takes cancels and no orders."""
        (self._halted.add if halted else self._halted.discard)(symbol)

    def is_halted(self, symbol: str) -> bool:
        """Whether the symbol takes no orders."""
        return symbol in self._halted

    def book(
        self, symbol: str, depth: int | None = None
    ) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """(price, size) of bids and asks, best first, our resting orders included."""
        with exactly():
            return self._ladders[symbol, Side.BUY].top(depth), self._ladders[symbol, Side.SELL].top(depth)

    def outside(self, symbol: str) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """What is left of the outside size per price, best first."""
        bids, asks = (
            [(price, level.outside) for price, level in self._ladders[symbol, side] if level.outside > 0]
            for side in (Side.BUY, Side.SELL)
        )
        return bids, asks

    def drain(self) -> list[MarketEvent]:
        """Everything that happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    # Acceptance

    def _seen_before(self, account: str, order: NewOrder) -> OrderRecord | Rejection | None:
        if order.client_id is None or self.rules.duplicates is DuplicateRule.NEVER:
            return None
        ids = self._by_client_id.get((account, order.client_id), [])
        if self.rules.duplicates is DuplicateRule.OPEN_ONLY:
            ids = [order_id for order_id in ids if order_id in self._open]
        if not ids:
            return None
        if self.rules.duplicates is DuplicateRule.ALWAYS_RETURNS_FIRST:
            return self._orders[ids[0]]
        return Rejection(kind=RejectKind.DUPLICATE_CLIENT_ID, text="Duplicate order sent.")

    def _refusal(self, account: str, order: NewOrder) -> Rejection | None:
        symbol = self.symbols.get(order.symbol)
        if symbol is None:
            return Rejection(kind=RejectKind.UNKNOWN_SYMBOL, text=f"Unknown symbol {order.symbol}.")
        if order.symbol in self._halted:
            return Rejection(kind=RejectKind.SYMBOL_HALTED, text="Market is closed.")
        refusal = refused_by_filter(symbol, order, self._value(order))
        if refusal is not None:
            return refusal
        if order.post_only and not self.rules.ends_what_would_take and self._would_take(order):
            return Rejection(kind=RejectKind.POST_ONLY_WOULD_TAKE, text="Order would immediately match and take.")
        asset, amount = self._needs(symbol, order.side, order.quantity, order.limit_price, self._value(order))
        wallet = self._wallets.get(account)
        if wallet is None or wallet.free(asset) < amount:
            return Rejection(
                kind=RejectKind.INSUFFICIENT_FUNDS, text="Account has insufficient balance for requested action."
            )
        return None

    def _accept(self, account: str, order: NewOrder, now_ns: int) -> OrderRecord:
        record = OrderRecord(
            order_id=self._next_order,
            client_id=order.client_id,
            account=account,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            limit_price=order.limit_price,
            tif=order.tif,
            post_only=order.post_only,
            status=OrderStatus.OPEN,
            executed=ZERO,
            cost=ZERO,
            placed_ns=now_ns,
            updated_ns=now_ns,
        )
        self._next_order += 1
        self._name(record)
        self._open[record.order_id] = None
        asset, amount = self._needs(
            self.symbols[order.symbol], order.side, order.quantity, order.limit_price, self._value(order)
        )
        self._wallets[account].lock(asset, amount)
        self._locks[record.order_id] = amount
        self._note(record, None)
        self._tell_balances(account, (asset,))
        return self._match(record, now_ns)

    def _name(self, record: OrderRecord) -> None:
        """Let it be found by its account and by its client id."""
        self._of_account.setdefault(record.account, []).append(record.order_id)
        if record.client_id is not None:
            self._by_client_id.setdefault((record.account, record.client_id), []).append(record.order_id)

    def _resume(self, record: OrderRecord) -> None:
        self._open[record.order_id] = None
        self._locks[record.order_id] = ZERO
        wallet = self._wallets.setdefault(record.account, Wallet())
        symbol = self.symbols[record.symbol]
        asset, amount = self._needs(symbol, record.side, record.remaining, record.limit_price, None)
        if record.limit_price is None or wallet.free(asset) < amount:
            self._end(record, OrderStatus.CANCELLED, record.updated_ns)
            return
        wallet.lock(asset, amount)
        self._locks[record.order_id] = amount
        self._rest(record, record.limit_price)

    def _match(self, record: OrderRecord, now_ns: int) -> OrderRecord:
        if record.tif is TimeInForce.FOK and self._takeable(record) < record.quantity:
            return self._end(record, OrderStatus.EXPIRED, now_ns)
        if record.post_only and self._would_take(record):
            return self._end(record, OrderStatus.EXPIRED, now_ns)
        record = self._take(record, now_ns)
        if record.status.ended:
            return record
        if record.tif is TimeInForce.GTC and record.limit_price is not None:
            self._rest(record, record.limit_price)
            return record
        return self._end(record, OrderStatus.EXPIRED, now_ns)

    # Matching

    def _take(self, record: OrderRecord, now_ns: int) -> OrderRecord:
        opposite = self._ladders[record.symbol, _other(record.side)]
        while not record.status.ended:
            price = opposite.best()
            if price is None or not opposite.reaches(price, record.limit_price):
                break
            record = self._take_level(record, opposite.level(price), price, now_ns)
            opposite.tidy(price)
            self._tell_level(record.symbol, opposite.side, price)
        return record

    def _take_level(self, record: OrderRecord, level: LadderLevel, price: Decimal, now_ns: int) -> OrderRecord:
        for maker, standing in level.queue():
            if record.status.ended:
                break
            quantity = min(record.remaining, standing)
            trade_id = self._next_trade_id(record.symbol)
            if maker is None:
                level.take_outside(quantity)
            else:
                self._reduce(level, maker, quantity)
                self._execute(self._orders[maker.order_id], price, quantity, trade_id, now_ns, maker=True)
            self._print(record.symbol, trade_id, price, quantity, record.side, now_ns)
            record = self._execute(record, price, quantity, trade_id, now_ns, maker=False)
        return record

    def _fill_crossed(self, symbol: str, side: Side, now_ns: int) -> None:
        """Resting orders on `side` that the outside of the other side now reaches, filled at their own price."""
        best = self._ladders[symbol, _other(side)].best()
        if best is None:
            return
        ours, theirs = self._ladders[symbol, side], self._ladders[symbol, _other(side)]
        crossed: list[tuple[Decimal, RestingOrder]] = []
        for price, level in ours:
            if not theirs.reaches(best, price):
                break
            crossed += [(price, order) for order in level.resting]
        for price, order in crossed:
            for outside_price in self._outside_reaching(symbol, side, price):
                self._fill_resting(symbol, side, price, order, outside_price, now_ns)

    def _fill_resting(
        self, symbol: str, side: Side, price: Decimal, order: RestingOrder, outside_price: Decimal, now_ns: int
    ) -> None:
        theirs = self._ladders[symbol, _other(side)]
        outside = theirs.level(outside_price)
        quantity = min(order.remaining, outside.outside)
        if quantity > 0:
            outside.take_outside(quantity)
            self._fill_maker(symbol, side, price, order, quantity, now_ns)
            self._tell_level(symbol, _other(side), outside_price)
        theirs.tidy(outside_price)

    def _fill_maker(
        self, symbol: str, side: Side, price: Decimal, order: RestingOrder, quantity: Decimal, now_ns: int
    ) -> None:
        """A stranger took `quantity` of a resting order, at its price."""
        ladder = self._ladders[symbol, side]
        self._reduce(ladder.level(price), order, quantity)
        trade_id = self._next_trade_id(symbol)
        self._print(symbol, trade_id, price, quantity, _other(side), now_ns)
        self._execute(self._orders[order.order_id], price, quantity, trade_id, now_ns, maker=True)
        ladder.tidy(price)
        self._tell_level(symbol, side, price)

    def _fill_passed(
        self, symbol: str, price: Decimal, quantity: Decimal, now_ns: int, *, standing_ns: int | None = None
    ) -> Decimal:
        """Orders that stood better than `price`, by `standing_ns`, are served first, the best first. What is left."""
        for side in Side:
            ladder = self._ladders[symbol, side]
            better = [each for each, level in ladder.better_than(price) if level.resting]
            for each in better:
                for order in list(ladder.level(each).resting):
                    if quantity == 0:
                        return quantity
                    if standing_ns is not None and self._orders[order.order_id].placed_ns >= standing_ns:
                        continue
                    filled = min(order.remaining, quantity)
                    self._fill_maker(symbol, side, each, order, filled, now_ns)
                    quantity -= filled
        return quantity

    def _fill_in_turn(self, symbol: str, side: Side, price: Decimal, quantity: Decimal, now_ns: int) -> Decimal:
        """Orders at `price` itself, each after the outside size that came before it. What the outside traded."""
        ladder = self._ladders[symbol, side]
        if not ladder.rests_at(price):
            return quantity
        level, outside = ladder.level(price), ZERO
        for maker, standing in level.queue():
            part = min(standing, quantity)
            quantity -= part
            if maker is None:
                outside += part
            elif part > 0:
                self._fill_maker(symbol, side, price, maker, part, now_ns)
        level.step_up(outside)
        return outside + quantity

    def _outside_reaching(self, symbol: str, side: Side, price: Decimal) -> list[Decimal]:
        theirs = self._ladders[symbol, _other(side)]
        reaching = []
        for their_price, level in theirs:
            if not theirs.reaches(their_price, price):
                break
            if level.outside > 0:
                reaching.append(their_price)
        return reaching

    def _execute(
        self, record: OrderRecord, price: Decimal, quantity: Decimal, trade_id: int, now_ns: int, *, maker: bool
    ) -> OrderRecord:
        symbol = self.symbols[record.symbol]
        fee_asset, fee = self._fee(record.account, symbol, record.side, quantity, quantity * price, maker=maker)
        executed = record.executed + quantity
        full = executed == record.quantity
        after = replace(
            record,
            executed=executed,
            cost=record.cost + quantity * price,
            fees=MappingProxyType({**record.fees, fee_asset: record.fees.get(fee_asset, ZERO) + fee}),
            status=OrderStatus.FILLED if full else OrderStatus.OPEN,
            updated_ns=now_ns,
        )
        self._settle(after, symbol, quantity, quantity * price, fee_asset, fee)
        trade = TradeRecord(
            trade_id=trade_id,
            execution_id=self._next_execution,
            order_id=record.order_id,
            client_id=record.client_id,
            account=record.account,
            symbol=record.symbol,
            side=record.side,
            price=price,
            quantity=quantity,
            fee_asset=fee_asset,
            fee=fee,
            maker=maker,
            at_ns=now_ns,
        )
        self._next_execution += 1
        self._trades.setdefault(record.account, []).append(trade)
        self._note(after, trade)
        self._tell_balances(record.account, {symbol.base, symbol.quote, fee_asset})
        return after

    def fill_late(self, account: str, order_id: int, quantity: Decimal, now_ns: int) -> bool:
        """Add an execution, at its limit, to an order that has ended: matched in time, and told late.

        False where the account does not hold what it takes.
        """
        (record,) = self.find(account, order_id=order_id)
        assert record.status.ended
        price, symbol = record.limit_price, self.symbols[record.symbol]
        assert price is not None
        asset, needed = self._needs(symbol, record.side, quantity, price, None)
        if self._wallets[account].free(asset) < needed:
            return False
        whole = replace(record, quantity=record.executed + quantity)
        after = self._execute(whole, price, quantity, self._next_trade_id(record.symbol), now_ns, maker=True)
        self._note(replace(after, quantity=record.quantity, status=record.status), None)
        return True

    def _settle(
        self, record: OrderRecord, symbol: SymbolRules, quantity: Decimal, cost: Decimal, fee_asset: str, fee: Decimal
    ) -> None:
        """Move the money of one execution; the lock shrinks to what the rest of the order needs."""
        wallet = self._wallets[record.account]
        asset, needed = self._needs(symbol, record.side, record.remaining, record.limit_price, None)
        if record.limit_price is None and record.side is Side.BUY:
            needed = max(ZERO, self._locks[record.order_id] - cost - (fee if fee_asset == symbol.quote else ZERO))
        if record.status.ended:
            needed = ZERO
        wallet.lock(asset, needed - self._locks[record.order_id])
        self._locks[record.order_id] = needed
        sign = record.side.sign
        wallet.add(symbol.base, sign * quantity)
        wallet.add(symbol.quote, -sign * cost)
        wallet.add(fee_asset, -fee)

    def _end(self, record: OrderRecord, status: OrderStatus, now_ns: int) -> OrderRecord:
        symbol = self.symbols[record.symbol]
        asset = symbol.quote if record.side is Side.BUY else symbol.base
        self._wallets[record.account].lock(asset, -self._locks[record.order_id])
        self._locks[record.order_id] = ZERO
        if record.limit_price is not None:
            self._unrest(record, record.limit_price)
        after = replace(record, status=status, updated_ns=now_ns)
        self._note(after, None)
        self._tell_balances(record.account, (asset,))
        return after

    def _rest(self, record: OrderRecord, price: Decimal) -> None:
        self._ladders[record.symbol, record.side].level(price).join(record.order_id, record.remaining)
        self._tell_level(record.symbol, record.side, price)

    def _unrest(self, record: OrderRecord, price: Decimal) -> None:
        ladder = self._ladders[record.symbol, record.side]
        level = ladder.level(price)
        before = len(level.resting)
        level.resting = [order for order in level.resting if order.order_id != record.order_id]
        ladder.tidy(price)
        if len(level.resting) != before:
            self._tell_level(record.symbol, record.side, price)

    @staticmethod
    def _reduce(level: LadderLevel, order: RestingOrder, quantity: Decimal) -> None:
        order.remaining -= quantity
        if order.remaining == 0:
            level.resting.remove(order)

    def _set_level(self, symbol: str, side: Side, price: Decimal, size: Decimal) -> None:
        assert size >= 0
        if self._ladders[symbol, side].set_outside(price, size):
            self._tell_level(symbol, side, price)

    # Money

    def _fee(
        self, account: str, symbol: SymbolRules, side: Side, quantity: Decimal, cost: Decimal, *, maker: bool
    ) -> tuple[str, Decimal]:
        charge = self.charge or Charge(bps=self.fee_bps(symbol, maker=maker), fee_in=self.rules.fee_in)
        if charge.token is not None:
            bps = charge.bps if charge.token_bps is None else charge.token_bps
            in_token = self._cut(ratio(cost * fraction_of_bps(bps), charge.token_price))
            if self._wallets[account].free(charge.token) >= in_token:
                return charge.token, in_token
        in_base = charge.fee_in is FeeIn.BASE or (charge.fee_in is FeeIn.RECEIVED and side is Side.BUY)
        exact = (quantity if in_base else cost) * fraction_of_bps(charge.bps)
        return (symbol.base if in_base else symbol.quote), self._cut(exact)

    def _cut(self, exact: Decimal) -> Decimal:
        unit = ONE.scaleb(-self.rules.fee_digits)
        return rounding.down(exact, unit) if exact >= 0 else rounding.up(exact, unit)

    def fee_bps(self, symbol: SymbolRules, *, maker: bool) -> Decimal:
        """The rate that holds for a symbol."""
        if maker:
            return self.rules.maker_fee_bps if symbol.maker_fee_bps is None else symbol.maker_fee_bps
        return self.rules.taker_fee_bps if symbol.taker_fee_bps is None else symbol.taker_fee_bps

    def _needs(
        self, symbol: SymbolRules, side: Side, quantity: Decimal, limit_price: Decimal | None, value: Decimal | None
    ) -> tuple[str, Decimal]:
        """Asset and amount an order must have free: its worst cost, and the fee where that comes on top."""
        worst_bps = max(self.fee_bps(symbol, maker=True), self.fee_bps(symbol, maker=False), ZERO)
        on_top = ONE + fraction_of_bps(worst_bps)
        if side is Side.SELL:
            return symbol.base, quantity * (on_top if self.rules.fee_in is FeeIn.BASE else ONE)
        cost = (value or ZERO) if limit_price is None else quantity * limit_price
        return symbol.quote, cost * (on_top if self.rules.fee_in is FeeIn.QUOTE else ONE)

    def _value(self, order: NewOrder) -> Decimal:
        """Quote value: at the limit, or what a market order would cost on the book as it stands."""
        if order.limit_price is not None:
            return order.quantity * order.limit_price
        rest, value = order.quantity, ZERO
        for price, level in self._ladders[order.symbol, _other(order.side)]:
            taken = min(rest, level.size)
            value += taken * price
            rest -= taken
            if rest == 0:
                break
        return value

    def _takeable(self, record: OrderRecord) -> Decimal:
        opposite = self._ladders[record.symbol, _other(record.side)]
        total = ZERO
        for price, level in opposite:
            if not opposite.reaches(price, record.limit_price):
                break
            total += level.size
        return total

    def _would_take(self, order: NewOrder | OrderRecord) -> bool:
        opposite = self._ladders[order.symbol, _other(order.side)]
        best = opposite.best()
        return best is not None and opposite.reaches(best, order.limit_price)

    # Book-keeping and events

    def _note(self, record: OrderRecord, execution: TradeRecord | None) -> None:
        self._orders[record.order_id] = record
        self._past.setdefault(record.order_id, []).append(record)
        if record.status.ended:
            self._open.pop(record.order_id, None)
        self._events.append(OrderChanged(account=record.account, record=record, execution=execution))

    def _seen(self, ids: Iterable[int], now_ns: int | None) -> list[OrderRecord]:
        if now_ns is None or self.rules.read_lag_ns == 0:
            return [self._orders[order_id] for order_id in ids]
        until_ns = now_ns - self.rules.read_lag_ns
        found = []
        for order_id in ids:
            known = [record for record in self._past[order_id] if record.updated_ns <= until_ns]
            if known:
                found.append(known[-1])
        return found

    def _next_trade_id(self, symbol: str) -> int:
        self._trade_ids[symbol] += 1
        return self._trade_ids[symbol]

    def _print(
        self, symbol: str, trade_id: int, price: Decimal, quantity: Decimal, taker_side: Side, now_ns: int
    ) -> None:
        printed = Printed(
            symbol=symbol,
            trade_id=trade_id,
            price=price,
            quantity=quantity,
            taker_side=taker_side,
            at_ns=now_ns,
        )
        self._prints[symbol].append(printed)
        self._events.append(printed)

    def _tell_level(self, symbol: str, side: Side, price: Decimal) -> None:
        size = self._ladders[symbol, side].size_at(price)
        self._events.append(BookChanged(symbol=symbol, side=side, price=price, size=size))

    def _tell_balances(self, account: str, assets: Iterable[str]) -> None:
        wallet = self._wallets[account]
        for asset in sorted(assets):
            self._events.append(BalanceChanged(account=account, asset=asset, balance=wallet.balance(asset)))


def _other(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY
