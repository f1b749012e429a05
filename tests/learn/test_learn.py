"""How much of what is displayed is there: own orders (worked example W10), and what stands in for them."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

from router.learn.chances import WITNESSES_MIN, Observed, bucket_of, chances_of, still_there, thinned
from router.learn.landing import landed, survival_of
from router.learn.own_orders import OwnOrders
from router.learn.recorded import Top, looked
from router.model.events import MarketSeen
from router.model.facts import ChildIntended, ChildMoved, FillBooked
from router.model.fill_chances import ChanceStep
from router.model.ids import Asset, ClientOrderId, EntityId, Nanos, ParentId, VenueId, account_id
from router.model.market import Level
from router.model.orders import ChildOrder, ChildState, Fill, TimeInForce, VenueTrade
from router.model.side import Side
from router.split.check import violations
from router.split.plan import Landing, SplitRequest
from router.split.split import split
from router.split.survival import Sent, kaplan_meier
from tests.split.markets import BTC_USD, lid, market

W10 = [(5, 3), (5, 5), (2, 2), (4, 1), (3, 3), (6, 4), (6, 6), (1, 1), (4, 0), (5, 2)]
A, B = VenueId("A"), VenueId("B")


def orders(*pairs: tuple[int, int]) -> tuple[Sent, ...]:
    return tuple(Sent(sent=Decimal(sent), filled=Decimal(filled)) for sent, filled in pairs)


def test_w10_what_filled_in_full_is_censored():
    """The plain share filled that far (.9 .7 .5 .3 .2 .1) is too low: who sent two cannot tell about the third."""
    found = kaplan_meier(orders(*W10))
    told = [found.at(Decimal(size)) for size in range(1, 7)]
    assert told == [Fraction(*each) for each in ((9, 10), (63, 80), (21, 32), (63, 128), (21, 64), (21, 64))]


def test_few_orders_leave_it_to_the_books_and_the_prior():
    """Two misses in a hundred to begin with; own orders count once enough of them got that far."""
    assert Observed().chance(Decimal(1)) == Fraction(98, 100)
    assert Observed(there=80, gone=20).chance(Decimal(1)) == Fraction(178, 200)
    few = Observed(sent=orders(*[(2, 1)] * (WITNESSES_MIN - 1)))
    assert few.chance(Decimal(2)) == Fraction(98, 100)
    enough = Observed(sent=orders(*[(2, 1)] * 5, *[(2, 2)] * (WITNESSES_MIN - 5)))
    assert enough.chance(Decimal(1)) == 1
    assert enough.chance(Decimal(2)) == Fraction(15, 20)


def test_a_recorded_book_one_latency_later_tells_what_was_left():
    later = [Level(Decimal(100), Decimal(1)), Level(Decimal(101), Decimal(5))]
    assert still_there(Decimal(101), Decimal(6), later, Side.BUY)
    assert not still_there(Decimal(100), Decimal(2), later, Side.BUY)
    assert still_there(Decimal(101), Decimal(5), later, Side.SELL)
    assert not still_there(Decimal(101), Decimal(6), later, Side.SELL)


def test_a_set_says_the_same_in_steps_as_its_witnesses():
    """Own orders as far as twenty of them asked, books and prior beyond; it never rises."""
    observed = Observed(sent=orders(*[(2, 1)] * 10, *[(2, 2)] * 30, *[(5, 5)] * 3), there=50, gone=50)
    assert observed.steps() == (
        ChanceStep(quantity=Decimal(1), chance=Decimal(1)),
        ChanceStep(quantity=Decimal(2), chance=Decimal("0.767441")),
        ChanceStep(quantity=None, chance=Decimal("0.74")),
    )
    for size in (Decimal("0.5"), Decimal(1), Decimal("1.5"), Decimal(2), Decimal(3)):
        step = next(one for one in observed.steps() if one.quantity is None or size <= one.quantity)
        assert 0 <= observed.chance(size) - Fraction(step.chance) < Fraction(1, 1_000_000)
    assert Observed().steps() == (ChanceStep(quantity=None, chance=Decimal("0.98")),)


def test_the_haircut_is_by_venue_and_age_and_never_better_with_depth():
    """An old book of one venue is told apart from a new one; a miss of this parent halves what is left of it."""
    view = market("""
        A BTC/USD : 100x1 101x1
        B BTC/USD : 100x1 101x1
    """)
    old = replace(view, listings=tuple(replace(one, book_age_ns=300_000_000) for one in view.listings))
    assert (bucket_of(0), bucket_of(300_000_000)) == (0, 2)
    seen = {(BTC_USD, A, 2): Observed(sent=orders(*[(2, 1)] * 10, *[(2, 2)] * 30))}
    chances = chances_of(seen, "these")
    fresh = survival_of(view, Side.BUY, chances, {})
    assert fresh == {lid("A"): (Decimal("0.98"),) * 2, lid("B"): (Decimal("0.98"),) * 2}
    aged = survival_of(old, Side.BUY, chances, {B: 1})
    assert aged == {lid("A"): (Decimal(1), Decimal("0.75")), lid("B"): (Decimal("0.49"),) * 2}
    request = SplitRequest(view=old, side=Side.BUY, quantity=Decimal(1))
    expecting = landed(request, chances, {B: 1})
    assert expecting.landing == Landing(survival=aged, fallback_price=Decimal("100.01"))
    assert [line.listing_id for line in split(expecting).lines] == [lid("A")]
    assert violations(expecting, split(expecting)) == ()


def test_where_everything_is_certain_a_split_is_what_it_was():
    request = SplitRequest(view=market("A BTC/USD : 100x1 101x1"), side=Side.BUY, quantity=Decimal(1))
    sure = replace(chances_of({}, "nothing"), prior=Decimal(1))
    assert landed(request, sure, {}) == request


def test_own_orders_are_a_fold_over_the_journal():
    """What ended at the venue is a witness, by the age of the book it was decided on; a refusal is none."""
    view = market("A BTC/USD : 100x1\nB BTC/USD : 100x1")
    view = replace(view, listings=tuple(replace(one, book_age_ns=60_000_000) for one in view.listings))
    whole, parts = OwnOrders(), OwnOrders()
    rows = [
        (MarketSeen(view=view), (intended("c1", "A", "2"), intended("c2", "B", "1"), intended("c3", "A", "3"))),
        (MarketSeen(view=view), (booked("c1", "0.5"), booked("c1", "1"), moved("c1", ChildState.CANCELLED))),
        (MarketSeen(view=view), (booked("c2", "1"), moved("c2", ChildState.FILLED))),
        (MarketSeen(view=view), (moved("c3", ChildState.REJECTED),)),
    ]
    for event, facts in rows:
        whole.take(event, facts)
    for event, facts in rows:
        for fact in facts:
            parts.take(event, (fact,))
    assert whole.seen() == parts.seen()
    assert whole.seen() == {
        (BTC_USD, A, 1): Observed(sent=(Sent(sent=Decimal(2), filled=Decimal("1.5")),)),
        (BTC_USD, B, 1): Observed(sent=(Sent(sent=Decimal(1), filled=Decimal(1)),)),
    }
    assert (whole.orders, whole.rows) == (2, 4)


def test_recorded_tops_are_looked_at_one_latency_later():
    """Gone, halved, better but thinner (nothing is said), and one whose successor is too far away."""
    tops = [
        top(0, ask="100x2"),
        top(200, ask="101x9"),  # 0: gone
        top(400, ask="101x4"),  # 200: less than half of it
        top(600, ask="100x1"),  # 400: better, but thinner: nothing is said
        top(2_600, ask="100x1"),  # 600: nobody looked for two seconds
    ]
    found = looked(BTC_USD, A, tops, latency_ms=150, late_ms_max=1_000)
    assert found == {(BTC_USD, A, 0): Observed(there=0, gone=2)}
    still = [top(at_ms, ask="100x2", bid="99x1") for at_ms in (0, 200, 400)]
    assert looked(BTC_USD, A, still, latency_ms=200, late_ms_max=1_000) == {(BTC_USD, A, 0): Observed(there=4, gone=0)}


def test_chances_known_to_be_true_are_recovered():
    """Every lot of six is there with its own probability; of orders of one to six lots, two thousand find it out."""
    draw, truth = Random("recovery"), [0.97, 0.9, 0.8, 0.65, 0.5, 0.3]
    sent = []
    for _ in range(2_000):
        there = next((lots for lots in range(6) if draw.random() > truth[lots] / ([1.0, *truth][lots])), 6)
        asked = draw.randint(1, 6)
        sent.append(Sent(sent=Decimal(asked), filled=Decimal(min(asked, there))))
    observed = Observed(sent=tuple(sent))
    for lots, chance in enumerate(truth, 1):
        assert abs(float(observed.chance(Decimal(lots))) - chance) < 0.04


def intended(client_id: str, venue: str, quantity: str) -> ChildIntended:
    order = ChildOrder(
        client_id=ClientOrderId(client_id),
        parent_id=ParentId("p"),
        entity=EntityId("e"),
        number=1,
        venue=VenueId(venue),
        account=account_id(VenueId(venue), "main"),
        listing_id=lid(venue),
        symbol="BTC/USD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        side=Side.BUY,
        quantity=Decimal(quantity),
        limit_price=Decimal(100),
        time_in_force=TimeInForce.IOC,
        decided_at_ns=Nanos(0),
        deadline_ns=None,
    )
    return ChildIntended(order=order, reserved_asset="USD", reserved=Decimal(1), notional=Decimal(1))


def booked(client_id: str, quantity: str) -> FillBooked:
    trade = VenueTrade(
        account=account_id(VenueId("A"), "main"),
        symbol="BTC/USD",
        trade_id=client_id + quantity,
        venue_order_id="v",
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(quantity),
        fees=(),
        maker=None,
        venue_time_ns=Nanos(0),
    )
    fill = Fill(client_id=ClientOrderId(client_id), parent_id=ParentId("p"), trade=trade)
    return FillBooked(fill=fill, at_ns=Nanos(0))


def moved(client_id: str, state: ChildState) -> ChildMoved:
    return ChildMoved(client_id=ClientOrderId(client_id), state=state, at_ns=Nanos(0), reason="")


def top(at_ms: int, ask: str, bid: str | None = None) -> Top:
    def level(text: str | None) -> Level | None:
        return None if text is None else Level(*map(Decimal, text.split("x")))

    return Top(at_ns=Nanos(at_ms * 1_000_000), age_ns=0, bid=level(bid), ask=level(ask))


def test_a_twin_that_is_withdrawn_thins_what_arrives_later():
    assert thinned((Decimal("0.9"), Decimal("0.8")), Decimal("0.2"), Decimal("0.5")) == (
        Decimal("0.810"),
        Decimal("0.720"),
    )
