"""Conservation by the engine's own decisions: what is a difference, when it is one, and what follows."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model import facts as f
from router.model.balances import Movement
from router.model.commands import ReadAccount
from router.model.events import DifferenceAcknowledged, StreamRestored
from router.model.ids import Asset, Nanos, TradeId, VenueOrderId
from router.model.orders import Fee, VenueTrade
from router.model.outcomes import Found, Lost
from router.model.side import Side
from router.model.terms import ConservationTerms
from tests.engine.desk import MS, Desk, account, terms

KRAKEN = account("kraken")
LAG_MS = 110
"""A little more than the read lag of these venues."""


@pytest.fixture
def desk() -> Desk:
    """One venue, whose account was read while nothing moved."""
    made = Desk(venues=(terms("kraken"),)).start(read=False)
    made.market("kraken ask 100.00 2.0")
    read(made, "1000", "10")
    return made


def read(desk: Desk, usd: str, btc: str, *movements: Movement, others: tuple = (), **more: str) -> None:  # type: ignore[type-arg]
    """A reading a read lag later than whatever was before."""
    desk.later(LAG_MS)
    desk.wanted(ReadAccount)
    desk.read(KRAKEN, holds={"USD": usd, "BTC": btc, **more}, movements=movements, trades=others)


def found(desk: Desk) -> dict[str, str]:
    """What stands there unexplained."""
    return {asset: str(off) for asset, off in desk.engine.state.ledgers[KRAKEN].unexplained.items()}


def moved(desk: Desk, key: str, asset: str, amount: str) -> Movement:
    return Movement(key=key, asset=Asset(asset), amount=Decimal(amount), at_ns=desk.now_ns, kind="deposit")


def gate(desk: Desk) -> str:
    """Why the account is shut, or that it is open."""
    now = desk.engine.state.gates[KRAKEN]
    return "open" if now.open else now.reason


def test_a_fill_and_its_fee_are_explained(desk: Desk) -> None:
    """100 for one coin, and a cent for the venue."""
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    desk.found("kraken", "FILLED", "1@100.00#T1")

    read(desk, "899.99", "11")
    read(desk, "899.99", "11")

    assert found(desk) == {}
    assert not [fact for fact in desk.facts if isinstance(fact, f.HoldingJudged) and fact.difference]


@pytest.mark.parametrize(("usd", "off"), [("899.98", "-0.01"), ("900", "0.01")])
def test_a_fee_that_was_booked_wrong_is_found(desk: Desk, usd: str, off: str) -> None:
    """By a cent: the smallest amount this account counts in."""
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    desk.found("kraken", "FILLED", "1@100.00#T1")
    read(desk, usd, "11")
    read(desk, usd, "11")

    assert found(desk) == {"USD": off}


def test_what_is_gone_shuts_the_account_when_it_is_still_gone_at_the_next_reading(desk: Desk) -> None:
    """And opens it again once somebody has explained it. Seen once it is a suspicion only."""
    read(desk, "1000", "9.5")
    assert (found(desk), gate(desk)) == ({}, "open")
    assert desk.engine.state.ledgers[KRAKEN].suspected == {"BTC": Decimal("-0.5")}

    read(desk, "1000", "9.5")
    assert (found(desk), gate(desk)) == ({"BTC": "-0.5"}, "0.5 BTC less than our books explain")

    desk.tell(
        DifferenceAcknowledged(
            account=KRAKEN, asset=Asset("BTC"), amount=Decimal("-0.5"), reason="cold", principal="jane"
        )
    )
    assert desk.wanted(ReadAccount)
    read(desk, "1000", "9.5")
    assert (found(desk), gate(desk)) == ({}, "open")


def test_what_is_too_much_is_told_and_traded_on(desk: Desk) -> None:
    """Unless the settings say otherwise: nobody loses by a coin that came from nowhere."""
    for _ in range(3):
        read(desk, "1000", "10.5")

    assert (found(desk), gate(desk)) == ({"BTC": "0.5"}, "open")
    assert sum(isinstance(fact, f.HoldingJudged) and fact.stays for fact in desk.facts) == 1


def test_the_settings_may_shut_or_warn_either_way(desk: Desk) -> None:
    """As an operator prefers."""
    state = desk.engine.state
    lax = ConservationTerms(shut_on_minus=False, shut_on_plus=True, tolerance=((Asset("USD"), Decimal(5)),))
    state.started = replace(state.settings, conservation=lax)
    for _ in range(2):
        read(desk, "995", "9.5")
    assert (found(desk), gate(desk)) == ({"BTC": "-0.5"}, "open")

    for _ in range(2):
        read(desk, "1000", "10.5")
    assert gate(desk) == "0.5 BTC more than our books explain"


def test_a_suspicion_asks_for_the_venues_list_and_a_listed_movement_ends_it(desk: Desk) -> None:
    """Counted once; a withdrawal that fails later is taken back."""
    read(desk, "1000", "9")
    desk.later(LAG_MS)
    assert [one.movements for one in desk.wanted(ReadAccount)] == [True]  # type: ignore[union-attr]

    gone = moved(desk, "w1", "BTC", "-1")
    read(desk, "1000", "9", gone)
    read(desk, "1000", "9", gone)
    assert found(desk) == {}
    read(desk, "1000", "10", replace(gone, amount=Decimal(0)))
    read(desk, "1000", "10")
    assert (found(desk), gate(desk)) == ({}, "open")


def test_movements_from_before_the_books_were_opened_are_in_them_already() -> None:
    """The first reading names them; they are not counted a second time."""
    desk = Desk(venues=(terms("kraken"),)).start(read=False)
    before = moved(desk, "d1", "BTC", "4")
    read(desk, "1000", "10", before)
    read(desk, "1000", "10", before)
    read(desk, "1000", "10", before)
    assert found(desk) == {}


def test_a_list_that_cannot_be_read_judges_nothing(desk: Desk) -> None:
    """A withdrawal may stand in it."""
    for _ in range(3):
        desk.later(LAG_MS)
        desk.read(KRAKEN, holds={"USD": "1000", "BTC": "1"})
    assert found(desk) == {}


def test_somebody_elses_trade_on_the_account_is_counted_once(desk: Desk) -> None:
    """By hand, at the venue's own page: no fill of ours, but its coins came and went. Lists show it again and again."""
    desk.submit("P1 buy 1")
    ours = desk.trade("kraken", "1@100.00#T9")
    theirs = replace(ours, venue_order_id=VenueOrderId("by-hand"), fees=(Fee(asset=Asset("KFEE"), amount=Decimal(2)),))
    desk.accept("kraken")
    desk.found("kraken", "EXPIRED")
    for _ in range(3):
        read(desk, "900", "11", others=(theirs,), KFEE="-2")
    ledger = desk.engine.state.ledgers[KRAKEN]
    assert (found(desk), ledger.suspected) == ({}, {})
    assert {str(asset): int(amount) for asset, amount in ledger.expected.items()} == {"USD": 900, "BTC": 11, "KFEE": -2}
    assert [fact.trade for fact in desk.facts if isinstance(fact, f.OthersTradeCounted)] == [theirs]


