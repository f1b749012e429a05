"""OKX's websockets: who is subscribed to what, and the frames that follow from what happens.

Books are conflated to a frame every 100 ms. A frame names the number it follows (`prevSeqId`) and its own (`seqId`);
a snapshot follows -1; a book in which nothing happens for a minute says so with a frame that follows itself.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connectors.lab import okx_render as render
from connectors.lab.core import BalanceChanged, BookChanged, Exchange, MarketEvent, OrderChanged, Printed, SymbolRules
from connectors.lab.faults import FrameKind
from connectors.lab.kraken_wire import view_changes
from connectors.lab.okx_render import Json
from connectors.lab.sessions import Session

DEPTH = 400
QUIET_NS = 60_000_000_000
UID = "44705892343619584"

_FIRST_SEQUENCE = 9_000_000_000
_PUBLIC = frozenset({"books", "trades"})
_PRIVATE = frozenset({"orders", "account"})


@dataclass(kw_only=True, slots=True)
class _Feed:
    """One book as subscribers have it, and what has been touched since."""

    bids: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    asks: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    touched: set[Decimal] = field(default_factory=set)
    changes: int = 0
    sequence: int = _FIRST_SEQUENCE
    told_ns: int = 0


class OkxStreams:
    """All books of one venue. What a session listens to stands in its `subscriptions`, as `channel:market`."""

    def __init__(self, exchange: Exchange, by_id: Mapping[str, SymbolRules]) -> None:
        self._exchange = exchange
        self._by_id = by_id
        self._feeds = {symbol: _Feed() for symbol in exchange.symbols}

    # What clients send

    def receive(self, sessions: Sequence[Session], session: Session, frame: Json, now_ns: int) -> None:
        """A subscription, or the end of one. Logins are dealt with before."""
        arguments = frame.get("args")
        operation = frame.get("op")
        if operation not in {"subscribe", "unsubscribe"} or not isinstance(arguments, list):
            _error(session, "60012", f"Illegal request: {json.dumps(frame)}")
            return
        for argument in arguments:
            if isinstance(argument, dict):
                self._one(sessions, session, str(operation), argument, now_ns)

    def _one(self, sessions: Sequence[Session], session: Session, operation: str, argument: Json, now_ns: int) -> None:
        wrong = self._wrong(session, argument)
        if wrong is not None:
            _error(session, *wrong)
            return
        channel, market = str(argument["channel"]), str(argument.get("instId", ""))
        topic = f"{channel}:{market}"
        _reply(session, {"event": operation, "arg": argument, "connId": _connection(session)})
        if operation == "unsubscribe":
            session.subscriptions.discard(topic)
            return
        if channel == "books":
            self._send_book(self._by_id[market].symbol, now_ns, sessions)
            self._start_book(session, market, now_ns)
        session.subscriptions.add(topic)
        if channel in _PRIVATE:
            session.state[channel] = argument
            count = {"event": "channel-conn-count", "channel": channel, "connCount": "1"}
            _reply(session, {**count, "connId": _connection(session)})

    def _wrong(self, session: Session, argument: Json) -> tuple[str, str] | None:
        channel = str(argument.get("channel"))
        if channel in _PRIVATE and not session.private:
            return "60018", f"Wrong URL or channel:{channel} doesn't exist."
        if channel in _PRIVATE:
            return None if session.account is not None else ("60011", "Please log in")
        if channel not in _PUBLIC or session.private or argument.get("instId") not in self._by_id:
            return "60018", f"Wrong URL or channel:{channel},instId:{argument.get('instId')} doesn't exist."
        return None

    def _start_book(self, session: Session, market: str, now_ns: int) -> None:
        """What was pending has gone to the others before, so that all follow the same numbers from here on."""
        symbol = self._by_id[market].symbol
        feed = self._feeds[symbol]
        feed.bids, feed.asks = self._exchange.book(symbol, DEPTH)
        book = self._book(feed, feed.bids, feed.asks, -1, now_ns)
        _push(session, {"channel": "books", "instId": market}, [book], FrameKind.SNAPSHOT, action="snapshot")

    # What happens

    def publish(self, sessions: Sequence[Session], events: Sequence[MarketEvent], now_ns: int) -> None:
        """Trades and reports leave at once; book changes wait for the next frame."""
        for event in events:
            match event:
                case BookChanged():
                    feed = self._feeds[event.symbol]
                    feed.touched.add(event.price)
                    feed.changes += 1
                case Printed():
                    self._publish_trade(sessions, event)
                case OrderChanged():
                    row = render.report(event.record, self._exchange.symbols[event.record.symbol], event.execution)
                    self._report(sessions, event.account, "orders", row)
                case BalanceChanged():
                    row = render.account_update(event.asset, event.balance, now_ns)
                    self._report(sessions, event.account, "account", row)

    def beat(self, sessions: Sequence[Session], now_ns: int) -> None:
        """One frame per book in which something happened, or nothing for long."""
        for symbol in self._by_id.values():
            self._send_book(symbol.symbol, now_ns, sessions)

    def _send_book(self, symbol: str, now_ns: int, sessions: Iterable[Session]) -> None:
        feed = self._feeds[symbol]
        quiet = not feed.changes
        if quiet and now_ns - feed.told_ns < QUIET_NS:
            return
        bids, asks = self._exchange.book(symbol, DEPTH)
        changed_bids = _changes(feed.bids, bids, feed.touched, descending=True)
        changed_asks = _changes(feed.asks, asks, feed.touched, descending=False)
        previous = feed.sequence
        feed.bids, feed.asks, feed.sequence, feed.told_ns = bids, asks, previous + feed.changes, now_ns
        feed.touched, feed.changes = set(), 0
        book = self._book(feed, changed_bids, changed_asks, previous, now_ns)
        market = render.market_id(self._exchange.symbols[symbol])
        kind = FrameKind.HEARTBEAT if quiet else FrameKind.DELTA
        for session in sessions:
            if f"books:{market}" in session.subscriptions:
                _push(session, {"channel": "books", "instId": market}, [book], kind, action="update")

    @staticmethod
    def _book(feed: _Feed, bids: render.Levels, asks: render.Levels, previous: int, now_ns: int) -> Json:
        return {
            "asks": render.rows(asks),
            "bids": render.rows(bids),
            "ts": render.millis(now_ns),
            "checksum": render.checksum(feed.bids, feed.asks),
            "prevSeqId": previous,
            "seqId": feed.sequence,
        }

    def _publish_trade(self, sessions: Iterable[Session], event: Printed) -> None:
        symbol = self._exchange.symbols[event.symbol]
        market = render.market_id(symbol)
        for session in sessions:
            if f"trades:{market}" in session.subscriptions:
                row = render.public_trade(event, symbol)
                _push(session, {"channel": "trades", "instId": market}, [row], FrameKind.PRINT)

    def _report(self, sessions: Iterable[Session], account: str, channel: str, row: Json) -> None:
        for session in sessions:
            if session.account == account and f"{channel}:" in session.subscriptions:
                argument = session.state.get(channel)
                assert isinstance(argument, dict)
                _push(session, {**argument, "uid": UID}, [row], FrameKind.REPORT)


def parse(text: str) -> Json:
    """A client's frame; an unreadable one is empty."""
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def logged_in(session: Session) -> None:
    """The answer to a good login."""
    _reply(session, {"event": "login", "code": "0", "msg": "", "connId": _connection(session)})


