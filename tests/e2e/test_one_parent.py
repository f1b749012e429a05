"""One parent, nothing goes wrong: both sides tell the same story."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.lab.faults import FaultKind
from router.app.execute import ExitCode
from router.app.parts import Router
from router.drill.stand import ALL_SEATS, BINANCE
from router.model.orders import ParentState
from router.model.requests import Request, RequestState
from tests.e2e.desk import desk_at
from tests.e2e.rig import Stand, order, quantity_of, standing
from tests.e2e.truth import assert_venues_agree, read_ours
from tests.waiting import eventually


@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_a_parent_over_three_venues_is_what_the_venues_say(tmp_path: Path, database_url: str, side: str) -> None:
    """Venue trades at several prices, each booked once, fees and balances to the last digit."""
    async with standing(tmp_path, database=database_url) as stand:
        parent_id = await stand.submit(order("R1", "1.2", side))
        await stand.ended(parent_id)
        executed = await stand.result(parent_id)
        agreed = await assert_venues_agree(stand.control, database_url)
    assert executed.exit_code is ExitCode.FILLED
    orders = agreed.orders_of(parent_id)
    assert quantity_of(orders) == Decimal("1.2")
    assert {found["symbol"] for found in orders} == {"BTC/USDT", "BTC/USD"}


async def test_a_parent_that_finds_no_venue_waits_for_one(tmp_path: Path) -> None:
    """No venue can be reached when it comes: that is not the end of it. It fills once one can."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        await desk.control.inject("*", FaultKind.HTTP_5XX, call="markets", times=None)
        patient = desk.order(params={"rounds_max": 100, "round_wait_ms": 50})
        run = desk.execute("early", patient)
        await eventually(lambda: _planned_in_vain(desk.database_url))
        await desk.control.clear_faults()
        assert await run.ended() == ExitCode.FILLED, run.said()
        await assert_venues_agree(desk.control, desk.database_url)


async def _planned_in_vain(database_url: str) -> bool:
    ours = await read_ours(database_url)
    return any(len(detail.decisions) > 1 for detail in ours.parents)


async def test_lost_answers_are_settled_on_either_database(tmp_path: Path, database_url: str) -> None:
    """At each protocol the first answer is lost: found or proven absent, filled once, whatever holds the journal."""
    faults = (FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.CUT_BODY, FaultKind.HTML_200)
    async with standing(tmp_path, ALL_SEATS, database=database_url) as stand:
        for seat, fault in zip(ALL_SEATS, faults, strict=True):
            await stand.control.inject(seat.name, fault, call="place")
        parents = [
            await stand.submit(order(f"R_{seat.name}", "0.4", venues={"include": [seat.name]})) for seat in ALL_SEATS
        ]
        assert [await stand.ended(parent) for parent in parents] == [ParentState.FILLED] * len(parents)
        agreed = await assert_venues_agree(stand.control, database_url)
        assert [quantity_of(agreed.orders_of(parent)) for parent in parents] == [Decimal("0.4")] * len(parents)


async def test_a_request_that_a_late_reading_still_shows_is_taken_once(tmp_path: Path) -> None:
    """The table is read, the request is consumed, and only then does the reading come back and call it open."""
    late = _LateReading()
    async with standing(tmp_path, around=late.around) as stand:
        parents = [await stand.submit(order(f"R{number}", "0.3")) for number in range(3)]
        assert [await stand.ended(parent) for parent in parents] == [ParentState.FILLED] * len(parents)
        await eventually(lambda: late.told >= len(parents))
        await stand.submit(order("R9", "0.3"))
        await eventually(lambda: late.told > len(parents))
        agreed = await assert_venues_agree(stand.control, stand.config.database_url)
        assert not [alert for alert in agreed.ours.alerts if alert.kind.startswith(("HALT", "DECISION"))]


class _LateReading:
    """The router's own store, but a reading of the request table that found something answers after its consumption."""

    def __init__(self) -> None:
        self.told = 0
        self._store: Any = None
        self._found: tuple[Request, ...] = ()

    def around(self, router: Router) -> Router:
        self._store = router.store
        return replace(router, store=self)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def open_requests(self, limit: int) -> tuple[Request, ...]:
        earlier, self._found = self._found, ()
        for request in earlier:
            await eventually(lambda request=request: self._consumed(request))
        self.told += len(earlier)
        now = tuple(one for one in await self._store.open_requests(limit) if one not in earlier)
        self._found = now
        return (*earlier, *now)

    async def _consumed(self, request: Request) -> bool:
        stored = await self._store.asked(request.entity, request.kind, request.key)
        return stored.state is RequestState.CONSUMED


async def test_a_stream_lost_while_the_account_is_read_has_it_read_again(tmp_path: Path) -> None:
    """The read under way began before the loss: what happened in between is in the next one, not in half a minute."""
    async with standing(tmp_path, (BINANCE,)) as stand:
        for call in ("open_orders", "trades"):
            await stand.control.inject("binance", FaultKind.SLOW, call=call, times=None, delay_ms=320)
        reads = await stand.control.inject("binance", FaultKind.SLOW, call="balances", delay_ms=1)
        for number in (1, 2):
            await stand.control.inject("binance", FaultKind.WS_KILL, channel="private")
            await eventually(lambda number=number: _asked(stand, reads, number), within_s=10)
        await stand.control.clear_faults()


async def _asked(stand: Stand, rule: int, times: int) -> bool:
    return await stand.matched(rule) >= times
