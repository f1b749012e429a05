"""Policies and their envelope, worked by the engine: what leaves, when, and what is refused or held back."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from router.model import events as e
from router.model import facts as f
from router.model.ids import Nanos, ParentId
from router.model.orders import ParentState
from router.orders.records import Parent
from router.requests.fields import moment
from tests.engine.desk import LIMITS, START_NS, Desk

S = 1_000
MIN = 60 * S
DEEP = """
    kraken   bid  99.90 50
    kraken   ask 100.00 50
    binance  bid  99.90 50
    binance  ask 100.05 50
"""


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market(DEEP)
    return desk


def last_reason(parent: Parent) -> tuple[ParentState, str]:
    return parent.state, parent.reason


def test_a_twap_sends_its_slices_in_their_time(desk: Desk) -> None:
    """Four slices in an hour, in the middle of their quarters; the last fill ends it."""
    parent = desk.order("P1", "TWAP", "1", duration="1h", params={"slices": 4})
    assert desk.sent == []

    for minute in (7.5, 22.5, 37.5, 52.5):
        desk.later(int(minute * MIN) - (desk.now_ns - START_NS) // 1_000_000)
        assert desk.sent == ["kraken buy 0.25 @ 100.00"]
        desk.fill("kraken")
        desk.later(1)
        assert desk.sent == []

    assert last_reason(parent) == (ParentState.FILLED, "filled")


def test_a_restart_changes_no_schedule(desk: Desk) -> None:
    """A successor that only read the journal sends the next slice when its predecessor would have."""
    desk.order("P1", "TWAP", "1", duration="1h", params={"slices": 4}, randomize={"seed": 3})
    desk.later(15 * MIN)
    sent = desk.sent
    desk.fill("kraken")
    ahead, successor = desk, desk.restarted()
    successor.start(epoch=2)

    for one in (ahead, successor):
        one.later(15 * MIN)

    assert len(sent) == 1
    assert ahead.sent == successor.sent != []
    assert ahead.now_ns == successor.now_ns


def test_what_a_slice_misses_the_next_makes_up(desk: Desk) -> None:
    """Half of the first slice fills: the second is larger by the rest."""
    desk.order("P1", "TWAP", "1", duration="1h", params={"slices": 4})
    desk.later(8 * MIN)
    desk.fill("kraken", "0.1")
    assert desk.sent == ["kraken buy 0.25 @ 100.00"]

    desk.later(15 * MIN)

    assert desk.sent == ["kraken buy 0.4 @ 100.00"]


def test_an_order_that_must_complete_takes_the_rest_at_its_end(desk: Desk) -> None:
    """One that need not ends part done."""
    for ref, must in (("P1", True), ("P2", False)):
        desk.order(ref, "TWAP", "1", duration="1h", params={"slices": 2, "catch_up": "none"}, must_complete=must)
        desk.later(16 * MIN)
        desk.fill("kraken", "0.1")
        desk.later(30 * MIN)
        desk.fill("kraken", "0.1")
        assert desk.sent == ["kraken buy 0.5 @ 100.00"] * 2
        desk.later(15 * MIN)

        assert desk.sent == (["kraken buy 0.8 @ 100.00"] if must else [])
        if must:
            desk.fill("kraken")
        end = list(desk.engine.state.blotter.parents.values())[-1]
        assert end.state is (ParentState.FILLED if must else ParentState.DONE_PARTIAL)


def test_best_single_uses_one_venue_a_round(desk: Desk) -> None:
    """Where sweeping both would be cheaper, it still is one child."""
    desk.market("kraken ask 100.00 2\nkraken ask 100.30 10\nbinance ask 100.10 2\nbinance ask 100.20 10")

    desk.order("P1", "BEST_SINGLE", "4")

    assert desk.sent == ["binance buy 4 @ 100.20"]


def test_is_front_loads(desk: Desk) -> None:
    """The more urgent, the more so; nothing is left over."""
    first: dict[str, str] = {}
    for number, urgency in enumerate(("LOW", "HIGH")):
        desk.order(f"P{number}", "IS", "4", duration="1h", params={"slices": 4, "urgency": urgency})
        first[urgency] = desk.sent[0]
        desk.fill("kraken")

    assert first == {"LOW": "kraken buy 1.2011 @ 100.00", "HIGH": "kraken buy 3.4587 @ 100.00"}


def test_a_sniper_waits_for_enough_at_its_price(desk: Desk) -> None:
    """Nothing leaves while too little stands there; then what is there, at its price and no worse."""
    desk.order("P1", "SNIPER", "4", params={"trigger_price": "99.50", "min_quantity": "3"})
    desk.later(5 * S)
    assert desk.sent == []

    desk.market("kraken ask 99.40 2\nkraken ask 99.60 9\nbinance ask 99.50 1.5")
    desk.later(1 * S)

    assert sorted(desk.sent) == ["binance buy 1.5 @ 99.50", "kraken buy 2 @ 99.40"]


# POV and shares of volume.


def pov(desk: Desk, **more: Any) -> Parent:
    for venue in ("kraken", "binance"):
        desk.printed(venue, "1000")
    return desk.order("P1", "POV", "10", params={"target_rate": "0.1", "window": "1m"} | more)


def test_pov_follows_what_others_trade(desk: Desk) -> None:
    """W21 over two venues. Its own prints are on the tape too, and are taken off."""
    pov(desk)
    sent = []
    for kraken, binance in (("1009", "1003"), ("1017", "1003"), ("1030", "1013")):
        own = sum((child.filled for child in desk.engine.state.blotter.children.values()), 0)
        desk.printed("kraken", f"{float(kraken) + float(own):.4f}")
        desk.printed("binance", binance)
        desk.later(MIN)
        sent += desk.sent
        desk.fill("kraken")

    assert sent == ["kraken buy 1.3333 @ 100.00", "kraken buy 0.8889 @ 100.00", "kraken buy 2.5555 @ 100.00"]


def test_pov_holds_in_a_window_that_may_miss_prints(desk: Desk) -> None:
    """It says so, and goes on when the next window is whole: what was missed is never guessed."""
    parent = pov(desk)
    desk.printed("kraken", "5", epoch_ns=2)
    desk.later(MIN)
    assert desk.sent == []
    assert last_reason(parent) == (ParentState.PAUSED, "held: prints may be missing in this window")

    desk.printed("kraken", "14", epoch_ns=2)
    desk.later(MIN)

    assert desk.sent == ["kraken buy 1 @ 100.00"]
    assert parent.state is ParentState.WORKING


def test_a_share_of_the_volume_is_never_exceeded(desk: Desk) -> None:
    """A sweep that may be a tenth of all volume waits for volume."""
    desk.printed("kraken", "1000")
    desk.printed("binance", "1000")
    desk.order("P1", "SWEEP", "10", max_participation_rate="0.1")
    assert desk.sent == []

    desk.printed("kraken", "1018")
    desk.later(1 * S)

    assert desk.sent == ["kraken buy 2 @ 100.00"]


def test_what_was_in_flight_when_the_count_began_is_no_volume_of_others(desk: Desk) -> None:
    """An order of another parent that expires unfilled printed nothing: the share follows nobody's trades."""
    parent = _counting_while_in_flight(desk, "POV", params={"target_rate": "0.2", "window": "1s"})
    desk.fill("kraken", "0")
    desk.later(2_500)

    assert parent.volume is not None
    assert parent.volume.total <= 0
    assert desk.sent == []


