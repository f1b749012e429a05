"""Policies over real sockets: what left, when, and the venues' own record of it."""

import asyncio
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from router.cli import tables
from router.cli.report import parent_report
from router.drill.stand import BINANCE, KRAKEN
from router.engine import timers
from router.model.events import TimerFired
from router.model.ids import InstrumentId, Nanos
from router.model.orders import ParentState
from router.model.requests import RequestKind, RequestState
from router.requests import (
    AmendBody,
    CancelBody,
    PauseBody,
    amend_request,
    cancel_request,
    order_request,
    pause_request,
)
from router.requests.bodies import parse
from router.requests.curves import CurveBody, curve_text
from router.requests.orders import order_written
from tests.e2e.rig import Stand, order, quantity_of, standing
from tests.e2e.truth import assert_venues_agree
from tests.waiting import eventually

CURVE = {"curve_id": "c", "curve_asof": "2026-01-31", "built_from": "a test", "weekday": ["1"], "weekend": ["1"]}
NAMED = {"curve_id": "c", "curve_asof": "2026-01-31"}
ORDERS: dict[str, dict[str, Any]] = {
    "BEST_SINGLE": {},
    "TWAP": {"duration": "2s", "params": {"slices": 3}, "must_complete": True, "randomize": {}},
    "VWAP": {"duration": "2s", "params": {"slice_interval": "500ms", **NAMED}, "must_complete": True},
    "IS": {"duration": "2s", "params": {"slices": 4, "urgency": "HIGH"}, "must_complete": True},
    "SNIPER": {"params": {"trigger_price": "70000", "min_quantity": "0.05", "look_every_ms": 200}},
}


async def test_each_taking_policy_fills_what_it_was_given(tmp_path: Path) -> None:
    """All at once on one driver; the venues' records agree with ours to the last digit. VWAP by a stored curve."""
    database_url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with standing(tmp_path, database=database_url) as stand:
        await stand.router.store.keep_curve("c", "2026-01-31", curve_text(parse(CurveBody, CURVE)), Nanos(1))
        stray = order(
            "R_STRAY", "0.1", policy="VWAP", **ORDERS["VWAP"] | {"params": NAMED | {"slices": 2, "curve_id": "d"}}
        )
        entity, asked_ns = stand.router.config.entity, stand.router.clock.now()
        await stand.router.store.ask(order_request(stray, entity=entity, principal="e2e", asked_ns=asked_ns))
        parents = {
            policy: await stand.submit(order(f"R_{policy}", "0.1", policy=policy, **fields))
            for policy, fields in ORDERS.items()
        }
        ends = {policy: await stand.ended(parent_id) for policy, parent_id in parents.items()}
        agreed = await assert_venues_agree(stand.control, database_url)
        vwap = stand.parent(parents["VWAP"])
        asked = await stand.router.store.asked(entity, RequestKind.PARENT, "R_STRAY")
        shown = (await stand.result(parents["VWAP"])).detail

    assert asked is not None
    assert asked.state is RequestState.CONSUMED  # by a curve nobody stored: refused, and the driver goes on
    assert len(agreed.ours.parents) == len(ORDERS)
    assert vwap is not None
    assert order_written(vwap.order)["params"]["curve"] == CURVE | {"instrument": None, "days_used": []}
    assert shown is not None
    report = parent_report(shown, ())
    assert report["warnings"][-1] == "curve c of 2026-01-31 does not say which days it was built from"
    screen = Console(file=io.StringIO(), width=200)
    screen.print(tables.parent(report))
    assert report["warnings"][-1] in screen.file.getvalue()  # type: ignore[attr-defined]
    assert ends == dict.fromkeys(ORDERS, ParentState.FILLED)
    for parent_id in parents.values():
        assert quantity_of(agreed.orders_of(parent_id)) == Decimal("0.1")
    sent = {policy: len(agreed.orders_of(parent_id)) for policy, parent_id in parents.items()}
    assert min(sent["TWAP"], sent["VWAP"], sent["IS"]) >= 2  # a slow machine may miss a slice, and make up for it
    assert sent["BEST_SINGLE"] == 1


