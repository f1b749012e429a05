"""Which port on which protocol."""

from collections.abc import Container

import pytest
from _pytest.mark import ParameterSet

from tests.connectors.rig import LAB_VENUES

_PAPER_BY_DAY = ("kraken", "bybit")
"""Paper is the same code over every venue's books: two ways to tell a book by day, all of them by night."""


def seats(without: Container[str] = (), by_day: Container[tuple[str, str]] | None = None) -> list[ParameterSet]:
    """Both kinds of port at every protocol, save at those named; `by_day`: those not left to the night."""
    return [
        pytest.param(
            (kind, name),
            marks=[] if _is_by_day(kind, name, by_day) else [pytest.mark.nightly],
            id=f"{kind}-{name}",
        )
        for kind in ("ccxt", "paper")
        for name in LAB_VENUES
        if name not in without
    ]


def _is_by_day(kind: str, name: str, by_day: Container[tuple[str, str]] | None) -> bool:
    if by_day is not None:
        return (kind, name) in by_day
    return kind == "ccxt" or name in _PAPER_BY_DAY
