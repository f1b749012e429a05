"""From a parent to its children: where, how much, and when it is over."""

from dataclasses import replace
from decimal import Decimal

from router.model import facts as f
from router.model.events import CancelAsked, HaltAsked, HaltLevel
from router.model.fill_chances import ChanceCell, ChanceStep, FillChances
from router.model.ids import InstrumentId, VenueId
from router.model.orders import ChildState, ParentState
from tests.engine.desk import Desk, NotSent, Refused


def test_fees_can_make_the_cheaper_venue_dearer(desk: Desk) -> None:
    """The best quote loses to the best all-in price."""
    desk.market("""
        kraken    ask  100.00  1.0   fee 26bp
        coinbase  ask  100.10  1.0   fee  0bp
    """)

    desk.submit("P1 buy 1.5 limit 101")

    assert desk.sent == ["coinbase buy 1 @ 100.10", "kraken buy 0.5 @ 100.00"]


def test_learned_chances_are_reckoned_with_where_they_are_switched_on(desk: Desk) -> None:
    """One in ten is there at kraken: what is asked goes where it is to be had, and the round names the set."""
    text = """
        kraken    ask  100.00  4
        coinbase  ask  100.01  4
        coinbase  ask  101.00  8
    """
    rare = ChanceCell(
        instrument=InstrumentId("BTC/USD"),
        venue=VenueId("kraken"),
        age_bucket=0,
        steps=(ChanceStep(quantity=None, chance=Decimal("0.1")),),
        orders=0,
        looks=100,
    )
    learned = FillChances(
        version="fill-1", built_from="a hundred looks", age_ms_edges=(50,), prior=Decimal(1), cells=(rare,)
    )
    desk.market(text)
    desk.submit("P1 buy 4 limit 102")
    assert desk.sent == ["kraken buy 4 @ 100.00"]
    [plain] = [fact for fact in desk.facts if isinstance(fact, f.RoundPlanned)]

    expecting = Desk().start(chances=learned)
    expecting.market(text)
    expecting.submit("P1 buy 4 limit 102")
    assert expecting.sent == ["coinbase buy 4 @ 100.01"]
    [told] = [fact for fact in expecting.facts if isinstance(fact, f.RoundPlanned)]
    assert (plain.fill_chances, told.fill_chances) == (None, "fill-1")


def test_a_filled_child_fills_its_parent(desk: Desk) -> None:
    """The venue's record and trades end the child; the child's end ends the parent."""
    desk.market("kraken ask 100.00 2.0")
    parent = desk.submit("P1 buy 1")
    desk.accept("kraken")

    desk.found("kraken", "FILLED", "0.4@99.90#T1", "0.6@100.00#T2")

    assert desk.child("kraken").state is ChildState.FILLED
    assert desk.child("kraken").spent == Decimal("99.960")
    assert parent.state is ParentState.FILLED


def test_what_a_round_misses_is_planned_again_on_the_live_book(desk: Desk) -> None:
    """An IOC that found less is followed by a new intent with its own id and a fresh price."""
    desk.market("kraken ask 100.00 2.0")
    parent = desk.submit("P1 buy 1")
    assert desk.sent == ["kraken buy 1 @ 100.00"]
    desk.market("kraken ask 100.20 2.0")
    desk.accept("kraken")

    desk.found("kraken", "EXPIRED", "0.4@100.00#T1")

    assert desk.sent == ["kraken buy 0.6 @ 100.20"]
    assert parent.state is ParentState.WORKING
    assert len(set(parent.children)) == 2


def test_rounds_used_up_leave_a_residual_with_its_reason(desk: Desk) -> None:
    """A parent that cannot be filled inside its limit ends, and says why."""
    desk.market("kraken ask 102.00 2.0")
    parent = desk.submit("P1 buy 1 limit 101 rounds 3")

    desk.later(2_000)

    assert parent.state is ParentState.EXPIRED
    assert "limit" in parent.reason
    assert desk.sent == []


def test_a_parent_ends_only_after_its_children(desk: Desk) -> None:
    """A cancelled parent waits for the child that is still out, and books what it did."""
    desk.market("kraken ask 100.00 2.0")
    parent = desk.submit("P1 buy 1")
    desk.accept("kraken")

    desk.tell(CancelAsked(parent_id=parent.order.id, principal="ann"))
    assert parent.state is ParentState.CANCEL_PENDING

    desk.found("kraken", "CANCELLED", "0.3@100.00#T1")
    assert parent.state is ParentState.CANCELLED
    assert desk.engine.state.blotter.filled(parent) == Decimal("0.3")


def test_two_parents_do_not_count_on_the_same_liquidity(desk: Desk) -> None:
    """The second parent of one look is planned on what the first leaves."""
    desk.market("""
        kraken   ask 100.00 1.0
        binance  ask 100.05 5.0
    """)
    desk.tell(HaltAsked(level=HaltLevel.NEW, reason="test", principal="ann"))
    desk.submit("P1 buy 1")
    desk.submit("P2 buy 1")
    assert desk.sent == []

    desk.tell(HaltAsked(level=HaltLevel.NONE, reason="go on", principal="ann"))

    assert desk.sent == ["kraken buy 1 @ 100.00", "binance buy 1 @ 100.05"]


def test_a_refusal_releases_and_the_rest_goes_elsewhere(desk: Desk) -> None:
    """A whitelisted refusal ends the child; after three in a row the listing is left alone."""
    desk.market("""
        kraken   ask 100.00 5.0
        binance  ask 100.50 5.0
    """)
    parent = desk.submit("P1 buy 1")
    for _ in range(3):
        assert desk.sent == ["kraken buy 1 @ 100.00"]
        desk.answer("kraken", Refused(code="EOrder:Insufficient funds", text="no", transient=False))

    assert desk.sent == ["binance buy 1 @ 100.50"]
    assert desk.states("kraken") == [ChildState.REJECTED] * 3
    assert parent.state is ParentState.WORKING


