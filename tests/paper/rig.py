"""A paper account whose real venue is one of the lab's, read without keys."""

import sqlite3
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.lab.process import Lab
from connectors.paper import PaperSettings, PaperVenue
from router.model.ids import Asset
from tests.connectors.rig import WallClock, settings_for

DEPOSITS = {
    Asset("USD"): Decimal(200_000),
    Asset("USDT"): Decimal(200_000),
    Asset("BTC"): Decimal(2),
    Asset("DOGE"): Decimal(1),
}


def paper_at(lab: Lab, venue: str, file: Path, *, fee_bps: Decimal | None = None, **changes: Any) -> PaperVenue:
    """A paper account kept in `file`, on the public data of a lab's venue."""
    paper = PaperSettings(file=file, deposits=DEPOSITS, taker_fee_bps=fee_bps)
    return PaperVenue(settings_for(venue, lab.venues[venue].url, {}, **changes), paper, WallClock())


def recomputed(file: Path) -> dict[str, Decimal]:
    """What the account should hold: its deposits and every trade, added up here and not by the code under test."""
    held: Counter[str] = Counter()
    with sqlite3.connect(file) as connection:
        for asset, amount in connection.execute("SELECT asset, amount FROM deposit"):
            held[asset] += Decimal(amount)  # type: ignore[assignment]
        rows = connection.execute("SELECT symbol, side, price, quantity, fee_asset, fee FROM trade").fetchall()
    connection.close()
    for symbol, side, price, quantity, fee_asset, fee in rows:
        base, quote = symbol.split("/")
        sign = 1 if side == "BUY" else -1
        held[base] += sign * Decimal(quantity)  # type: ignore[assignment]
        held[quote] -= sign * Decimal(quantity) * Decimal(price)  # type: ignore[assignment]
        held[fee_asset] -= Decimal(fee)  # type: ignore[assignment]
    return dict(held)
