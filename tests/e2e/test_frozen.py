"""A process that stands still (a stopped machine, a long collection) and goes on as if nothing had happened."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.lab.faults import FaultKind
from router.app.parts import Router
from router.drill.stand import SEATS
from router.model.ids import ParentId
from router.model.orders import ParentState
from router.ports import Lease
from router.store.location import SqliteFile, locate
from tests.e2e.desk import DONE, Desk, assert_done_once, desk_at, printed
from tests.e2e.rig import Stand, order, quantity_of, standing
from tests.e2e.runner import Sor
from tests.e2e.truth import assert_venues_agree
from tests.waiting import eventually

LEASE_S = 0.4


@pytest.mark.parametrize("copies", [1, *(pytest.param(late, marks=pytest.mark.nightly) for late in (4, 7))])
async def test_frozen_past_its_lease_and_nobody_took_it(tmp_path: Path, copies: int) -> None:
    """It takes its right to drive anew before anything leaves, and fills the order."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        run = desk.execute("frozen", desk.order())
        await _frozen_after(desk, run, copies)
        await asyncio.sleep(1.5 * LEASE_S)
        run.send(signal.SIGCONT)
        assert await run.ended() in DONE, run.said()
        await assert_done_once(desk)


@pytest.mark.parametrize("copies", [pytest.param(1, marks=pytest.mark.nightly), 4])
async def test_frozen_while_another_took_over(tmp_path: Path, database_url: str, copies: int) -> None:
    """Its successor finishes the order; thawed, it sends nothing more, and prints what its successor printed."""
    async with desk_at(tmp_path, database_url) as desk:
        run = desk.execute("frozen", desk.order())
        await _frozen_after(desk, run, copies)
        successor = desk.execute("successor", desk.order())
        assert await successor.ended() in DONE, successor.said()
        run.send(signal.SIGCONT)
        assert await run.ended() in DONE, run.said()
        assert printed(run) == printed(successor)
        await assert_done_once(desk)


@pytest.mark.nightly
@pytest.mark.postgres
@pytest.mark.parametrize("delay_ms", range(0, 200, 10))
async def test_frozen_anywhere(tmp_path: Path, postgres_url: str, delay_ms: int) -> None:
    """In the middle of a transaction too: the server throws it out, and its successor has the order done."""
    async with desk_at(tmp_path, postgres_url) as desk:
        run = desk.execute("frozen", desk.order())
        await _frozen_after(desk, run, 1, delay_ms=delay_ms)
        successor = desk.execute("successor", desk.order())
        assert await successor.ended() in DONE, successor.said()
        run.send(signal.SIGCONT)
        await run.ended()
        await assert_done_once(desk)


async def test_nothing_leaves_while_the_lease_cannot_be_renewed(tmp_path: Path) -> None:
    """The journal can be written and the right to drive is in doubt: the order waits at the gate, and then fills."""
    slow = _SlowLease()
    async with standing(tmp_path, SEATS, around=slow.around) as stand:
        slow.renewable.clear()
        await asyncio.sleep(stand.config.timings.lease_ttl_ms / 1_000)
        parent_id = await stand.submit(order("R1", "1.2", params={"rounds_max": 40}))
        await eventually(lambda: _stopped_at_the_gate(stand, parent_id))
        await asyncio.sleep(0.3)  # in which dozens of rounds would be used up, if each were planned at once
        assert not [found for seat in SEATS for found in await stand.control.orders(seat.name)]
        parent = stand.parent(parent_id)
        assert parent is not None
        assert parent.rounds < 12
        slow.renewable.set()
        assert await stand.ended(parent_id) is ParentState.FILLED
        agreed = await assert_venues_agree(stand.control, stand.config.database_url)
        assert quantity_of(agreed.orders_of(parent_id)) == Decimal("1.2")


class _SlowLease:
    """The router's own store, but for renewals, which the database is slow to answer while told so."""

    def __init__(self) -> None:
        self.renewable = asyncio.Event()
        self.renewable.set()
        self._store: Any = None

    def around(self, router: Router) -> Router:
        self._store = router.store
        return replace(router, store=self)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def renew_lease(self, lease: Lease, ttl_ms: int) -> bool:
        await self.renewable.wait()
        renewed: bool = await self._store.renew_lease(lease, ttl_ms)
        return renewed


def _stopped_at_the_gate(stand: Stand, parent_id: ParentId) -> bool:
    """Children of more than one round came to the gate."""
    parent = stand.parent(parent_id)
    blotter = stand.engine.driver.engine.state.blotter
    return parent is not None and sum("lease" in child.reason for child in blotter.children_of(parent)) > 3


async def _frozen_after(desk: Desk, run: Sor, copies: int, delay_ms: int = 0) -> None:
    """Stopped with that many copies at the venues, their answers under way.

    A file that is locked stays locked until its process is gone, so there it is stopped outside of any transaction.
    """
    rule = await desk.control.inject("*", FaultKind.SLOW, call="place", times=None, delay_ms=150)

    async def sent() -> bool:
        return any(count["id"] == rule and count["matched"] >= copies for count in await desk.control.faults())

    await eventually(sent, every_s=0.005)
    await asyncio.sleep(delay_ms / 1_000)
    run.send(signal.SIGSTOP)
    while _locked(desk.database_url):
        run.send(signal.SIGCONT)
        await asyncio.sleep(0.002)
        run.send(signal.SIGSTOP)
    await desk.control.clear_faults()


def _locked(database_url: str) -> bool:
    """Is somebody in the middle of a transaction that writes to this file?"""
    location = locate(database_url)
    if not isinstance(location, SqliteFile):
        return False
    with closing(sqlite3.connect(location.path, timeout=0, isolation_level=None)) as file:
        try:
            file.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        file.execute("ROLLBACK")
        return False
