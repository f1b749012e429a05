"""Orders that ask for money, or for base after fees: never more than was asked, and by facts alone."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.engine import sizing
from router.model import events as e
from router.model import facts as f
from router.model.ids import Asset
from router.model.instruments import FeeIn
from router.model.orders import Fee, ParentState
from router.orders.counting import committed, filled
from router.orders.records import Parent
from tests.engine.desk import LIMITS, Desk

S = 1_000
MIN = 60 * S
DEEP = """
    kraken   bid  99.90 50
    kraken   ask 100.00 0.5
    kraken   ask 100.10 50
    binance  bid  99.80 50
    binance  ask 100.05 0.5
    binance  ask 100.20 50
"""


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market(DEEP)
    return desk


def value(desk: Desk, amount: str, policy: str = "SWEEP", **more: object) -> Parent:
    return desk.order("P1", policy, None, quote_value=amount, **more)


def spent(desk: Desk, parent: Parent) -> Decimal:
    return sum((filled(parent.order, child) for child in desk.engine.state.blotter.children_of(parent)), Decimal(0))


def test_a_buy_by_value_spends_no_more_than_its_children_may_cost(desk: Desk) -> None:
    """Even at its children's limits it costs no more than was asked; what they save is spent in the next round."""
    parent = value(desk, "200")

    assert desk.sent == ["binance buy 0.5 @ 100.05", "kraken buy 1.4982 @ 100.10"]
    assert committed(desk.engine.state.blotter, parent) == Decimal("199.99482")

    desk.accept("kraken")
    desk.found("kraken", "FILLED", "0.5@100.00#T1", "0.9982@100.10#T2")
    desk.fill("binance")

    assert desk.sent == ["kraken buy 0.0005 @ 100.00"]
    desk.fill("kraken")
    assert parent.state is ParentState.FILLED
    assert parent.reason == "filled within a lot: 0.00518 is left, and no venue here takes so little"


def test_what_the_first_round_saves_the_next_one_spends(desk: Desk) -> None:
    """Fills far better than the limit leave more than a lot's worth."""
    parent = value(desk, "200")
    desk.sent  # noqa: B018 - only the next round is looked at
    desk.accept("kraken")
    desk.found("kraken", "FILLED", "1.4982@90.00#T1")
    desk.fill("binance")

    assert desk.sent == ["kraken buy 0.1513 @ 100.00"]
    assert committed(desk.engine.state.blotter, parent) <= 200


def test_a_sale_by_value_stops_at_what_it_should_raise(desk: Desk) -> None:
    """At the best bid it raises no more than was asked; it ends within a lot."""
    parent = value(desk, "200", side="SELL")

    assert desk.sent == ["kraken sell 2.002 @ 99.90"]

    desk.fill("kraken")

    assert (parent.state, spent(desk, parent)) == (ParentState.FILLED, Decimal("199.9998"))
    assert "0.0002 is left" in parent.reason


def test_fees_are_part_of_what_is_spent_where_they_are_asked_to_be(desk: Desk) -> None:
    """100 bp on top: a buy of 101 with fees buys for 100."""
    desk.books.clear()
    desk.market("kraken ask 100.00 50 fee 100bp\nkraken bid 99.90 50")
    value(desk, "101", size_includes_fees=True)
    assert desk.sent == ["kraken buy 1 @ 100.00"]


def test_what_a_sale_raises_after_fees_takes_more_base(desk: Desk) -> None:
    """1 % goes to the venue: 99 after fees are 100 before them."""
    desk.books.clear()
    desk.market("kraken bid 100.00 50 fee 100bp\nkraken ask 100.10 50")
    value(desk, "99", side="SELL", size_includes_fees=True)
    assert desk.sent == ["kraken sell 1 @ 100.00"]


def fee_in_base(desk: Desk, venue: str = "kraken") -> None:
    book = desk.books[venue]
    desk.books[venue] = replace(book, listing=replace(book.listing, fee_in=FeeIn.RECEIVED))


def test_a_net_buy_trades_as_much_more_as_the_fee_in_base_takes(desk: Desk) -> None:
    """W2's rule: net / (1 - fee), up to the step; the most that may trade is fixed when it is accepted."""
    desk.books.clear()
    desk.market("kraken ask 100.00 50 fee 10bp\nkraken bid 99.90 50")
    fee_in_base(desk)
    parent = desk.order("P1", "SWEEP", "1", size_includes_fees=True)

    assert desk.sent == ["kraken buy 1.0011 @ 100.00"]
    assert (parent.order.quantity, parent.order.size) == (Decimal("1.0011"), Decimal(1))

    trade = replace(
        desk.trade("kraken", "1.0011@100.00#T1"), fees=(Fee(asset=Asset("BTC"), amount=Decimal("0.0010011")),)
    )
    desk.accept("kraken")
    found(desk, trade)

    assert parent.state is ParentState.FILLED
    assert spent(desk, parent) == Decimal("1.0000989")


def found(desk: Desk, *trades: object) -> None:
    from router.model.outcomes import Found

    done = sum((one.quantity for one in trades), Decimal(0))  # type: ignore[attr-defined]
    desk.looked_up(desk.child("kraken"), Found(order=desk.record("kraken", "FILLED", done), trades=trades))  # type: ignore[arg-type]


