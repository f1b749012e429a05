"""How the cassettes are recorded: `python -m tests.connectors.cassettes [VENUE ...]` plays a session per venue.

It plays against the lab. Keys, tokens and signatures are cut out before anything is written, and what is left of the
requests is only what a replay needs to find its answer: method and path. A replay is in order, so the order of calls is
part of the cassette.
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import vcr

from connectors.ccxt_venue import CcxtVenue
from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.settings import BookSource
from router.model.ids import ClientOrderId, Nanos
from router.model.orders import ChildOrder, TimeInForce
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, child, place, settings_for, venue_at

FOLDER = Path(__file__).parent / "cassettes"
HEADERS = [
    "X-MBX-APIKEY",
    "API-Key",
    "API-Sign",
    "Authorization",
    "CB-ACCESS-KEY",
    "CB-ACCESS-SIGN",
    "CB-ACCESS-TIMESTAMP",
    "X-Auth",
    "X-Auth-Nonce",
    "X-Auth-Signature",
    "X-Auth-Timestamp",
    "X-GEMINI-APIKEY",
    "X-GEMINI-PAYLOAD",
    "X-GEMINI-SIGNATURE",
    "X-BAPI-API-KEY",
    "X-BAPI-SIGN",
    "X-BAPI-TIMESTAMP",
    "X-BAPI-RECV-WINDOW",
    "OK-ACCESS-KEY",
    "OK-ACCESS-SIGN",
    "OK-ACCESS-TIMESTAMP",
    "OK-ACCESS-PASSPHRASE",
    "expTime",
    "Referer",
    "User-Agent",
]
IDS = [ClientOrderId(f"ab12{number:08x}8000a000{number:012x}") for number in range(1, 5)]


def cassette(name: str, mode: str) -> vcr.VCR:
    """A recorder or player of `name`."""
    player = vcr.VCR(
        record_mode=mode,
        match_on=["method", "path"],
        filter_headers=HEADERS,
        before_record_request=_bare,
        decode_compressed_response=True,
    )
    return player.use_cassette(str(FOLDER / f"{name}.yaml"), allow_playback_repeats=False)


def _bare(request):
    """Without query and body, which are signed; without websockets, which cannot be played back."""
    if request.headers.get("Upgrade") or urlsplit(request.uri).path.endswith("/v2"):
        return None
    parts = urlsplit(request.uri)
    request.uri = urlunsplit((parts.scheme, "127.0.0.1", parts.path, "", ""))
    request.body = None
    return request


def recorded_ns(name: str) -> Nanos | None:
    """When the tape's trades happened; None while it is being recorded."""
    told = FOLDER / f"{name}.json"
    times = re.findall(r"venue_time_ns=(\d+)", told.read_text()) if told.exists() else []
    return Nanos(min(map(int, times))) if times else None


def children(name: str) -> list[ChildOrder]:
    """Two that fill, one that rests, one that is refused."""
    orders = _children(name)
    # Bitstamp's transactions are cut by time here, not by the venue: its orders are of the tape's day.
    day = recorded_ns(name) if name == "bitstamp" else None
    return orders if day is None else [replace(order, decided_at_ns=day) for order in orders]


def _children(name: str) -> list[ChildOrder]:
    return [
        child(name, quantity="1.5", price="60020", client_id=IDS[0]),
        child(name, quantity="3", price="60020", client_id=IDS[1]),
        child(name, quantity="0.5", price="59000", client_id=IDS[2], time_in_force=TimeInForce.GTC),
        child(name, quantity="900", price="60030", client_id=IDS[3]),
    ]


async def session_of(account: CcxtVenue, orders: list[ChildOrder]) -> list[object]:
    """Every private call once or more; what came of each, in order."""
    full, partial, resting, greedy = orders
    told: list[object] = [await place(account, order) for order in orders]
    told += [(await account.look_up(order, None)).result for order in (full, partial, greedy)]
    # Bybit lists trades week by week: from the beginning of time that would be a hundred empty answers on the tape.
    since = Nanos(time.time_ns() - 86_400_000_000_000 if account.settings.ccxt_id == "bybit" else 0)
    told.append((await account.read_account(since)).open_orders)
    told.append(await account.cancel(resting, None))
    read = await account.read_account(since)
    told += [read.balances, read.open_orders, read.trades]
    return told


async def record(name: str) -> None:
    """One venue's cassette."""
    venues = (LabVenueSettings(name=name, protocol=name),)
    async with Lab(LabSettings(venues=venues, static=True)) as lab, LabControl(lab.control_url) as control:
        await control.set_book(name, SYMBOLS[name], bids=BIDS, asks=ASKS)
        account = quiet(venue_at(lab, name, books=BookSource.POLL))
        with cassette(name, "all"):
            told = await played(account, name)
        (FOLDER / f"{name}.json").write_text(json.dumps([repr(each) for each in told], indent=1) + "\n")


async def played(account: CcxtVenue, name: str) -> list[object]:
    """Set up and play a session without streams and touches, whose calls come when they come."""
    listings = await account._set_up()
    account._listings = {listing.symbol: listing for listing in listings}
    try:
        return [listings, *await session_of(account, children(name))]
    finally:
        await account.stop()


def quiet(account: CcxtVenue) -> CcxtVenue:
    """An account whose clock is never checked and whose connections are not warmed: those calls are not the point."""

    async def nothing(*_: object) -> None:
        return None

    account._warm = nothing
    account._read_clock = nothing
    account._venue_clock.observe(sent_ns=0, received_ns=0, server_ns=0, resolution_ns=0)
    account._venue_clock._at_ns = 2**62
    return account


def replayed(name: str) -> CcxtVenue:
    """An account whose venue is the cassette: the port is one where nobody listens."""
    return quiet(
        _account(name, {"apiKey": "account", "secret": "c2VjcmV0" if name == "kraken" else "s", "password": "p"})
    )


def _account(name: str, credentials: dict[str, str]) -> CcxtVenue:
    from tests.connectors.rig import WallClock

    return CcxtVenue(
        settings_for(name, "http://127.0.0.1:9", credentials, books=BookSource.POLL, timeout_ms=500), WallClock()
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in sys.argv[1:] or SYMBOLS:
        (FOLDER / f"{each}.yaml").unlink(missing_ok=True)
        (FOLDER / f"{each}.json").unlink(missing_ok=True)
        asyncio.run(record(each))
