"""Our own bug: a decision raises. The router halts and stays up; reading, settling and cancelling go on without it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from router.app.execute import ExitCode
from router.model.orders import ChildState, ParentState
from tests.e2e.desk import QUANTITY, Desk, desk_at, printed
from tests.e2e.rig import quantity_of
from tests.e2e.runner import Bug, Sor
from tests.e2e.truth import Ours, assert_venues_agree, read_ours
from tests.waiting import eventually

BUGS = pytest.mark.parametrize("bug", list(Bug))


@BUGS
async def test_a_bug_halts_and_the_rest_goes_on_after_a_resume(tmp_path: Path, bug: Bug) -> None:
    """Halted is durable, nothing new leaves, what is out is settled, a cancel works; a resume lets others trade."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk, serving(desk, bug) as driver:
        await _did(desk, "submit", "submit", "--order", str(desk.order("BUG1")))
        await _halted(desk, driver)
        await _did(desk, "submit-2", "submit", "--order", str(desk.order("OK1")))
        await eventually(lambda: _settled(desk))
        if bug is not Bug.AT_ONCE:
            await _did(desk, "cancel", "cancel", "BUG1")
            await eventually(lambda: _is(desk, "BUG1", ParentState.CANCELLED))
        await _never(desk, "OK1", ParentState.FILLED)
        await _did(desk, "resume", "resume", "mended")
        await eventually(lambda: _is(desk, "OK1", ParentState.FILLED))
        assert driver.process.is_alive(), driver.said()
        agreed = await assert_venues_agree(desk.control, desk.database_url)
        _no_loop(agreed.ours)
        filled = {
            detail.parent.ref_id: quantity_of(agreed.orders_of(detail.parent.id)) for detail in agreed.ours.parents
        }
        assert filled["OK1"] == QUANTITY
        assert filled.get("BUG1", Decimal(0)) < QUANTITY


@BUGS
async def test_a_halted_router_comes_up_halted_with_the_bug_still_in_it(tmp_path: Path, bug: Bug) -> None:
    """A restart does not clear the halt and does not run into the bug again; accounts are read and open."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        async with serving(desk, bug):
            await _did(desk, "submit", "submit", "--order", str(desk.order("BUG1")))
            await eventually(lambda: _halt_known(desk))
            await eventually(lambda: _settled(desk))
        async with serving(desk, bug, "again") as driver:
            await eventually(lambda: _opened_again(desk), within_s=90)
            await eventually(lambda: _settled(desk))
            run = desk.execute("ok", desk.order("OK1"), wait_s=2)
            assert await run.ended() == ExitCode.HALTED, run.said()
            assert driver.process.is_alive(), driver.said()
        agreed = await assert_venues_agree(desk.control, desk.database_url)
        _no_loop(agreed.ours)


async def test_execute_says_halted(tmp_path: Path) -> None:
    """Exit code 5, at once, and again until a person has resumed; then the same reference fills."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        first = desk.execute("first", desk.order("BUG1"), bug=Bug.FILLED)
        assert await first.ended() == ExitCode.HALTED, first.said()
        second = desk.execute("second", desk.order("BUG1"))
        assert await second.ended() == ExitCode.HALTED, second.said()
        await _did(desk, "resume", "resume", "mended")
        last = desk.execute("last", desk.order("BUG1"))
        assert await last.ended() == ExitCode.FILLED, last.said()
        assert Decimal(printed(last)["filled"]) == QUANTITY
        await assert_venues_agree(desk.control, desk.database_url)


async def test_a_reference_whose_first_decision_failed_has_an_end(tmp_path: Path) -> None:
    """The bug shows before the parent is there: exit code 1 with a reason, nothing sent, and the same for ever."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        order = desk.order("BUG1")
        for name, bug in (("first", Bug.AT_ONCE), ("second", Bug.AT_ONCE), ("mended", None)):
            run = desk.execute(name, order, bug=bug)
            assert await run.ended() == ExitCode.FAILED, run.said()
            assert printed(run)["state"] == ParentState.FAILED
        await _did(desk, "resume", "resume", "mended")
        other = desk.execute("other", desk.order("OK1"))
        assert await other.ended() == ExitCode.FILLED, other.said()
        ours = (await assert_venues_agree(desk.control, desk.database_url)).ours
        [failed] = [detail for detail in ours.parents if detail.parent.ref_id == "BUG1"]
        assert "internal error" in failed.parent.reason
        assert not failed.children
        _no_loop(ours)


@asynccontextmanager
async def serving(desk: Desk, bug: Bug, name: str = "serve") -> AsyncIterator[Sor]:
    driver = desk.sor(name, "serve", bug=bug)
    try:
        await eventually(lambda: driver.err.exists() and "recovered" in driver.err.read_text())
        yield driver
    finally:
        driver.process.terminate()
        assert await driver.ended() == 0, driver.said()


async def _did(desk: Desk, name: str, *arguments: str) -> None:
    run = desk.sor(name, *arguments)
    assert await run.ended() == 0, run.said()


async def _halt_known(desk: Desk) -> bool:
    ours = await read_ours(desk.database_url)
    return any(alert.kind.startswith("DECISION") for alert in ours.alerts)


async def _halted(desk: Desk, driver: Sor) -> None:
    await eventually(lambda: _halt_known(desk))
    assert driver.process.is_alive(), driver.said()


async def _settled(desk: Desk) -> bool:
    """Every child that left has ended."""
    ours = await read_ours(desk.database_url)
    return all(ChildState(child.state).ended for child in ours.children)


async def _opened_again(desk: Desk) -> bool:
    ours = await read_ours(desk.database_url)
    return sum(alert.kind == "GATE_OPENED" for alert in ours.alerts) >= 6


async def _is(desk: Desk, ref_id: str, state: ParentState) -> bool:
    ours = await read_ours(desk.database_url)
    return any(detail.parent.ref_id == ref_id and detail.parent.state == state for detail in ours.parents)


async def _never(desk: Desk, ref_id: str, state: ParentState) -> None:
    assert not await _is(desk, ref_id, state)
    ours = await read_ours(desk.database_url)
    assert not [child for detail in ours.parents if detail.parent.ref_id == ref_id for child in detail.children]


def _no_loop(ours: Ours) -> None:
    """One bug is one failed decision, or one for each answer that was under way: not one after another for ever."""
    failed = [alert for alert in ours.alerts if alert.kind.startswith("DECISION")]
    assert 1 <= len(failed) <= 6, len(failed)
