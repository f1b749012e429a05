"""`sor reconcile ACCOUNT`: the account as it is now, through the driver that runs, or by itself where none does."""

import json
import signal
from pathlib import Path
from typing import Any

from connectors.lab.faults import Call, FaultKind
from router.app.execute import result, submit
from router.app.exits import ExitCode
from router.app.parts import Router, opened
from router.config import load
from router.model.ids import ParentId
from router.model.orders import ParentState
from router.store import JournalStore, open_store
from tests.cli.test_beside_a_driver import TIMINGS, said
from tests.e2e.desk import Desk, desk_at
from tests.e2e.rig import KRAKEN, archived, archiving_soon, books_seen, driving, order, watched
from tests.waiting import eventually


async def told(desk: Desk, *more: str) -> tuple[int | None, Any]:
    """Exit code and the report."""
    code, text = await said(desk, "reconcile", "kraken/main", "--json", *more)
    return code, json.loads(text)


async def rows(desk: Desk) -> int:
    """How long the journal is."""
    store = await open_store(desk.database_url, "lab")
    try:
        return store.last_seq
    finally:
        await store.close()


async def test_an_account_is_held_against_the_books_with_and_without_a_driver(tmp_path: Path) -> None:
    """It agrees; money that came without a word is told, by itself without a trace, by the driver journaled."""
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with desk_at(tmp_path, url, [KRAKEN], timings=TIMINGS, limits={}) as desk:
        code, text = await said(desk, "reconcile", "kraken/main")
        assert (code, text) == (ExitCode.BAD_INPUT, "")
        assert await desk.execute("first", desk.order(quantity="0.3")).ended() == ExitCode.FILLED
        before = await rows(desk)
        code, report = await told(desk)
        assert (code, report["driver"], report["differs"], report["gate"]) == (ExitCode.OK, False, [], "open")
        assert report["agrees"]["trades"] > 0
        assert {"BTC", "USD"} <= set(report["agrees"]["assets"])
        assert report["a_driver_would"] == []

        await desk.control.deposit("kraken", "USD", "5", listed=False)
        code, report = await told(desk)
        assert (code, [one["what"] for one in report["differs"]]) == (ExitCode.FAILED, ["balance, seen once"])
        assert report["a_driver_would"] == ["USD: note 5 as odd, until the next reading"]
        assert await rows(desk) == before

        assert await _left_behind(desk)

        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "gate opened" in driver.err.read_text())
        code, report = await told(desk)
        assert (code, report["driver"]) == (ExitCode.FAILED, True)
        assert [one["detail"].rpartition(", ")[2] for one in report["differs"]] == ["5 of it unexplained"]
        gift = ("kraken", "USD", "5", "--reason", "a gift", "--key", "gift")
        assert (await said(desk, "balances", "acknowledge", *gift))[0] == ExitCode.OK
        code, report = await told(desk)
        assert (code, report["differs"]) == (ExitCode.OK, [])
        driver.send(signal.SIGTERM)
        assert await driver.ended() == 0


async def _left_behind(desk: Desk) -> bool:
    """A driver died: after a reading the next one may drive at once, and still learns of it."""
    store = await open_store(desk.database_url, "lab")
    try:
        dead = await store.take_lease("dead", 1)
        assert dead is not None
        await eventually(lambda: _free(store))
        assert (await told(desk))[0] == ExitCode.FAILED
        following = await store.take_lease("next", 1_000)
        assert following is not None
        await store.release_lease(following)
        return following.unreleased and following.epoch == dead.epoch + 1
    finally:
        await store.close()


async def _free(store: JournalStore) -> bool:
    return await store.holder() is None


async def test_a_driver_that_comes_up_meanwhile_is_asked(tmp_path: Path) -> None:
    """A reading keeps nobody from driving, and is given up for theirs."""
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with desk_at(tmp_path, url, [KRAKEN], timings=TIMINGS, limits={}) as desk:
        assert await desk.execute("first", desk.order(quantity="0.3")).ended() == ExitCode.FILLED
        await desk.control.inject("kraken", FaultKind.SLOW, call=Call.BALANCES, times=None, delay_ms=19_000)
        asking = desk.sor("asking", "reconcile", "kraken/main", "--json", "--wait", "120")
        await eventually(lambda: _slowed(desk))
        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "recovered" in driver.err.read_text())
        await desk.control.clear_faults()
        assert await asking.ended() == ExitCode.OK
        assert json.loads(asking.out.read_text())["driver"] is True
        driver.send(signal.SIGTERM)
        assert await driver.ended() == 0


async def _slowed(desk: Desk) -> bool:
    return any(one["fired"] for one in await desk.control.faults())


async def test_what_a_parent_that_left_the_state_traded_is_ours(tmp_path: Path) -> None:
    """Without a driver, too: its fills are in the books, nobody else traded, and a driver would do nothing about it."""
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with desk_at(tmp_path, url, [KRAKEN], timings=TIMINGS) as desk:
        await _archived(desk)
        code, report = await told(desk)
        assert (code, report["driver"], report["differs"], report["gate"]) == (ExitCode.OK, False, [], "open")
        trades = report["agrees"]["trades"]
        assert trades > 0
        assert report["a_driver_would"] == []

        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "gate opened" in driver.err.read_text())
        code, report = await told(desk)
        assert (code, report["driver"], report["differs"]) == (ExitCode.OK, True, [])
        assert report["agrees"]["trades"] == trades
        driver.send(signal.SIGTERM)
        assert await driver.ended() == 0


async def _archived(desk: Desk) -> None:
    """An order that was done, and left the state."""
    async with opened(load(desk.config), watched()) as usual:
        router = archiving_soon(usual)
        async with driving(router) as (engine, _):
            await books_seen(engine)
            parent_id = await submit(router, order("R1", "0.3"), "desk")
            await eventually(lambda: _over(router, parent_id))
        await archived(router, parent_id)


async def _over(router: Router, parent_id: ParentId) -> bool:
    detail = (await result(router, parent_id)).detail
    return detail is not None and ParentState(detail.parent.state).ended
