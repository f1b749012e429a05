"""One venue's book.

Each side is a dict from price to row and the same rows in order with the best *last*: most changes hit the best few
levels, so what moves in the lists is short, and a change of size, the commonest of all, touches the dict only.
Prices and sizes are the venue's, as floats: exchanges send at most 15 significant digits, so `Decimal(repr(x))` is
what they sent. The conversion is made when somebody looks, and remembered until the level changes.

A stream can lose one side only. A side that stands still while the other is told anew, over and over, is suspicious;
one that stands still at a quiet venue is not. Each side therefore counts the messages that moved only the other one,
and starts again when it moves, with a snapshot, or when REST shows the same book (`confirm`).

A book is usable from a snapshot until something proves it wrong: a crossed own top, a level that is no number, or a
connector that says so. From then on only a new snapshot helps.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from math import inf

from router.model.ids import Nanos
from router.model.market import Level
from router.model.side import Side

Row = list[float]
"""[price, size], shared by the dict and the ordered list: read at once or copy, it changes in place."""

_BUY = Side.BUY  # looked up once: an enum member costs as much as the read it selects

EXTRA_LEVELS = 3
"""How far beyond the asked quantity a read goes, so that the next price is known too."""

PASSED_OVER_MIN = 50
"""So many messages in a row have to move the other side before a side that stands still is worth a doubt."""

_FORGET_AT = 4
"""Remembered conversions are dropped when they outnumber the levels this many times."""


class _Half:
    """One side. `sign` orders the keys so that the best price is the greatest: +1 for bids, -1 for asks."""

    __slots__ = ("at_ns", "by_price", "keys", "known", "passed_over", "rows", "sign")

    def __init__(self, sign: float) -> None:
        self.sign = sign
        self.at_ns = 0
        self.passed_over = 0
        self.by_price: dict[float, Row] = {}
        self.keys: list[float] = []
        self.rows: list[Row] = []
        self.known: dict[float, tuple[float, Level]] = {}

    def load(self, levels: Mapping[float, float]) -> str | None:
        """Replace the side. A reason when a level is nonsense."""
        for price, size in levels.items():
            if not (0.0 < price < inf and 0.0 <= size < inf):
                return _nonsense(price, size)
        sign = self.sign
        self.rows = sorted(([price, size] for price, size in levels.items() if size), key=lambda row: row[0] * sign)
        self.keys = [row[0] * sign for row in self.rows]
        self.by_price = {row[0]: row for row in self.rows}
        return None

    def change(self, changes: Iterable[tuple[float, float]]) -> str | None:
        """Set or remove levels, size 0 removes. A reason when one is nonsense; the side is then half-changed."""
        by_price, keys, rows, sign = self.by_price, self.keys, self.rows, self.sign
        for price, size in changes:
            row = by_price.get(price)
            if row is not None:
                if 0.0 < size < inf:
                    row[1] = size
                elif size == 0.0:
                    del by_price[price]
                    at = bisect_left(keys, price * sign)
                    del keys[at], rows[at]
                else:
                    return _nonsense(price, size)
            elif size != 0.0:
                if not (0.0 < price < inf and 0.0 < size < inf):
                    return _nonsense(price, size)
                key = price * sign
                at = bisect_left(keys, key)
                row = by_price[price] = [price, size]
                keys.insert(at, key)
                rows.insert(at, row)
        return None

    def levels(self, quantity: float, extra: int) -> tuple[Level, ...]:
        """Best first, until `quantity` is covered, and `extra` more."""
        if len(self.known) > _FORGET_AT * len(self.rows):
            self.known = {}
        known = self.known
        found = []
        for price, size in reversed(self.rows):
            last = known.get(price)
            if last is None or last[0] != size:
                last = known[price] = (size, Level(Decimal(repr(price)), Decimal(repr(size))))
            found.append(last[1])
            if quantity <= 0.0:
                extra -= 1
                if extra <= 0:
                    break
            quantity -= size
        return tuple(found)


class VenueBook:
    """One listing's depth. `unusable` says why it must not be traded on; `seq` counts the changes taken."""

    __slots__ = ("_asks", "_bids", "heard_ns", "seq", "unusable")

    def __init__(self) -> None:
        self._bids = _Half(1.0)
        self._asks = _Half(-1.0)
        self.heard_ns = 0
        self.seq = 0
        self.unusable: str | None = "no book yet"

    def snapshot(self, bids: Mapping[float, float], asks: Mapping[float, float], at_ns: Nanos) -> str | None:
        """Replace the whole book (price -> size); usable from here on, unless a reason comes back."""
        self.seq += 1
        self.unusable = self._bids.load(bids) or self._asks.load(asks) or self._crossed()
        self.heard_ns = at_ns
        self.confirm(at_ns)
        return self.unusable

    def apply(
        self, bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]], at_ns: Nanos
    ) -> str | None:
        """Take one message of changed levels, (price, new size). The reason, if the book is unusable after it.

        A message is judged whole: between its levels a book may look crossed. An unusable book ignores changes.
        """
        if self.unusable is not None:
            return self.unusable
        self.seq += 1
        self.heard_ns = at_ns
        bid_half, ask_half = self._bids, self._asks
        why = None
        if bids:
            bid_half.at_ns = at_ns
            bid_half.passed_over = 0
            why = bid_half.change(bids)
            if not asks:
                ask_half.passed_over += 1
        if asks:
            ask_half.at_ns = at_ns
            ask_half.passed_over = 0
            why = ask_half.change(asks) or why
            if not bids:
                bid_half.passed_over += 1
        bid_keys, ask_keys = bid_half.keys, ask_half.keys
        if bid_keys and ask_keys and bid_keys[-1] + ask_keys[-1] >= 0.0:  # ask keys are negative prices
            why = why or self._crossed()
        if why is not None:
            self.unusable = why
        return why

    def lose(self, why: str) -> None:
        """Not to be trusted until the next snapshot."""
        self.unusable = why

    def heartbeat(self, at_ns: Nanos) -> None:
        """Nothing changed, and the venue says so. A lost book stays lost."""
        self.heard_ns = at_ns

    def age_ns(self, now_ns: Nanos) -> int:
        """Since the venue last confirmed this book, by a change or a heartbeat."""
        return now_ns - self.heard_ns

    def confirm(self, at_ns: Nanos) -> None:
        """Both sides are known to be the venue's own at that time."""
        for half in (self._bids, self._asks):
            half.at_ns = max(half.at_ns, at_ns)
            half.passed_over = 0

    def still_ns(self, side: Side, now_ns: Nanos) -> int:
        """For how long the side an order on `side` would take has stood still while the other moved; 0 if it moves."""
        half = self._opposite(side)
        return now_ns - half.at_ns if half.passed_over >= PASSED_OVER_MIN else 0

    def best(self, side: Side) -> tuple[float, float] | None:
        """Best (price, size) an order on `side` would take."""
        rows = (self._asks if side is _BUY else self._bids).rows
        return (rows[-1][0], rows[-1][1]) if rows else None

    def top(self, side: Side, count: int) -> list[Row]:
        """The best `count` rows an order on `side` would take, best first. Live rows: consume at once."""
        return (self._asks if side is _BUY else self._bids).rows[: -count - 1 : -1]

    def levels(self, side: Side, quantity: Decimal, extra: int = EXTRA_LEVELS) -> tuple[Level, ...]:
        """What an order on `side` would take, best first, as deep as `quantity` can reach and `extra` levels more."""
        return self._opposite(side).levels(float(quantity), extra)

    def _opposite(self, side: Side) -> _Half:
        return self._asks if side is _BUY else self._bids

    def _crossed(self) -> str | None:
        bid, ask = self.best(Side.SELL), self.best(Side.BUY)
        if bid is None or ask is None or bid[0] < ask[0]:
            return None
        return f"crossed: bid {bid[0]!r} at or above ask {ask[0]!r}"


def _nonsense(price: float, size: float) -> str:
    return f"nonsense level: price {price!r}, size {size!r}"