def test_a_print_that_comes_after_its_fill_is_no_volume_of_others(desk: Desk) -> None:
    """The trade list tells a fill before the tape does: whoever began to count in between counts none of it."""
    desk.printed("kraken", "10")
    desk.submit("P1 buy 50 limit 100 rounds 1")
    desk.fill("kraken")
    parent = desk.order("P2", "POV", "50", params={"target_rate": "0.2", "window": "1s"})
    desk.printed("kraken", "60")
    assert desk.sent == ["kraken buy 50 @ 100.00"]
    desk.later(2_500)

    assert parent.volume is not None
    assert parent.volume.total <= 0
    assert desk.sent == []


def test_a_round_while_an_order_is_in_flight_begins_no_count_below_nothing(desk: Desk) -> None:
    """A round at a would-price takes no share. When the other's order expires, nobody has traded since."""
    _counting_while_in_flight(desk, "SWEEP", max_participation_rate="0.5", would_price="99")
    desk.market("kraken ask 100 50\nbinance bid 97 1\nbinance ask 98 10")
    desk.printed("kraken", "10")
    desk.later(1_000)
    assert desk.sent == ["binance buy 10 @ 98"]
    desk.market("kraken ask 100 50\nbinance ask 100 10")
    desk.printed("kraken", "10")
    desk.fill("binance")

    desk.fill("kraken", "0")
    desk.later(2_500)

    assert desk.sent == []


