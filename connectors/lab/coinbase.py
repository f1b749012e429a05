"""Coinbase Advanced Trade, as unmodified ccxt clients see it: REST under /api/v3/brokerage and /v2, websocket at /ws.

What sets it apart: an order's answer holds its id and no more; a client id is good for one order for ever, and sending
it again returns the first order; orders carry no deadline and cannot be asked for by client id; every websocket frame
of a connection is numbered.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from connectors.lab.coinbase_auth import Call as SignedCall
from connectors.lab.coinbase_auth import Gatekeeper
from connectors.lab.coinbase_render import time_text
from connectors.lab.coinbase_rest import CoinbaseRest, Query, Reply
from connectors.lab.coinbase_streams import CoinbaseStreams, parse
from connectors.lab.core import DuplicateRule, Exchange, MarketEvent, SymbolRules, VenueRules
from connectors.lab.faults import Call, FaultDesk
from connectors.lab.http import Answer, ApiKey, Ask, Route, json_answer
from connectors.lab.sessions import Session
from connectors.lab.venue import LabVenue, Refusal
from router.model.instruments import FeeIn

_V3 = "/api/v3/brokerage"
_Public = Callable[[Ask], Reply]
_Private = Callable[[str, Ask], Reply]


class CoinbaseVenue(LabVenue):
    """A Coinbase on loopback."""

    protocol: ClassVar[str] = "coinbase"
    id_fields: ClassVar[frozenset[str]] = frozenset({"order_id"})

    def __init__(
        self,
        *,
        name: str,
        exchange: Exchange,
        keys: Sequence[ApiKey],
        faults: FaultDesk,
        clock_offset_ns: int = 0,
    ) -> None:
        super().__init__(name=name, exchange=exchange, keys=keys, faults=faults, clock_offset_ns=clock_offset_ns)
        self._rest = CoinbaseRest(exchange)
        self._streams = CoinbaseStreams(exchange, self._rest.products)
        self._gate = Gatekeeper(self.keys)

    @classmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """The fee tier of an account that trades tens of millions a month; fees in quote currency."""
        return VenueRules(
            name=name,
            taker_fee_bps=Decimal(12),
            maker_fee_bps=Decimal(3),
            fee_in=FeeIn.QUOTE,
            duplicates=DuplicateRule.ALWAYS_RETURNS_FIRST,
            read_lag_ns=read_lag_ns,
        )

    @classmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """Bitcoin in dollars and in a stablecoin, and a stable pair, whose rate ccxt knows by heart."""
        return (
            _symbol("BTC", "USD", tick="0.01", step="0.00000001"),
            _symbol("BTC", "USDC", tick="0.01", step="0.00000001"),
            _symbol("USDT", "USD", tick="0.00001", step="0.01", fees_bps=("0.1", "0")),
        )

    def routes(self) -> Sequence[Route]:
        """Public paths, then those of an account. Fixed paths stand before those with an id in them."""
        return [*self._public_routes(), *self._private_routes()]

    def sockets(self) -> Mapping[str, bool]:
        """One path for all channels; `user` makes a session private."""
        return {"/ws": False}

    def ws_opened(self, session: Session) -> None:
        """Nothing is said before the client speaks."""
        self._streams.greet(session)

    def ws_message(self, session: Session, text: str) -> None:
        """A subscription. What has happened so far goes out before a snapshot shows it."""
        self.flush()
        frame, now_ns = parse(text), self.now_ns()
        key = self._gate.subscriber(frame, now_ns)
        self._streams.receive(session, frame, None if key is None else self.keys[key].account, now_ns)

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Books, trades, orders."""
        self._streams.publish(self.sessions, events, now_ns)

    def tick(self, now_ns: int) -> None:
        """Heartbeats."""
        self._streams.beat(self.sessions, now_ns)

    def not_found(self) -> Answer:
        """In Coinbase's words."""
        return json_answer({"errors": [{"id": "not_found", "message": "Not found"}]}, status=404)

    def too_many_requests(self) -> Answer:
        """In Coinbase's words."""
        return json_answer({"errors": [{"id": "rate_limit_exceeded", "message": "Rate limit exceeded"}]}, status=429)

    # Routes

    def _public_routes(self) -> list[Route]:
        rest = self._rest
        return [
            _get("/v2/time", Call.OTHER, _public(_time_v2)),
            _get("/v2/currencies", Call.MARKETS, _public(lambda _: rest.currencies(crypto=False))),
            _get("/v2/currencies/crypto", Call.MARKETS, _public(lambda _: rest.currencies(crypto=True))),
            _get("/v2/exchange-rates", Call.OTHER, _public(lambda _: rest.exchange_rates())),
            _get(f"{_V3}/time", Call.OTHER, _public(_time_v3)),
            _get(f"{_V3}/market/products", Call.MARKETS, _public(self._products)),
            _get(f"{_V3}/market/products/{{product_id}}/ticker", Call.PRINTS, _public(self._ticker)),
            _get(f"{_V3}/market/products/{{product_id}}", Call.MARKETS, _public(self._product)),
            _get(f"{_V3}/market/product_book", Call.BOOK, _public(self._book)),
        ]

    def _private_routes(self) -> list[Route]:
        rest = self._rest
        return [
            _get("/v2/accounts", Call.BALANCES, self._private(lambda account, _: rest.accounts_v2(account))),
            _get("/v2/accounts/{account_id}/transactions", Call.OTHER, self._private(self._transactions)),
            _get(f"{_V3}/products", Call.MARKETS, self._private(lambda _, ask: self._products(ask))),
            _get(f"{_V3}/products/{{product_id}}", Call.MARKETS, self._private(lambda _, ask: self._product(ask))),
            _get(f"{_V3}/product_book", Call.BOOK, self._private(lambda _, ask: self._book(ask))),
            _get(
                f"{_V3}/best_bid_ask",
                Call.BOOK,
                self._private(lambda _, ask: rest.best_bid_ask(ask.query_pairs, ask.now_ns)),
            ),
            _get(f"{_V3}/transaction_summary", Call.FEES, self._private(lambda _, __: rest.transaction_summary())),
            _get(f"{_V3}/key_permissions", Call.OTHER, self._private(lambda account, _: rest.key_permissions(account))),
            _get(f"{_V3}/portfolios", Call.OTHER, self._private(lambda account, _: rest.portfolios(account))),
            _get(f"{_V3}/accounts", Call.BALANCES, self._private(_listing(rest.accounts))),
            _get(f"{_V3}/orders/historical/batch", Call.ORDERS, self._private(_listing(rest.orders))),
            _get(f"{_V3}/orders/historical/fills", Call.TRADES, self._private(_listing(rest.fills))),
            _get(f"{_V3}/orders/historical/{{order_id}}", Call.ORDER, self._private(self._order)),
            _post(f"{_V3}/orders", Call.PLACE, self._private(self._create)),
            _post(f"{_V3}/orders/batch_cancel", Call.CANCEL, self._private(self._cancel)),
        ]

    def _private(self, handler: _Private) -> Callable[[Ask], Answer]:
        def answer(ask: Ask) -> Answer:
            return _answer(handler(self._account(ask), ask))

        return answer

    def _account(self, ask: Ask) -> str:
        query = f"?{ask.query_text}" if ask.query_text else ""
        call = SignedCall(
            method=ask.method,
            host=ask.headers.get("Host", ""),
            path=ask.path,
            query=query,
            body=ask.body,
            headers=ask.headers,
        )
        key = self._gate.caller(call, ask.now_ns)
        if key is None:
            raise Refusal(Answer(text="Unauthorized\n", status=401, content_type="text/plain"))
        return self.keys[key].account

    # Handlers

    def _products(self, ask: Ask) -> Reply:
        return self._rest.product_list(ask.query_pairs)

    def _product(self, ask: Ask) -> Reply:
        return self._rest.one_product(ask.path_args["product_id"])

    def _ticker(self, ask: Ask) -> Reply:
        return self._rest.ticker(ask.path_args["product_id"])

    def _book(self, ask: Ask) -> Reply:
        return self._rest.product_book(ask.query_pairs, ask.now_ns)

    def _order(self, account: str, ask: Ask) -> Reply:
        return self._rest.order(account, ask.path_args["order_id"], ask.now_ns)

    def _transactions(self, account: str, ask: Ask) -> Reply:
        return self._rest.transactions(account, ask.path_args["account_id"], ask.query_pairs)

    def _create(self, account: str, ask: Ask) -> Reply:
        return self._rest.create_order(account, _json(ask), ask.now_ns)

    def _cancel(self, account: str, ask: Ask) -> Reply:
        return self._rest.cancel_orders(account, _json(ask), ask.now_ns)


