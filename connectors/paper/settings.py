"""What a paper account is made of, besides the venue its market data comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from router.model.ids import Asset


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperSettings:
    """`file` keeps the account. `deposits`: what it is credited with, once per asset its listings trade.

    `taker_fee_bps` None charges what the venue's public market data lists for anybody.
    """

    file: Path
    deposits: Mapping[Asset, Decimal]
    taker_fee_bps: Decimal | None = None
