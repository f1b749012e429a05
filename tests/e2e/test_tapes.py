"""The main job on real markets: three recorded order books of 2024-08-08, parents of 5 and 40 bitcoin."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.lab.tapes import find_tapes
from router.cli.report import parent_report
from router.drill.stand import BINANCE, COINBASE, KRAKEN, lab_settings
from router.model.ids import ParentId
from router.model.market import ListingView
from router.model.money import exactly
from router.model.orders import ParentState
from router.store.queries import Explanation, Queries
from tests.e2e.rig import Stand, order, quantity_of, standing
from tests.e2e.truth import Agreement, assert_venues_agree

SEATS = (BINANCE, replace(KRAKEN, symbols={**KRAKEN.symbols, "USDT/USD": "USDT/USD"}), COINBASE)
FX = {"USDT": {"listings": ["kraken/main:USDT/USD"], "age_ms_max": 60_000, "depeg_bps_max": 100}}
INSTRUMENTS = ["BTC/USD", "USDT/USD"]


@pytest.fixture
def tapes(recorded_data: Path) -> str:
    folder = find_tapes(str(recorded_data))
    if folder is None:
        pytest.skip("the recordings of binance-3mkt are not in the data folder")
    return str(folder)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("quantity", ["5", "40"])
async def test_a_parent_on_recorded_markets(tmp_path: Path, tapes: str, quantity: str, side: str) -> None:
    """Filled, or every round that left something says why; fills at the venues, in the database, in the report: one."""
    async with _market(tmp_path, tapes) as stand:
        parent_id = await stand.submit(order("TAPE", quantity, side))
        await _judge(stand, parent_id)


@pytest.mark.parametrize(("quantity", "away"), [("5", "0"), ("40", "0"), ("40", "6"), ("40", "-100")])
async def test_a_limited_parent_on_recorded_markets(tmp_path: Path, tapes: str, quantity: str, away: str) -> None:
    """With a limit `away` from the best offer: what is within it is taken, what is left is beyond it."""
    async with _market(tmp_path, tapes) as stand:
        book = await stand.control.book("kraken", "BTC/USD", depth=1)
        limit = Decimal(book["asks"][0][0]) + Decimal(away)
        params = {"rounds_max": 3, "round_wait_ms": 50}
        parent_id = await stand.submit(order("TAPE", quantity, "BUY", limit_price=str(limit), params=params))
        await _judge(stand, parent_id)


def _market(folder: Path, tapes: str):
    lab = lab_settings(SEATS, static=False, tapes=tapes)
    return standing(folder, SEATS, lab, fx=FX, instruments=INSTRUMENTS)


async def _judge(stand: Stand, parent_id: ParentId) -> None:
    state = await stand.ended(parent_id, within_s=40)
    agreed = await assert_venues_agree(stand.control, stand.config.database_url)
    done = quantity_of(agreed.orders_of(parent_id))
    executed = await stand.result(parent_id)
    assert executed.detail is not None
    assert executed.detail.totals.quantity == done
    rounds = await _explained(stand.config.database_url, agreed, parent_id)
    report = parent_report(executed.detail, rounds)
    assert Decimal(report["filled"]) == done
    quantity = agreed.ours.parent(parent_id).parent.quantity
    assert Decimal(report["remaining"]) == quantity - done
    assert state is ParentState.FILLED or done < quantity
    for one in rounds:
        _residual_is_proven(one, agreed)


async def _explained(url: str, agreed: Agreement, parent_id: ParentId) -> list[Explanation]:
    queries = Queries(url)
    try:
        asked = [
            await queries.explain(parent_id, decision.round) for decision in agreed.ours.parent(parent_id).decisions
        ]
    finally:
        await queries.close()
    return [explanation for explanation in asked if explanation is not None]


def _residual_is_proven(one: Explanation, agreed: Agreement) -> None:
    """The plan and its residual are all that was due; what is left has a reason, and the stored view bears it out."""
    view, planned = one.view, one.planned
    assert view is not None
    with exactly():
        sent = sum((child.quantity for child in planned.children), Decimal(0))
        assert sent + planned.residual == planned.due
    if not planned.residual:
        return
    assert planned.residual_reason
    parent = agreed.ours.parent(planned.parent_id).parent
    if planned.residual < min(_smallest(book) for book in view.listings):
        assert "dust" in planned.residual_reason
        return
    excluded = {exclusion.listing_id: exclusion.reason for exclusion in planned.exclusions}
    for book in view.listings:
        if book.listing.quote not in {"USD", "USDT"} or book.unusable is not None:
            assert excluded[book.listing.id]
            continue
        rate = view.fx_rate(book.listing.quote)
        assert rate is not None
        taken = sum((child.quantity for child in planned.children if child.listing_id == book.listing.id), Decimal(0))
        assert _within(book, rate, parent.side, parent.limit_price) - taken < _smallest(book), (book.listing.id, one)


def _within(book: ListingView, rate: Decimal, side: str, limit: Decimal | None) -> Decimal:
    """What the book shows within the limit, in base."""
    levels = book.asks if side == "BUY" else book.bids
    with exactly():
        return sum(
            (
                level.size
                for level in levels
                if limit is None or (level.price * rate <= limit if side == "BUY" else level.price * rate >= limit)
            ),
            Decimal(0),
        )


def _smallest(book: ListingView) -> Decimal:
    """Below this the listing takes no order."""
    listing = book.listing
    price = (book.asks or book.bids)[0].price
    return max(listing.min_quantity, listing.step, listing.min_notional / price + listing.step)
