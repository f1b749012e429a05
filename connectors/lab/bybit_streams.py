"""Bybit's v5 websockets: who is subscribed to what, and the frames that follow from what happens."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.lab import bybit_render as render
from connectors.lab.bybit_auth import authenticated_socket
from connectors.lab.bybit_books import DEPTHS, BookTopic
from connectors.lab.core import BalanceChanged, BookChanged, Exchange, MarketEvent, OrderChanged, Printed, SymbolRules
from connectors.lab.faults import FrameKind
from connectors.lab.http import ApiKey
from connectors.lab.sessions import Session

Json = dict[str, Any]
_PRIVATE = frozenset({"order", "order.spot", "execution", "execution.spot", "wallet"})


class BybitStreams:
    """All websocket state of one venue."""

    def __init__(self, exchange: Exchange, by_market: Mapping[str, SymbolRules], keys: Mapping[str, ApiKey]) -> None:
        self._exchange = exchange
        self._by_market = by_market
        self._keys = keys
        self._topics: dict[str, BookTopic] = {}
        self._frames = 0
        self.sequence = 7_961_638_724

    # What clients send

    def receive(self, session: Session, text: str, now_ns: int) -> None:
        """`auth`, `subscribe`, `unsubscribe`, `ping`."""
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            _reply(session, {}, success=False, text="error:invalid json")
            return
        match message.get("op"):
            case "ping":
                _pong(session, message, now_ns)
            case "auth":
                self._authenticate(session, message, now_ns)
            case "subscribe":
                self._subscribe(session, message, now_ns)
            case "unsubscribe":
                session.subscriptions -= set(_args(message))
                _reply(session, message)
            case _:
                _reply(session, message, success=False, text="error:invalid op")

    def _authenticate(self, session: Session, message: Json, now_ns: int) -> None:
        key = authenticated_socket(message.get("args"), self._keys, now_ns) if session.private else None
        if key is None:
            _reply(session, message, success=False, text="error:USVC1111")
            return
        session.account = key.account
        _reply(session, message)

    def _subscribe(self, session: Session, message: Json, now_ns: int) -> None:
        topics = _args(message)
        wrong = next((topic for topic in topics if not self._known(session, topic)), None)
        if wrong is not None:
            _reply(session, message, success=False, text=f"error:handler not found,topic:{wrong}")
            return
        new = [topic for topic in topics if topic not in session.subscriptions]
        session.subscriptions |= set(topics)
        _reply(session, message, text="" if session.private else "subscribe")
        for topic in new:
            if topic.startswith("orderbook."):
                _send(session, self._book(topic).snapshot(self.sequence, now_ns), FrameKind.SNAPSHOT)

    def _known(self, session: Session, topic: str) -> bool:
        if session.private:
            return session.account is not None and topic in _PRIVATE
        kind, _, rest = topic.partition(".")
        if kind == "publicTrade":
            return rest in self._by_market
        depth, _, market = rest.partition(".")
        return kind == "orderbook" and depth.isdecimal() and int(depth) in DEPTHS and market in self._by_market

    def _book(self, topic: str) -> BookTopic:
        if topic not in self._topics:
            _, depth, market = topic.split(".")
            symbol = self._by_market[market].symbol
            self._topics[topic] = BookTopic(self._exchange, symbol, market, int(depth))
        return self._topics[topic]

    # What happens

    def publish(self, sessions: Sequence[Session], events: Sequence[MarketEvent], now_ns: int) -> None:
        """Send every subscriber what concerns him. Books are numbered whether or not anybody listens."""
        self.sequence += len(events)
        touched: dict[str, set[Decimal]] = {}
        for event in events:
            if isinstance(event, BookChanged):
                touched.setdefault(event.symbol, set()).add(event.price)
        for topic in self._topics.values():
            prices = touched.get(self._by_market[topic.name.rpartition(".")[2]].symbol)
            frame = topic.change(prices, self.sequence, now_ns) if prices else None
            if frame is not None:
                _broadcast(sessions, topic.name, frame, FrameKind.DELTA)
        for market, symbol in self._by_market.items():
            prints = [event for event in events if isinstance(event, Printed) and event.symbol == symbol.symbol]
            if prints:
                frame = render.public_trades(symbol, prints, now_ns)
                _broadcast(sessions, f"publicTrade.{market}", frame, FrameKind.PRINT)
        for event in events:
            self._report(sessions, event, now_ns)

    def restart(self, sessions: Sequence[Session], now_ns: int) -> None:
        """The book service starts over: whole books, numbered from one."""
        for topic in self._topics.values():
            _broadcast(sessions, topic.name, topic.restart(self.sequence, now_ns), FrameKind.SNAPSHOT)

    def report(self, sessions: Iterable[Session], account: str, topic: str, rows: list[Json], now_ns: int) -> None:
        """A frame of a private topic, to the account's sessions that asked for it."""
        self._frames += 1
        for session in sessions:
            if session.account == account and session.subscriptions & {topic, f"{topic}.spot"}:
                frame = {"id": f"lab_{self._frames}", "topic": topic, "creationTime": render.millis(now_ns)}
                _send(session, {**frame, "data": rows}, FrameKind.REPORT)

    def _report(self, sessions: Sequence[Session], event: MarketEvent, now_ns: int) -> None:
        match event:
            case OrderChanged():
                symbol = self._exchange.symbols[event.record.symbol]
                trade = event.execution
                if trade is not None:
                    rate = self._exchange.fee_bps(symbol, maker=trade.maker)
                    row = {"category": "spot", **render.execution(symbol, event.record, trade, rate)}
                    self.report(sessions, event.account, "execution", [row], now_ns)
                row = {"category": "spot", **render.order(symbol, event.record)}
                self.report(sessions, event.account, "order", [row], now_ns)
            case BalanceChanged():
                held = render.wallet({event.asset: event.balance})
                self.report(sessions, event.account, "wallet", [held], now_ns)


def _args(message: Json) -> list[str]:
    args = message.get("args")
    return [str(each) for each in args] if isinstance(args, list) else []


def _pong(session: Session, message: Json, now_ns: int) -> None:
    named = {"req_id": message["req_id"]} if "req_id" in message else {}
    connection = f"lab-{session.number}"
    if session.private:
        answer = {**named, "op": "pong", "args": [str(render.millis(now_ns))], "conn_id": connection}
    else:
        answer = {"success": True, "ret_msg": "pong", "conn_id": connection, **named, "op": "ping"}
    _send(session, answer, FrameKind.REPLY)


def _reply(session: Session, message: Json, *, success: bool = True, text: str = "") -> None:
    named = {"req_id": message["req_id"]} if "req_id" in message else {}
    operation = message.get("op", "")
    answer = {"success": success, "ret_msg": text, "conn_id": f"lab-{session.number}", **named, "op": operation}
    _send(session, answer, FrameKind.REPLY)


def _broadcast(sessions: Iterable[Session], topic: str, frame: Json, kind: FrameKind) -> None:
    for session in sessions:
        if topic in session.subscriptions:
            _send(session, frame, kind)


def _send(session: Session, frame: Json, kind: FrameKind) -> None:
    session.send(json.dumps(frame, separators=(",", ":")), kind)