def _counting_while_in_flight(desk: Desk, policy: str, **fields: Any) -> Parent:
    """Begin to count while an order of another parent is out for all that kraken shows."""
    desk.market("kraken bid 99 50\nkraken ask 100 100")
    desk.printed("kraken", "10")
    desk.submit("P1 buy 100 limit 100 rounds 1")
    assert desk.sent == ["kraken buy 100 @ 100"]
    return desk.order("P2", policy, "50", **fields)


# The envelope.


def test_a_start_and_a_stop_price_are_waited_for(desk: Desk) -> None:
    """First its time, then the mid at its stop price, of books that are fresh."""
    parent = desk.order(
        "P1", "SWEEP", "1", start_time=moment(Nanos(START_NS + 60_000_000_000)), stop_price="101", stop_age_ms=500
    )
    desk.later(MIN - 1)
    desk.market("kraken bid 101.10 5\nkraken ask 101.20 5\nbinance bid 101.10 5\nbinance ask 101.20 5")
    assert desk.sent == []

    for venue in ("kraken", "binance"):
        desk.books[venue] = _aged(desk, venue, 600)
    desk.later(5 * S)
    assert desk.sent == []

    for venue in ("kraken", "binance"):
        desk.books[venue] = _aged(desk, venue, 400)
    desk.later(1 * S)
    assert desk.sent == ["binance buy 1 @ 101.20"]
    assert parent.triggered_ns is not None


def _aged(desk: Desk, venue: str, age_ms: int) -> Any:
    return replace(desk.books[venue], book_age_ns=age_ms * 1_000_000)


@pytest.mark.parametrize("others", [("kraken",), ("kraken", "coinbase")])
def test_one_dust_quote_far_from_everybody_else_moves_no_order(others: tuple[str, ...]) -> None:
    """It triggers no stop, not even as one of two, and as one of three it holds nothing back by slippage."""
    desk = Desk().start()
    honest = "".join(f"{venue} bid 99 50\n{venue} ask 100 50\n" for venue in others)
    desk.market(honest + "binance bid 99 50\nbinance ask 100 50")
    stop = desk.order("P1", "SWEEP", "40", stop_price="105")
    held = desk.order("P2", "SWEEP", "1", stop_price="99", max_slippage_bps="20", price_collar_bps="60")
    assert held.arrival is not None
    desk.market(honest + "binance bid 120 0.0001\nbinance ask 121 0.0001")
    desk.later(2_000)

    assert stop.triggered_ns is None
    assert [one for one in desk.sent if one.split()[2] == "40"] == []
    assert held.held is (len(others) < 2)

    desk.market("".join(f"{venue} bid 106 50\n{venue} ask 107 50\n" for venue in (*others, "binance")))
    desk.later(1_000)
    assert stop.triggered_ns is not None


def test_a_would_price_is_taken_at_once(desk: Desk) -> None:
    """Before the first slice is due, at that price or better, and no more than stands there."""
    desk.order("P1", "TWAP", "1", duration="1h", params={"slices": 2}, would_price="99.00")
    desk.later(2 * S)
    assert desk.sent == []

    desk.market("kraken ask 98.90 0.4\nkraken ask 99.10 9\nbinance ask 100 9")
    desk.later(2 * S)

    assert desk.sent == ["kraken buy 0.4 @ 98.90"]


