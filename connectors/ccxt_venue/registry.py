"""Every venue the adapter speaks, by its name in ccxt. What else one needs stands in CONTRIBUTING.md."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from connectors.ccxt_venue.binance import Binance
from connectors.ccxt_venue.binanceus import Binanceus
from connectors.ccxt_venue.bitfinex import Bitfinex
from connectors.ccxt_venue.bitget import Bitget
from connectors.ccxt_venue.bitstamp import Bitstamp
from connectors.ccxt_venue.bybit import Bybit
from connectors.ccxt_venue.coinbase import Coinbase
from connectors.ccxt_venue.coinbaseexchange import Coinbaseexchange
from connectors.ccxt_venue.cryptocom import Cryptocom
from connectors.ccxt_venue.dialect import Dialect
from connectors.ccxt_venue.gate import Gate
from connectors.ccxt_venue.gemini import Gemini
from connectors.ccxt_venue.htx import Htx
from connectors.ccxt_venue.kraken import Kraken
from connectors.ccxt_venue.kucoin import Kucoin
from connectors.ccxt_venue.okx import Okx
from router.model.errors import BadInput

DIALECTS: Mapping[str, Callable[[], Dialect]] = MappingProxyType(
    {
        "binance": Binance,
        "binanceus": Binanceus,
        "bitfinex": Bitfinex,
        "bitget": Bitget,
        "bitstamp": Bitstamp,
        "bybit": Bybit,
        "coinbase": Coinbase,
        "coinbaseexchange": Coinbaseexchange,
        "cryptocom": Cryptocom,
        "gate": Gate,
        "gemini": Gemini,
        "htx": Htx,
        "kraken": Kraken,
        "kucoin": Kucoin,
        "okx": Okx,
    }
)


def dialect_of(ccxt_id: str) -> Dialect:
    """The dialect of a venue, by its name in ccxt."""
    if ccxt_id not in DIALECTS:
        raise BadInput("ccxt_id", f"{ccxt_id} is not supported; {', '.join(sorted(DIALECTS))} are")
    return DIALECTS[ccxt_id]()
