"""What a venue's stream of public trades says, decoded. Pure: a frame in, prints out; no clock, no socket.

Two questions are asked of every frame: does it show that a subscription stands (from there on prints are counted), and
which trades does it bring? A frame that refuses a subscription raises; the connection then starts over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from router.model.ids import Nanos
from router.model.side import Side

Json = Any
MarketIds = Mapping[str, str]
"""The venue's id of a market -> unified symbol."""


class Print(NamedTuple):
    """One public trade. `past`: told again as history, of a time before the subscription. Size 0 traded nothing."""

    symbol: str
    trade_id: str | None
    price: Decimal
    size: Decimal
    taker: Side | None
    venue_time_ns: Nanos | None
    past: bool = False


class PrintsMissed(NamedTuple):
    """The venue's own numbers show that something of a symbol did not arrive."""

    symbol: str
    why: str


TradeSignal = Print | PrintsMissed


class TradeDecoder(Protocol):
    """Reads one connection's public trades."""

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols it reads."""
        ...

    @property
    def numbered(self) -> bool:
        """Do a symbol's trade ids count up by one, so that a hole in them is a print that did not arrive?"""
        ...

    @property
    def beat_ms(self) -> int | None:
        """The venue sends some frame at least so often, however quiet the market; None where it does not."""
        ...

    def stands(self, message: Json) -> Iterable[str]:
        """Symbols whose subscription this frame confirms."""
        ...

    def take(self, message: Json) -> Iterable[TradeSignal] | None:
        """The trades of a frame, oldest first; None when it holds none and ccxt should see it. Raises for a refusal."""
        ...

    def forget(self) -> None:
        """The connection is gone."""
        ...


class PlainTrades:
    """A decoder that needs to remember nothing: two functions of a frame."""

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        stands: Callable[[Json], Iterable[str]],
        take: Callable[[Json], Iterable[TradeSignal] | None],
        numbered: bool = False,
        beat_ms: int | None = None,
    ) -> None:
        self.symbols = tuple(symbols)
        self.numbered = numbered
        self.beat_ms = beat_ms
        self._stands = stands
        self._take = take

    def stands(self, message: Json) -> Iterable[str]:
        """Only objects confirm anything."""
        return self._stands(message) if isinstance(message, dict) else ()

    def take(self, message: Json) -> Iterable[TradeSignal] | None:
        """Only objects hold trades."""
        return self._take(message) if isinstance(message, dict) else None

    def forget(self) -> None:
        """Nothing was remembered."""


def opposite(maker: Side) -> Side:
    """The side that took, where the venue names the one that stood."""
    return Side.SELL if maker is Side.BUY else Side.BUY
