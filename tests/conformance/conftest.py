"""Every port on every protocol, over a lab with one venue and static books."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.ports import VenuePort
from tests.conformance.seats import seats
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, Notes, venue_at
from tests.paper.rig import paper_at
from tests.waiting import eventually


@dataclass(slots=True)
class Seat:
    """A port that has started, what its streams said, and the market behind it."""

    port: VenuePort
    name: str
    notes: Notes
    control: LabControl
    anew: Callable[[], VenuePort]

    async def trade(self, side: str, quantity: str, price: str) -> None:
        """Strangers trade with each other, `side` taking; whoever listens to public trades does so already."""
        await eventually(lambda: self.notes.epochs)
        await self.control.print_trade(self.name, SYMBOLS[self.name], side, quantity, price)

    async def restart(self) -> None:
        """The same account after a restart of the process."""
        await self.port.stop()
        self.port = self.anew()
        self.notes.__init__()  # type: ignore[misc]
        await self.port.start(self.notes)
        await eventually(lambda: self.notes.bids)


@pytest.fixture(params=seats())
async def seat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Seat]:
    """A lab venue, and the port on it."""
    kind, name = request.param
    settings = LabSettings(venues=(LabVenueSettings(name=name, protocol=name),), static=True, breath_ms=50)
    async with Lab(settings) as lab, LabControl(lab.control_url) as control:
        await control.set_book(name, SYMBOLS[name], bids=BIDS, asks=ASKS)

        def anew() -> VenuePort:
            return venue_at(lab, name) if kind == "ccxt" else paper_at(lab, name, tmp_path / "paper.db")

        taken = Seat(anew(), name, Notes(), control, anew)
        await taken.port.start(taken.notes)
        await eventually(lambda: taken.notes.bids)
        yield taken
        await taken.port.stop()
