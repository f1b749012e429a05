"""While a parent works the market is remembered, and what was traded is what the venues say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.app.parts import Driving, Router
from router.app.recording import recording
from router.drill.stand import SEATS, set_books
from router.market_record.archive import Archive
from router.market_record.reading import Reader
from router.model.ids import InstrumentId
from tests.e2e.desk import desk_at, printed
from tests.e2e.rig import order, standing
from tests.waiting import eventually

BTC = InstrumentId("BTC/USD")
QUICK = {"change_ms": 50, "quiet_ms": 50, "write_ms": 500}


@asynccontextmanager
async def remembering(router: Router, engine: Driving) -> AsyncIterator[Archive]:
    """The record of it, to be read when it is over."""
    archive = Archive(router.config.database_url)
    async with recording(router, engine):
        yield archive


async def nothing_of_ours(_listings: object) -> tuple[()]:
    """All of it: what is ours is looked at elsewhere."""
    return ()


async def traded(stand: Any) -> dict[str, Decimal]:
    """Base volume by venue, as the venues have it."""
    symbols = {seat.name: next(iter(seat.symbols)) for seat in SEATS}
    prints = {name: await stand.control.prints(name, symbol) for name, symbol in symbols.items()}
    return {name: sum((Decimal(row["quantity"]) for row in rows), Decimal(0)) for name, rows in prints.items()}


async def test_what_was_traded_while_a_parent_worked_is_what_the_venues_say(tmp_path: Path) -> None:
    """Our own trades and strangers', over three venues; the best prices of each venue beside them, with their ages."""
    async with standing(tmp_path, market_record={**QUICK, "always": ["BTC/USD"]}) as stand:
        async with remembering(stand.router, stand.engine) as archive:
            await eventually(lambda: stand.router.clock.now() and all(_counted(stand.engine)))
            await eventually(lambda: _recorded(archive, 1))
            await stand.control.print_trade("kraken", "BTC/USD", "SELL", "0.25", "60000")
            await stand.ended(await stand.submit(order("R1", "1.2")))
            venues = await traded(stand)
            await eventually(lambda: _volumes_in(stand.engine) == venues)
            await asyncio.sleep(0.1)
        found = await Reader(archive).between(BTC, 0, 2**62)
        edges = (found.samples[0].at_ns, found.samples[-1].at_ns)
        told = await Reader(archive).volume(BTC, edges, nothing_of_ours)
        assert (await archive.verify()).breaks == ()
        await archive.close()

    assert {one.listing.partition("/")[0]: one.total.quantity for one in told} == venues
    assert not any(one.missing or one.unsplit for one in told)
    last = found.samples[-1]
    assert last.bid is not None
    assert last.ask is not None
    assert all(top.bid is not None and top.ask is not None and top.age_ns >= 0 for top in last.venues)
    assert {mark.asset for mark in last.fx} == {"USD", "USDT", "USDC"}


def _counted(engine: Driving) -> list[bool]:
    view = engine.market.view(BTC, Decimal(0), 0)  # type: ignore[arg-type]
    return [one.trades is not None for one in view.listings]


def _volumes_in(engine: Driving) -> dict[str, Decimal]:
    view = engine.market.view(BTC, Decimal(0), 0)  # type: ignore[arg-type]
    return {one.listing.venue: one.trades.quantity for one in view.listings if one.trades is not None}


async def _recorded(archive: Archive, blocks: int) -> bool:
    return (await archive.head()).seq >= blocks


@pytest.mark.nightly
async def test_an_order_from_the_shell_leaves_a_record_that_verifies(tmp_path: Path) -> None:
    """`sor execute` records while it drives; `sor verify` walks the record, and a block taken out of it fails."""
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with desk_at(tmp_path, url, market_record=QUICK) as desk:
        await set_books(desk.control, SEATS)
        assert await desk.execute("one", desk.order()).ended() == 0
        verified = desk.sor("verify", "verify", "--json")
        assert await verified.ended() == 0
        blocks = printed(verified)["market_record"]["blocks"]
        assert blocks >= 1

        await _take_out_a_block(url)
        tampered = desk.sor("tampered", "verify", "--json")
        assert await tampered.ended() == 1
        assert printed(tampered)["breaks"] == []
        assert len(printed(tampered)["market_record"]["breaks"]) == 1


async def _take_out_a_block(url: str) -> None:
    import sqlite3

    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        database.execute("DELETE FROM market_block WHERE seq = (SELECT max(seq) FROM market_block)")
