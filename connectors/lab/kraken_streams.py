"""Kraken's websocket v2: who is subscribed to what, and the frames that follow from what happens."""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connectors.lab import kraken_render as render
from connectors.lab import kraken_wire as wire
from connectors.lab.core import BalanceChanged, BookChanged, Exchange, MarketEvent, OrderChanged, OrderStatus, Printed
from connectors.lab.faults import FrameKind
from connectors.lab.kraken_render import Json, Pair
from connectors.lab.sessions import Session
from router.model.money import ZERO, exactly

DEPTHS = frozenset({10, 25, 100, 500, 1000})
HEARTBEAT_NS = 1_000_000_000

_PUBLIC = frozenset({"book", "trade"})
_PRIVATE = frozenset({"executions", "balances"})
_SNAPSHOT_TRADES = 50


@dataclass(kw_only=True, slots=True)
class _View:
    """The levels a subscriber of one book holds."""

    depth: int
    bids: list[wire.Level]
    asks: list[wire.Level]


@dataclass(kw_only=True, slots=True)
class _Client:
    """What the venue knows of one connection. A `sequence` counts the frames of a private channel."""

    books: dict[str, _View] = field(default_factory=dict)
    trades: set[str] = field(default_factory=set)
    sequence: dict[str, int] = field(default_factory=dict)
    totals: dict[str, Decimal] = field(default_factory=dict)
    next_beat_ns: int = 0


