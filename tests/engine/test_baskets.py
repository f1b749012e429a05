"""Baskets: sells before buys, buys let go against settled proceeds, scaled when short, ended together."""

from decimal import Decimal

from router.baskets import taken
from router.model import events as e
from router.model import facts as f
from router.model.baskets import BasketState
from router.model.orders import ParentState
from tests.engine.floor import Floor, part, whole


def floor(**money: str) -> Floor:
    found = Floor().open(money or {"kraken": "0", "binance": "0"})
    for venue in found.money:
        name = str(venue).split("/", maxsplit=1)[0]
        found.price(name, "BTC", "100")
        found.price(name, "ETH", "10")
        found.price(name, "SOL", "1")
    return found


def test_a_buy_waits_for_what_the_sell_brings():
    """Two legs, no cash: the sell goes, the buy goes once its proceeds are booked and in the balances."""
    desk = floor(kraken="0")
    sell, buy = desk.basket("sell 10 BTC", "buy 50 ETH")

    (first,) = desk.placed()
    assert first.order.parent_id == sell.order.id
    desk.fill(first, Decimal(10))
    assert desk.placed() == []  # booked, and not in the balances yet
    desk.run()

    assert (sell.state, buy.state) == (ParentState.FILLED, ParentState.FILLED)
    assert [one.state for one in desk.ended()] == [BasketState.COMPLETED]
    assert desk.bought("ETH") == 500
    assert desk.cash() == Decimal(999) - Decimal("500.5")


def test_a_buy_is_scaled_to_what_the_sell_brought():
    """The sell ends short; the buy gets what came in, to the lot, and the basket says why."""
    desk = floor(kraken="0")
    sell, buy = desk.basket("sell 10 BTC rounds 1", "buy 100 ETH")
    desk.run(lambda child: Decimal(4) if child.order.base == "BTC" else child.order.quantity)

    assert sell.state is ParentState.DONE_PARTIAL
    assert buy.state is ParentState.DONE_PARTIAL
    assert buy.reason.startswith("scaled to 39.92")
    proceeds = Decimal("399.6")
    assert desk.bought("ETH") * Decimal("1.001") <= proceeds
    assert proceeds - desk.bought("ETH") * Decimal("1.001") < Decimal("0.0011")
    assert [one.state for one in desk.ended()] == [BasketState.COMPLETED_ADJUSTED]


def test_w24_funding_and_scale():
    """Cash 5,000, buffer 10,000, sell 30,000, wanted 25,000 and 15,000 at 10 bps: 15,590.6593 and 9,354.3956."""
    desk = floor(kraken="5000")
    desk.basket("sell 300 BTC", "buy 2500 ETH", "buy 15000 SOL", cash_constraint="FREE", buffer={"USD": "10000"})
    desk.run()

    assert abs(desk.bought("ETH") - Decimal("15590.6593")) < Decimal("0.01")
    assert abs(desk.bought("SOL") - Decimal("9354.3956")) < Decimal("0.01")
    assert Decimal(10_000) <= desk.cash() < Decimal("10000.01")
    assert desk.states() == [ParentState.FILLED, ParentState.DONE_PARTIAL, ParentState.DONE_PARTIAL]


def test_w24_enough():
    """Cash 20,000, buffer 10,000, sell 40,000: buying 45,000 leaves 14,915.00."""
    desk = floor(kraken="20000")
    desk.basket("sell 400 BTC", "buy 4500 ETH", cash_constraint="FREE", buffer={"USD": "10000"})
    desk.run()

    assert desk.cash() == Decimal("14915.00")
    assert [one.state for one in desk.ended()] == [BasketState.COMPLETED]


def test_it_is_taken_whole_or_not_at_all():
    """One leg is below every minimum: none is taken, and the sentence names it."""
    desk = floor(kraken="0")
    legs = desk.basket("sell 10 BTC", "buy 0.00001 ETH")

    assert desk.placed() == []
    assert [leg.state for leg in legs] == [ParentState.REJECTED] * 2
    assert legs[0].reason.startswith("legs.2.base_quantity: no venue here takes less than")
    assert [one.state for one in desk.ended()] == [BasketState.REJECTED]


def test_a_leg_without_a_market_ends_and_lets_the_other_end():
    """They must keep pace, and one of them cannot begin."""
    desk = floor(kraken="0")
    del desk.ladders["kraken", "ETH"]
    legs = desk.basket("sell 10 BTC", "buy 50 ETH", cash_constraint="FREE", max_leg_imbalance={"share": "0.5"})
    desk.run()

    assert [leg.state for leg in legs] == [ParentState.EXPIRED] * 2
    assert legs[0].reason == "scaled to 0 % of 10: its side may not run further ahead of the other"
    assert [one.state for one in desk.ended()] == [BasketState.COMPLETED_ADJUSTED]


