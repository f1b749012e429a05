"""The lab's exchange core: what a venue does with an order."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.lab.core import (
    BookChanged,
    DuplicateRule,
    Exchange,
    NewOrder,
    OrderChanged,
    OrderRecord,
    OrderStatus,
    Printed,
    Rejection,
    RejectKind,
    SymbolRules,
    TimeInForce,
    VenueRules,
)
from router.model.instruments import FeeIn
from router.model.side import Side

D = Decimal
BTC_USD = SymbolRules(
    symbol="BTC/USD",
    base="BTC",
    quote="USD",
    tick=D("0.01"),
    step=D("0.0001"),
    min_quantity=D("0.0001"),
    min_notional=D(5),
    max_quantity=D(100),
)


def venue(
    *,
    fee_in: FeeIn = FeeIn.QUOTE,
    duplicates: DuplicateRule = DuplicateRule.OPEN_ONLY,
    taker: str = "10",
    lag_ns: int = 0,
    ends_what_would_take: bool = False,
) -> Exchange:
    """A venue with one book, 100 @ 101 and 99, and two funded accounts."""
    rules = VenueRules(
        name="test",
        taker_fee_bps=D(taker),
        maker_fee_bps=D(2),
        fee_in=fee_in,
        duplicates=duplicates,
        read_lag_ns=lag_ns,
        ends_what_would_take=ends_what_would_take,
    )
    exchange = Exchange(rules, [BTC_USD])
    for account in ("a", "b"):
        exchange.deposit(account, "USD", D(100_000))
        exchange.deposit(account, "BTC", D(10))
    exchange.set_outside("BTC/USD", [(D(99), D(1)), (D(98), D(2))], [(D(101), D(1)), (D(102), D(2))], 0)
    exchange.drain()
    return exchange


def order(
    side: Side,
    quantity: str,
    price: str | None,
    tif: TimeInForce = TimeInForce.GTC,
    client_id: str | None = None,
    *,
    post_only: bool = False,
) -> NewOrder:
    """Shorthand for a new order on BTC/USD."""
    return NewOrder(
        symbol="BTC/USD",
        side=side,
        quantity=D(quantity),
        limit_price=None if price is None else D(price),
        tif=tif,
        client_id=client_id,
        post_only=post_only,
    )


def placed(exchange: Exchange, account: str, new: NewOrder, now_ns: int = 1) -> OrderRecord:
    """Place an order that must be taken."""
    record = exchange.place(account, new, now_ns)
    assert isinstance(record, OrderRecord), record
    return record


def refused(exchange: Exchange, account: str, new: NewOrder) -> RejectKind:
    """Place an order that must be refused."""
    answer = exchange.place(account, new, 1)
    assert isinstance(answer, Rejection), answer
    return answer.kind


def test_an_ioc_takes_best_price_first_and_its_rest_expires() -> None:
    """1 @ 101 and 2 @ 102 fill a buy of 4 limited to 102; one is left over and expires."""
    exchange = venue()

    record = placed(exchange, "a", order(Side.BUY, "4", "102", TimeInForce.IOC))

    assert (record.status, record.executed, record.cost) == (OrderStatus.EXPIRED, D(3), D(305))
    assert [(trade.price, trade.quantity) for trade in exchange.trades("a")] == [(D(101), D(1)), (D(102), D(2))]
    assert exchange.book("BTC/USD")[1] == []


def test_outside_size_stays_taken_until_its_level_is_set_again() -> None:
    """A second taker finds nothing at 101 until the world sets 101 again."""
    exchange = venue()
    placed(exchange, "a", order(Side.BUY, "0.6", "101", TimeInForce.IOC))

    assert exchange.book("BTC/USD")[1][0] == (D(101), D("0.4"))
    exchange.set_outside("BTC/USD", [], [(D(102), D(3))], 2)
    assert exchange.book("BTC/USD")[1][0] == (D(101), D("0.4"))
    exchange.set_outside("BTC/USD", [], [(D(101), D(1))], 3)
    assert exchange.book("BTC/USD")[1][0] == (D(101), D(1))


def test_at_one_price_who_came_first_is_served_first() -> None:
    """Outside at 99 stood before a's bid, a's before b's; a sell serves them in that order."""
    exchange = venue()
    first = placed(exchange, "a", order(Side.BUY, "1", "99"))
    second = placed(exchange, "b", order(Side.BUY, "1", "99"))

    placed(exchange, "b", order(Side.SELL, "1.5", "99", TimeInForce.IOC))

    assert exchange.find("a", order_id=first.order_id)[0].executed == D("0.5")
    assert exchange.find("b", order_id=second.order_id)[0].executed == 0
    assert exchange.book("BTC/USD")[0][0] == (D(99), D("1.5"))


