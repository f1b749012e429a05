"""One order's report, against truths that were put there."""

from dataclasses import replace
from decimal import Decimal

from router.model.ids import Asset, InstrumentId, Nanos, VenueId
from router.model.market import ListingView, MarketView
from router.model.money import fraction_of_bps
from router.model.orders import Fee
from router.model.side import Side
from router.tca.cost import OrderCost, measure
from router.tca.record import Blind, ChildSeen, DecisionSeen, FillSeen, Instant, OrderRecord, TapePiece
from router.tca.shortfall import Shortfall
from tests.split.markets import lid, market

SECOND = 1_000_000_000
USD, USDT = Asset("USD"), Asset("USDT")


def at(seconds: float) -> Nanos:
    return Nanos(int(seconds * SECOND))


def instant(seconds: float, mid: str, **marks: str) -> Instant:
    middle = Decimal(mid)
    known = {Asset(asset): Decimal(rate) for asset, rate in marks.items()}
    return Instant(at_ns=at(seconds), bid=middle - 1, ask=middle + 1, marks=known)


def fill(key: str, child: str, quantity: str, price: str, fee_bps: str = "0", seconds: float = 2) -> FillSeen:
    fee = Decimal(quantity) * Decimal(price) * fraction_of_bps(Decimal(fee_bps))
    return FillSeen(
        key=key,
        child=child,
        quantity=Decimal(quantity),
        price=Decimal(price),
        quote=USD,
        fees=(Fee(asset=USD, amount=fee),),
        maker=False,
        at_ns=at(seconds),
    )


def child(name: str, venue: str, quantity: str, planning_round: int = 1, *, left: bool = True) -> ChildSeen:
    return ChildSeen(
        id=name,
        round=planning_round,
        venue=VenueId(venue),
        listing_id=lid(venue),
        quantity=Decimal(quantity),
        limit_price=Decimal(1000),
        state="FILLED" if left else "REJECTED",
        left=left,
        copies=1,
        decided_ns=at(1),
        sent_ns=at(1) if left else None,
    )


def two_sided(text: str, bids: str) -> MarketView:
    """The asks of a market, with one bid each."""
    view = market(text)
    sides = market(bids, Side.SELL)
    listings: list[ListingView] = [
        replace(one, bids=other.bids) for one, other in zip(view.listings, sides.listings, strict=True)
    ]
    return replace(view, listings=tuple(listings))


VIEW = two_sided(
    "A BTC/USD fee=10 : 101x1 102x5\nB BTC/USD : 103x2",
    "A BTC/USD : 99x1\nB BTC/USD : 98x1",
)


