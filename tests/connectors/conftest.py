"""A lab with one venue, static books, and an account on it; a test that asks for `venue_name` runs on all of them."""

from collections.abc import AsyncIterator

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from tests.connectors.rig import ASKS, BIDS, LAB_VENUES, SYMBOLS, Notes, venue_at
from tests.waiting import eventually


@pytest.fixture(params=LAB_VENUES)
def venue_name(request: pytest.FixtureRequest) -> str:
    """Which protocol."""
    return str(request.param)


@pytest.fixture
async def lab(venue_name: str) -> AsyncIterator[Lab]:
    """The venue itself."""
    settings = LabSettings(venues=(LabVenueSettings(name=venue_name, protocol=venue_name),), static=True, breath_ms=50)
    async with Lab(settings) as running:
        yield running


@pytest.fixture
async def control(lab: Lab, venue_name: str) -> AsyncIterator[LabControl]:
    """The venue's own truth."""
    async with LabControl(lab.control_url) as surface:
        await surface.set_book(venue_name, SYMBOLS[venue_name], bids=BIDS, asks=ASKS)
        yield surface


@pytest.fixture
def notes() -> Notes:
    """What the streams said."""
    return Notes()


@pytest.fixture
async def venue(lab: Lab, control: LabControl, venue_name: str, notes: Notes) -> AsyncIterator[CcxtVenue]:
    """Our account, started, its book known."""
    account = venue_at(lab, venue_name)
    await account.start(notes)
    await eventually(lambda: notes.bids)
    yield account
    await account.stop()


_BY_NIGHT = ("bitstamp", "gemini", "bybit", "okx")
_LONG = ("test_lies.py", "test_secrets.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every lie at every venue is a night's work: by day the three venues of the foundation tell them."""
    for item in items:
        venue = getattr(item, "callspec", None) and item.callspec.params.get("venue_name")  # type: ignore[attr-defined]
        if item.path.name in _LONG and item.path.parent.name == "connectors" and venue in _BY_NIGHT:
            item.add_marker(pytest.mark.nightly)
