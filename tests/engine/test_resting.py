"""Orders that stand in a book: placed, left alone, withdrawn, and never standing twice."""

from dataclasses import replace
from decimal import Decimal

import pytest

from policies import POLICIES
from router.engine import Engine
from router.model import events as e
from router.model import facts as f
from router.model.commands import Cancel, Query
from router.model.ids import Nanos, VenueOrderId
from router.model.market import MarketView
from router.model.orders import ChildState, ParentState
from router.model.outcomes import Accepted, CancelTaken, Lost, Refused
from router.orders.records import Parent
from router.ports.policy import Progress, Quote, Target
from tests.engine.desk import Desk, account

S = 1_000
MARKET = """
    kraken   bid  99.90 5
    kraken   ask 100.10 5
    binance  bid  99.80 5
    binance  ask 100.20 5
"""
CROSSED = Refused(code="POST_ONLY", text="would immediately match", transient=False, would_cross=True)


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market(MARKET)
    return desk


def limit(desk: Desk, quantity: str = "1", price: str = "99.50", **fields: object) -> Parent:
    return desk.order("P1", "LIMIT_OR_BETTER", quantity, limit_price=price, **fields)


def standing(desk: Desk, venue: str = "kraken") -> None:
    """The venue takes the newest child, and its record shows it open."""
    desk.accept(venue)
    desk.found(venue, "OPEN")


def cancels(desk: Desk) -> int:
    return len(desk.wanted(Cancel))


def test_it_takes_what_crosses_and_rests_the_rest(desk: Desk) -> None:
    """First what stands inside the limit; then one post-only order for all that is left, at the limit."""
    parent = limit(desk, "12", "100.15")
    assert desk.sent == ["kraken buy 5 @ 100.10"]

    desk.market("kraken bid 99.90 5\nkraken ask 100.30 5\nbinance bid 99.80 5\nbinance ask 100.40 5")
    desk.fill("kraken")

    assert desk.sent == ["kraken buy 7 @ 100.15 resting"]
    assert desk.child("kraken").order.post_only
    assert parent.state is ParentState.WORKING


def test_a_price_inside_the_limit_is_taken_only_once_what_rests_is_known_to_be_gone(desk: Desk) -> None:
    """A cancel that was sent, and one that was acknowledged, are no end: the venue's record is."""
    limit(desk)
    standing(desk)
    assert desk.sent == ["kraken buy 1 @ 99.5 resting"]

    desk.market("kraken bid 99.00 5\nkraken ask 99.60 5\nbinance bid 99.00 5\nbinance ask 99.40 5")
    desk.later(1 * S)
    assert (cancels(desk), desk.sent) == (1, [])

    child = desk.child("kraken")
    desk.tell(e.CancelAnswered(client_id=child.order.client_id, outcome=CancelTaken()))
    desk.found("kraken", "OPEN")
    assert (cancels(desk), desk.sent) == (1, [])

    desk.found("kraken", "CANCELLED", "0.2@99.50#T1")
    assert desk.sent == ["binance buy 0.8 @ 99.40"]


def test_what_cannot_be_taken_is_no_reason_to_leave_the_book(desk: Desk) -> None:
    """Inside the limit, and not inside the limit with its fee: nothing could be sent, so what rests stays."""
    limit(desk, price="99.90", all_in_limit_price="99.95")
    standing(desk)
    desk.market("kraken bid 99.00 5\nkraken ask 100.00 5\nbinance bid 99.00 5\nbinance ask 99.90 5 fee 10bp")

    desk.later(5 * S)

    assert cancels(desk) == 0


def test_it_never_stands_beyond_its_limit_with_the_fee(desk: Desk) -> None:
    """All in, at what a taker would pay: what makers pay is not listed."""
    desk.market("kraken bid 99.00 5\nkraken ask 100.00 5 fee 10bp")
    limit(desk, price="99.90", all_in_limit_price="99.90", venues={"include": ["kraken"]})

    assert desk.sent == ["kraken buy 1 @ 99.80 resting"]


