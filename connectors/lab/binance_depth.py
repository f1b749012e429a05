"""Binance's diff depth: every change of a book has a number; a frame covers the numbers `U` to `u`, conflated.

A snapshot bears the number of the last change in it, so it falls into or between frames, as the venue's
synchronisation rule expects: drop frames with `u` <= snapshot, the first one kept has `U` <= snapshot + 1 <= `u`.
"""

from collections.abc import Mapping
from decimal import Decimal

from connectors.lab.binance_render import fixed, millis
from connectors.lab.core import BookChanged
from router.model.side import Side

_FIRST_ID = 51_000_000_000


class DepthFeed:
    """Conflated changes of one book since the last frame."""

    def __init__(self, market_id: str) -> None:
        self._market_id = market_id
        self._last_id = _FIRST_ID
        self._framed_id = _FIRST_ID
        self._changed: dict[tuple[Side, Decimal], Decimal] = {}

    @property
    def last_id(self) -> int:
        """The number of the newest change."""
        return self._last_id

    def note(self, change: BookChanged) -> None:
        """Number a change and keep it for the next frame."""
        self._last_id += 1
        self._changed[change.side, change.price] = change.size

    def frame(self, now_ns: int) -> Mapping[str, object] | None:
        """The next frame; None when nothing has changed."""
        if not self._changed:
            return None
        sides = {side: [[fixed(price), fixed(size)] for price, size in self._of(side)] for side in Side}
        frame = {
            "e": "depthUpdate",
            "E": millis(now_ns),
            "s": self._market_id,
            "U": self._framed_id + 1,
            "u": self._last_id,
            "b": sides[Side.BUY],
            "a": sides[Side.SELL],
        }
        self._framed_id = self._last_id
        self._changed.clear()
        return frame

    def _of(self, side: Side) -> list[tuple[Decimal, Decimal]]:
        return sorted(
            ((price, size) for (whose, price), size in self._changed.items() if whose is side),
            reverse=side is Side.BUY,
        )
