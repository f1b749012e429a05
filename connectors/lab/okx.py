"""OKX, as unmodified ccxt clients see it: REST under /api/v5, websockets at /ws/v5/public and /ws/v5/private.

What sets it apart: orders are placed through /trade/batch-orders, HTTP 200 says nothing and each row's `sCode`
everything; client ids are 1 to 32 letters and digits and unique among open orders only; a request may carry `expTime`
in a header that is not signed; keys have a passphrase; fees come off the asset received and are written negative; the
private socket wants a login; book frames are chained by number and carry a checksum.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from connectors.lab import okx_render as render
from connectors.lab.core import DuplicateRule, Exchange, MarketEvent, SymbolRules, VenueRules
from connectors.lab.faults import Call, FaultDesk, FrameKind
from connectors.lab.http import Answer, ApiKey, Ask, Route, json_answer
from connectors.lab.okx_auth import login_trouble, rest_trouble
from connectors.lab.okx_rest import Fields, OkxRest, Reply
from connectors.lab.okx_streams import OkxStreams, logged_in, parse, refuse_login
from connectors.lab.sessions import Session
from connectors.lab.venue import LabVenue, Refusal
from router.model.instruments import FeeIn

_V5 = "/api/v5"
_UNREADABLE = Reply(code="50002", msg="JSON syntax error", status=400)
_Private = Callable[[str, Ask], Reply]


class OkxVenue(LabVenue):
    """An OKX on loopback."""

    protocol: ClassVar[str] = "okx"
    id_fields: ClassVar[frozenset[str]] = frozenset({"ordId"})

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
        self._rest = OkxRest(exchange)
        self._streams = OkxStreams(exchange, self._rest.by_id)

    @classmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """Standard tier: 10 bps taking, 8 making, in the asset received."""
        return VenueRules(
            name=name,
            taker_fee_bps=Decimal(10),
            maker_fee_bps=Decimal(8),
            fee_in=FeeIn.RECEIVED,
            duplicates=DuplicateRule.OPEN_ONLY,
            read_lag_ns=read_lag_ns,
            fee_digits=12,
            ends_what_would_take=True,
            first_id=680_800_019_749_904_384,
        )

    @classmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """BTC in two stablecoins, and the stablecoins against each other. There is no minimum value."""
        return (
            _symbol("BTC", "USDT", tick="0.1", step="0.00000001", minimum="0.00001"),
            _symbol("BTC", "USDC", tick="0.1", step="0.00000001", minimum="0.00001"),
            _symbol("USDC", "USDT", tick="0.0001", step="0.000001", minimum="1", fee_bps="0"),
        )

    @classmethod
    def default_keys(cls) -> tuple[ApiKey, ...]:
        """With a passphrase."""
        key, secret, passphrase = (f"lab-okx-{part}" for part in ("key", "secret", "passphrase"))
        return (ApiKey(key=key, secret=secret, account="main", passphrase=passphrase),)

    def routes(self) -> Sequence[Route]:
        """Public paths, then those of an account."""
        rest = self._rest
        return [
            _get(f"{_V5}/public/time", Call.OTHER, _public(_time)),
            _get(f"{_V5}/public/instruments", Call.MARKETS, _public(lambda ask: rest.instruments(ask.query))),
            _get(f"{_V5}/market/trades", Call.PRINTS, _public(lambda ask: rest.trades(ask.query))),
            _get(f"{_V5}/market/books", Call.BOOK, _public(lambda ask: rest.book(ask.query, ask.now_ns))),
            _get(f"{_V5}/asset/currencies", Call.MARKETS, self._private(lambda _, __: rest.currencies())),
            _get(
                f"{_V5}/account/config",
                Call.OTHER,
                self._private(lambda _, __: Reply(data=[render.config(self.exchange.grants)])),
            ),
            _get(f"{_V5}/account/trade-fee", Call.FEES, self._private(_fee_rates(rest))),
            _get(f"{_V5}/account/balance", Call.BALANCES, self._private(_asked(rest.balances))),
            _get(f"{_V5}/account/bills", Call.OTHER, self._private(_asked(rest.bills))),
            _get(f"{_V5}/trade/order", Call.ORDER, self._private(_asked(rest.order))),
            _get(f"{_V5}/trade/orders-pending", Call.OPEN_ORDERS, self._private(_asked(rest.orders_pending))),
            _get(f"{_V5}/trade/orders-history", Call.ORDERS, self._private(_asked(rest.orders_history))),
            _get(f"{_V5}/trade/orders-history-archive", Call.ORDERS, self._private(_asked(rest.orders_history))),
            _get(f"{_V5}/trade/fills", Call.TRADES, self._private(_asked(rest.fills))),
            _get(f"{_V5}/trade/fills-history", Call.TRADES, self._private(_asked(rest.fills))),
            _post(f"{_V5}/trade/order", Call.PLACE, self._private(self._place)),
            _post(f"{_V5}/trade/batch-orders", Call.PLACE, self._private(self._place)),
            _post(f"{_V5}/trade/cancel-order", Call.CANCEL, self._private(self._cancel)),
            _post(f"{_V5}/trade/cancel-all-after", Call.TIMER, self._private(self._cancel_all_after)),
            _post(f"{_V5}/trade/cancel-batch-orders", Call.CANCEL, self._private(self._cancel)),
        ]

    def sockets(self) -> Mapping[str, bool]:
        """Public and private."""
        return {"/ws/v5/public": False, "/ws/v5/private": True}

    def ws_message(self, session: Session, text: str) -> None:
        """A ping, a login, a subscription. What has happened so far goes out before a snapshot shows it."""
        if text == "ping":
            session.send("pong", FrameKind.REPLY)
            return
        self.flush()
        frame = parse(text)
        if frame.get("op") == "login":
            self._login(session, frame)
        else:
            self._streams.receive(self.sessions, session, frame, self.now_ns())

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Trades, orders, balances; books wait for the tick."""
        self._streams.publish(self.sessions, events, now_ns)

    def tick(self, now_ns: int) -> None:
        """Books, ten times a second."""
        self.flush()
        self._streams.beat(self.sessions, now_ns)

    def not_found(self) -> Answer:
        """In OKX's words."""
        return json_answer({"code": "404", "data": {}, "msg": "Not Found"}, status=404)

    def too_many_requests(self) -> Answer:
        """50011, as OKX says it."""
        return json_answer({"code": "50011", "data": [], "msg": "Too Many Requests"}, status=429)

    def _private(self, handler: _Private) -> Callable[[Ask], Answer]:
        def answer(ask: Ask) -> Answer:
            trouble = rest_trouble(ask, self.keys)
            if trouble is not None:
                raise Refusal(json_answer({"code": trouble[0], "data": [], "msg": trouble[1]}, status=401))
            return _answer(handler(self.keys[ask.headers["OK-ACCESS-KEY"]].account, ask))

        return answer

    def _place(self, account: str, ask: Ask) -> Reply:
        """The deadline is a header, and is looked at first."""
        deadline = ask.headers.get("expTime", "")
        if deadline.isdecimal() and ask.now_ns // 1_000_000 > int(deadline):
            return Reply(code="50036", msg="The expTime can't be earlier than the current system time.")
        orders = _rows(ask)
        return _UNREADABLE if orders is None else self._rest.place(account, orders, ask.now_ns)

    def _cancel_all_after(self, account: str, ask: Ask) -> Reply:
        orders = _rows(ask)
        return _UNREADABLE if orders is None else self._rest.cancel_all_after(account, orders[0], ask.now_ns)

    def _cancel(self, account: str, ask: Ask) -> Reply:
        orders = _rows(ask)
        return _UNREADABLE if orders is None else self._rest.cancel(account, orders, ask.now_ns)

    def _login(self, session: Session, frame: Mapping[str, object]) -> None:
        arguments = frame.get("args")
        fields = arguments[0] if isinstance(arguments, list) and arguments and isinstance(arguments[0], dict) else {}
        trouble = login_trouble(fields, self.keys, self.now_ns())
        if not session.private:
            refuse_login(session, "60008", "Login is not supported for public channels")
        elif trouble is not None:
            refuse_login(session, *trouble)
        else:
            session.account = self.keys[str(fields["apiKey"])].account
            logged_in(session)