def refuse_login(session: Session, code: str, text: str) -> None:
    """The answer to a bad one."""
    _error(session, code, text)


def _changes(
    before: render.Levels, after: render.Levels, touched: set[Decimal], *, descending: bool
) -> list[tuple[Decimal, Decimal]]:
    """What leads from one view to the next. A level pushed out of sight is taken away too: a view is all there is."""
    shown = view_changes(before, after, touched, descending=descending, depth=DEPTH)
    removed = {price for price, size in shown if not size}
    seen = {price for price, _ in after}
    return [(p, Decimal(0)) for p, _ in before if p not in seen and p not in removed] + shown


def _push(session: Session, arg: Json, data: Sequence[Json], kind: FrameKind, *, action: str | None = None) -> None:
    frame: Json = {"arg": arg, **({} if action is None else {"action": action}), "data": list(data)}
    session.send(json.dumps(frame, separators=(",", ":")), kind)


def _error(session: Session, code: str, text: str) -> None:
    _reply(session, {"event": "error", "msg": text, "code": code, "connId": _connection(session)})


def _reply(session: Session, frame: Json) -> None:
    session.send(json.dumps(frame, separators=(",", ":")), FrameKind.REPLY)


def _connection(session: Session) -> str:
    return f"{session.number:08x}"
