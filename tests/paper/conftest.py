"""One lab venue as the real public one, and a paper account on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.paper import PaperVenue
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, Notes
from tests.paper.rig import paper_at
from tests.waiting import eventually


@pytest.fixture(params=["binance", "kraken", pytest.param("coinbase", marks=pytest.mark.nightly)])
def name(request: pytest.FixtureRequest) -> str:
    """Which protocol."""
    return str(request.param)


@pytest.fixture
async def lab(name: str) -> AsyncIterator[Lab]:
    """The venue; its best levels are told again every 50 ms."""
    settings = LabSettings(venues=(LabVenueSettings(name=name, protocol=name),), static=True, breath_ms=50)
    async with Lab(settings) as running:
        yield running


@pytest.fixture
async def control(lab: Lab, name: str) -> AsyncIterator[LabControl]:
    """The venue's own truth."""
    async with LabControl(lab.control_url) as surface:
        await surface.set_book(name, SYMBOLS[name], bids=BIDS, asks=ASKS)
        yield surface


@pytest.fixture
def notes() -> Notes:
    """What the streams said."""
    return Notes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the account is kept: in a folder that is not there yet."""
    return tmp_path / "kept" / "account.db"


@pytest.fixture
async def paper(lab: Lab, control: LabControl, name: str, notes: Notes, file: Path) -> AsyncIterator[PaperVenue]:
    """The account, started, its book known."""
    account = paper_at(lab, name, file)
    await account.start(notes)
    await eventually(lambda: notes.bids)
    yield account
    await account.stop()