def test_a_resting_order_is_filled_when_the_outside_crosses_it() -> None:
    """A bid at 100 meets an outside offer at 99.5: filled at 100, as maker, and the offer shrinks."""
    exchange = venue()
    record = placed(exchange, "a", order(Side.BUY, "1", "100"))

    exchange.set_outside("BTC/USD", [], [(D("99.5"), D(3))], 5)

    [trade] = exchange.trades("a")
    assert (trade.price, trade.maker, trade.fee) == (D(100), True, D("0.02"))
    assert exchange.find("a", order_id=record.order_id)[0].status is OrderStatus.FILLED
    assert exchange.book("BTC/USD")[1][0] == (D("99.5"), D(2))


def test_fok_fills_whole_or_not_at_all() -> None:
    """Three can be had at 102: four expire untouched, three fill."""
    exchange = venue()

    assert placed(exchange, "a", order(Side.BUY, "4", "102", TimeInForce.FOK)).executed == 0
    assert placed(exchange, "a", order(Side.BUY, "3", "102", TimeInForce.FOK)).status is OrderStatus.FILLED


def test_post_only_never_takes() -> None:
    """A post-only bid at the offer is refused; below it, it rests."""
    exchange = venue()

    assert refused(exchange, "a", order(Side.BUY, "1", "101", post_only=True)) is RejectKind.POST_ONLY_WOULD_TAKE
    assert placed(exchange, "a", order(Side.BUY, "1", "100", post_only=True)).status is OrderStatus.OPEN


def test_a_venue_may_take_a_post_only_order_and_end_it_at_once() -> None:
    """Where that is its way: no fill, nothing left locked, nothing in the book."""
    exchange = venue(ends_what_would_take=True)
    before = exchange.balances("a")

    record = placed(exchange, "a", order(Side.BUY, "1", "101", post_only=True))

    assert (record.status, record.executed) == (OrderStatus.EXPIRED, 0)
    assert exchange.balances("a") == before
    assert exchange.book("BTC/USD")[0][0] == (D(99), D(1))


def test_a_trade_beyond_our_price_had_to_pass_us() -> None:
    """The best of ours first, each at its own price; the strangers print what is left. All of it is what was traded."""
    exchange = venue()
    lower = placed(exchange, "a", order(Side.BUY, "1", "99.5"))
    better = placed(exchange, "a", order(Side.BUY, "0.3", "100"))
    exchange.drain()

    exchange.print_outside("BTC/USD", Side.SELL, D(99), D(2), 5)

    filled = [(trade.order_id, trade.price, trade.quantity, trade.maker) for trade in exchange.trades("a")]
    assert filled == [(better.order_id, D(100), D("0.3"), True), (lower.order_id, D("99.5"), D(1), True)]
    printed = [(each.price, each.quantity) for each in exchange.prints("BTC/USD")]
    assert printed == [(D(100), D("0.3")), (D("99.5"), D(1)), (D(99), D("0.7"))]


def test_a_trade_at_our_price_is_first_for_whoever_came_first() -> None:
    """1 stood at 99 before us: a trade of 0.6 and one of 0.7 there leave us 0.3. What comes later stands behind us."""
    exchange = venue()
    ours = placed(exchange, "a", order(Side.BUY, "1", "99"))

    exchange.print_outside("BTC/USD", Side.SELL, D(99), D("0.6"), 5)
    exchange.set_outside("BTC/USD", [(D(99), D(4))], [], 6)
    exchange.print_outside("BTC/USD", Side.SELL, D(99), D("0.7"), 7)

    (record,) = exchange.find("a", order_id=ours.order_id)
    assert record.executed == D("0.3")
    assert [each.quantity for each in exchange.prints("BTC/USD")] == [D("0.6"), D("0.3"), D("0.4")]


def test_a_queue_gets_shorter_from_behind_where_the_world_shows_less() -> None:
    """Of 1 ahead 0.25 is still there: no more than that can come before us."""
    exchange = venue()
    ours = placed(exchange, "a", order(Side.BUY, "1", "99"))

    exchange.set_outside("BTC/USD", [(D(99), D("0.25"))], [], 5)
    exchange.print_outside("BTC/USD", Side.SELL, D(99), D("0.5"), 6)

    (record,) = exchange.find("a", order_id=ours.order_id)
    assert record.executed == D("0.25")


def test_a_taker_of_ours_takes_the_queue_in_its_order() -> None:
    """Outside, our resting order, and the outside that came after it."""
    exchange = venue()
    placed(exchange, "b", order(Side.SELL, "1", "101"))
    exchange.set_outside("BTC/USD", [], [(D(101), D(3))], 2)

    placed(exchange, "a", order(Side.BUY, "1.5", "101", TimeInForce.IOC), 3)

    assert sum(trade.quantity for trade in exchange.trades("b")) == D("0.5")
    assert exchange.outside("BTC/USD")[1][0] == (D(101), D(2))


