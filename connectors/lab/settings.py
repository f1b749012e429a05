"""What a lab is made of: venues, their protocols, books and accounts. Plain data; no secrets but the lab's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from connectors.lab.core import DuplicateRule, SymbolRules
from connectors.lab.http import ApiKey

_DEPOSITS: Mapping[str, Decimal] = MappingProxyType(
    {
        "USD": Decimal(5_000_000),
        "USDT": Decimal(5_000_000),
        "USDC": Decimal(5_000_000),
        "BTC": Decimal(100),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LabVenueSettings:
    """One venue. `port` 0 takes a free one; None takes the lab's base port plus the venue's place in the list.

    `keys` None takes the protocol's standing key, which any client of a lab may know. `symbols` None lists the
    protocol's usual books, `deposits` what each account is credited with. Fees None are the protocol's usual
    ones, and so is the rule for a repeated client order id where `duplicates` is None.
    """

    name: str
    protocol: str
    port: int | None = None
    keys: tuple[ApiKey, ...] | None = None
    symbols: tuple[SymbolRules, ...] | None = None
    deposits: Mapping[str, Decimal] = field(default_factory=lambda: _DEPOSITS)
    taker_fee_bps: Decimal | None = None
    maker_fee_bps: Decimal | None = None
    duplicates: DuplicateRule | None = None
    read_lag_ms: int = 0
    clock_offset_ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LabSettings:
    """A lab. `port` is the control surface's; 0 takes free ones for everything.

    Books come from the tapes in `tapes` if given (`speed` 1 is as recorded), else, unless `static`, from an order flow
    drawn from `seed`; static books are only what the control surface sets, restated every `breath_ms` as a sign of
    life (0: never).
    """

    venues: tuple[LabVenueSettings, ...]
    port: int = 0
    seed: int = 7
    static: bool = False
    tapes: str | None = None
    speed: float = 1.0
    mid: Decimal = Decimal(61_700)
    breath_ms: int = 250