def test_slippage_holds_an_order_and_lets_it_go_on(desk: Desk) -> None:
    """Held, said once, and worked again when the price is back."""
    parent = desk.order("P1", "TWAP", "1", duration="10m", params={"slices": 2}, max_slippage_bps="20")
    desk.market("kraken bid 101 5\nkraken ask 101.1 5\nbinance bid 101 5\nbinance ask 101.1 5")
    desk.later(3 * MIN)
    held = [fact for fact in desk.facts if isinstance(fact, f.ParentMoved) and fact.held]
    assert (desk.sent, len(held)) == ([], 1)
    assert last_reason(parent) == (ParentState.PAUSED, "held: the mid is more than 20 bps from arrival")

    desk.market(DEEP)
    desk.later(2 * S)

    assert desk.sent == ["kraken buy 0.5 @ 100.00"]
    assert parent.state is ParentState.WORKING


@pytest.mark.parametrize(
    ("bound", "sent"),
    [
        ({}, ["binance buy 4 @ 100.05", "kraken buy 4 @ 100.00"]),
        ({"max_child_quantity": "1.5", "max_children_outstanding": 2}, ["kraken buy 1.5 @ 100.00"] * 2),
        ({"max_venues": 1}, ["kraken buy 8 @ 100.40"]),
        ({"max_children_outstanding": 1}, ["kraken buy 8 @ 100.40"]),
        ({"max_share_per_venue": "0.3"}, ["binance buy 2.4 @ 100.05", "kraken buy 2.4 @ 100.00"]),
        ({"all_in_limit_price": "100.03"}, ["kraken buy 4 @ 100.00"]),
        ({"price_collar_bps": "12"}, ["binance buy 4 @ 100.05", "kraken buy 4 @ 100.00"]),
        ({"price_collar_bps": "3"}, []),
        ({"min_child_notional": "450"}, ["kraken buy 8 @ 100.40"]),
    ],
)
def test_bounds_on_children(desk: Desk, bound: dict[str, Any], sent: list[str]) -> None:
    """Each narrows what one round may send."""
    desk.market(
        "kraken bid 99.9 9\nkraken ask 100.00 4\nkraken ask 100.40 9\n"
        "binance bid 99.9 9\nbinance ask 100.05 4\nbinance ask 100.60 9"
    )

    desk.order("P1", "SWEEP", "8", **bound)

    assert sorted(desk.sent) == sent


@pytest.mark.parametrize(
    ("policy", "fields", "why"),
    [
        ("TWAP", {"duration": "1h", "params": {"slices": 20}}, "params.slices: 9 is the most"),
        (
            "TWAP",
            {"duration": "1h", "params": {"slice_interval": "1m"}},
            "params.slice_interval: 400s is the least",
        ),
        ("VWAP", {"duration": "1h", "base_quantity": "0.0001"}, "base_quantity: no venue here takes less than 0.0106"),
        ("SWEEP", {"max_child_quantity": "0.001"}, "max_child_quantity: no venue here takes less than 0.0106"),
        ("SWEEP", {"end_time": "2001-01-01T00:00:00Z"}, "end_time: is over already"),
    ],
)
def test_what_cannot_be_worked_is_refused_with_what_can(
    desk: Desk, policy: str, fields: dict[str, Any], why: str
) -> None:
    """At acceptance, by the rules of the venues it may use."""
    for venue, book in desk.books.items():
        desk.books[venue] = replace(book, listing=replace(book.listing, min_notional=Decimal(1)))
    if policy == "VWAP":
        curve = {"curve_id": "c", "curve_asof": "d", "built_from": "b", "weekday": ["1"], "weekend": ["1"]}
        fields = fields | {"params": {"slices": 2, "curve": curve}}

    parent = desk.order("P1", policy, **({"base_quantity": "0.1"} | fields))

    assert parent.state is ParentState.REJECTED
    rejected = [fact for fact in desk.facts if isinstance(fact, f.ParentTurnedDown)]
    assert rejected[0].reason.startswith(why)


# People.


def test_a_paused_parent_sends_nothing_until_it_is_resumed(desk: Desk) -> None:
    """Its schedule does not wait: what was missed is made up for as the order says."""
    parent = desk.order("P1", "TWAP", "1", duration="1h", params={"slices": 4})
    desk.tell(e.PauseAsked(parent_id=parent.order.id, resume=False, principal="ann"))
    desk.later(30 * MIN)
    assert desk.sent == []
    assert last_reason(parent) == (ParentState.PAUSED, "paused by ann")

    desk.tell(e.PauseAsked(parent_id=parent.order.id, resume=True, principal="bob"))

    assert desk.sent == ["kraken buy 0.5 @ 100.00"]