def test_a_net_sale_gives_away_no_more_with_its_fee(desk: Desk) -> None:
    """A fee taken in base on top of what is sold."""
    desk.books.clear()
    desk.market("kraken bid 100.00 50 fee 100bp\nkraken ask 100.10 50")
    book = desk.books["kraken"]
    desk.books["kraken"] = replace(book, listing=replace(book.listing, fee_in=FeeIn.BASE))
    desk.order("P1", "SWEEP", "1", side="SELL", size_includes_fees=True)
    assert desk.sent == ["kraken sell 0.99 @ 100.00"]


def test_a_schedule_by_value_spends_evenly_whatever_the_price_does(desk: Desk) -> None:
    """Four slices of 100: at twice the price half the base. A successor goes on where its predecessor was."""
    parent = value(desk, "400", "TWAP", duration="1h", params={"slices": 4})
    desk.later(8 * MIN)
    assert desk.sent == ["binance buy 0.4997 @ 100.05", "kraken buy 0.5 @ 100.00"]
    desk.fill("kraken")
    desk.fill("binance")
    ahead, successor = desk, desk.restarted()
    successor.start(epoch=2)
    for one in (ahead, successor):
        one.books.clear()
        one.market("kraken ask 200.00 50\nkraken bid 199.90 50")
        one.later(15 * MIN)
    assert ahead.sent == successor.sent == ["kraken buy 0.5 @ 200.00"]
    assert committed(ahead.engine.state.blotter, parent) <= 200


def test_a_share_of_volume_bounds_base_too(desk: Desk) -> None:
    """10 % of all volume: a ninth of what others traded, however much money is left."""
    for venue in ("kraken", "binance"):
        desk.printed(venue, "1000")
    value(desk, "100000", "POV", params={"target_rate": "0.1", "window": "1m"})
    desk.later(1)
    desk.printed("kraken", "1009")
    desk.later(MIN)
    assert sum(Decimal(one.split()[2]) for one in desk.sent) == Decimal("0.9991")


def test_the_largest_share_of_a_venue_is_one_of_the_money(desk: Desk) -> None:
    """Half of 100 at each."""
    value(desk, "100", max_share_per_venue="0.5")
    assert desk.sent == ["binance buy 0.4997 @ 100.05", "kraken buy 0.5 @ 100.00"]


def test_too_much_money_is_refused_at_the_door(desk: Desk) -> None:
    """The parent's limit is one of money as it stands."""
    parent = value(desk, str(LIMITS.parent_notional_max + 1))
    assert parent.reason == "quote_value: worth 1000001.00 at its limit, above the parent limit 1000000"


def test_money_that_buys_nothing_here_is_refused(desk: Desk) -> None:
    """With the least that can be bought."""
    parent = value(desk, "0.005", "TWAP", duration="1h", params={"slices": 1})
    assert (parent.state, parent.reason) == (ParentState.REJECTED, "quote_value: no venue here takes less than 0.02")


def test_the_size_of_such_an_order_is_not_amended(desk: Desk) -> None:
    """It stays as it was, and the row says why."""
    parent = value(desk, "400", "TWAP", duration="1h", params={"slices": 4})
    facts = desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", quantity=Decimal(9)))
    assert [fact.why for fact in facts if isinstance(fact, f.AmendRefused)] == [
        "base_quantity: the order is sized otherwise; only its limit_price and end_time can be amended"
    ]


def test_a_net_buy_that_was_charged_more_than_was_listed_ends_in_part(desk: Desk) -> None:
    """Seen in the simulation: all that it may ever trade was done, and it waited for the rest without end."""
    desk.books.clear()
    desk.market("kraken ask 100.00 50\nkraken bid 99.90 50")
    parent = desk.order("P1", "SWEEP", "1", size_includes_fees=True)
    assert desk.sent == ["kraken buy 1 @ 100.00"]
    trade = replace(desk.trade("kraken", "1@100.00#T1"), fees=(Fee(asset=Asset("BTC"), amount=Decimal("0.01")),))
    desk.accept("kraken")
    found(desk, trade)

    assert desk.sent == []
    assert parent.state is ParentState.DONE_PARTIAL
    assert parent.reason == "all that it may trade is done, 1 base: 0.01 is left of what was asked"


def test_risk_counts_a_child_as_the_fold_does(desk: Desk) -> None:
    """To the last digit, also where its mark has no end: what one lets pass the other must not find too much."""
    parent = desk.order("P1", "SWEEP", None, quote_value="300", limit_price="101")
    third = Decimal(1) / Decimal(3)

    counts = sizing.counts(parent.order, desk.books["kraken"], Decimal(1), Decimal(100), third)

    assert counts == Decimal("33.333333333334")


def test_a_fee_that_was_charged_counts_as_spent_where_it_was_asked_to(desk: Desk) -> None:
    """As booked, not as listed: the next round has so much less."""
    parent = desk.order("P1", "SWEEP", None, quote_value="50", size_includes_fees=True)
    desk.fill("kraken")

    child = desk.child("kraken")
    assert child.fee_quote == Decimal("0.01")
    assert filled(parent.order, child) == child.spent + child.fee_quote