class KrakenStreams:
    """All websocket state of one venue. `account_of` turns a websocket token into an account."""

    def __init__(self, exchange: Exchange, pairs: Mapping[str, Pair]) -> None:
        self._exchange = exchange
        self._pairs = pairs
        self._by_symbol = {pair.names.symbol: pair for pair in pairs.values()}
        self._printed = {name: deque[Printed](maxlen=_SNAPSHOT_TRADES) for name in pairs}

    # What clients send

    def greet(self, session: Session) -> None:
        """A client has connected."""
        session.state["client"] = _Client()
        status = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": session.number}
        _send(session, {"channel": "status", "type": "update", "data": [status]}, FrameKind.REPLY)

    def receive(self, session: Session, text: str, account: str | None, now_ns: int) -> None:
        """A client sent this; `account` is the one its token opens, if it sent a valid one."""
        frame = parse(text)
        match frame.get("method"):
            case "ping":
                _reply(session, frame, {"method": "pong"}, now_ns)
            case "subscribe":
                self._subscribe(session, frame, account, now_ns)
            case "unsubscribe":
                self._unsubscribe(session, frame, now_ns)
            case _:
                _reply(session, frame, {"error": "Unsupported method", "success": False}, now_ns)

    def _subscribe(self, session: Session, frame: Json, account: str | None, now_ns: int) -> None:
        params = params_of(frame)
        channel = str(params.get("channel"))
        if channel in _PRIVATE:
            self._subscribe_private(session, frame, channel, account, now_ns)
        elif channel in _PUBLIC and not session.private:
            for symbol in _symbols(params):
                self._subscribe_public(session, frame, channel, symbol, now_ns)
        else:
            _refuse(session, frame, "Subscription name invalid", now_ns)

    def _subscribe_public(self, session: Session, frame: Json, channel: str, symbol: str, now_ns: int) -> None:
        params, client = params_of(frame), _client(session)
        depth = params.get("depth", 10)
        pair = self._by_symbol.get(symbol)
        if pair is None:
            _refuse(session, frame, f"Currency pair not supported {symbol}", now_ns, symbol)
        elif channel == "book" and (not isinstance(depth, int) or depth not in DEPTHS):
            _refuse(session, frame, "Subscription depth not supported", now_ns, symbol)
        elif symbol in (client.books if channel == "book" else client.trades):
            _refuse(session, frame, "Already subscribed", now_ns, symbol)
        elif channel == "book":
            assert isinstance(depth, int)
            _accept(session, frame, {"channel": channel, "depth": depth, "snapshot": True, "symbol": symbol}, now_ns)
            self._start_book(session, pair, depth)
        else:
            _accept(session, frame, {"channel": channel, "snapshot": True, "symbol": symbol}, now_ns)
            client.trades.add(symbol)
            self._send_trades(session, pair, self._printed[pair.rules.symbol], "snapshot")

    def _subscribe_private(self, session: Session, frame: Json, channel: str, account: str | None, now_ns: int) -> None:
        client = _client(session)
        if not session.private or account is None:
            _refuse(session, frame, "ESession:Invalid session", now_ns)
            return
        if channel in client.sequence:
            _refuse(session, frame, "Already subscribed", now_ns)
            return
        session.account = account
        client.sequence[channel] = 0
        _accept(session, frame, {"channel": channel, "snapshot": True}, now_ns)
        if channel == "executions":
            self._start_executions(session, account, params_of(frame))
        else:
            client.totals = {asset: b.total for asset, b in self._exchange.balances(account).items()}
            _send_private(session, channel, "snapshot", render.balance_snapshot(client.totals), FrameKind.SNAPSHOT)

    def _unsubscribe(self, session: Session, frame: Json, now_ns: int) -> None:
        params, client = params_of(frame), _client(session)
        channel = str(params.get("channel"))
        for symbol in _symbols(params) if channel in _PUBLIC else [""]:
            if channel == "book":
                client.books.pop(symbol, None)
            elif channel == "trade":
                client.trades.discard(symbol)
            client.sequence.pop(channel, None)
            _accept(session, frame, {"channel": channel, **({"symbol": symbol} if symbol else {})}, now_ns)

    # Beginnings

    def _start_book(self, session: Session, pair: Pair, depth: int) -> None:
        bids, asks = self._exchange.book(pair.rules.symbol, depth)
        _client(session).books[pair.names.symbol] = _View(depth=depth, bids=bids, asks=asks)
        book = {
            "symbol": pair.names.symbol,
            "bids": render.book_side(pair, bids),
            "asks": render.book_side(pair, asks),
            "checksum": _checksum(pair, bids, asks),
        }
        _send(session, {"channel": "book", "type": "snapshot", "data": [book]}, FrameKind.SNAPSHOT)

    def _start_executions(self, session: Session, account: str, params: Json) -> None:
        if params.get("snap_orders", True):
            orders = self._exchange.orders(account, open_only=True)
            rows = [render.execution_new(self._pairs[record.symbol], record, "new") for record in orders]
            _send_private(session, "executions", "snapshot", rows, FrameKind.SNAPSHOT)
        if params.get("snap_trades", False):
            trades = self._exchange.trades(account)[-_SNAPSHOT_TRADES:]
            rows = []
            for trade in trades:
                (record,) = self._exchange.find(account, order_id=trade.order_id)
                rows.append(render.execution_trade(self._pairs[trade.symbol], record, trade))
            if rows:
                _send_private(session, "executions", "snapshot", rows, FrameKind.SNAPSHOT)

    # What happens

    def publish(self, sessions: Iterable[Session], events: Sequence[MarketEvent], now_ns: int) -> None:
        """Send every subscriber what concerns him."""
        touched = _touched(events)
        prints = [event for event in events if isinstance(event, Printed)]
        for printed in prints:
            self._printed[printed.symbol].append(printed)
        for session in sessions:
            for name, prices in touched.items():
                self._send_book(session, self._pairs[name], prices, now_ns)
            for printed in prints:
                pair = self._pairs[printed.symbol]
                if pair.names.symbol in _client(session).trades:
                    self._send_trades(session, pair, [printed], "update")
            if session.account is not None:
                self._send_reports(session, [e for e in events if _concerns(e, session.account)], now_ns)

    def beat(self, sessions: Iterable[Session], now_ns: int) -> None:
        """Once a second, to whoever is subscribed to anything."""
        for session in sessions:
            client = _client(session)
            if now_ns >= client.next_beat_ns and (client.books or client.trades or client.sequence):
                client.next_beat_ns = now_ns + HEARTBEAT_NS
                _send(session, {"channel": "heartbeat"}, FrameKind.HEARTBEAT)

    def _send_book(self, session: Session, pair: Pair, touched: set[Decimal], now_ns: int) -> None:
        view = _client(session).books.get(pair.names.symbol)
        if view is None:
            return
        bids, asks = self._exchange.book(pair.rules.symbol, view.depth)
        bid_changes = wire.view_changes(view.bids, bids, touched, descending=True, depth=view.depth)
        ask_changes = wire.view_changes(view.asks, asks, touched, descending=False, depth=view.depth)
        view.bids, view.asks = bids, asks
        if not bid_changes and not ask_changes:
            return
        book = {
            "symbol": pair.names.symbol,
            "bids": render.book_side(pair, bid_changes),
            "asks": render.book_side(pair, ask_changes),
            "checksum": _checksum(pair, bids, asks),
            "timestamp": wire.rfc3339(now_ns),
        }
        _send(session, {"channel": "book", "type": "update", "data": [book]}, FrameKind.DELTA)

    @staticmethod
    def _send_trades(session: Session, pair: Pair, prints: Iterable[Printed], kind: str) -> None:
        rows = [render.public_trade(pair, printed) for printed in prints]
        if rows:
            _send(session, {"channel": "trade", "type": kind, "data": rows}, FrameKind.PRINT)

    def _send_reports(self, session: Session, events: Sequence[MarketEvent], now_ns: int) -> None:
        client = _client(session)
        for event in events:
            if isinstance(event, OrderChanged) and "executions" in client.sequence:
                for row in self._execution_rows(event):
                    _send_private(session, "executions", "update", [row], FrameKind.REPORT)
            elif isinstance(event, BalanceChanged) and "balances" in client.sequence:
                with exactly():
                    change = event.balance.total - client.totals.get(event.asset, ZERO)
                client.totals[event.asset] = event.balance.total
                if change:
                    row = render.balance_update(event.asset, event.balance.total, change, now_ns)
                    _send_private(session, "balances", "update", [row], FrameKind.REPORT)

    def _execution_rows(self, event: OrderChanged) -> list[Json]:
        record, pair = event.record, self._pairs[event.record.symbol]
        if event.execution is not None:
            trade = render.execution_trade(pair, record, event.execution)
            return [trade, render.execution_end(record)] if record.status is OrderStatus.FILLED else [trade]
        if record.status.ended:
            return [render.execution_end(record)]
        return [render.execution_new(pair, record, exec_type) for exec_type in ("pending_new", "new")]