def test_sides_keep_pace():
    """Neither side is more than a tenth ahead, and both get there."""
    desk = floor(kraken="100000")
    legs = desk.basket(
        "sell 10 BTC", "buy 100 ETH", cash_constraint="FREE", sell_first=False, max_leg_imbalance={"share": "0.1"}
    )
    sold = bought = Decimal(0)
    for _ in range(60):
        for child in desk.placed():
            exposed = [
                sum((one.exposure for one in desk.engine.state.blotter.children_of(leg)), Decimal(0)) for leg in legs
            ]
            assert abs(exposed[0] / 10 - bought / 100) <= Decimal("0.1") or exposed[0] / 10 < bought / 100
            assert abs(exposed[1] / 100 - sold / 10) <= Decimal("0.1") or exposed[1] / 100 < sold / 10
            desk.fill(child, child.order.quantity)
            sold, bought = (desk.engine.state.blotter.filled(leg) for leg in legs)

    assert [leg.state for leg in legs] == [ParentState.FILLED] * 2


def test_releases_are_written_down():
    """What was held back, and why."""
    desk = floor(kraken="0")
    _, buy = desk.basket("sell 10 BTC", "buy 50 ETH")
    desk.run()

    said = [fact for fact in desk.facts if isinstance(fact, f.LegReleased) and fact.parent_id == buy.order.id]
    assert [one.verdict for one in said] == ["SPENT", "WAIT", "GO"]
    assert said[0].reason == "nothing has settled yet"


def test_a_restart_in_the_middle_goes_on_from_the_journal():
    """Killed between the release and the send: what is released then follows from the same fills."""
    desk = floor(kraken="0")
    desk.basket("sell 10 BTC", "buy 50 ETH")
    (first,) = desk.placed()
    desk.fill(first, whole(first))
    desk.run(part("0.5"), steps=2)

    assert desk.restarted().engine.state.blotter.legs


def test_a_leg_for_one_round_has_one():
    """More cash comes in later: its round is over."""
    desk = floor(kraken="0")
    sell, buy = desk.basket("sell 10 BTC rounds 5", "buy 100 ETH tif IOC", sell_first=False)
    desk.run(lambda child: min(Decimal(4), child.order.quantity) if child.order.base == "BTC" else whole(child))

    rounds = [one for one in desk.facts if isinstance(one, f.RoundPlanned) and one.parent_id == buy.order.id]
    assert len(rounds) == 1
    assert (sell.state, buy.state) == (ParentState.FILLED, ParentState.DONE_PARTIAL)
    assert buy.reason.startswith("its one round is over")
    assert [one.state for one in desk.ended()] == [BasketState.COMPLETED_ADJUSTED]


def test_a_buy_that_may_have_been_there_after_all_draws_on_the_cash():
    """Proven absent, it draws nothing; suspected, all it reserved."""
    desk = floor(kraken="100000")
    desk.basket("buy 50 ETH", "buy 500 SOL", cash_constraint="STATED", cash={"USD": "600"}, sell_first=False)
    first, *_ = desk.placed()
    desk.lose(first)
    while not first.state.ended:
        desk.later(100)
        desk.nowhere(first)
    assert taken(first) == 0

    order = first.order
    desk.tell(e.OrderHinted(account=order.account, client_id=order.client_id, venue_order_id=None, hint="new"))

    assert first.suspected_ns is not None
    assert taken(first) == first.reserved > 0


def test_an_ended_leg_stays_as_long_as_its_basket_lives():
    """What it brought is counted from its children: they leave together, or not at all."""
    desk = Floor(archive_after_ms=1_000).open({"kraken": "0"})
    for asset, price in {"BTC": "100", "ETH": "10"}.items():
        desk.price("kraken", asset, price)
    sell, _ = desk.basket("sell 10 BTC", "buy 50 ETH")
    (first,) = desk.placed()
    desk.fill(first, Decimal(10))
    desk.later(1_100)
    desk.read_all()
    (second,) = desk.placed()
    for _ in range(10):
        desk.later(1_000)
        desk.read_all()

    assert sell.state is ParentState.FILLED
    assert desk.states() == [ParentState.FILLED, ParentState.WORKING]
    assert not second.state.ended


def test_a_buy_waits_while_a_sell_is_in_doubt():
    """What the other sell brought would be enough for some of it."""
    desk = floor(kraken="0")
    desk.basket("sell 10 BTC", "sell 100 SOL", "buy 50 ETH", sell_first=False)
    first, doubted = desk.placed()
    desk.lose(doubted)
    desk.fill(first, Decimal(10))
    desk.read_all()
    desk.later(100)

    assert [child for child in desk.placed() if child.order.base == "ETH"] == []
