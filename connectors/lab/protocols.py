"""Every protocol the lab speaks, one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from connectors.lab.binance import BinanceVenue
from connectors.lab.bitstamp import BitstampVenue
from connectors.lab.bybit import BybitVenue
from connectors.lab.coinbase import CoinbaseVenue
from connectors.lab.gemini import GeminiVenue
from connectors.lab.kraken import KrakenVenue
from connectors.lab.okx import OkxVenue
from connectors.lab.venue import LabVenue

PROTOCOLS: Mapping[str, type[LabVenue]] = MappingProxyType(
    {
        "binance": BinanceVenue,
        "kraken": KrakenVenue,
        "coinbase": CoinbaseVenue,
        "bitstamp": BitstampVenue,
        "gemini": GeminiVenue,
        "okx": OkxVenue,
        "bybit": BybitVenue,
    }
)
