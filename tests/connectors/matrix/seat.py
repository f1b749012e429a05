"""A venue account at a little venue: our whole adapter over unmodified ccxt, from the port down to the socket."""

import base64
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import unquote

from connectors.ccxt_venue import CcxtVenue, mapping, wire
from connectors.ccxt_venue.assembly import Clients, assemble
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.htx import HtxClient
from connectors.ccxt_venue.registry import DIALECTS
from connectors.settings import Secret, VenueSettings
from router.model.ids import ClientOrderId, InstrumentId, Nanos
from router.model.instruments import FeeIn
from router.model.orders import ChildOrder
from tests.capabilities.asking import child_at, settings_of
from tests.capabilities.capture import CAPABILITIES, ENCODE, SYMBOL, market
from tests.connectors.matrix.door import Asked, Door, Line, honestly
from tests.connectors.matrix.faults import Fault
from tests.connectors.matrix.venues import Little, answer_of
from tests.connectors.rig import WallClock, new_id

CANARY = "canary5f1b2a77"
SECRET = CANARY * 4
"""Good for every venue: it is text, and base64, too."""
PATIENT_MS, HASTY_MS = 60_000, 250
TTL_NS = 600 * 1_000_000_000


class Seat:
    """One account, its door, and everything that was logged while it sat there."""

    def __init__(self, venue: str, door: Door, elsewhere: Door, clients: Clients, settings: VenueSettings) -> None:
        self.venue = venue
        self.door = door
        self.elsewhere = elsewhere
        self._clients = clients
        self._settings = settings
        self.little = Little(spelled="", order_id="0", known=False, at_ms=0)
        door.honest = lambda asked: answer_of(venue, self.little, asked)
        self.anew()

    def anew(self) -> None:
        """The port as it is after its start: clock read, markets known. What starting asks has tests of its own."""
        settings, clients = self._settings, self._clients
        port = CcxtVenue(settings, WallClock())
        now = time.time_ns()
        for _ in range(3):
            port._venue_clock.observe(sent_ns=now, received_ns=now, server_ns=now, resolution_ns=1)
        port._clients = clients
        row = clients.orders.markets[SYMBOL]
        listing = mapping.listing(
            row,
            venue=settings.venue,
            account=settings.account,
            instrument=InstrumentId("BTC/USDT"),
            fee_bps=mapping.number({"fee": "10"}, "fee"),
            fee_in=FeeIn.QUOTE,
        )
        port._listings = {SYMBOL: listing}
        port._desk = Desk(account=settings.account, names=mapping.names_of(clients.orders.markets.values()))
        self.port = port

    def order(self, *, known: bool, **changes: Any) -> ChildOrder:
        """A new child, and the venue told of it."""
        now = time.time_ns()
        client_id = ClientOrderId(new_id())
        child = child_at(
            self.venue, client_id=client_id, decided_at_ns=Nanos(now), deadline_ns=Nanos(now + TTL_NS), **changes
        )
        spelled = ENCODE[CAPABILITIES[self.venue].client_id.encoding](client_id)
        number = str(secrets.randbelow(10**9) + 10**9)
        self.little = Little(spelled=spelled, order_id=number, known=known, at_ms=now // 1_000_000)
        return child

    def meet(self, fault: Fault | None, only: Callable[[Asked], bool] = lambda _: True) -> None:
        """From now on the answers to these requests go wrong in this way; with None all of them are right again."""

        async def speak(line: Line) -> None:
            await (fault.speak if fault is not None and only(line.asked) else honestly)(line)

        self.door.speak = speak
        self.door.hasty = fault is not None and fault.hasty
        for client in (self._clients.orders, self._clients.queries):
            client.timeout = HASTY_MS if fault is not None and fault.waits else PATIENT_MS


def said_in(asked: Asked) -> str:
    """Everything a request says, in the clear."""
    payload = asked.headers.get("x-gemini-payload")
    hidden = base64.b64decode(payload).decode() if payload else ""
    return f"{unquote(asked.target)} {unquote(asked.body.decode())} {hidden}"


@cache
def trusted() -> ssl.SSLContext:
    """Read once: the bundle takes longer than all the rest."""
    return wire.certificates(None)


@asynccontextmanager
async def seated(venue: str, url: str | None = None) -> AsyncIterator[Seat]:
    """An account at its own little venue (or at `url`, where nobody is), and another host nobody should ever reach."""
    door, elsewhere = Door(), Door()
    here, door.elsewhere = await door.open(), await elsewhere.open()
    names = {"apiKey": f"account-{CANARY}", "secret": SECRET, "password": CANARY, "uid": "1"}
    settings = settings_of(
        venue,
        loopback=url or here,
        loopback_allowed=True,
        credentials={name: Secret(value) for name, value in names.items()},
        timeout_ms=PATIENT_MS,
    )
    clients = assemble(DIALECTS[venue](), settings, WallClock(), trusted())
    for client in (clients.orders, clients.queries, clients.streams):
        row = {**market(venue), "precision": {"amount": "0.00000001", "price": "0.01"}}
        currencies = {each: {"id": each, "code": each, "precision": "0.00000001"} for each in ("BTC", "USDT")}
        client.set_markets([client.safe_market_structure(row)], currencies)
        if isinstance(client, HtxClient) and client.apiKey:
            client.shared["accounts"] = [{"id": "1", "type": "spot", "info": {}}]
    try:
        yield Seat(venue, door, elsewhere, clients, settings)
    finally:
        await clients.close()
        await door.close()
        await elsewhere.close()


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    """An address where a connection is refused."""
    door = Door()
    url = await door.open()
    await door.close()
    yield url
