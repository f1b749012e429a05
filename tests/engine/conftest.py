"""The desk fixture."""

import pytest

from tests.engine.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """A started desk with three venues: kraken and binance take deadlines, coinbase has no fence."""
    return Desk().start()
