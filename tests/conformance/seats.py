"""Which port on which protocol."""

from collections.abc import Container

import pytest
from _pytest.mark import ParameterSet

from tests.connectors.rig import LAB_VENUES

_PAPER_BY_DAY = ("kraken", "bybit")
"""Paper is the same code over every venue's books: two ways to tell a book by day, all of them by night."""


def seats(without: Container[str] = ()) -> list[ParameterSet]:
    """Both kinds of port at every protocol, save at those named."""
    return [
        pytest.param(
            (kind, name),
            marks=[pytest.mark.nightly] if kind == "paper" and name not in _PAPER_BY_DAY else [],
            id=f"{kind}-{name}",
        )
        for kind in ("ccxt", "paper")
        for name in LAB_VENUES
        if name not in without
    ]