def test_a_venue_that_asks_to_slow_down_is_left_alone_for_a_while(desk: Desk) -> None:
    """A transient refusal pauses its account; the rest of the parent goes on elsewhere."""
    desk.market("""
        kraken   ask 100.00 5.0
        binance  ask 100.50 0.4
    """)
    desk.submit("P1 buy 1")
    assert desk.sent == ["kraken buy 1 @ 100.00"]

    desk.answer("kraken", Refused(code="EAPI:Rate limit exceeded", text="", transient=True, retry_after_ms=500))
    assert desk.sent == ["binance buy 0.4 @ 100.50"]
    desk.accept("binance")
    desk.market("binance ask 100.90 5.0")
    desk.later(600)
    desk.found("binance", "FILLED", "0.4@100.50#B1")

    assert desk.sent == ["kraken buy 0.6 @ 100.00"]


def test_a_copy_stopped_at_the_last_gate_closes_its_intent_without_doubt(desk: Desk) -> None:
    """What never left needs no look-up."""
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")

    desk.answer("kraken", NotSent(why="its approval is 80 ms old"))

    assert desk.states("kraken")[0] is ChildState.REJECTED


def test_nothing_leaves_while_halted_and_what_is_out_is_still_booked(desk: Desk) -> None:
    """A halt stops new children, never the truth."""
    desk.market("kraken ask 100.00 0.5")
    parent = desk.submit("P1 buy 1")
    assert desk.sent == ["kraken buy 0.5 @ 100.00"]
    desk.tell(HaltAsked(level=HaltLevel.NEW, reason="fat finger", principal="ann"))
    desk.accept("kraken")

    desk.found("kraken", "FILLED", "0.5@100.00#T1")

    assert desk.sent == []
    assert desk.engine.state.blotter.filled(parent) == Decimal("0.5")
    assert parent.state is ParentState.WORKING


def test_a_decision_record_says_why_each_venue_got_nothing(desk: Desk) -> None:
    """Every listing left out has a reason in the round's record."""
    desk.market("""
        kraken   ask 100.00 5.0
        binance  ask 140.00 5.0
    """)
    desk.submit("P1 buy 1 limit 101")

    planned = next(fact for fact in desk.facts if isinstance(fact, f.RoundPlanned))
    assert [exclusion.listing_id for exclusion in planned.exclusions] == ["binance/main:BTC/USD"]
    assert planned.residual == 0


def test_planning_waits_until_every_account_was_read_or_lost() -> None:
    """Right after a start the first venue read is not the whole market."""
    desk = Desk().start(read=False)
    desk.market("""
        kraken   ask 100.00 5.0
        binance  ask  99.00 5.0
    """)
    desk.submit("P1 buy 1")
    desk.read(desk.venues[0].account)
    assert desk.sent == []

    for venue in desk.venues[1:]:
        desk.read(venue.account)

    assert desk.sent == ["binance buy 1 @ 99.00"]


def test_a_buy_never_spends_more_than_the_account_holds() -> None:
    """The balance bounds the child, fee included; the rest is explained."""
    desk = Desk().start(free="50", base="0")
    desk.market("kraken ask 100.00 5.0 fee 10bp")
    parent = desk.submit("P1 buy 1 rounds 1")

    assert desk.sent == ["kraken buy 0.4995 @ 100.00"]
    assert "balance" in parent.residual_reason


def test_an_account_that_never_answers_does_not_hold_the_others_up_for_ever() -> None:
    """After a grace the parent is planned on the venues there are."""
    desk = Desk().start(read=False)
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.read(desk.venues[0].account)
    assert desk.sent == []

    desk.later(10_001)

    assert desk.sent == ["kraken buy 1 @ 100.00"]


def test_the_first_plan_waits_for_books_that_were_never_seen() -> None:
    """A first snapshot on its way is part of the market; a venue that stays silent is not waited for long."""
    desk = Desk().start()
    desk.market("""
        kraken   ask 100.00 5.0
        binance  ask  99.00 5.0
    """)
    desk.books["binance"] = replace(desk.books["binance"], book_seq=0, asks=(), bids=(), unusable="no book yet")
    desk.submit("P1 buy 1")
    assert desk.sent == []

    desk.later(3_100)

    assert desk.sent == ["kraken buy 1 @ 100.00"]


def test_a_sell_goes_to_the_best_bids_and_reserves_base() -> None:
    """The mirror image: proceeds after fees decide, and only base that is there is sold."""
    desk = Desk().start(free="0", base="1")
    desk.market("""
        kraken    bid  100.00  5.0   fee 30bp
        coinbase  bid   99.90  0.4   fee  0bp
    """)

    desk.submit("P1 sell 1.2")

    assert desk.sent == ["coinbase sell 0.4 @ 99.90", "kraken sell 0.8 @ 100.00"]


def test_without_a_mid_there_is_no_collar_and_so_no_child(desk: Desk) -> None:
    """A market with one empty side is no reason to trade unguarded, nor to fail."""
    desk.market("kraken ask 100.00 5.0")
    desk.books["kraken"] = replace(desk.books["kraken"], bids=())

    parent = desk.submit("P1 buy 1 rounds 1")

    assert desk.sent == []
    assert parent.state is ParentState.EXPIRED
    assert parent.residual_reason