def test_a_market_that_knows_nothing_of_us_fills_only_what_it_passed() -> None:
    """Beyond our price, and only what stood by then; at our very price nothing. It prints our part, and no more."""
    exchange = venue()
    early = placed(exchange, "a", order(Side.SELL, "1", "100.5"), 10)
    placed(exchange, "a", order(Side.SELL, "1", "100.4"), 20)

    exchange.trade_through("BTC/USD", D("100.5"), D(5), 15, 30)
    assert exchange.trades("a") == ()
    exchange.trade_through("BTC/USD", D("100.6"), D("0.4"), 15, 31)

    assert [(trade.order_id, trade.price, trade.quantity) for trade in exchange.trades("a")] == [
        (early.order_id, D("100.5"), D("0.4"))
    ]


@pytest.mark.parametrize(
    ("fee_in", "side", "asset", "fee"),
    [
        (FeeIn.RECEIVED, Side.BUY, "BTC", "0.001"),
        (FeeIn.RECEIVED, Side.SELL, "USD", "0.099"),
        (FeeIn.QUOTE, Side.BUY, "USD", "0.101"),
        (FeeIn.BASE, Side.SELL, "BTC", "0.001"),
    ],
)
def test_the_fee_is_taken_in_the_venues_currency(fee_in: FeeIn, side: Side, asset: str, fee: str) -> None:
    """10 bps of one BTC traded, in the asset the venue takes."""
    exchange = venue(fee_in=fee_in)

    placed(exchange, "a", order(side, "1", "101" if side is Side.BUY else "99", TimeInForce.IOC))

    [trade] = exchange.trades("a")
    assert (trade.fee_asset, trade.fee) == (asset, D(fee))


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        (order(Side.BUY, "1", "100.001"), RejectKind.PRICE_TICK),
        (order(Side.BUY, "1", "0"), RejectKind.PRICE_NOT_POSITIVE),
        (order(Side.BUY, "0.00015", "99"), RejectKind.QUANTITY_STEP),
        (order(Side.BUY, "0.00001", "99"), RejectKind.QUANTITY_TOO_SMALL),
        (order(Side.BUY, "101", "99"), RejectKind.QUANTITY_TOO_LARGE),
        (order(Side.BUY, "0.01", "99"), RejectKind.NOTIONAL_TOO_SMALL),
        (order(Side.SELL, "11", "99"), RejectKind.INSUFFICIENT_FUNDS),
    ],
)
def test_what_the_filters_refuse(new: NewOrder, kind: RejectKind) -> None:
    """Each filter says no in its own word and leaves nothing behind."""
    exchange = venue()

    assert refused(exchange, "a", new) is kind
    assert exchange.orders("a") == ()
    assert exchange.drain() == []


def test_a_halted_symbol_takes_no_orders_but_takes_cancels() -> None:
    """Halting a symbol leaves its resting orders cancellable."""
    exchange = venue()
    record = placed(exchange, "a", order(Side.BUY, "1", "90"))
    exchange.set_halted("BTC/USD", halted=True)

    assert refused(exchange, "a", order(Side.BUY, "1", "90")) is RejectKind.SYMBOL_HALTED
    assert isinstance(exchange.cancel("a", record.order_id, 2), OrderRecord)


def test_duplicate_ids_are_refused_only_while_open_where_the_venue_says_so() -> None:
    """OPEN_ONLY: the id of a finished IOC buys a second time."""
    exchange = venue(duplicates=DuplicateRule.OPEN_ONLY)
    resting = placed(exchange, "a", order(Side.BUY, "1", "90", client_id="x"))

    assert refused(exchange, "a", order(Side.BUY, "1", "90", client_id="x")) is RejectKind.DUPLICATE_CLIENT_ID
    exchange.cancel("a", resting.order_id, 2)
    again = placed(exchange, "a", order(Side.BUY, "0.1", "101", TimeInForce.IOC, client_id="x"))
    assert again.order_id != resting.order_id
    assert len(exchange.find("a", client_id="x")) == 2


def test_a_permanent_id_gives_the_first_order_back() -> None:
    """ALWAYS_RETURNS_FIRST: the second placement buys nothing; another account's ids do not matter."""
    exchange = venue(duplicates=DuplicateRule.ALWAYS_RETURNS_FIRST)
    first = placed(exchange, "a", order(Side.BUY, "0.1", "101", TimeInForce.IOC, client_id="x"))

    assert placed(exchange, "a", order(Side.BUY, "0.1", "101", TimeInForce.IOC, client_id="x")) == first
    assert placed(exchange, "b", order(Side.BUY, "0.1", "101", TimeInForce.IOC, client_id="x")) != first
    assert len(exchange.trades("a")) == 1


