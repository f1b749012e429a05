"""Bitstamp's websocket: channels per pair, diffs of the book under a time in microseconds and nothing to count them by.

A dropped diff leaves no trace in the stream: whoever wants to know compares his book with the REST one.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from connectors.lab import bitstamp_render as render
from connectors.lab.core import BookChanged, Exchange, MarketEvent, OrderChanged, Printed, SymbolRules
from connectors.lab.faults import FrameKind
from connectors.lab.sessions import Session
from router.model.side import Side

_BOOK, _TRADES = "diff_order_book_", "live_trades_"
_ORDERS, _MY_TRADES = "private-my_orders_", "private-my_trades_"
_UNAUTHORIZED = 4009
_BAD_CHANNEL = 4004

Admit = Callable[[object], tuple[str, int] | None]
"""Account and user id behind a websocket token that is still good."""


class BitstampStreams:
    """All websocket state of one venue."""

    def __init__(self, exchange: Exchange, user_ids: Mapping[str, int]) -> None:
        self._exchange = exchange
        self._ids = {symbol.symbol: render.market_id(symbol) for symbol in exchange.symbols.values()}
        self._user_ids = user_ids
        self._changed: dict[str, dict[tuple[Side, Decimal], Decimal]] = {name: {} for name in self._ids}

    def receive(self, session: Session, text: str, admit: Admit) -> None:
        """A client sent this."""
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        event = message.get("event") if isinstance(message, dict) else None
        given = message.get("data") if isinstance(message, dict) else None
        data = given if isinstance(given, dict) else {}
        channel = str(data.get("channel"))
        match event:
            case "bts:subscribe":
                self._subscribe(session, channel, data.get("auth"), admit)
            case "bts:unsubscribe":
                session.subscriptions.discard(channel)
                _reply(session, "bts:unsubscription_succeeded", channel)
            case "bts:heartbeat":
                _reply(session, "bts:heartbeat", "", {"status": "success"})
            case _:
                _reply(session, "bts:error", "", {"code": None, "message": "Bad request."})

    def publish(self, sessions: Iterable[Session], events: Sequence[MarketEvent]) -> None:
        """Trades and orders leave at once; book changes wait for the next frame."""
        for event in events:
            match event:
                case BookChanged():
                    self._changed[event.symbol][event.side, event.price] = event.size
                case Printed():
                    frame = _frame("trade", _TRADES + self._ids[event.symbol], render.public_trade(event))
                    _broadcast(sessions, frame, FrameKind.PRINT)
                case OrderChanged():
                    self._report(sessions, event)

    def beat(self, sessions: Iterable[Session], now_ns: int) -> None:
        """One diff per book that changed."""
        for symbol, changed in self._changed.items():
            if changed:
                data = {
                    "timestamp": render.seconds(now_ns),
                    "microtimestamp": render.micros(now_ns),
                    "bids": render.levels(_of(changed, Side.BUY)),
                    "asks": render.levels(_of(changed, Side.SELL)),
                }
                changed.clear()
                _broadcast(sessions, _frame("data", _BOOK + self._ids[symbol], data), FrameKind.DELTA)

    def _subscribe(self, session: Session, channel: str, token: object, admit: Admit) -> None:
        private, _, user = channel.rpartition("-")
        if channel in {start + market for market in self._ids.values() for start in (_BOOK, _TRADES)}:
            session.subscriptions.add(channel)
            _reply(session, "bts:subscription_succeeded", channel)
        elif private in {start + market for market in self._ids.values() for start in (_ORDERS, _MY_TRADES)}:
            known = admit(token)
            if known is None or user != str(known[1]):
                message = {"code": _UNAUTHORIZED, "message": "Connection is unauthorized."}
                _reply(session, "bts:error", "", message)
                return
            session.account = known[0]
            session.subscriptions.add(channel)
            _reply(session, "bts:subscription_succeeded", channel)
        else:
            _reply(session, "bts:error", channel, {"code": _BAD_CHANNEL, "message": "Incorrect channel name."})

    def _report(self, sessions: Iterable[Session], event: OrderChanged) -> None:
        user = f"{self._ids[event.record.symbol]}-{self._user_ids[event.account]}"
        if event.execution is not None:
            frame = _frame("trade", _MY_TRADES + user, render.my_trade(event.execution))
            _broadcast(sessions, frame, FrameKind.REPORT)
        name = _event_of(event)
        _broadcast(sessions, _frame(name, _ORDERS + user, render.order_event(event.record)), FrameKind.REPORT)


def symbols_by_id(exchange: Exchange) -> dict[str, SymbolRules]:
    """Rules by the name a market has in paths and channels."""
    return {render.market_id(symbol): symbol for symbol in exchange.symbols.values()}


def _event_of(event: OrderChanged) -> str:
    if event.record.status.ended:
        return "order_deleted"
    return "order_created" if event.execution is None else "order_changed"


def _of(changed: Mapping[tuple[Side, Decimal], Decimal], side: Side) -> list[tuple[Decimal, Decimal]]:
    rows = ((price, size) for (whose, price), size in changed.items() if whose is side)
    return sorted(rows, reverse=side is Side.BUY)


def _frame(event: str, channel: str, data: object) -> Mapping[str, object]:
    return {"data": data, "channel": channel, "event": event}


def _broadcast(sessions: Iterable[Session], frame: Mapping[str, object], kind: FrameKind) -> None:
    text = json.dumps(frame, separators=(",", ":"))
    for session in sessions:
        if frame["channel"] in session.subscriptions:
            session.send(text, kind)


def _reply(session: Session, event: str, channel: str, data: object = None) -> None:
    frame = {"event": event, "channel": channel, "data": data or {}}
    session.send(json.dumps(frame, separators=(",", ":")), FrameKind.REPLY)
