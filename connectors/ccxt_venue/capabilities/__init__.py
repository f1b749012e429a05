"""What every venue can do, and what ccxt puts on the wire for it. Data, and the one question asked of it.

One module per venue holds what people reviewed (`shapes` has the words); `wire/<venue>.json` holds the requests that
the installed ccxt builds, captured without a network by `python -m tests.capabilities.record`. A test captures them
again and fails with the difference when an upgrade of ccxt changes one.
"""

from collections.abc import Mapping
from types import MappingProxyType

from connectors.ccxt_venue.capabilities.binance import BINANCE, BINANCEUS
from connectors.ccxt_venue.capabilities.bitfinex import BITFINEX
from connectors.ccxt_venue.capabilities.bitget import BITGET
from connectors.ccxt_venue.capabilities.bitstamp import BITSTAMP
from connectors.ccxt_venue.capabilities.bybit import BYBIT
from connectors.ccxt_venue.capabilities.coinbase import COINBASE, COINBASEEXCHANGE
from connectors.ccxt_venue.capabilities.cryptocom import CRYPTOCOM
from connectors.ccxt_venue.capabilities.gate import GATE
from connectors.ccxt_venue.capabilities.gemini import GEMINI
from connectors.ccxt_venue.capabilities.htx import HTX
from connectors.ccxt_venue.capabilities.kraken import KRAKEN
from connectors.ccxt_venue.capabilities.kucoin import KUCOIN
from connectors.ccxt_venue.capabilities.okx import OKX
from connectors.ccxt_venue.capabilities.shapes import Capabilities
from router.model.errors import BadInput

_VENUES = (
    BINANCE,
    BINANCEUS,
    BITFINEX,
    BITGET,
    BITSTAMP,
    BYBIT,
    COINBASE,
    COINBASEEXCHANGE,
    CRYPTOCOM,
    GATE,
    GEMINI,
    HTX,
    KRAKEN,
    KUCOIN,
    OKX,
)
CAPABILITIES: Mapping[str, Capabilities] = MappingProxyType({each.venue: each for each in _VENUES})
"""By the venue's name in ccxt."""


def capabilities_of(ccxt_id: str) -> Capabilities:
    """What a venue can do; `BadInput` for one that is not in the map."""
    if ccxt_id not in CAPABILITIES:
        raise BadInput("venue", f"{ccxt_id} is not in the map; {', '.join(CAPABILITIES)} are")
    return CAPABILITIES[ccxt_id]


__all__ = ["CAPABILITIES", "Capabilities", "capabilities_of"]