def test_it_moves_only_for_a_better_place_and_after_the_old_one_is_gone(desk: Desk) -> None:
    """Its own order is no touch: what others show decides."""
    limit(desk, params={"stand_ms": 3_000})
    standing(desk)
    desk.market(MARKET + "kraken bid 99.50 1")
    desk.later(2 * S)
    assert desk.sent == ["kraken buy 1 @ 99.5 resting"]
    assert cancels(desk) == 0

    desk.market("kraken bid 99.00 5\nkraken ask 100.10 5\nbinance bid 99.40 5\nbinance ask 100.20 5")
    desk.later(1 * S)
    assert (cancels(desk), desk.sent) == (1, [])

    desk.found("kraken", "CANCELLED")
    assert desk.sent == ["binance buy 1 @ 99.5 resting"]


def test_what_rests_costs_no_timers_of_doubt(desk: Desk) -> None:
    """An order that stands is looked up every fifteen seconds, not every twenty milliseconds."""
    limit(desk, end_time=None)
    standing(desk)
    desk.wanted(Query)

    for _ in range(4):
        desk.later(15 * S)
        desk.found("kraken", "OPEN")

    assert len(desk.wanted(Query)) == 4
    assert cancels(desk) == 0
    assert desk.states("kraken") == [ChildState.WORKING]


def test_a_fill_while_it_rests_is_booked_and_the_end_is_its_parents(desk: Desk) -> None:
    """In parts, as they come."""
    parent = limit(desk)
    standing(desk)
    desk.found("kraken", "OPEN", "0.4@99.50#T1")
    assert desk.engine.state.blotter.filled(parent) == Decimal("0.4")

    desk.found("kraken", "FILLED", "0.4@99.50#T1", "0.6@99.50#T2")

    assert parent.state is ParentState.FILLED


@pytest.mark.parametrize("how", ["pause", "halt", "cancel", "end", "amend", "held"])
def test_whatever_stops_an_order_takes_it_off_the_book(desk: Desk, how: str) -> None:
    """And what is on its way then is taken off as soon as it is known to stand."""
    bound = {"end": {"duration": "10s"}, "held": {"max_slippage_bps": "20"}}.get(how, {})
    parent = limit(desk, **bound)
    assert desk.sent == ["kraken buy 1 @ 99.5 resting"]
    if how == "pause":
        desk.tell(e.PauseAsked(parent_id=parent.order.id, resume=False, principal="ann"))
    elif how == "halt":
        desk.tell(e.HaltAsked(level=e.HaltLevel.NEW, reason="nervous", principal="ann"))
    elif how == "cancel":
        desk.tell(e.CancelAsked(parent_id=parent.order.id, principal="ann"))
    elif how == "end":
        desk.later(11 * S)
    elif how == "amend":
        standing(desk)
        desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", limit_price=Decimal("99.6")))
    if how != "amend":
        assert cancels(desk) == 0
        standing(desk)
    if how == "held":
        desk.market("kraken bid 101 5\nkraken ask 101.1 5\nbinance bid 101 5\nbinance ask 101.1 5")
        desk.later(2 * S)

    assert cancels(desk) > 0
    desk.found("kraken", "CANCELLED")
    ends = {"cancel": ParentState.CANCELLED, "end": ParentState.EXPIRED}
    assert parent.state is ends.get(how, ParentState.PAUSED if how in {"pause", "held"} else ParentState.WORKING)
    assert desk.sent == (["kraken buy 1 @ 99.6 resting"] if how == "amend" else [])


