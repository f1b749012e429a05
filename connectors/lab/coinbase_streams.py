"""Coinbase's websocket: who is subscribed to what, and the frames that follow from what happens.

Every frame of a connection carries the next `sequence_num`, whatever its channel: one that is dropped on the way
leaves a hole a client can see.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.lab import coinbase_render as render
from connectors.lab.coinbase_render import Json
from connectors.lab.core import BookChanged, Exchange, MarketEvent, OrderChanged, OrderRecord, Printed, SymbolRules
from connectors.lab.faults import FrameKind
from connectors.lab.sessions import Session
from router.model.side import Side

HEARTBEAT_NS = 1_000_000_000

_PRODUCT_CHANNELS = frozenset({"level2", "market_trades"})
_CHANNELS = _PRODUCT_CHANNELS | {"user", "heartbeats"}
_ALL = ""
_SNAPSHOT_TRADES = 50
_NO_POSITIONS: Json = {"perpetual_futures_positions": [], "expiring_futures_positions": []}


@dataclass(kw_only=True, slots=True)
class _Client:
    """What the venue knows of one connection. `channels`: channel -> product ids, "" standing for all."""

    channels: dict[str, set[str]] = field(default_factory=dict)
    sequence: int = 0
    beats: int = 0
    next_beat_ns: int = 0

    def wants(self, channel: str, product_id: str) -> bool:
        """Is he subscribed to this product's channel."""
        products = self.channels.get(channel, set())
        return product_id in products or _ALL in products