def _time(ask: Ask) -> Reply:
    return Reply(data=[{"ts": render.millis(ask.now_ns)}])


def _rows(ask: Ask) -> Sequence[Fields] | None:
    """A list of orders, or one."""
    try:
        body = ask.json
    except ValueError:
        return None
    listed = body if isinstance(body, list) else [body]
    rows = [row for row in listed if isinstance(row, dict)]
    return rows if len(rows) == len(listed) else None


def _asked(call: Callable[[str, Fields, int], Reply]) -> _Private:
    return lambda account, ask: call(account, ask.query, ask.now_ns)


def _fee_rates(rest: OkxRest) -> _Private:
    return lambda _, ask: rest.fee_rates(ask.query, ask.now_ns)


def _public(handler: Callable[[Ask], Reply]) -> Callable[[Ask], Answer]:
    return lambda ask: _answer(handler(ask))


def _answer(reply: Reply) -> Answer:
    return json_answer(reply.body(), status=reply.status)


def _get(path: str, call: Call, handler: Callable[[Ask], Answer]) -> Route:
    return Route(method="GET", path=path, call=call, handler=handler)


def _post(path: str, call: Call, handler: Callable[[Ask], Answer]) -> Route:
    return Route(method="POST", path=path, call=call, handler=handler)


def _symbol(base: str, quote: str, *, tick: str, step: str, minimum: str, fee_bps: str | None = None) -> SymbolRules:
    fee = None if fee_bps is None else Decimal(fee_bps)
    return SymbolRules(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(minimum),
        min_notional=Decimal(0),
        taker_fee_bps=fee,
        maker_fee_bps=fee,
    )