def test_a_trade_that_turns_out_to_be_ours_is_counted_once(desk: Desk) -> None:
    """A list that names orders by the venue's id only shows our fill before we know the order by that id."""
    desk.submit("P1 buy 1 limit 100")
    desk.answer("kraken", Lost(why="no answer"))
    ours = desk.trade("kraken", "1@100.00#T9")
    for _ in range(2):
        read(desk, "899.99", "11", others=(replace(ours, client_id=None),))
    desk.found("kraken", "FILLED", "1@100.00#T9")
    for _ in range(3):
        read(desk, "899.99", "11")

    assert found(desk) == {}
    assert gate(desk) == "open"


def test_a_child_under_way_may_move_its_assets_and_no_others(desk: Desk) -> None:
    """It may have filled, in part or in whole; what is beyond that is a finding even now."""
    desk.submit("P1 buy 1 limit 100")
    desk.accept("kraken")
    for _ in range(2):
        read(desk, "900", "10.7")
    assert found(desk) == {}

    for _ in range(2):
        read(desk, "500", "10.7")
    assert "USD" in found(desk)
    assert "less than our books explain" in gate(desk)


def test_books_are_not_opened_while_a_child_is_under_way() -> None:
    """Whether the reading holds its fills cannot be known."""
    desk = Desk(venues=(terms("kraken"),)).start()
    desk.market("kraken ask 100.00 2.0")
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    read(desk, "900", "11")
    assert KRAKEN not in desk.engine.state.ledgers


