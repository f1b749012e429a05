"""Implementation shortfall, by the published numbers and by two routes."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from router.model.side import Side
from router.tca.result import slippage_bps
from router.tca.shortfall import Basis, Execution, Mids, Shortfall, shortfall


def fill(quantity: str, price: str, fee: str = "0", mark: str = "1", arrival_mark: str = "1") -> Execution:
    return Execution(
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        mark=Decimal(mark),
        arrival_mark=Decimal(arrival_mark),
    )


def mids(decision: str, arrival: str, final: str) -> Mids:
    return Mids(decision=Decimal(decision), arrival=Decimal(arrival), final=Decimal(final))


def parts(found: Shortfall) -> list[Decimal]:
    return [found.delay, found.trading, found.opportunity, found.fees, found.total]


def in_bps(found: Shortfall) -> list[str]:
    return [f"{found.bps(part):.4f}" for part in parts(found)]


def test_the_example_of_a_stock_desk():
    """W16: 1,000 ordered at 40.00, seen by the market a day later, 700 done, the rest missed."""
    found = shortfall(
        Side.BUY, Decimal(1000), mids("40.00", "40.04", "40.08"), [fill("700", "40.05", "17")], Basis.EXECUTED
    )

    assert in_bps(found) == ["7.0000", "1.7500", "6.0000", "4.2500", "19.0000"]
    assert found.total == 76


def test_the_example_of_a_crypto_buy():
    """W17, on both bases: the total is the same."""
    fills = [
        fill("1.5", "60020", "90.03"),
        fill("2.0", "60025", "48.02"),
        fill("1.0", "60040", "60.04"),
    ]
    around = mids("60000", "60012", "60050")
    executed = shortfall(Side.BUY, Decimal(5), around, fills, Basis.EXECUTED)
    ordered = shortfall(Side.BUY, Decimal(5), around, fills)

    assert parts(executed) == [54, 66, 25, Decimal("198.09"), Decimal("343.09")]
    assert in_bps(executed) == ["1.8000", "2.2000", "0.8333", "6.6030", "11.4363"]
    assert parts(ordered) == [60, 66, 19, Decimal("198.09"), Decimal("343.09")]
    average = sum(one.quantity * one.price for one in fills) / Decimal("4.5")
    assert f"{average:.4f}" == "60026.6667"
    slippage, with_fees = (slippage_bps(Side.BUY, average + fee, Decimal(60012)) for fee in (0, Decimal("44.02")))
    assert (f"{slippage:.4f}", f"{with_fees:.4f}") == ("2.4440", "9.7792")


def test_the_golden_vectors():
    """Two more: a buy a third of which was missed, and a sell into a falling market."""
    buy = shortfall(Side.BUY, Decimal(50_000), mids("42.00", "42.30", "43.50"), [fill("35000", "42.75", "1050")])
    assert parts(buy) == [15_000, 15_750, 18_000, 1_050, 49_800]
    assert in_bps(buy) == ["71.4286", "75.0000", "85.7143", "5.0000", "237.1429"]

    sell = shortfall(
        Side.SELL, Decimal(10), mids("60100", "60080", "59900"), [fill("4", "60050", "540"), fill("5", "59960")]
    )
    assert parts(sell) == [200, 720, 180, 540, 1_640]
    assert f"{sell.bps(sell.total):.4f}" == "27.2879"


def test_what_a_quote_moved_by_is_no_fault_of_the_trading():
    """Bought for USDT that had become dearer since arrival: the price was the arrival's, the currency was not."""
    found = shortfall(
        Side.BUY,
        Decimal(2),
        mids("60000", "60000", "60000"),
        [fill("2", "60000", mark="1.001", arrival_mark="1")],
    )

    assert (found.trading, found.fx, found.total) == (0, 120, 120)


amounts = st.decimals("0.00000001", "1000000", places=8)
prices = st.decimals("0.00000001", "1000000", places=8)
marks = st.decimals("0.000001", "10", places=6)
executions = st.builds(
    Execution,
    quantity=amounts,
    price=prices,
    mark=marks,
    arrival_mark=marks,
    fee=st.decimals("-1000", "1000", places=8),
)


@given(
    st.sampled_from(Side),
    amounts,
    st.builds(Mids, decision=prices, arrival=prices, final=prices),
    st.lists(executions, max_size=8),
)
def test_it_is_paper_less_actual(side: Side, ordered: Decimal, around: Mids, fills: list[Execution]) -> None:
    """By a third route, on either basis, whatever was filled: nothing, part, all, or too much."""
    found = {shortfall(side, ordered, around, fills, basis).total for basis in Basis}
    paper = side.sign * ordered * (around.final - around.decision)
    done = sum((one.quantity for one in fills), Decimal(0))
    paid = sum((one.quantity * one.price * one.mark for one in fills), Decimal(0))
    actual = side.sign * (done * around.final - paid) - sum((one.fee for one in fills), Decimal(0))

    assert len(found) == 1
    assert abs(found.pop() - (paper - actual)) < Decimal("1e-6")