def test_a_paused_parent_still_ends(desk: Desk) -> None:
    """At its time, with nothing done."""
    parent = desk.order("P1", "TWAP", "1", duration="1h", params={"slices": 4})
    desk.tell(e.PauseAsked(parent_id=parent.order.id, resume=False, principal="ann"))

    desk.later(61 * MIN)

    assert last_reason(parent) == (ParentState.EXPIRED, "its time is over")


def test_an_amended_parent_goes_on_under_its_new_terms(desk: Desk) -> None:
    """Less quantity, never less than what is done or out; a worse or a better limit; another end."""
    parent = desk.order("P1", "TWAP", "1", duration="1h", params={"slices": 4}, limit_price="100.50")
    desk.later(8 * MIN)
    desk.fill("kraken")
    assert desk.sent == ["kraken buy 0.25 @ 100.00"]

    desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", quantity=parent.order.quantity / 5))
    refused = [fact.why for fact in desk.facts if isinstance(fact, f.AmendRefused)]
    assert refused == ["base_quantity: 0.25 is done, out or in doubt already"]

    desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", quantity=parent.order.quantity / 2))
    desk.later(30 * MIN)
    desk.fill("kraken")
    desk.later(30 * MIN)
    assert desk.sent == ["kraken buy 0.125 @ 100.00"] * 2
    assert desk.restarted().engine.state.parent(parent.order.id).order == parent.order


def test_an_amendment_that_comes_too_late_is_said_to(desk: Desk) -> None:
    """The order ended, or is being cancelled, while the request was on its way: no amendment passes without a word."""
    ended = desk.submit("P1 buy 0.25 limit 100 rounds 1")
    desk.fill("kraken")
    out = desk.submit("P2 buy 0.25 limit 100 rounds 1")
    desk.tell(e.CancelAsked(parent_id=out.order.id, principal="ann"))
    asked = [ended.order.id, out.order.id, ParentId("P0")]
    for parent_id in asked:
        desk.tell(e.AmendAsked(parent_id=parent_id, principal="ann", quantity=Decimal(1)))

    refused = [(fact.parent_id, fact.why) for fact in desk.facts if isinstance(fact, f.AmendRefused)]
    assert refused == [
        (asked[0], "ref_id: it has ended already: FILLED"),
        (asked[1], "ref_id: it is being cancelled"),
        (asked[2], "ref_id: no order of this reference was taken"),
    ]


def test_an_amendment_is_held_against_the_limit_on_a_parents_worth() -> None:
    """A sell by what it may bring, not by its limit; what makes it worth no more is never refused for its worth."""
    desk = Desk(limits=replace(LIMITS, parent_notional_max=Decimal(1_000))).start()
    desk.market("kraken bid 99.00 1000\nkraken ask 100.00 1")
    parent = desk.submit("P1 sell 5 limit 1")
    assert desk.sent == ["kraken sell 5 @ 99.00"]

    amended = {"900": False, "10.1": False, "10": True, "9": True}
    for quantity, taken in amended.items():
        desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", quantity=Decimal(quantity)))
        assert (parent.order.quantity == Decimal(quantity)) is taken
    refused = [fact.why for fact in desk.facts if isinstance(fact, f.AmendRefused)]
    assert refused == [
        "base_quantity: worth 89550.00, above the parent limit 1000",
        "base_quantity: worth 1004.95, above the parent limit 1000",
    ]

    desk.market("kraken bid 299.00 1000\nkraken ask 300.00 1")
    desk.fill("kraken")
    assert desk.sent == ["kraken sell 4 @ 299.00"]
    for change, taken in (({"quantity": Decimal("9.1")}, False), ({"limit_price": Decimal(2)}, True)):
        before = parent.order
        desk.tell(e.AmendAsked(parent_id=parent.order.id, principal="ann", **change))  # type: ignore[arg-type]
        assert (parent.order != before) is taken
