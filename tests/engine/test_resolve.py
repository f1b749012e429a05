"""The exit from quarantine that is not the venue's own evidence."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model import events as e
from router.model import facts as f
from router.model.ids import TradeId, VenueOrderId
from router.model.orders import ChildState, Fee, ParentState
from router.model.resolutions import Resolution, ToldTrade, Verdict
from router.model.terms import Fence
from router.orders.doubts import doubt_of
from tests.engine.desk import LIMITS, Desk, Lost, account, terms

MINUTES = 60_000
ORDER_ID = "X-1"


def quarantined(*, two_people: bool = False) -> Desk:
    """A child nobody can decide: coinbase has neither a deadline nor a licensed dedupe here."""
    desk = Desk(venues=(terms("coinbase", Fence.NONE), terms("kraken"))).start()
    settings = desk.engine.state.settings
    desk.tell(replace(settings, epoch=2, two_people=two_people))
    for venue in desk.venues:
        desk.read(venue.account)
    desk.market("coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.answer("coinbase", Lost(why="time-out"))
    desk.later(6_000)
    desk.missing("coinbase")
    assert desk.states("coinbase") == [ChildState.QUARANTINED]
    return desk


def word(
    desk: Desk, *trades: str, verdict: Verdict = Verdict.FILLED, by: str = "ann", order_id: str | None = ORDER_ID
) -> Resolution:
    """`1@100.00#T1`, as a person read it at the venue."""
    told = []
    for text in trades:
        quantity, _, rest = text.partition("@")
        price, _, trade_id = rest.partition("#")
        fee = (Fee(asset=desk.child("coinbase").order.quote, amount=Decimal("0.01")),)
        told.append(ToldTrade(trade_id=TradeId(trade_id), quantity=Decimal(quantity), price=Decimal(price), fees=fee))
    return Resolution(
        client_id=desk.child("coinbase").order.client_id,
        verdict=verdict,
        evidence="ticket 17",
        principal=by,
        trades=tuple(told),
        venue_order_id=None if order_id is None else VenueOrderId(order_id),
    )


def absent(desk: Desk, by: str = "ann") -> Resolution:
    return word(desk, verdict=Verdict.NEVER_PLACED, by=by, order_id=None)


def say(desk: Desk, resolution: Resolution) -> tuple[f.Fact, ...]:
    return desk.tell(e.ResolveAsked(resolution=resolution))


def refusal(facts: tuple[f.Fact, ...]) -> str:
    [fact] = facts
    assert isinstance(fact, f.ResolutionRefused)
    return fact.why


def test_filled_by_a_person_s_word_and_not_again_by_the_venue_s_rows() -> None:
    """The venue's own ids make the booking keys: the real rows, weeks later, are the same bookings."""
    desk = quarantined()

    say(desk, word(desk, "0.4@100.00#T1", "0.6@100.00#T2"))

    parent = desk.engine.state.parent(desk.child("coinbase").order.parent_id)
    assert desk.states("coinbase") == [ChildState.FILLED]
    assert parent.state is ParentState.FILLED
    rows = tuple(
        replace(
            desk.trade("coinbase", text),
            venue_order_id=VenueOrderId(ORDER_ID),
            client_id=desk.child("coinbase").order.client_id,
        )
        for text in ("0.4@100.00#T1", "0.6@100.00#T2")
    )
    desk.read(account("coinbase"), trades=rows)
    assert desk.engine.state.blotter.filled(parent) == 1
    assert desk.breaches() == []


def test_a_part_filled_and_the_rest_is_sent_again() -> None:
    """What the person named is all there was: the exposure of the rest is free."""
    desk = quarantined()

    say(desk, word(desk, "0.4@100.00#T1"))

    assert desk.states("coinbase")[0] is ChildState.CANCELLED
    assert desk.engine.state.blotter.filled(
        desk.engine.state.parent(desk.child("coinbase").order.parent_id)
    ) == Decimal("0.4")
    assert desk.sent[1:] == ["coinbase buy 0.6 @ 100.00"]


def test_never_placed_by_a_person_and_a_late_fill_stops_the_parent() -> None:
    """People err: the fill is booked all the same, an alarm is raised, and nothing more is sent for the parent."""
    desk = quarantined()
    child = desk.child("coinbase")
    say(desk, absent(desk))
    assert child.state is ChildState.NEVER_PLACED
    assert desk.sent[1:] == ["coinbase buy 1 @ 100.00"]

    late = replace(desk.trade("coinbase", "0.3@100.00#T9"), client_id=child.order.client_id)
    desk.read(account("coinbase"), trades=(late,))

    assert child.filled == Decimal("0.3")
    assert f.BreachKind.FILL_WITHOUT_ORDER in desk.breaches()
    assert desk.engine.state.parent(child.order.parent_id).breached
    assert desk.sent == []