def test_an_order_that_would_have_taken_is_quoted_anew_ever_more_slowly(desk: Desk) -> None:
    """A refusal that the market made says nothing about the listing: it is tried again, ever later."""
    parent = limit(desk, venues={"include": ["kraken"]})
    waits = []
    for _ in range(6):
        begun = desk.now_ns
        while not (sent := desk.sent):
            desk.later(50)
        assert sent == ["kraken buy 1 @ 99.5 resting"]
        waits.append((desk.now_ns - begun) // 1_000_000)
        desk.answer("kraken", CROSSED)

    assert waits[0] == 0
    assert sorted(waits) == waits
    assert waits[-1] >= 4_000
    assert parent.refusals == {}


def test_a_place_that_lets_nothing_stand_is_left_for_another(desk: Desk) -> None:
    """While the wait is on, the other venue is as good."""
    limit(desk)
    desk.answer("kraken", CROSSED)

    assert desk.sent == ["kraken buy 1 @ 99.5 resting", "binance buy 1 @ 99.5 resting"]


def test_a_doubt_keeps_its_quantity_from_standing_again(desk: Desk) -> None:
    """Whoever knows whether it stands: nothing more of it is sent."""
    limit(desk)
    desk.answer("kraken", Lost(why="no answer"))
    desk.later(1 * S)

    assert desk.sent == ["kraken buy 1 @ 99.5 resting"]


def test_a_restart_finds_what_rests_and_leaves_it_there(desk: Desk) -> None:
    """The account's own list shows it open: no cancel, no second order, and its quantity stays reserved."""
    limit(desk)
    standing(desk)
    assert desk.sent
    desk.later(1)

    successor = desk.restarted()
    successor.start(epoch=2, read=False)
    successor.later(1)
    for terms in successor.venues:
        mine = terms.account == "kraken/main"
        successor.read(terms.account, open_orders=(successor.record("kraken", "OPEN", Decimal(0)),) if mine else ())
    successor.later(5 * S)

    assert successor.sent == []
    assert cancels(successor) == 0
    assert successor.states("kraken") == [ChildState.WORKING]


def test_what_rests_is_reserved_once(desk: Desk) -> None:
    """Before its account is read it is taken off what is free; afterwards the venue has locked it already."""
    desk.read(desk.venues[0].account, holds={"USD": "150"})
    limit(desk)
    standing(desk)
    account = desk.venues[0].account
    assert desk.engine.state.available(account, "USD") == Decimal("50.50")

    desk.later(1)
    desk.read(account, holds={"USD": "150"}, open_orders=(desk.record("kraken", "OPEN", Decimal(0)),), free="50.50")

    assert desk.engine.state.available(account, "USD") == Decimal("50.50")


def test_the_round_says_that_it_rests(desk: Desk) -> None:
    """For whoever reads the journal."""
    limit(desk)

    rounds = [fact for fact in desk.facts if isinstance(fact, f.RoundPlanned)]
    assert [(one.rests, one.due, one.residual) for one in rounds] == [(True, Decimal(1), Decimal(0))]


@pytest.mark.parametrize("how", ["unanswered", "in doubt"])
@pytest.mark.parametrize("policy", ["LIMIT_OR_BETTER", "ICEBERG", "PEG"])
def test_what_is_on_its_way_at_an_amendment_does_not_stay_under_the_old_terms(
    desk: Desk, policy: str, how: str
) -> None:
    """Else it would fill beyond the new limit; it goes as soon as it is known to stand, and only once."""
    fields = {"params": {"display_quantity": "1"}} if policy == "ICEBERG" else {}
    parent = desk.order("P1", policy, "1", limit_price="99.5", venues={"include": ["kraken"]}, **fields)
    if how == "in doubt":
        desk.answer("kraken", Lost(why="timed out"))
    assert len(desk.sent) == 1

    desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", limit_price=Decimal("99.0")))
    standing(desk)
    assert cancels(desk) > 0
    desk.found("kraken", "CANCELLED")
    desk.later(5 * S)

    assert desk.sent == ["kraken buy 1 @ 99.0 resting"]
    standing(desk)
    desk.later(5 * S)
    assert cancels(desk) == 0


def test_a_suspicion_takes_off_what_rests_in_its_stead(desk: Desk) -> None:
    """The refused one may stand after all: both together would be too much."""
    limit(desk)
    desk.answer("kraken", CROSSED)
    refused = desk.child("kraken").order.client_id
    standing(desk, "binance")

    desk.tell(e.OrderHinted(account=account("kraken"), client_id=refused, venue_order_id=None, hint="new"))

    assert [one.order.venue for one in desk.wanted(Cancel) if isinstance(one, Cancel)] == ["binance"]


def test_an_alarm_takes_off_what_rests(desk: Desk) -> None:
    """The venue names another order under our id: nothing of the parent is left in a book."""
    parent = limit(desk)
    standing(desk)

    desk.answer("kraken", Accepted(venue_order_id=VenueOrderId("another")))

    assert parent.breached
    assert cancels(desk) == 1


def test_it_does_not_stand_where_an_order_of_ours_is_on_its_way(desk: Desk) -> None:
    """Between the spread it would be the best price for our own buy."""
    desk.order("P1", "SWEEP")
    assert desk.sent == ["kraken buy 1 @ 100.10"]
    desk.order("P2", "PEG", side="SELL", params={"peg_to": "mid"}, venues={"include": ["kraken"]})
    assert desk.sent == []

    desk.fill("kraken")
    desk.later(2 * S)

    assert desk.sent == ["kraken sell 1 @ 100.00 resting"]


def test_a_book_where_nobody_stands_is_no_better_place(desk: Desk) -> None:
    """Only the other venue takes what is left, and nobody stands there."""
    limit(desk)
    standing(desk)
    desk.found("kraken", "OPEN", "0.995@99.50#T1")
    book = desk.books["kraken"]
    desk.books["kraken"] = replace(book, listing=replace(book.listing, min_quantity=Decimal("0.01")))
    desk.books["binance"] = replace(desk.books["binance"], bids=())

    desk.later(2 * S)

    assert desk.states("kraken") == [ChildState.WORKING]


def test_nothing_smaller_than_its_owner_allows_is_rested(desk: Desk) -> None:
    """Neither where money is short, nor of what is left; that ends it, as what no venue takes does."""
    poor = Desk().start(free="10")
    poor.market(MARKET)
    limit(poor, min_child_notional="50")
    poor.later(3 * S)
    assert poor.sent == []

    parent = limit(desk, min_child_notional="50")
    standing(desk)
    desk.found("kraken", "OPEN", "0.8@99.50#T1")
    desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", limit_price=Decimal("99.6")))
    desk.found("kraken", "CANCELLED", "0.8@99.50#T1")
    desk.later(3 * S)

    assert desk.sent == ["kraken buy 1 @ 99.5 resting"]
    assert parent.state is ParentState.DONE_PARTIAL


class Careless:
    """Always wants something to stand, whatever does: at another price after its first round."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        if view is None:
            return Target(quantity=progress.committed, look=True, not_before_ns=Nanos(now_ns + 1_000_000_000))
        price = Decimal("99.4") if progress.rounds else Decimal("99.5")
        quote = Quote(listing_id=view.listings[-1].listing.id, price=price, quantity=Decimal("0.4"))
        return Target(quantity=progress.order.quantity, quotes=(quote,), not_before_ns=Nanos(now_ns + 1_000_000_000))


def test_whatever_a_policy_answers_nothing_is_placed_beside_what_stands_or_may_stand() -> None:
    """On its way, standing, and being withdrawn: there is quantity left, and none of it is sent before the end."""
    desk = Desk(engine=Engine({**POLICIES, "LIMIT_OR_BETTER": Careless()})).start()
    desk.market(MARKET)
    limit(desk)
    desk.later(3 * S)
    assert desk.sent == ["kraken buy 0.4 @ 99.5 resting"]

    standing(desk)
    desk.later(3 * S)
    assert cancels(desk) > 0
    assert desk.sent == []

    desk.found("kraken", "CANCELLED")
    assert desk.sent == ["kraken buy 0.4 @ 99.4 resting"]


class Greedy(Careless):
    """Takes whatever there is as soon as something of it stands."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        target = super().target(progress, now_ns, view)
        return replace(target, quantity=progress.order.quantity, quotes=None) if view and progress.resting else target


def test_whatever_a_policy_answers_nothing_is_taken_beside_what_stands() -> None:
    """What rests is withdrawn first, and known to be gone."""
    desk = Desk(engine=Engine({**POLICIES, "LIMIT_OR_BETTER": Greedy()})).start()
    desk.market(MARKET)
    limit(desk, price="100.20")
    assert desk.sent == ["kraken buy 0.4 @ 99.5 resting"]

    standing(desk)
    desk.later(3 * S)

    assert cancels(desk) > 0
    assert desk.sent == []