class CoinbaseStreams:
    """All websocket state of one venue."""

    def __init__(self, exchange: Exchange, products: Mapping[str, SymbolRules]) -> None:
        self._exchange = exchange
        self._products = products
        self._printed = {name: deque[Printed](maxlen=_SNAPSHOT_TRADES) for name in exchange.symbols}
        self._fill_counts: dict[int, int] = {}

    @staticmethod
    def greet(session: Session) -> None:
        """A client has connected."""
        session.state["client"] = _Client()

    def receive(self, session: Session, frame: Json, account: str | None, now_ns: int) -> None:
        """A client sent this; `account` is the one its signature opens, if it carries a valid one."""
        channel, kind = str(frame.get("channel")), frame.get("type")
        products = _products_of(frame)
        wrong = self._wrong(channel, kind, products, account)
        if wrong is not None:
            session.send(json.dumps({"type": "error", "message": wrong}), FrameKind.REPLY)
            return
        if kind == "unsubscribe":
            self._leave(session, channel, products)
        else:
            _client(session).channels.setdefault(channel, set()).update(products or [_ALL])
            self._begin(session, channel, products, account, now_ns)
        self._confirm(session, now_ns)

    def _wrong(self, channel: str, kind: object, products: Sequence[str], account: str | None) -> str | None:
        if kind not in {"subscribe", "unsubscribe"} or channel not in _CHANNELS:
            return "channel is not supported" if channel not in _CHANNELS else "type is not supported"
        unknown = [name for name in products if name not in self._products]
        if unknown:
            return f"{unknown[0]} is not a valid product"
        if channel in _PRODUCT_CHANNELS and not products:
            return "product_ids are required"
        if channel == "user" and account is None:
            return "authentication failure"
        return None

    @staticmethod
    def _leave(session: Session, channel: str, products: Sequence[str]) -> None:
        channels = _client(session).channels
        left = channels.pop(channel, set()) - set(products)
        if products and left:
            channels[channel] = left

    def _begin(self, session: Session, channel: str, products: Sequence[str], account: str | None, now_ns: int) -> None:
        """The snapshot a channel starts with."""
        if channel == "level2":
            for name in products:
                bids, asks = self._exchange.book(self._products[name].symbol)
                sides = ((Side.BUY, bids), (Side.SELL, asks))
                levels = [render.level_update(side, p, s, now_ns) for side, rows in sides for p, s in rows]
                event: Json = {"type": "snapshot", "product_id": name, "updates": levels}
                _send(session, "l2_data", [event], now_ns, FrameKind.SNAPSHOT)
        elif channel == "market_trades":
            for name in products:
                rules = self._products[name]
                self._send_trades(session, rules, list(self._printed[rules.symbol]), "snapshot", now_ns)
        elif channel == "user" and account is not None:
            session.account = account
            open_orders = self._exchange.orders(account, open_only=True)
            rows = [self._user_row(record) for record in open_orders if self._wanted(record, products)]
            event = {"type": "snapshot", "orders": rows, "positions": _NO_POSITIONS}
            _send(session, "user", [event], now_ns, FrameKind.SNAPSHOT)

    def _wanted(self, record: OrderRecord, products: Sequence[str]) -> bool:
        return not products or render.product_id(self._exchange.symbols[record.symbol]) in products

    @staticmethod
    def _confirm(session: Session, now_ns: int) -> None:
        """What the client is subscribed to now."""
        channels = {channel: sorted(products) for channel, products in _client(session).channels.items()}
        _send(session, "subscriptions", [{"subscriptions": channels}], now_ns, FrameKind.REPLY)

    # What happens

    def publish(self, sessions: Iterable[Session], events: Sequence[MarketEvent], now_ns: int) -> None:
        """Send every subscriber what concerns him."""
        for event in events:
            if isinstance(event, Printed):
                self._printed[event.symbol].append(event)
        for session in sessions:
            for name, rules in self._products.items():
                if _client(session).wants("level2", name):
                    self._send_levels(session, rules, events, now_ns)
                if _client(session).wants("market_trades", name):
                    prints = [e for e in events if isinstance(e, Printed) and e.symbol == rules.symbol]
                    self._send_trades(session, rules, prints, "update", now_ns)
        # Fills are counted as they are told, so that each report says how many there were by then.
        for event in events:
            if isinstance(event, OrderChanged):
                self._report(sessions, event, now_ns)

    @staticmethod
    def beat(sessions: Iterable[Session], now_ns: int) -> None:
        """Once a second, to whoever asked for heartbeats."""
        for session in sessions:
            client = _client(session)
            if "heartbeats" in client.channels and now_ns >= client.next_beat_ns:
                client.next_beat_ns = now_ns + HEARTBEAT_NS
                client.beats += 1
                event: Json = {"current_time": render.time_text(now_ns), "heartbeat_counter": client.beats}
                _send(session, "heartbeats", [event], now_ns, FrameKind.HEARTBEAT)

    @staticmethod
    def _send_levels(session: Session, rules: SymbolRules, events: Sequence[MarketEvent], now_ns: int) -> None:
        changed = [event for event in events if isinstance(event, BookChanged) and event.symbol == rules.symbol]
        if changed:
            levels = [render.level_update(event.side, event.price, event.size, now_ns) for event in changed]
            update: Json = {"type": "update", "product_id": render.product_id(rules), "updates": levels}
            _send(session, "l2_data", [update], now_ns, FrameKind.DELTA)

    @staticmethod
    def _send_trades(session: Session, rules: SymbolRules, prints: Sequence[Printed], kind: str, now_ns: int) -> None:
        if prints:
            newest_first = [render.market_trade(rules, printed) for printed in reversed(prints)]
            _send(session, "market_trades", [{"type": kind, "trades": newest_first}], now_ns, FrameKind.PRINT)

    def _report(self, sessions: Iterable[Session], changed: OrderChanged, now_ns: int) -> None:
        record = changed.record
        if changed.execution is not None:
            self._fill_counts[record.order_id] = self._fill_counts.get(record.order_id, 0) + 1
        product_id = render.product_id(self._exchange.symbols[record.symbol])
        event: Json = {"type": "update", "orders": [self._user_row(record)]}
        for session in sessions:
            if session.account == record.account and _client(session).wants("user", product_id):
                _send(session, "user", [event], now_ns, FrameKind.REPORT)

    def _user_row(self, record: OrderRecord) -> Json:
        fills = self._fill_counts.get(record.order_id, 0)
        return render.user_order(self._exchange.symbols[record.symbol], record, fills)


def parse(text: str) -> Json:
    """A client's frame; an unreadable one is empty."""
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def _products_of(frame: Json) -> list[str]:
    named = frame.get("product_ids")
    return [str(name) for name in named] if isinstance(named, list) else []


def _client(session: Session) -> _Client:
    client = session.state["client"]
    assert isinstance(client, _Client)
    return client


def _send(session: Session, channel: str, events: Sequence[Json], now_ns: int, kind: FrameKind) -> None:
    """Whether or not the frame gets through, its number is used up."""
    client = _client(session)
    frame = {
        "channel": channel,
        "client_id": "",
        "timestamp": render.time_text(now_ns),
        "sequence_num": client.sequence,
        "events": events,
    }
    client.sequence += 1
    session.send(json.dumps(frame, separators=(",", ":")), kind)
