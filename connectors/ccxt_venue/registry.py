"""Every venue the adapter speaks, one line each."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from connectors.ccxt_venue.binance import Binance
from connectors.ccxt_venue.bitstamp import Bitstamp
from connectors.ccxt_venue.bybit import Bybit
from connectors.ccxt_venue.coinbase import Coinbase
from connectors.ccxt_venue.dialect import Dialect
from connectors.ccxt_venue.gemini import Gemini
from connectors.ccxt_venue.kraken import Kraken
from connectors.ccxt_venue.okx import Okx
from router.model.errors import BadInput

DIALECTS: Mapping[str, Callable[[], Dialect]] = MappingProxyType(
    {
        "binance": Binance,
        "bitstamp": Bitstamp,
        "bybit": Bybit,
        "coinbase": Coinbase,
        "gemini": Gemini,
        "kraken": Kraken,
        "okx": Okx,
    }
)


def dialect_of(ccxt_id: str) -> Dialect:
    """The dialect of a venue, by its name in ccxt."""
    if ccxt_id not in DIALECTS:
        raise BadInput("ccxt_id", f"{ccxt_id} is not supported; {', '.join(sorted(DIALECTS))} are")
    return DIALECTS[ccxt_id]()
