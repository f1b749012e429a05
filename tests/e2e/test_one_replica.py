"""A venue that neither takes a deadline nor remembers an id: one driver, one order at a time, a wait between them."""

import signal
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from router.app.execute import ExitCode
from router.drill.stand import GEMINI, TERMS, UNLICENSED
from router.model.facts import ChildIntended, DriverStarted, GateMoved
from router.model.orders import ChildState
from router.store import open_store
from tests.e2e.desk import Desk, desk_at, printed
from tests.e2e.rig import quantity_of
from tests.e2e.runner import Moment, Point
from tests.e2e.truth import assert_venues_agree, read_ours
from tests.waiting import eventually

Z_MS = 3_000
SEATS = (replace(GEMINI, terms={**TERMS, "quarantine_after_ms": Z_MS}),)
REMEMBERS_UNASKED = (replace(UNLICENSED, terms={**TERMS, "quarantine_after_ms": Z_MS}),)
"""No deadline either; and no nonce that would turn a late copy away."""
QUANTITY = Decimal("0.6")
"""Two children under the cap on a child's worth."""
TIMINGS = {"lease_ttl_ms": 2_000, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 15}
"""A lease that a busy machine does not lose by the way."""


@pytest.mark.nightly
@pytest.mark.postgres
async def test_a_late_copy_is_found_and_nothing_new_goes_before_the_bound(tmp_path: Path, postgres_url: str) -> None:
    """It stood still past the last gate, and its copy leaves when it wakes: one order, one booking, then the rest."""
    async with desk_at(tmp_path, postgres_url, REMEMBERS_UNASKED) as desk:
        order = desk.order("R1", str(QUANTITY), params={"rounds_max": 100})
        still = desk.execute("still", order, moment=Moment(Point.PAST_THE_GATE))
        await eventually(still.stands_still)
        successor = desk.execute("successor", order)
        await eventually(lambda: _first_child_is(desk, ChildState.IN_DOUBT))
        assert await desk.control.orders(UNLICENSED.name) == []
        still.send(signal.SIGCONT)
        assert await successor.ended() == ExitCode.FILLED, successor.said()
        assert await still.ended() == ExitCode.FILLED, still.said()
        assert printed(still) == printed(successor)
        agreed = await assert_venues_agree(desk.control, desk.database_url)
        [parent] = agreed.ours.parents
        assert quantity_of(agreed.orders_of(parent.parent.id)) == QUANTITY
        await _the_rest_waited(desk)


@pytest.mark.nightly
@pytest.mark.postgres
@pytest.mark.parametrize("woken_at", [ChildState.IN_DOUBT, ChildState.QUARANTINED])
async def test_at_gemini_a_driver_that_wakes_makes_no_second_order(
    tmp_path: Path, postgres_url: str, woken_at: ChildState
) -> None:
    """Within the bound or after it: what it may have sent stays counted in full, and nothing is sent for it again.

    Its nonce is behind its successor's by then, so the late copy is turned away; nobody may count on that.
    """
    async with desk_at(tmp_path, postgres_url, SEATS) as desk:
        order = desk.order("R1", "0.3", params={"rounds_max": 100})
        still = desk.execute("still", order, moment=Moment(Point.PAST_THE_GATE), wait_s=8)
        await eventually(still.stands_still)
        successor = desk.execute("successor", order, wait_s=8)
        await eventually(lambda: _first_child_is(desk, woken_at))
        still.send(signal.SIGCONT)
        assert await successor.ended() == ExitCode.IN_DOUBT, successor.said()
        assert await still.ended() == ExitCode.IN_DOUBT, still.said()
        agreed = await assert_venues_agree(desk.control, desk.database_url)
        [parent] = agreed.ours.parents
        assert [child.state for child in parent.children] == [ChildState.QUARANTINED]
        assert agreed.orders_of(parent.parent.id) == []


@pytest.mark.nightly
async def test_nobody_stands_by_where_one_driver_only_is_allowed(tmp_path: Path) -> None:
    """The second is told by name, once the first has shown that it lives; the first drives on."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", SEATS, timings=TIMINGS) as desk:
        first = desk.sor("first", "serve")
        await eventually(lambda: first.err.exists() and "recovered" in first.err.read_text())
        second = desk.sor("second", "serve")
        assert await second.ended() == ExitCode.FAILED, second.said()
        assert "gemini allows one driver only" in second.said()
        assert "Traceback" not in second.said()
        first.send(signal.SIGTERM)
        assert await first.ended() == 0


async def _first_child_is(desk: Desk, state: ChildState) -> bool:
    children = (await read_ours(desk.database_url)).children
    return bool(children) and children[0].state == state


async def _the_rest_waited(desk: Desk) -> None:
    """By the journal's own time: from the take-over to the gate, and from the gate to the second child."""
    store = await open_store(desk.database_url, "lab")
    rows = [one.row for one in await store.read(0, 10_000)]
    await store.close()
    facts = [(row.stamped.at_ns, fact) for row in rows for fact in row.facts]
    taken_ns = next(at for at, fact in facts if isinstance(fact, DriverStarted) and fact.started.unreleased)
    opened_ns = next(at for at, fact in facts if isinstance(fact, GateMoved) and fact.open and at > taken_ns)
    assert opened_ns - taken_ns > Z_MS * 1_000_000
    assert not [fact for at, fact in facts if isinstance(fact, ChildIntended) and taken_ns <= at < opened_ns]
    assert [fact for at, fact in facts if isinstance(fact, ChildIntended) and at >= opened_ns]