def test_look_ups_lag_and_the_truth_does_not() -> None:
    """With a read lag of 10 ns an order placed at 100 is not found at 109 and found at 110; control sees it at once."""
    exchange = venue(lag_ns=10)
    placed(exchange, "a", order(Side.BUY, "0.1", "101", TimeInForce.IOC, client_id="x"), now_ns=100)

    assert exchange.find("a", client_id="x", now_ns=109) == ()
    assert exchange.trades("a", now_ns=109) == ()
    assert len(exchange.find("a", client_id="x", now_ns=110)) == 1
    assert len(exchange.trades("a", now_ns=110)) == 1
    assert len(exchange.find("a", client_id="x")) == 1


def test_a_lagging_list_of_open_orders_still_shows_what_has_just_ended() -> None:
    """Cancelled at 50, lag 10: listed as open at 55, gone at 60."""
    exchange = venue(lag_ns=10)
    record = placed(exchange, "a", order(Side.BUY, "1", "90"), now_ns=1)
    exchange.cancel("a", record.order_id, 50)

    assert [seen.order_id for seen in exchange.orders("a", open_only=True, now_ns=55)] == [record.order_id]
    assert exchange.orders("a", open_only=True, now_ns=60) == ()


def test_events_tell_the_order_the_trade_and_the_level() -> None:
    """A take is told as the order taken, the print, the execution and what is left of the level."""
    exchange = venue()

    placed(exchange, "a", order(Side.BUY, "0.4", "101", TimeInForce.IOC))
    events = exchange.drain()

    assert [event.record.status for event in events if isinstance(event, OrderChanged)] == [
        OrderStatus.OPEN,
        OrderStatus.FILLED,
    ]
    assert [event.quantity for event in events if isinstance(event, Printed)] == [D("0.4")]
    assert [(event.price, event.size) for event in events if isinstance(event, BookChanged)] == [(D(101), D("0.6"))]
    assert exchange.drain() == []


_ORDERS = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from(list(Side)),
    st.integers(1, 30_000).map(lambda steps: steps * D("0.0001")),
    st.one_of(st.none(), st.integers(9_700, 10_300).map(lambda ticks: ticks * D("0.01"))),
    st.sampled_from(list(TimeInForce)),
)
_MOVES = st.tuples(
    st.integers(9_700, 10_300).map(lambda ticks: ticks * D("0.01")),
    st.integers(0, 20_000).map(lambda steps: steps * D("0.0001")),
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(FeeIn)), st.lists(st.one_of(_ORDERS, _MOVES, st.integers(0, 20)), max_size=25))
def test_balances_are_deposits_plus_trades_less_fees(fee_in: FeeIn, steps: list[object]) -> None:
    """Whatever happens, an account holds what it put in plus its trades less its fees, and locks fit open orders."""
    exchange = venue(fee_in=fee_in)
    for now_ns, step in enumerate(steps):
        if isinstance(step, int):
            open_orders = exchange.orders("a", open_only=True)
            if open_orders:
                exchange.cancel("a", open_orders[step % len(open_orders)].order_id, now_ns)
        elif isinstance(step, tuple) and len(step) == 2:
            price, size = step
            sides = ([(price, size)], []) if price < 100 else ([], [(price, size)])
            exchange.set_outside("BTC/USD", *sides, now_ns)
        else:
            account, side, quantity, price, tif = step  # type: ignore[misc]
            exchange.place(
                account,
                NewOrder(symbol="BTC/USD", side=side, quantity=quantity, limit_price=price, tif=tif),
                now_ns,
            )
    for account in ("a", "b"):
        usd, btc = D(100_000), D(10)
        for trade in exchange.trades(account):
            usd -= trade.side.sign * trade.price * trade.quantity + (trade.fee if trade.fee_asset == "USD" else 0)
            btc += trade.side.sign * trade.quantity - (trade.fee if trade.fee_asset == "BTC" else 0)
        held = exchange.balances(account)
        assert (held["USD"].total, held["BTC"].total) == (usd, btc)
        assert all(0 <= balance.free <= balance.total for balance in held.values())
        if not exchange.orders(account, open_only=True):
            assert all(balance.free == balance.total for balance in held.values())
        for record in exchange.orders(account):
            mine = exchange.trades(account, order_id=record.order_id)
            assert record.executed == sum(trade.quantity for trade in mine) <= record.quantity
            assert record.cost == sum(trade.price * trade.quantity for trade in mine)
    bids, asks = exchange.book("BTC/USD")
    assert not bids or not asks or bids[0][0] < asks[0][0]
