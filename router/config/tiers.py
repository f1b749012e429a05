"""How far each connector has been proven, where the file does not say (D10)."""

from collections.abc import Mapping
from types import MappingProxyType

_LAB = ("binance", "bitstamp", "bybit", "coinbase", "gemini", "kraken", "okx")
_WIRE = ("binanceus", "bitfinex", "bitget", "coinbaseexchange", "cryptocom", "gate", "htx", "kucoin")

TIERS: Mapping[str, str] = MappingProxyType({**dict.fromkeys(_LAB, "A"), **dict.fromkeys(_WIRE, "B")})
"""A: end to end against a lab that speaks the venue's protocol. B: captured requests and recorded payloads."""


def tier_of(ccxt_id: str, said: str | None) -> str:
    """What the file says, else what is known; an exchange nobody has looked at is B, which live trading asks about."""
    return said or TIERS.get(ccxt_id, "B")
