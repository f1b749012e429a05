"""What others traded: the live counters, the market record and the venues' own lists say the same."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from router.app.recording import recording
from router.cli.reading import reading
from router.cli.volume import recorded_volume, volume_report
from router.drill.stand import BINANCE, KRAKEN
from router.market_record.archive import Archive
from router.model import facts as f
from router.model.ids import InstrumentId, ParentId
from tests.e2e.rig import Stand, order, standing
from tests.e2e.truth import read_theirs
from tests.waiting import eventually

BTC = InstrumentId("BTC/USD")
SEATS = (BINANCE, KRAKEN)
RECORD = {"change_ms": 50, "quiet_ms": 50, "write_ms": 500, "always": ["BTC/USD"]}
POV = {"policy": "POV", "params": {"target_rate": "0.1", "window": "300ms"}, "duration": "60s"}


async def test_the_counters_the_record_and_the_venues_agree_on_what_others_traded(tmp_path: Path) -> None:
    """Over the window an order looked at: strangers' prints counted, ours taken off per tape, none from before it."""
    database_url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with standing(tmp_path, SEATS, database=database_url, market_record=RECORD) as stand:
        archive = Archive(database_url)
        async with recording(stand.router, stand.engine):
            await eventually(lambda: _counting(stand))
            await _strangers(stand, {"binance": "7", "kraken": "0.5"})
            await eventually(lambda: _printed(stand) == Decimal("7.5"))
            before = await _prints(stand)
            parent_id = await stand.submit(order("R1", "5", **POV))
            await eventually(lambda: _seen(stand, parent_id) is not None)
            await _strangers(stand, {"binance": "1", "kraken": "2"})
            await eventually(lambda: _filled(stand, parent_id) >= Decimal("0.33"))
            filled_ns = stand.router.clock.now()
            last = await eventually(lambda: _settled(stand, parent_id, filled_ns))
            await eventually(lambda: _recorded(archive, last.at_ns))
            after = await _prints(stand)
        await archive.close()
        ours = await _ours(stand)
        edges = (await _first_seen(stand, parent_id), last.at_ns)
        async with reading(stand.config) as seen:
            tapes, others = await recorded_volume(stand.config, seen, BTC, edges)

    report = volume_report(BTC, edges, tapes, others)
    truth = {venue: after[venue] - before[venue] - ours[venue] for venue in after}
    told = {one["listing"].partition("/")[0]: Decimal(one["others"]) for one in report["listings"]}
    assert truth == {"binance": 1, "kraken": 2}
    assert told == truth
    assert last.total == Decimal(report["total"]["others"]) == 3
    assert not last.gap
    assert report["whole"]
    assert Decimal(report["total"]["own"]) == sum(ours.values()) >= Decimal("0.33")


async def _strangers(stand: Stand, quantities: dict[str, str]) -> None:
    for seat in SEATS:
        [symbol] = seat.symbols
        await stand.control.print_trade(seat.name, symbol, "BUY", quantities[seat.name], "60000")


async def _prints(stand: Stand) -> dict[str, Decimal]:
    """Base volume by venue, as the venues have it: anybody's."""
    found = {}
    for seat in SEATS:
        [symbol] = seat.symbols
        rows = await stand.control.prints(seat.name, symbol)
        found[seat.name] = sum((Decimal(row["quantity"]) for row in rows), Decimal(0))
    return found


async def _ours(stand: Stand) -> dict[str, Decimal]:
    """What of it was our account's, as the venues have it."""
    found = await read_theirs(stand.control)
    return {name: sum((Decimal(row["quantity"]) for row in rows), Decimal(0)) for name, rows in found.trades.items()}


def _books(stand: Stand) -> Any:
    return stand.engine.market.view(BTC, Decimal(1), stand.router.clock.now()).listings


def _counting(stand: Stand) -> bool:
    return all(book.trades is not None for book in _books(stand))


def _printed(stand: Stand) -> Decimal:
    return sum((book.trades.quantity for book in _books(stand)), Decimal(0))


def _seen(stand: Stand, parent_id: ParentId) -> f.VolumeSeen | None:
    parent = stand.parent(parent_id)
    return None if parent is None else parent.volume


def _filled(stand: Stand, parent_id: ParentId) -> Decimal:
    parent = stand.parent(parent_id)
    return Decimal(0) if parent is None else stand.engine.driver.engine.state.blotter.filled(parent)


def _settled(stand: Stand, parent_id: ParentId, after_ns: int) -> f.VolumeSeen | None:
    """A reading of the tapes with every print of ours on them, and no child that may still make one."""
    seen = _seen(stand, parent_id)
    return seen if seen is not None and seen.at_ns > after_ns + 100_000_000 else None


async def _recorded(archive: Archive, until_ns: int) -> bool:
    return (await archive.head()).last_ns > until_ns


async def _first_seen(stand: Stand, parent_id: ParentId) -> int:
    """When the order began to count, from the journal."""
    rows = await stand.router.store.read(0, 10_000)
    facts = [fact for row in rows for fact in row.row.facts]
    return next(one.at_ns for one in facts if isinstance(one, f.VolumeSeen) and one.parent_id == parent_id)
