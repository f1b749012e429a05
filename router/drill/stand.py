"""What a rehearsal stands on: a lab with books set by hand, and a configuration that points at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from connectors.lab.client import LabControl, Levels
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings

# Deadlines and lags of the lab: long enough for a busy machine to send in, short enough not to wait for. A quarantine
# begins after a whole look-up could fail: what waits in it is asked for only twice a minute.
TERMS: Mapping[str, int] = {
    "request_ttl_ms": 250,
    "engine_wait_ms": 20,
    "read_lag_ms": 70,
    "look_up_wait_ms": 25,
    "quarantine_after_ms": 2_000,
}
LAB_READ_LAG_MS = 40
"""How long the lab keeps an order and its trades from look-ups: who asks at once is told that there is none."""
BIDS: Levels = (("60000", "0.2"), ("59990", "0.3"), ("59980", "50"))
ASKS: Levels = (("60010", "0.2"), ("60020", "0.3"), ("60030", "50"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """One venue account of a configuration: the lab's venue `name`, which speaks `protocol`."""

    name: str
    protocol: str
    symbols: Mapping[str, str]
    licensed: bool = False
    terms: Mapping[str, int] = field(default_factory=lambda: TERMS)
    dead_man_s: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of its venue section."""


BINANCE = Seat(name="binance", protocol="binance", symbols={"BTC/USDT": "BTC/USD"})
KRAKEN = Seat(name="kraken", protocol="kraken", symbols={"BTC/USD": "BTC/USD"})
COINBASE = Seat(name="coinbase", protocol="coinbase", symbols={"BTC/USD": "BTC/USD"}, licensed=True)
UNLICENSED = replace(COINBASE, name="unlicensed", licensed=False)
BYBIT = Seat(name="bybit", protocol="bybit", symbols={"BTC/USDT": "BTC/USD"})
OKX = Seat(name="okx", protocol="okx", symbols={"BTC/USDT": "BTC/USD"})
BITSTAMP = Seat(name="bitstamp", protocol="bitstamp", symbols={"BTC/USD": "BTC/USD"}, licensed=True)
GEMINI = Seat(name="gemini", protocol="gemini", symbols={"BTC/USD": "BTC/USD"})
SEATS = (BINANCE, KRAKEN, COINBASE)
ALL_SEATS = (*SEATS, UNLICENSED)
NIGHTLY_SEATS = (BYBIT, OKX, BITSTAMP, GEMINI)
UNFENCED = (UNLICENSED, GEMINI)
"""Neither a deadline nor a licence: no rule may decide what became of an order that cannot be found."""


def lab_settings(
    seats: Sequence[Seat] = SEATS,
    *,
    read_lag_ms: int = LAB_READ_LAG_MS,
    **changes: Any,
) -> LabSettings:
    """A lab with these venues on free ports, books as set by hand unless said otherwise."""
    venues = tuple(LabVenueSettings(name=seat.name, protocol=seat.protocol, read_lag_ms=read_lag_ms) for seat in seats)
    return LabSettings(**{"venues": venues, "static": True, "breath_ms": 100, **changes})


async def set_books(lab: LabControl, seats: Sequence[Seat] = SEATS, bids: Levels = BIDS, asks: Levels = ASKS) -> None:
    """The same book for every bitcoin listing."""
    for seat in seats:
        for symbol, instrument in seat.symbols.items():
            if instrument == "BTC/USD":
                await lab.set_book(seat.name, symbol, bids=bids, asks=asks)


def write_config(
    folder: Path,
    urls: Mapping[str, str],
    seats: Sequence[Seat] = SEATS,
    **changes: Any,
) -> Path:
    """A configuration file such as an operator writes; `changes` replace or add sections."""
    text: dict[str, Any] = {
        "mode": "lab",
        "deployment": "e2e",
        "entity": "desk",
        "database": f"sqlite:///{folder / 'sor.db'}",
        "secrets_dir": str(folder / "secrets"),
        "allow_loopback_urls": True,
        "audit": {"prove": False},
        "instruments": ["BTC/USD"],
        "fx": {"USDT": {"declared": 1}, "USDC": {"declared": 1}},
        "venues": {
            seat.name: {
                "ccxt_id": seat.protocol,
                "account": "main",
                "symbols": dict(seat.symbols),
                "loopback": urls[seat.name],
                "dedupe_licensed": seat.licensed,
                "timeout_ms": 350,
                "silence_ms": 1_500,
                "terms": dict(seat.terms),
                "dead_man_s": seat.dead_man_s,
                **seat.more,
            }
            for seat in seats
        },
        "timings": {"lease_ttl_ms": 1_000, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 200},
        "status": {"port": None},
        **changes,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(text))
    return path


def urls_of(lab: Lab) -> dict[str, str]:
    """Where each venue of a lab listens."""
    return {name: venue.url for name, venue in lab.venues.items()}
