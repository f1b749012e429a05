"""All that can go wrong with placing, at every protocol: the venues' truth is ours, and nothing is sent twice."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from router.app.execute import ExitCode
from router.drill.faults import NEVER_ARRIVES, PLACING, STREAMS
from router.drill.stand import ALL_SEATS, NIGHTLY_SEATS, UNFENCED, Seat
from router.model.ids import AccountId, ParentId
from router.model.orders import ChildState, ParentState
from tests.e2e.conftest import Stands
from tests.e2e.rig import Stand, order, quantity_of
from tests.e2e.truth import Agreement, assert_venues_agree
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


def pairs(faults: Iterable[str]) -> pytest.MarkDecorator:
    """Every fault at every seat by night; by day at every other seat, and every seat with every other fault."""
    return pytest.mark.parametrize(
        ("what", "seat"),
        [
            pytest.param(
                what,
                seat,
                marks=[] if seat in ALL_SEATS and (row + column) % 2 == 0 else [pytest.mark.nightly],
                id=f"{what}-{seat.name}",
            )
            for column, seat in enumerate([*ALL_SEATS, *NIGHTLY_SEATS])
            for row, what in enumerate(faults)
        ],
    )


@pairs(PLACING)
async def test_what_goes_wrong_with_an_order_is_settled_by_the_venue(stands: Stands, what: str, seat: Seat) -> None:
    """Filled once, one venue order per intent; where no rule can settle it, in doubt with everything still counted."""
    stand = await stands.sound(seat)
    await stand.fresh([seat])
    fault, params = PLACING[what]
    rule = await stand.control.inject(seat.name, fault, call="place", **params)
    parent_id = await stand.submit(order(_ref(what, seat), "0.4", venues={"include": [seat.name]}))
    try:
        if seat in UNFENCED and what in NEVER_ARRIVES:
            await _is_left_to_a_person(stand, parent_id, rule)
        else:
            assert await stand.ended(parent_id) is ParentState.FILLED
            await _is_filled_once(await assert_venues_agree(stand.control, stand.config.database_url), parent_id)
        assert await stand.fired(rule)
        assert stand.gate_open(seat)
    except BaseException:
        await stands.discard()
        raise
    if _is_full(stand, seat):
        await stands.discard()


@pairs(STREAMS)
async def test_what_goes_wrong_with_streams_changes_no_fill(stands: Stands, what: str, seat: Seat) -> None:
    """Reports are hints: killed, repeated, reordered or early, each fill is booked once and no venue is suspended."""
    stand = await stands.sound(seat)
    await stand.fresh([seat])
    fault, params = STREAMS[what]
    rule = await stand.control.inject(seat.name, fault, **params)
    parent_id = await stand.submit(order(_ref(what, seat), "0.4", venues={"include": [seat.name]}))
    try:
        assert await stand.ended(parent_id) is ParentState.FILLED
        await eventually(lambda: stand.fired(rule))
        await _is_filled_once(await assert_venues_agree(stand.control, stand.config.database_url), parent_id)
    except BaseException:
        await stands.discard()
        raise


def _ref(what: str, seat: Seat) -> str:
    return f"{what.replace(' ', '-')}_{seat.name}"


async def _is_filled_once(agreed: Agreement, parent_id: str) -> None:
    orders = agreed.orders_of(parent_id)
    assert quantity_of(orders) == Decimal("0.4")
    shut = [alert.detail for alert in agreed.ours.alerts if alert.kind == "GATE_CLOSED" and "alive" in alert.detail]
    assert not shut


def _is_full(stand: Stand, seat: Seat) -> bool:
    """Where few may be outstanding, what waits for a person rightly keeps the next order out."""
    state = stand.engine.driver.engine.state
    account = AccountId(f"{seat.name}/main")
    terms = state.terms(account)
    assert terms is not None
    return terms.outstanding_max is not None and state.blotter.outstanding(account) >= terms.outstanding_max


async def _is_left_to_a_person(stand: Stand, parent_id: ParentId, rule: int) -> None:
    """Neither a deadline nor a licence: no rule may decide, so nothing is resent and nothing is let go."""

    def quarantined() -> bool:
        parent = stand.parent(parent_id)
        blotter = stand.engine.driver.engine.state.blotter
        return parent is not None and [child.state for child in blotter.children_of(parent)] == [ChildState.QUARANTINED]

    await eventually(quarantined)
    executed = await stand.result(parent_id)
    assert executed.exit_code is ExitCode.IN_DOUBT
    agreed = await assert_venues_agree(stand.control, stand.config.database_url)
    assert agreed.orders_of(parent_id) == []
    [child] = agreed.ours.parent(parent_id).children
    assert (child.quantity, child.copies) == (Decimal("0.4"), 1)
    assert await stand.matched(rule) == 1
