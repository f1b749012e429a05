"""Labs for tests: static books on free ports, and an unmodified client pointed at one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from tests.lab.rig import ASKS, BIDS, binance_client


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """A static lab with one venue that speaks Binance, BTC/USDT at 60000/60010."""
    settings = LabSettings(venues=(LabVenueSettings(name="binance", protocol="binance"),), static=True, breath_ms=50)
    async with Lab(settings) as running:
        yield running


@pytest.fixture
async def control(lab: Lab) -> AsyncIterator[LabControl]:
    """The lab's own truth."""
    async with LabControl(lab.control_url) as surface:
        await surface.set_book("binance", "BTC/USDT", bids=BIDS, asks=ASKS)
        yield surface


@pytest.fixture
async def client(lab: Lab, control: LabControl) -> AsyncIterator[Any]:
    """An unmodified client with its markets loaded."""
    exchange = binance_client(lab.venues["binance"])
    await exchange.load_markets()
    yield exchange
    await exchange.close()