def test_a_rebate_and_a_fee_in_a_third_asset_are_booked_exactly(desk: Desk) -> None:
    """A venue that pays for the trade in one asset and charges in another."""
    read(desk, "1000", "10", moved(desk, "d1", "BNB", "3"), BNB="3")
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    child = desk.child("kraken")
    fees = (Fee(asset=Asset("USD"), amount=Decimal("-0.25")), Fee(asset=Asset("BNB"), amount=Decimal("0.125")))
    trade = replace(desk.trade("kraken", "1@100.00#T1"), fees=fees)
    desk.looked_up(child, Found(order=desk.record("kraken", "FILLED", Decimal(1)), trades=(trade,)))
    for _ in range(2):
        read(desk, "900.25", "11", BNB="2.875")
    assert found(desk) == {}


def test_the_books_outlast_the_process(desk: Desk) -> None:
    """Replayed from the journal they say the same, and what was lost while nobody looked is found."""
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    desk.found("kraken", "FILLED", "1@100.00#T1")
    read(desk, "899.99", "11")
    successor = desk.restarted()
    assert successor.engine.state.ledgers == desk.engine.state.ledgers
    successor.now_ns = Nanos(successor.now_ns + 10 * MS)
    successor.start(read=False)
    for _ in range(2):
        read(successor, "899.99", "10")
    assert found(successor) == {"BTC": "-1"}


def by_hand(desk: Desk, ago_ms: int = 0) -> VenueTrade:
    """Somebody sold a coin for 100, so long ago."""
    return VenueTrade(
        account=KRAKEN,
        symbol="BTC/USD",
        trade_id=TradeId("H1"),
        venue_order_id=VenueOrderId("by hand"),
        side=Side.SELL,
        price=Decimal(100),
        quantity=Decimal(1),
        fees=(),
        maker=False,
        venue_time_ns=Nanos(desk.now_ns - ago_ms * MS),
    )


def test_what_others_traded_before_the_books_were_opened_is_in_them() -> None:
    """Books that were opened on ten minutes of trades; a restart reads a day."""
    desk = Desk(venues=(terms("kraken"),)).start(read=False)
    trade = by_hand(desk, ago_ms=3 * 3_600_000)
    desk.read(KRAKEN, holds={"USD": "1000", "BTC": "10"}, trades=(trade,))
    read(desk, "1000", "10")
    assert KRAKEN in desk.engine.state.ledgers

    desk = desk.restarted().start(read=False, epoch=2)
    for _ in range(3):
        read(desk, "1000", "10", others=(trade,))

    assert (found(desk), gate(desk)) == ({}, "open")


def test_what_others_trade_while_movements_cannot_be_read_is_counted(desk: Desk) -> None:
    """Their rows will not be read again."""
    read(desk, "1500", "10")
    desk.later(LAG_MS)
    desk.read(KRAKEN, holds={"USD": "1600", "BTC": "9"}, movements=None, trades=(by_hand(desk),))
    desk.later(900_000)
    deposit = moved(desk, "d1", "USD", "500")
    for _ in range(3):
        read(desk, "1600", "9", deposit)

    assert (found(desk), gate(desk)) == ({}, "open")


def test_a_deposit_that_was_announced_when_the_books_were_opened_counts_once_it_comes() -> None:
    """And a withdrawal that had left and comes back counts back."""
    desk = Desk(venues=(terms("kraken"),)).start(read=False)
    pending, gone = moved(desk, "d1", "USD", "0"), moved(desk, "w1", "BTC", "-1")
    read(desk, "1000", "10", pending, gone)
    read(desk, "1500", "11", replace(pending, amount=Decimal(500)), replace(gone, amount=Decimal(0)))
    desk = desk.restarted()
    read(desk, "1500", "11", replace(pending, amount=Decimal(500)), replace(gone, amount=Decimal(0)))

    assert not [fact for fact in desk.facts if isinstance(fact, f.HoldingJudged) and fact.difference]
    assert desk.engine.state.ledgers[KRAKEN].expected == {"USD": 1500, "BTC": 11}


def test_the_list_of_movements_is_asked_for_once_a_minute_while_a_difference_only_stands(desk: Desk) -> None:
    """Its pages go before other reads. A difference that is new asks at once."""
    asked = []
    for _ in range(12):
        read(desk, "1000", "9")
        desk.later(10_000)
        desk.wanted(ReadAccount)
        desk.tell(StreamRestored(account=KRAKEN))
        asked += [one.movements for one in desk.wanted(ReadAccount)]  # type: ignore[union-attr]

    assert asked[0]  # suspected
    assert asked[1:].count(True) == 2  # minutes that begin