async def test_an_order_that_waits_for_a_price_is_woken_by_the_book_that_has_it(tmp_path: Path) -> None:
    """Its own next look is an hour away: it fills as soon as a venue shows its price."""
    database_url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with standing(tmp_path, (KRAKEN,), database=database_url) as stand:
        params = {"trigger_price": "50000", "min_quantity": "0.1", "look_every_ms": 3_600_000}
        parent_id = await stand.submit(order("R1", "0.1", policy="SNIPER", params=params))
        await eventually(lambda: timers.parent(parent_id) in stand.engine.driver.engine.state.timers)
        await eventually(lambda: stand.engine.market.watched)
        await asyncio.sleep(0.1)  # who begins to watch looks once: this is about what moves after that
        [symbol] = KRAKEN.symbols
        asks = [("49990", "5"), ("50010", "5")]
        await stand.control.set_book("kraken", symbol, bids=[("49900", "5")], asks=asks)
        end = await stand.ended(parent_id)
        rows = await stand.router.store.read(0, 10_000)
        agreed = await assert_venues_agree(stand.control, database_url)

    assert end is ParentState.FILLED
    assert quantity_of(agreed.orders_of(parent_id)) == Decimal("0.1")
    fired = [row.row.stamped.event for row in rows if isinstance(row.row.stamped.event, TimerFired)]
    assert TimerFired(timer_id=timers.parent(parent_id)) in fired  # an hour early: nothing else can have done it


async def test_an_order_rests_fills_by_what_others_trade_and_is_taken_off(tmp_path: Path) -> None:
    """Post-only in the venue's own words; a stranger's trade fills it; what is cancelled leaves no order behind."""
    database_url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with standing(tmp_path, (BINANCE, KRAKEN), database=database_url) as stand:
        fields = {"policy": "LIMIT_OR_BETTER", "limit_price": "59000"}
        filled = await stand.submit(order("R1", "0.1", **fields))
        first = await eventually(lambda: _stands(stand, filled))
        [symbol] = next(seat for seat in (BINANCE, KRAKEN) if seat.name == first.order.venue).symbols
        assert first.order.post_only
        await stand.control.print_trade(first.order.venue, symbol, "SELL", "0.1", "58000")
        assert await stand.ended(filled) is ParentState.FILLED

        stopped = await stand.submit(order("R2", "0.1", **fields))
        await eventually(lambda: _stands(stand, stopped))
        asked_ns, entity = stand.router.clock.now(), stand.router.config.entity
        stop = cancel_request(parse(CancelBody, {"ref_id": "R2"}), entity=entity, principal="e2e", asked_ns=asked_ns)
        await stand.router.store.ask(stop)
        assert await stand.ended(stopped) is ParentState.CANCELLED
        agreed = await assert_venues_agree(stand.control, database_url)

    assert quantity_of(agreed.orders_of(filled)) == Decimal("0.1")
    assert quantity_of(agreed.orders_of(stopped)) == 0


def _stands(stand: Stand, parent_id: Any) -> Any:
    """The child of this parent that is known to stand."""
    parent = stand.parent(parent_id)
    children = () if parent is None else stand.engine.driver.engine.state.blotter.children_of(parent)
    return next((child for child in children if child.stands), None)


