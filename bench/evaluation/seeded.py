"""The seeded market of the evaluation: three venues, their makers' lags and the share of duplicated quotes known."""

from dataclasses import replace
from decimal import Decimal

from bench.evaluation.tapes import BTC_USD, listing
from router.evaluation.history import MarketHistory
from router.evaluation.makers import HiddenPrice, Makers, seeded

DUPLICATED = Decimal("0.2")
_LAGS_MS = {"binance": 0, "kraken": 60, "coinbase": 140}


def known(fees: dict[str, Decimal], *, seconds: int = 600, duplicated: Decimal = DUPLICATED) -> MarketHistory:
    """The market of seed `evaluation`."""
    makers = tuple(
        Makers(
            listing=replace(listing(venue, fees[venue]), quote=BTC_USD.reporting),
            lag_ms=lag,
            requote_bps=0.4,
            redraw_per_s=12.0,
            half_spread_bps=0.15,
            gap_bps=0.3,
            size=0.6,
        )
        for venue, lag in _LAGS_MS.items()
    )
    return seeded("evaluation", BTC_USD, makers, seconds=seconds, price=HiddenPrice(), duplicated=duplicated)
