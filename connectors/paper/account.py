"""How a paper account moves: read from its file, moved by the lab's exchange core, written back, in one transaction.

Nothing of the account lives outside the file, so there is nothing a kill could lose and nothing a second process could
have out of date. An `Exchange` is made for each step and thrown away after it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.lab.core import (
    BalanceRecord,
    Exchange,
    NewOrder,
    OrderChanged,
    OrderRecord,
    OrderStatus,
    Rejection,
    RejectKind,
    SymbolRules,
    TradeRecord,
    VenueRules,
)
from connectors.paper.books import Left, Offer, Offered
from connectors.paper.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a step came to. `changed` are orders as they stand after it, `left` what remains of the offer."""

    answer: OrderRecord | Rejection | None
    changed: tuple[OrderRecord, ...]
    left: Left


@dataclass(frozen=True, kw_only=True, slots=True)
class StrangersTrade:
    """A print of the real venue's. `made_ns`: on our clock, the latest moment it can have been made."""

    price: Decimal
    quantity: Decimal
    made_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """The account at one moment; trades since the time asked for."""

    balances: Mapping[str, BalanceRecord]
    open_orders: tuple[OrderRecord, ...]
    trades: tuple[TradeRecord, ...]


class PaperAccount:
    """One account on one venue's terms. Raises `sqlite3.Error`; a step that raised has either happened whole or not."""

    def __init__(self, ledger: Ledger, rules: VenueRules, symbols: Sequence[SymbolRules]) -> None:
        self._ledger = ledger
        self._rules = rules
        self._symbols = {symbol.symbol: symbol for symbol in symbols}

    def open(self, deposits: Mapping[str, Decimal], now_ns: int) -> tuple[OrderRecord, ...]:
        """Credit what was not credited yet, of assets that can be traded. Returns the open orders.

        Orders on a symbol that is listed no more are cancelled, and those the account cannot pay for at today's fees.
        """
        traded = {asset for symbol in self._symbols.values() for asset in (symbol.base, symbol.quote)}
        with self._ledger.writing():
            self._ledger.credit({asset: amount for asset, amount in deposits.items() if asset in traded}, now_ns)
            gone = [record for record in self._ledger.open_orders() if record.symbol not in self._symbols]
            ended = [replace(record, status=OrderStatus.CANCELLED, updated_ns=now_ns) for record in gone]
            self._ledger.keep(ended, (), {})
            self._keep(self._exchange(None))
            return self._ledger.open_orders()

    def close(self) -> None:
        """Let go of the file."""
        self._ledger.close()

    def place(self, order: NewOrder, offer: Offer, now_ns: int) -> Step:
        """Match an order against the offer; what rests is kept."""
        assert order.client_id is not None
        same_id = order.client_id

        def act(exchange: Exchange) -> OrderRecord | Rejection:
            return exchange.place(self._ledger.account, order, now_ns)

        return self._step(order.symbol, offer, act, now_ns, same_id=same_id)

    def cancel(self, client_id: str, symbol: str, now_ns: int) -> Step:
        """End the newest order under this id."""

        def act(exchange: Exchange) -> OrderRecord | Rejection:
            known = exchange.find(self._ledger.account, client_id=client_id, symbol=symbol)
            if not known:
                return Rejection(kind=RejectKind.UNKNOWN_ORDER, text="Unknown order.")
            return exchange.cancel(self._ledger.account, known[-1].order_id, now_ns)

        return self._step(symbol, Offer(), act, now_ns, same_id=client_id)

    def traded_through(self, symbol: str, prints: Sequence[StrangersTrade], now_ns: int) -> Step:
        """Fill resting orders through whose price strangers traded, at their own price."""

        def act(exchange: Exchange) -> None:
            for one in prints:
                exchange.trade_through(symbol, one.price, one.quantity, one.made_ns, now_ns)

        return self._step(symbol, Offer(), act, now_ns)

    def find(self, client_id: str, symbol: str) -> tuple[OrderRecord, tuple[TradeRecord, ...]] | None:
        """The newest order under this id, and its trades."""
        with self._ledger.reading():
            known = [record for record in self._ledger.orders_of(client_id) if record.symbol == symbol]
            return (known[-1], self._ledger.trades_of(known[-1].order_id)) if known else None

    def read(self, since_ns: int) -> Statement:
        """The whole account."""
        with self._ledger.reading():
            return Statement(
                balances=self._exchange(None).balances(self._ledger.account),
                open_orders=self._ledger.open_orders(),
                trades=self._ledger.trades_since(since_ns),
            )

    def _step(
        self,
        symbol: str,
        offer: Offer,
        act: Callable[[Exchange], OrderRecord | Rejection | None],
        now_ns: int,
        *,
        same_id: str | None = None,
    ) -> Step:
        with self._ledger.writing():
            exchange = self._exchange(same_id)
            exchange.set_outside(symbol, _levels(offer.bids), _levels(offer.asks), now_ns)
            answer = act(exchange)
            changed = self._keep(exchange)
            bids, asks = exchange.outside(symbol)
        return Step(answer=answer, changed=changed, left=Left(bids=dict(bids), asks=dict(asks)))

    def _exchange(self, same_id: str | None) -> Exchange:
        """The account as the core knows it: holdings, open orders, and ended ones under the id in question."""
        rules = replace(self._rules, first_id=self._ledger.next_id())
        exchange = Exchange(rules, tuple(self._symbols.values()))
        for asset, total in self._ledger.holdings().items():
            exchange.deposit(self._ledger.account, asset, total)
        records = {record.order_id: record for record in self._ledger.open_orders()}
        if same_id is not None:
            records |= {record.order_id: record for record in self._ledger.orders_of(same_id)}
        for _, record in sorted(records.items()):
            if record.symbol in self._symbols:
                exchange.restore(record)
        return exchange

    def _keep(self, exchange: Exchange) -> tuple[OrderRecord, ...]:
        changes = [event for event in exchange.drain() if isinstance(event, OrderChanged)]
        changed = {change.record.order_id: change.record for change in changes}
        trades = [change.execution for change in changes if change.execution is not None]
        totals = {asset: held.total for asset, held in exchange.balances(self._ledger.account).items()}
        self._ledger.keep(changed.values(), trades, totals)
        return tuple(changed.values())


def _levels(offered: Sequence[Offered]) -> list[tuple[Decimal, Decimal]]:
    return [(level.price, level.size) for level in offered]
