"""Gemini's websockets: market data of two kinds, one counted per socket and one not, and the events of orders."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from urllib.parse import parse_qs

from connectors.lab import gemini_render as render
from connectors.lab.core import (
    BookChanged,
    Exchange,
    MarketEvent,
    OrderChanged,
    OrderRecord,
    OrderStatus,
    Printed,
    SymbolRules,
)
from connectors.lab.faults import FrameKind
from connectors.lab.http import Ask
from connectors.lab.sessions import Session
from router.model.money import plain
from router.model.side import Side

MULTI, L2, ORDERS = "/v1/multimarketdata", "/v2/marketdata", "/v1/order/events"
_BEAT_NS = 1_000_000_000  # five times as often as the venue
_L2_SIDE = {Side.BUY: "buy", Side.SELL: "sell"}


class GeminiStreams:
    """All websocket state of one venue."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._markets = {render.market_id(symbol).upper(): symbol for symbol in exchange.symbols.values()}
        self._event_id = 3_564_640_000
        self._next_beat_ns = 0

    def open_market(self, session: Session, now_ns: int) -> None:
        """The symbols to stream stand in the query of the handshake."""
        handshake = session.state["handshake"]
        assert isinstance(handshake, Ask)
        query = parse_qs(handshake.query_text)
        session.state["wants"] = frozenset(what for what in ("bids", "trades") if query.get(what) != ["false"])
        for market in ",".join(query.get("symbols", [])).upper().split(","):
            if market in self._markets:
                session.subscriptions.add(market)
                if _wants(session, "bids"):
                    self._send_whole(session, self._markets[market], now_ns)

    def open_orders(self, session: Session, account: str, now_ns: int) -> None:
        """Acknowledged, then the orders that are open."""
        session.account = account
        ack = {"type": "subscription_ack", "accountId": 5365, "subscriptionId": f"ws-order-events-{session.number}"}
        _send(session, ack, FrameKind.REPLY)
        records = self._exchange.orders(account, open_only=True)
        events = [self._event(record, "initial") for record in records]
        _send(session, events, FrameKind.SNAPSHOT)
        self._beat(session, now_ns)

    def receive(self, session: Session, text: str) -> None:
        """A subscription to `l2`."""
        try:
            message = json.loads(text)
            wanted = [str(name).upper() for each in message["subscriptions"] for name in each["symbols"]]
        except (ValueError, KeyError, TypeError):
            return
        for market in wanted:
            symbol = self._markets.get(market)
            if symbol is not None and session.path == L2:
                session.subscriptions.add(market)
                changes = [[_L2_SIDE[side], plain(price), plain(size)] for side, price, size in self._whole(symbol)]
                first = {"type": "l2_updates", "symbol": market, "changes": changes, "trades": [], "auction_events": []}
                _send(session, first, FrameKind.SNAPSHOT)

    def publish(self, sessions: Sequence[Session], events: Sequence[MarketEvent], now_ns: int) -> None:
        """Everything leaves at once; the changes of a book in one frame."""
        changed: dict[str, list[BookChanged]] = {}
        for event in events:
            match event:
                case BookChanged():
                    changed.setdefault(event.symbol, []).append(event)
                case Printed():
                    self._tell_trade(sessions, event)
                case OrderChanged():
                    frame = [self._event(event.record, _kind(event))]
                    for session in sessions:
                        if session.path == ORDERS and session.account == event.account:
                            _send(session, frame, FrameKind.REPORT)
        for name, changes in changed.items():
            self._tell_book(sessions, self._exchange.symbols[name], changes, now_ns)

    def beat(self, sessions: Iterable[Session], now_ns: int) -> None:
        """A heartbeat on every socket."""
        if now_ns < self._next_beat_ns:
            return
        self._next_beat_ns = now_ns + _BEAT_NS
        for session in sessions:
            self._beat(session, now_ns)

    def _tell_book(
        self, sessions: Iterable[Session], symbol: SymbolRules, changes: Sequence[BookChanged], now_ns: int
    ) -> None:
        market = render.market_id(symbol).upper()
        events = [render.change(each.side, each.price, each.size, symbol, "place") for each in changes]
        rows = [[_L2_SIDE[each.side], plain(each.price), plain(each.size)] for each in changes]
        for session in sessions:
            if market not in session.subscriptions:
                continue
            if session.path == MULTI:
                if _wants(session, "bids"):
                    self._send_update(session, events, now_ns, FrameKind.DELTA)
            else:
                _send(session, {"type": "l2_updates", "symbol": market, "changes": rows}, FrameKind.DELTA)

    def _tell_trade(self, sessions: Iterable[Session], event: Printed) -> None:
        symbol = self._exchange.symbols[event.symbol]
        for session in sessions:
            if render.market_id(symbol).upper() not in session.subscriptions:
                continue
            if session.path == L2:
                _send(session, render.l2_trade(event, symbol), FrameKind.PRINT)
            elif session.path == MULTI and _wants(session, "trades"):
                self._send_update(session, [render.multi_trade(event, symbol)], event.at_ns, FrameKind.PRINT)

    def _send_whole(self, session: Session, symbol: SymbolRules, now_ns: int) -> None:
        events = [render.change(side, price, size, symbol, "initial") for side, price, size in self._whole(symbol)]
        self._send_update(session, events, now_ns, FrameKind.SNAPSHOT)

    def _whole(self, symbol: SymbolRules) -> list[tuple[Side, Decimal, Decimal]]:
        bids, asks = self._exchange.book(symbol.symbol, None)
        return [(Side.BUY, *level) for level in bids] + [(Side.SELL, *level) for level in asks]

    def _send_update(self, session: Session, events: Sequence[object], now_ns: int, kind: FrameKind) -> None:
        self._event_id += 1
        frame = {
            "type": "update",
            "eventId": self._event_id,
            "timestamp": now_ns // 1_000_000_000,
            "timestampms": render.millis(now_ns),
            "socket_sequence": _next(session),
            "events": events,
        }
        _send(session, frame, kind)

    def _event(self, record: OrderRecord, kind: str) -> Mapping[str, object]:
        self._event_id += 1
        return render.order_event(record, self._exchange.symbols[record.symbol], kind, self._event_id)

    def _beat(self, session: Session, now_ns: int) -> None:
        beat = {"type": "heartbeat", "timestampms": render.millis(now_ns)}
        if session.path != L2:
            beat["socket_sequence"] = _next(session)
        _send(session, beat, FrameKind.HEARTBEAT)


def _kind(event: OrderChanged) -> str:
    if event.execution is not None:
        return "fill"
    return {OrderStatus.OPEN: "accepted", OrderStatus.FILLED: "closed"}.get(event.record.status, "cancelled")


def _wants(session: Session, what: str) -> bool:
    """Market data is asked for in the query of the handshake; everything that is not turned off is sent."""
    wanted = session.state.get("wants", frozenset())
    assert isinstance(wanted, frozenset)
    return what in wanted


def _next(session: Session) -> int:
    """The next number of a socket: given to a frame whether or not it arrives."""
    number = session.state.get("sequence", -1)
    assert isinstance(number, int)
    session.state["sequence"] = number + 1
    return number + 1


def _send(session: Session, frame: object, kind: FrameKind) -> None:
    session.send(json.dumps(frame, separators=(",", ":")), kind)
