"""What a venue allows and what it charges. The venue's own terms, as data."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.instruments import FeeIn


class DuplicateRule(StrEnum):
    """What a venue does with a client order id it has seen on the same account."""

    OPEN_ONLY = "OPEN_ONLY"
    """Refused while an order with it is open; free again afterwards (binance)."""
    ALWAYS = "ALWAYS"
    """Refused for ever."""
    ALWAYS_RETURNS_FIRST = "ALWAYS_RETURNS_FIRST"
    """Never a second order: the first one is returned, whatever became of it (coinbase)."""
    NEVER = "NEVER"
    """Not looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SymbolRules:
    """One book and its filters. `tick`, `min_notional` in quote currency; `step` and quantities in base.

    The fee fields override the venue's for this symbol.
    """

    symbol: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_quantity: Decimal | None = None
    taker_fee_bps: Decimal | None = None
    maker_fee_bps: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueRules:
    """Terms of a venue that hold for all its symbols.

    `read_lag_ns`: how long a placed or changed order, and its trades, stay invisible to look-ups. `fee_digits`: digits
    after the point a fee is cut to (towards zero). `first_id`: where order ids start.
    """

    name: str
    taker_fee_bps: Decimal
    maker_fee_bps: Decimal
    fee_in: FeeIn
    duplicates: DuplicateRule
    read_lag_ns: int = 0
    fee_digits: int = 8
    first_id: int = 1000
    ends_what_would_take: bool = False
    """A post-only order that would take is not refused: it is taken, and ended at once without a fill."""