def _time_v2(ask: Ask) -> Reply:
    seconds = ask.now_ns // 1_000_000_000
    return Reply(body={"data": {"iso": time_text(ask.now_ns), "epoch": seconds}})


def _time_v3(ask: Ask) -> Reply:
    seconds, millis = ask.now_ns // 1_000_000_000, ask.now_ns // 1_000_000
    return Reply(body={"iso": time_text(ask.now_ns), "epochSeconds": str(seconds), "epochMillis": str(millis)})


def _listing(call: Callable[[str, Query, int], Reply]) -> _Private:
    return lambda account, ask: call(account, ask.query_pairs, ask.now_ns)


def _public(handler: _Public) -> Callable[[Ask], Answer]:
    return lambda ask: _answer(handler(ask))


def _get(path: str, call: Call, handler: Callable[[Ask], Answer]) -> Route:
    return Route(method="GET", path=path, call=call, handler=handler)


def _post(path: str, call: Call, handler: Callable[[Ask], Answer]) -> Route:
    return Route(method="POST", path=path, call=call, handler=handler)


def _json(ask: Ask) -> object:
    try:
        return ask.json
    except ValueError:
        return None


def _answer(reply: Reply) -> Answer:
    return json_answer(reply.body, status=reply.status)


def _symbol(base: str, quote: str, *, tick: str, step: str, fees_bps: tuple[str, str] | None = None) -> SymbolRules:
    taker, maker = (None, None) if fees_bps is None else (Decimal(fees_bps[0]), Decimal(fees_bps[1]))
    return SymbolRules(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        min_notional=Decimal(1),
        taker_fee_bps=taker,
        maker_fee_bps=maker,
    )
