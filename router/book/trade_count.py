"""How much has been traded at one listing, counted without rounding, and since when the count is whole."""

from decimal import Decimal

from router.model.ids import Nanos
from router.model.money import ZERO, exactly
from router.model.public_trades import PublicTrade, TradeCounters
from router.model.side import Side


class TradeCount:
    """One listing's public trades. `counters` is None while prints may be missing."""

    __slots__ = ("_epoch_ns", "counters")

    def __init__(self) -> None:
        self.counters: TradeCounters | None = None
        self._epoch_ns = 0

    def start(self, at_ns: Nanos) -> None:
        """From now on every print is told: a new epoch, with a name no earlier one had."""
        self._epoch_ns = max(at_ns, self._epoch_ns + 1)
        self.counters = TradeCounters(Nanos(self._epoch_ns), 0, ZERO, ZERO, ZERO, ZERO, None)

    def lose(self) -> None:
        """Prints may be missing until the next start."""
        self.counters = None

    def add(self, trade: PublicTrade) -> None:
        """One more. A print whose digits do not fit exact arithmetic ends the epoch: no count is ever rounded."""
        known = self.counters
        if known is None:
            return
        try:
            self.counters = _plus(known, trade)
        except ArithmeticError:
            self.start(trade.received_ns)


def _plus(known: TradeCounters, trade: PublicTrade) -> TradeCounters:
    quantity: Decimal = trade.quantity
    with exactly():
        return TradeCounters(
            known.epoch_ns,
            known.prints + 1,
            known.quantity + quantity,
            known.notional + quantity * trade.price,
            known.bought + quantity if trade.taker is Side.BUY else known.bought,
            known.sold + quantity if trade.taker is Side.SELL else known.sold,
            trade.received_ns,
        )
