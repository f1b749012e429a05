"""The simulated venue keeps the port's contract: the cases that hold ccxt against the lab, run in virtual time."""

import inspect
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.lab.core import DuplicateRule, VenueRules
from connectors.sim import SimVenue, Wire
from router.model.events import OrderHinted
from router.model.ids import Asset, InstrumentId, Nanos, VenueId, account_id, listing_id
from router.model.instruments import FeeIn, Listing
from router.model.side import Side
from router.simulate.agenda import Agenda, Whose
from router.simulate.loop import VirtualLoop
from router.simulate.ports import SimPort
from tests.conformance import test_port
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, Notes, settings_for

NAME = "binance"
"""One of the names its stories know; the account behind it is simulated."""


class TrueClock:
    """As right as the world's."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    def now(self) -> Nanos:
        return self._agenda.now_ns

    def at_venue(self, deadline_ns: Nanos) -> Nanos:
        return deadline_ns


class Bench:
    """A world of one venue: the port, what its streams said, and the market behind it, as the cases want them."""

    name = NAME

    def __init__(self) -> None:
        self.agenda = Agenda(Nanos(time.time_ns()))
        self.loop = VirtualLoop(self.agenda)
        base, quote = SYMBOLS[NAME].split("/")
        account = account_id(VenueId(NAME), "main")
        self.listing = Listing(
            id=listing_id(account, SYMBOLS[NAME]),
            instrument=InstrumentId("BTC/USD"),
            venue=VenueId(NAME),
            account=account,
            symbol=SYMBOLS[NAME],
            base=Asset(base),
            quote=Asset(quote),
            tick=Decimal("0.01"),
            step=Decimal("0.00001"),
            min_quantity=Decimal("0.0001"),
            min_notional=Decimal(10),
            max_quantity=None,
            taker_fee_bps=Decimal(10),
            fee_in=FeeIn.RECEIVED,
        )
        rules = VenueRules(
            name=NAME,
            taker_fee_bps=Decimal(10),
            maker_fee_bps=Decimal(10),
            fee_in=FeeIn.RECEIVED,
            duplicates=DuplicateRule.OPEN_ONLY,
        )
        money = {Asset(quote): Decimal(1_000_000), Asset(base): Decimal(10)}
        self._venue = SimVenue(self.listing, rules, takes_deadline=True, names_trades=True, money=money)
        self._wire = Wire(random.Random(1), (0.1, 0.2))
        self.notes = Notes()
        self.whose = Whose()
        self.clock = TrueClock(self.agenda)
        self.control = self
        self.port = self._anew()

    def _anew(self) -> SimPort:
        return SimPort(self.listing, settings_for(NAME, None, {}).terms, self, self.loop, self)

    async def restart(self) -> None:
        """The same account after a restart of the process."""
        await self.port.stop()
        self.port = self._anew()
        self.notes.__init__()  # type: ignore[misc]
        await self.port.start(self.notes)
        self._feed()

    async def set_book(self, _name, _symbol, bids=None, asks=None, *, replace=True) -> None:
        """Somebody else's orders."""
        levels = [[(Decimal(price), Decimal(size)) for price, size in side or ()] for side in (bids, asks)]
        if not replace:
            levels = [sorted({*new, *old}) for new, old in zip(levels, self._venue.book(), strict=True)]
        self._venue.set_book(*levels, self.agenda.now_ns)
        self.at_venue(self.listing.account)

    async def trade(self, side: str, quantity: str, price: str) -> None:
        """Strangers trade with each other."""
        self._venue.trade(Side(side), Decimal(quantity), Decimal(price), self.agenda.now_ns)
        self.at_venue(self.listing.account)

    def _feed(self) -> None:
        bids, asks = ({float(price): float(size) for price, size in side} for side in self._venue.book())
        self.notes.book_snapshot(self.listing.id, bids, asks, self.agenda.now_ns)

    # The world around the port.

    def at_venue(self, account) -> None:
        hints, book_changed = self._venue.drain()
        for hint in hints:
            self.notes.order_hint(
                OrderHinted(
                    account=account, client_id=hint.client_id, venue_order_id=hint.venue_order_id, hint=hint.status
                )
            )
        if book_changed:
            self._feed()

    def venue(self, _account) -> SimVenue:
        return self._venue

    def wire(self, _account) -> Wire:
        return self._wire

    def build_ns(self) -> int:
        return 1_000

    def leaves(self, child, gated_ns) -> None:
        pass

    def count(self, what) -> None:
        pass

    def passed_gate(self, order) -> None:
        pass

    async def at_point(self, name) -> None:
        pass


def cases() -> list[Any]:
    found = {name: case for name, case in vars(test_port).items() if name.startswith("test_")}
    return [pytest.param(case, id=name) for name, case in found.items()]


@pytest.mark.parametrize("case", cases())
def test_the_ports_contract(case: Callable[[Bench], Any]) -> None:
    """As ccxt against the lab."""
    seat = Bench()

    async def story() -> None:
        await seat.port.start(seat.notes)  # type: ignore[arg-type]
        await seat.set_book(NAME, SYMBOLS[NAME], bids=BIDS, asks=ASKS)
        told = case(seat)
        if inspect.isawaitable(told):
            await told

    seat.loop.run(story())
    assert not seat.loop.raised