def parse(text: str) -> Json:
    """A client's frame; an unreadable one is empty."""
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def params_of(frame: Json) -> Json:
    """The `params` of a frame."""
    params = frame.get("params")
    return params if isinstance(params, dict) else {}


def _symbols(params: Json) -> list[str]:
    symbols = params.get("symbol")
    return [str(symbol) for symbol in symbols] if isinstance(symbols, list) else []


def _client(session: Session) -> _Client:
    client = session.state["client"]
    assert isinstance(client, _Client)
    return client


def _touched(events: Sequence[MarketEvent]) -> dict[str, set[Decimal]]:
    """Prices at which something happened, by book."""
    touched: dict[str, set[Decimal]] = {}
    for event in events:
        if isinstance(event, BookChanged):
            touched.setdefault(event.symbol, set()).add(event.price)
    return touched


def _concerns(event: MarketEvent, account: str) -> bool:
    return isinstance(event, OrderChanged | BalanceChanged) and event.account == account


def _checksum(pair: Pair, bids: Sequence[wire.Level], asks: Sequence[wire.Level]) -> int:
    return wire.book_checksum(bids, asks, pair.price_decimals, pair.size_decimals)


def _send(session: Session, frame: Json, kind: FrameKind) -> None:
    session.send(wire.dumps(frame), kind)


def _send_private(session: Session, channel: str, kind: str, rows: Sequence[Json], frame_kind: FrameKind) -> None:
    client = _client(session)
    client.sequence[channel] += 1
    frame = {"channel": channel, "type": kind, "data": rows, "sequence": client.sequence[channel]}
    _send(session, frame, frame_kind)


def _reply(session: Session, frame: Json, answer: Json, now_ns: int) -> None:
    request = {"req_id": frame["req_id"]} if "req_id" in frame else {}
    at = wire.rfc3339(now_ns)
    _send(session, {"method": frame.get("method"), **answer, **request, "time_in": at, "time_out": at}, FrameKind.REPLY)


def _accept(session: Session, frame: Json, result: Json, now_ns: int) -> None:
    _reply(session, frame, {"result": result, "success": True}, now_ns)


def _refuse(session: Session, frame: Json, error: str, now_ns: int, symbol: str | None = None) -> None:
    named = {} if symbol is None else {"symbol": symbol}
    _reply(session, frame, {"error": error, "success": False, **named}, now_ns)
