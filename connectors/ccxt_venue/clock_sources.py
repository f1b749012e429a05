"""By what each venue's clock is read, and how finely: a call that tells the time, else the `Date` of an answer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from connectors.budget import NS_PER_MS, NS_PER_S

_US = 1_000


class ClockSource(NamedTuple):
    """`call`: ccxt's name of it; None where no call tells the time. What `resolution_ns` leaves open stays open."""

    call: str | None
    resolution_ns: int
    first: str = ""
    """What is asked before the call, and finer."""

    @property
    def says(self) -> str:
        """For people."""
        call = "the `Date` of an answer" if self.call is None else f"`{self.call}`"
        return f"{self.first}{call}, to {_fineness(self.resolution_ns)}"


_DATE = ClockSource(None, NS_PER_S)
CLOCK_SOURCES: Mapping[str, ClockSource] = MappingProxyType(
    {
        "binance": ClockSource("publicGetTime", NS_PER_MS),
        "binanceus": ClockSource("publicGetTime", NS_PER_MS),
        "bitfinex": _DATE,
        "bitget": ClockSource("publicCommonGetV2PublicTime", NS_PER_MS),
        "bitstamp": _DATE,
        "bybit": ClockSource("publicGetV5MarketTime", _US),
        "coinbase": ClockSource("v3PublicGetBrokerageTime", NS_PER_MS),
        "coinbaseexchange": ClockSource("publicGetTime", NS_PER_MS),
        "cryptocom": _DATE,
        "gate": ClockSource("publicSpotGetTime", NS_PER_MS),
        "gemini": _DATE,
        "htx": ClockSource("spotPublicGetV1CommonTimestamp", NS_PER_MS),
        "kraken": ClockSource("publicGetTime", NS_PER_S, first="a websocket ping, to the microsecond, else "),
        "kucoin": ClockSource("publicGetTimestamp", NS_PER_MS),
        "okx": ClockSource("publicGetPublicTime", NS_PER_MS),
    }
)


def _fineness(resolution_ns: int) -> str:
    return {NS_PER_S: "the second", NS_PER_MS: "the millisecond", _US: "the microsecond"}[resolution_ns]