@pytest.mark.nightly
async def test_pov_follows_the_prints_of_the_venues(tmp_path: Path) -> None:
    """Three bitcoin of others at two venues make a third of one of ours; our own prints make none."""
    database_url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with standing(tmp_path, (BINANCE, KRAKEN), database=database_url) as stand:
        fields = {"policy": "POV", "params": {"target_rate": "0.1", "window": "500ms"}, "duration": "60s"}
        await eventually(lambda: _counted(stand) == 2)
        parent_id = await stand.submit(order("R1", "5", **fields))
        await eventually(lambda: (parent := stand.parent(parent_id)) is not None and parent.volume is not None)
        for venue, quantity in ((BINANCE, "1"), (KRAKEN, "2")):
            [symbol] = venue.symbols
            await stand.control.print_trade(venue.name, symbol, "BUY", quantity, "60000")
        await eventually(lambda: _filled(stand, parent_id) >= Decimal("0.33"))
        before = stand.parent(parent_id)
        assert before is not None
        assert before.volume is not None
        seen_ns = before.volume.at_ns
        await eventually(lambda: _counted_since(stand, parent_id, seen_ns + 1_500_000_000))
        assert Decimal("0.33") <= _filled(stand, parent_id) <= Decimal("0.33334")
        stop = parse(CancelBody, {"ref_id": "R1"})
        asked_ns = stand.router.clock.now()
        entity = stand.router.config.entity
        await stand.router.store.ask(cancel_request(stop, entity=entity, principal="e2e", asked_ns=asked_ns))
        await stand.ended(parent_id)
        await assert_venues_agree(stand.control, database_url)


def _counted(stand: Stand) -> int:
    view = stand.engine.market.view(InstrumentId("BTC/USD"), Decimal(1), stand.router.clock.now())
    return sum(1 for book in view.listings if book.trades is not None)


def _counted_since(stand: Stand, parent_id: Any, at_ns: int) -> bool:
    parent = stand.parent(parent_id)
    return parent is not None and parent.volume is not None and parent.volume.at_ns > at_ns


@pytest.mark.nightly
async def test_an_order_is_paused_amended_and_goes_on(tmp_path: Path) -> None:
    """By requests at the table, as the commands make them: it waits, and then does as much as it was cut to."""
    database_url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with standing(tmp_path, database=database_url) as stand:
        fields = {"duration": "12s", "params": {"slice_interval": "500ms"}, "must_complete": True}
        parent_id = await stand.submit(order("R1", "0.8", policy="TWAP", **fields))
        await eventually(lambda: _filled(stand, parent_id) > 0)
        await _ask(stand, parse(PauseBody, {"ref_id": "R1"}))
        await eventually(lambda: _state(stand, parent_id) is ParentState.PAUSED)
        await eventually(lambda: _quiet(stand, parent_id))
        done = _filled(stand, parent_id)

        await _ask(stand, parse(AmendBody, {"ref_id": "R1", "base_quantity": "0.5"}))
        await eventually(lambda: str(stand.engine.driver.engine.state.parent(parent_id).order.quantity) == "0.5")
        assert _filled(stand, parent_id) == done
        await _ask(stand, parse(PauseBody, {"ref_id": "R1"}), resume=True)
        end = await stand.ended(parent_id, within_s=40)
        agreed = await assert_venues_agree(stand.control, database_url)

    assert end is ParentState.FILLED
    assert quantity_of(agreed.orders_of(parent_id)) == Decimal("0.5")


def _filled(stand: Stand, parent_id: Any) -> Any:
    parent = stand.parent(parent_id)
    return 0 if parent is None else stand.engine.driver.engine.state.blotter.filled(parent)


def _state(stand: Stand, parent_id: Any) -> ParentState:
    parent = stand.parent(parent_id)
    assert parent is not None
    return parent.state


def _quiet(stand: Stand, parent_id: Any) -> bool:
    parent = stand.parent(parent_id)
    assert parent is not None
    return all(child.state.ended for child in stand.engine.driver.engine.state.blotter.children_of(parent))


async def _ask(stand: Stand, body: PauseBody | AmendBody, *, resume: bool = False) -> None:
    router = stand.router
    asked_ns = router.clock.now()
    if isinstance(body, AmendBody):
        request = amend_request(body, entity=router.config.entity, principal="e2e", asked_ns=asked_ns)
    else:
        request = pause_request(body, resume=resume, entity=router.config.entity, principal="e2e", asked_ns=asked_ns)
    await router.store.ask(request)
    await asyncio.sleep(0)