def record(**changed: object) -> OrderRecord:
    plain = OrderRecord(
        ref_id="r1",
        parent_id="P1",
        instrument=InstrumentId("BTC/USD"),
        base=Asset("BTC"),
        reporting=USD,
        side=Side.BUY,
        quantity=Decimal(2),
        limit_price=None,
        policy="SWEEP",
        principal="desk",
        state="FILLED",
        reason="filled",
        decided_ns=at(0),
        ended_ns=at(3),
        decisions=(DecisionSeen(round=1, at_ns=at(1), due=Decimal(2), view=VIEW),),
        children=(child("a", "A", "2"),),
        fills=(fill("1", "a", "1", "101", "10"), fill("2", "a", "1", "102", "10")),
        instants=(instant(0, "100"), instant(1, "100"), instant(2, "100"), instant(3, "100")),
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def lines(found: Shortfall | None) -> dict[str, Decimal]:
    assert found is not None
    return {name: getattr(found, name) for name in ("delay", "trading", "fx", "opportunity", "fees", "total")}


def differs(changed: OrderCost) -> set[str]:
    """Which lines of the shortfall are others than without the change."""
    plain, other = lines(measure(record()).shortfall), lines(changed.shortfall)
    return {name for name in plain if plain[name] != other[name]} - {"total"}


def test_an_order_as_planned_costs_what_its_books_showed():
    """Spread, depth and fees, and nothing that anybody did wrong."""
    found = measure(record())
    [(number, attribution)] = found.attributions

    assert lines(found.shortfall) == {
        "delay": 0,
        "trading": 3,
        "fx": 0,
        "opportunity": 0,
        "fees": Decimal("0.203"),
        "total": Decimal("3.203"),
    }
    assert (number, attribution.routing, [one.slippage for one in attribution.venues]) == (1, 0, [0])
    assert attribution.liquidity == attribution.total == Decimal("3.203")
    assert found.sweep_to_fill_bps == 0
    assert found.flags == ()


def test_a_delay_of_known_size_is_the_delay():
    """The market was 0.5 lower when the order came than when it was first looked at."""
    found = measure(record(instants=(instant(0, "99.5"), *record().instants[1:])))

    assert differs(found) == {"delay"}
    assert lines(found.shortfall)["delay"] == 1
    assert [one.slippage for one in found.attributions[0][1].venues] == [0]


def test_phantom_liquidity_of_known_size_is_slippage_of_its_venue():
    """Half of A's first level was not there: 0.5 done at 104 in place of 101."""
    fills = (fill("1", "a", "0.5", "101", "10"), fill("2", "a", "1", "102", "10"), fill("3", "a", "0.5", "104", "10"))
    found = measure(record(fills=fills))
    [(_, attribution)] = found.attributions

    assert differs(found) == {"trading", "fees"}
    assert [one.slippage for one in attribution.venues] == [Decimal("1.5015")]
    assert (attribution.liquidity, attribution.routing) == (Decimal("3.203"), 0)


def test_a_fee_surprise_of_known_size_is_in_the_fees():
    """20 bps were taken where 10 were expected: nobody traded worse."""
    fills = (fill("1", "a", "1", "101", "20"), fill("2", "a", "1", "102", "20"))
    found = measure(record(fills=fills))

    assert differs(found) == {"fees"}
    assert lines(found.shortfall)["fees"] == Decimal("0.406")
    assert [one.slippage for one in found.attributions[0][1].venues] == [Decimal("0.203")]


def test_a_route_that_was_not_the_best_is_the_routing():
    """B at 103 in place of A at 102: each venue gave what it showed."""
    children = (child("a", "A", "1"), child("b", "B", "1"))
    found = measure(record(children=children, fills=(fill("1", "a", "1", "101", "10"), fill("2", "b", "1", "103"))))
    [(_, attribution)] = found.attributions

    assert [one.slippage for one in attribution.venues] == [0, 0]
    assert attribution.routing == Decimal("0.898")


def test_what_was_missed_is_opportunity():
    """Half of it done; the market ended 2 higher."""
    found = measure(record(fills=record().fills[:1], instants=(*record().instants[:3], instant(3, "102"))))

    assert lines(found.shortfall)["opportunity"] == 2
    assert found.executed_basis is not None
    assert found.executed_basis.total == lines(found.shortfall)["total"]


def test_a_fee_that_nobody_can_value_leaves_the_cost_unknown():
    """Not a little too low."""
    strange = replace(fill("3", "a", "1", "101"), fees=(Fee(asset=Asset("XYZ"), amount=Decimal(1)),))
    found = measure(record(fills=(strange,)))

    assert (found.shortfall, found.average, found.average_all_in) == (None, None, None)
    assert "a fill or a fee could not be valued: no cost is stated" in found.flags


def test_a_market_nobody_saw_is_never_made_up():
    """Markouts past the end of what was seen, and into a blind time, are not observed."""
    seen = tuple(instant(seconds, str(100 + seconds)) for seconds in range(14))
    found = measure(record(instants=seen, blind=(Blind(from_ns=at(2.5), to_ns=at(3.5)),)))
    by_horizon = {one.seconds: one.markout_bps for one in found.horizons}

    assert (by_horizon[1].seen, by_horizon[10].seen, by_horizon[60].seen) == (0, 2, 0)
    assert by_horizon[60].value is None
    assert by_horizon[10].of == 2


def test_the_tape_is_read_without_our_own_prints():
    """3 traded, 2 of them ours: the others paid 110."""
    piece = TapePiece(
        listing_id=lid("A"), quote=USD, from_ns=at(1), to_ns=at(3), quantity=Decimal(3), notional=Decimal(313)
    )
    found = measure(record(tape=(piece,)))
    prices = {one.name: one.price for one in found.benchmarks}

    assert prices["interval VWAP without own prints"] == 110
    assert found.participation is not None
    assert f"{found.participation:.4f}" == "0.6667"
    short = measure(record(tape=(replace(piece, quantity=Decimal(1), notional=Decimal(100)),)))
    assert "own prints are not all on the tape: no VWAP without them" in short.flags


def test_children_that_never_left_are_nobodys_rejects():
    """They were stopped at our own gate."""
    children = (child("a", "A", "2"), child("b", "B", "5", left=False))
    by_venue = {one.listing_id: one for one in measure(record(children=children)).venues}

    assert (by_venue[lid("A")].sent, by_venue[lid("A")].children) == (2, 1)
    assert (by_venue[lid("B")].sent, by_venue[lid("B")].children, by_venue[lid("B")].rejected) == (0, 0, 0)