def test_a_child_in_plain_doubt_is_nobody_s_to_decide(desk: Desk) -> None:
    """Only what is quarantined: the venue may still answer."""
    desk.market("coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.answer("coinbase", Lost(why="time-out"))

    assert "IN_DOUBT" in refusal(say(desk, absent(desk)))
    assert desk.states("coinbase") == [ChildState.IN_DOUBT]


def test_where_two_are_needed_the_first_word_is_a_proposal() -> None:
    """The same person again is not a second person; another one who says something else neither; the third is."""
    desk = quarantined(two_people=True)

    [proposed] = say(desk, word(desk, "1@100.00#T1"))
    assert isinstance(proposed, f.ResolutionProposed)
    assert "second person" in refusal(say(desk, word(desk, "1@100.00#T1")))
    assert desk.states("coinbase") == [ChildState.QUARANTINED]
    [other] = say(desk, word(desk, "1@100.00#T2", by="bob"))
    assert isinstance(other, f.ResolutionProposed)
    desk = desk.restarted()
    facts = say(desk, word(desk, "1@100.00#T2", by="cid"))

    assert isinstance(facts[0], f.ResolutionTaken)
    assert facts[0].proposed_by == "bob"
    assert desk.states("coinbase") == [ChildState.FILLED]


def test_a_proposal_grows_old() -> None:
    """What was seen ten minutes ago is looked at again."""
    desk = quarantined(two_people=True)
    say(desk, absent(desk, "ann"))
    desk.now_ns = type(desk.now_ns)(desk.now_ns + 11 * MINUTES * 1_000_000)

    facts = say(desk, absent(desk, "bob"))

    assert isinstance(facts[0], f.ResolutionProposed)
    assert desk.states("coinbase")[0] is ChildState.QUARANTINED


@pytest.mark.parametrize(
    ("trades", "order_id", "why"),
    [
        (("1.5@100#T1",), ORDER_ID, "1.5 would have filled of 1"),
        ((), ORDER_ID, "no trade is named"),
        (("1@100#T1",), None, "the venue's own id of the order is needed"),
        (("0.5@100#T1", "0.5@100#T1"), ORDER_ID, "named twice"),
    ],
)
def test_a_word_that_cannot_be_true_is_refused(trades: tuple[str, ...], order_id: str | None, why: str) -> None:
    """With a sentence, and nothing changes."""
    desk = quarantined()

    assert why in refusal(say(desk, word(desk, *trades, order_id=order_id)))
    assert desk.states("coinbase") == [ChildState.QUARANTINED]


def test_what_the_venue_said_it_did_is_held_against_the_word() -> None:
    """It ended with 0.7 executed, and its trades were never shown: it was not 'never placed', nor did it fill 0.5."""
    desk = Desk(venues=(terms("kraken"),)).start()
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    desk.found("kraken", "CANCELLED", executed="0.7")
    desk.later(6_000)
    desk.found("kraken", "CANCELLED", executed="0.7")
    child = desk.child("kraken")
    assert child.state is ChildState.QUARANTINED

    def told(verdict: Verdict, *quantities: str) -> Resolution:
        return Resolution(
            client_id=child.order.client_id,
            verdict=verdict,
            evidence="the venue's page",
            principal="ann",
            trades=tuple(
                ToldTrade(trade_id=TradeId(f"T{place}"), quantity=Decimal(one), price=Decimal(100))
                for place, one in enumerate(quantities)
            ),
        )

    assert "the venue has had it" in refusal(say(desk, told(Verdict.NEVER_PLACED)))
    assert "0.7 were executed" in refusal(say(desk, told(Verdict.FILLED, "0.5")))
    say(desk, told(Verdict.FILLED, "0.5", "0.2"))
    assert child.state is ChildState.CANCELLED
    assert child.filled == Decimal("0.7")


def test_a_doubt_says_since_when_how_much_and_until_when() -> None:
    """In doubt at a venue with a deadline: proven by then; quarantined: never by rule."""
    desk = Desk(venues=(terms("kraken"),), limits=LIMITS).start()
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    began_ns = desk.now_ns
    desk.answer("kraken", Lost(why="reset"))

    doubt = doubt_of(desk.child("kraken"), desk.engine.state.terms(account("kraken")), two_people=False)
    assert (doubt.since_ns, doubt.exposure, doubt.notional) == (began_ns, 1, 100)
    assert doubt.decided_by_ns is not None
    desk.later((doubt.decided_by_ns - desk.now_ns) // 1_000_000 + 1)
    for _ in range(3):
        desk.missing("kraken")
    assert desk.states("kraken")[0] is ChildState.NEVER_PLACED

    stuck = quarantined(two_people=True)
    say(stuck, absent(stuck))
    doubt = doubt_of(stuck.child("coinbase"), stuck.engine.state.terms(account("coinbase")), two_people=True)
    assert doubt.decided_by_ns is None
    assert "ann says NEVER_PLACED" in doubt.why
