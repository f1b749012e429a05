"""`sor whatif split`: the worked examples as case files, and one sentence for a case that is wrong."""

from decimal import Decimal
from typing import Any

import pytest

from tests.cli.test_whatif import SCHEMAS, whatif

FIELDS = {"fee": "fee_bps", "minimum": "min_quantity", "notional": "min_notional", "k": "order_cost"}


def book(line: str) -> dict[str, Any]:
    """`A BTC/USD fee=10 survival=0.6,0.5 : 60000x0.5 60010x1`."""
    head, _, tail = line.partition(":")
    venue, symbol, *rules = head.split()
    found: dict[str, Any] = {"venue": venue, "symbol": symbol}
    for name, text in (rule.split("=") for rule in rules):
        found[FIELDS.get(name, name)] = text.split(",") if name == "survival" else text
    found["levels"] = [dict(zip(("price", "size"), level.split("x"), strict=True)) for level in tail.split()]
    return found


def case(books: str, quantity: str, side: str = "BUY", **more: Any) -> dict[str, Any]:
    return {"side": side, "quantity": quantity, "books": [book(line) for line in books.strip().splitlines()], **more}


def solved(given: dict[str, Any]) -> dict[str, Any]:
    """The report of a case that must hold: checked by the verifier, every quantity accounted for."""
    code, report = whatif("split", given)
    assert code == 0, report
    assert report["faults"] == []
    assert abs(Decimal(report["certificate"]["gap_bps"])) < Decimal("1e-9")
    return report


def quantities(report: dict[str, Any]) -> dict[str, str]:
    return {line["listing"]: line["quantity"] for line in report["lines"]}


W1 = """
    A BTC/USD fee=10 : 60000x0.5 60010x1.0 60050x2
    B BTC/USD fee=5 : 60020x0.4 60030x1.2 60060x2
    C BTC/USD fee=25 : 59950x0.6 59990x1.0
"""
W4 = """
    A BTC/USD fee=10 step=0.001 minimum=0.001 notional=10 : 60000x1
    B BTC/USD fee=10 step=0.00001 notional=25 : 60036x1
"""
W5 = """
    A BTC/USD k=20 : 60000x0.3
    B BTC/USD k=1 : 60030x0.5 60045x3
    C BTC/USD k=2 : 60020x0.4
"""
W6 = """
    A BTC/USD step=1 : 100.00x3 100.30x5
    B BTC/USD step=1 : 100.05x3 100.35x5
    C BTC/USD step=1 : 100.10x6
    D BTC/USD step=1 : 100.02x2 100.50x5
"""
W7 = """
    V BTC/USDT fee=10 step=0.00001 : 100.2x0.5 100.0x1
    V BTC/USD fee=10 step=0.00001 : 100.05x0.6 99.9x1
    W BTC/USD fee=5 step=0.00001 : 100.0x0.4 99.95x0.7 99.5x2
"""
W8 = """
    A BTC/USD step=1 survival=0.60 : 100.00x4 100.05x4
    B BTC/USD step=1 survival=0.95 : 100.06x8
    C BTC/USD step=1 survival=0.90,0.85 : 100.02x2 100.10x6
"""


def test_w1_the_sweep_by_all_in_price() -> None:
    report = solved(case(W1, "3"))

    assert quantities(report) == {"A/main:BTC/USD": "1.4", "B/main:BTC/USD": "1.6"}
    assert (report["all_in_cost"], report["marginal_price"]) == ("180185.031", "60070.01")
    assert report["against"]["best_single"] == {
        "venue": "B",
        "all_in_cost": "180218.064",
        "residual": "0",
        "saving": "33.033",
    }
    assert report["against"]["fee_blind"]["all_in_cost"] == "180292.909"
    assert report["against"]["proportional"]["all_in_cost"].startswith("180205.0926")
    assert set(report["reasons"]) == {"C/main:BTC/USD"}


@pytest.mark.parametrize(
    ("side", "fee_in", "all_in"),
    [
        ("BUY", "QUOTE", "50050"),
        ("BUY", "BASE", "50050.050050"),
        ("SELL", "QUOTE", "49950"),
        ("SELL", "BASE", "49950.049950"),
    ],
)
def test_w2_the_fees_currency(side: str, fee_in: str, all_in: str) -> None:
    report = solved(case(f"A BTC/USD fee=10 fee_in={fee_in} : 50000x2", "1", side))

    assert report["all_in_price"].startswith(all_in)


def test_w3_three_quote_currencies() -> None:
    books = """
        K BTC/USD fee=16 : 60000x1 60020x2
        X BTC/USDT fee=10 : 60080x1 60100x3
        Y BTC/USDC fee=8 : 60010x1.5
    """
    report = solved(case(books, "3", fx={"USDT": "0.9990"}))

    assert quantities(report) == {"K/main:BTC/USD": "0.5", "X/main:BTC/USDT": "1", "Y/main:BTC/USDC": "1.5"}
    assert report["all_in_cost"] == "180214.95192"


def test_w4_lots_and_minimums() -> None:
    report = solved(case(W4, "0.00234", parameters={"residual_price": "61000"}))

    assert quantities(report) == {"A/main:BTC/USD": "0.001", "B/main:BTC/USD": "0.00134"}
    assert Decimal(report["all_in_cost"]) == pytest.approx(Decimal("140.588688"), rel=Decimal("1e-6"))
    assert Decimal(report["certificate"]["lower_lp"]) <= Decimal("140.552653")


def test_w5_what_an_order_costs_can_leave_the_best_price_unused() -> None:
    report = solved(case(W5, "1", parameters={"residual_price": "61000"}))

    assert quantities(report) == {"B/main:BTC/USD": "0.6", "C/main:BTC/USD": "0.4"}
    assert Decimal(report["certificate"]["upper"]) == Decimal("60030.5")
    assert Decimal(report["certificate"]["lower_hull"]) == pytest.approx(Decimal("60030.5"))
    assert Decimal(report["certificate"]["lower_lp"]) <= Decimal("60030.5")


@pytest.mark.parametrize(
    ("orders", "lots", "cost"),
    [
        (4, {"A": "3", "B": "3", "C": "1", "D": "2"}, "900.29"),
        (3, {"A": "3", "C": "4", "D": "2"}, "900.44"),
        (2, {"A": "3", "C": "6"}, "900.60"),
        (1, {"A": "8"}, "911.50"),
    ],
)
def test_w6_a_limit_on_the_number_of_orders(orders: int, lots: dict[str, str], cost: str) -> None:
    report = solved(case(W6, "9", parameters={"residual_price": "110", "children_max": orders}))

    assert quantities(report) == {f"{venue}/main:BTC/USD": lot for venue, lot in lots.items()}
    assert Decimal(report["certificate"]["upper"]) == Decimal(cost)


def test_w7_a_sale_from_one_balance() -> None:
    """0.8 at V for both its books."""
    balances = [
        {"venue": "V", "asset": "BTC", "free": "0.8"},
        {"venue": "W", "asset": "BTC", "free": "5"},
    ]
    bound = solved(case(W7, "1.5", "SELL", fx={"USDT": "0.999"}, balances=balances))
    free = solved(case(W7, "1.5", "SELL", fx={"USDT": "0.999"}))

    assert quantities(bound) == {"V/main:BTC/USDT": "0.5", "V/main:BTC/USD": "0.3", "W/main:BTC/USD": "0.7"}
    assert (bound["all_in_cost"], free["all_in_cost"]) == ("149.9348426", "149.9498201")
    assert Decimal(bound["cash"]["lost"]) == Decimal("149.9498201") - Decimal("149.9348426")


def test_w8_displayed_size_may_be_gone() -> None:
    report = solved(case(W8, "10", fallback_price="100.30"))

    assert quantities(report) == {"B/main:BTC/USD": "8", "C/main:BTC/USD": "2"}
    assert Decimal(report["certificate"]["upper"]) == Decimal("1000.672")


def test_the_example_works() -> None:
    code, report = whatif("split", (SCHEMAS / "whatif-split.example.json").read_text())

    assert code == 0
    assert report["faults"] == []


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"quantity": "0"}, "quantity", "must be more than zero"),
        ({"quantity": 1}, "quantity", "must be text"),
        ({"side": "HOLD"}, "side", "must be BUY or SELL"),
        ({"books": []}, "books", "must name at least 1"),
        ({"books": [book("A BTC/USD : 2x1 1x1")]}, "books.0.levels.1.price", "from the best price to the worst"),
        ({"books": [book("A BTC/USD : 1x1"), book("A BTC/USD : 2x1")]}, "books.1", "is given twice"),
        ({"books": [book("A BTC/USD : 1x1"), book("B ETH/USD : 2x1")]}, "books", "are of different assets"),
        ({"books": [book("A BTC/USD survival=0.5 : 1x1")]}, "fallback_price", "is needed where survival is given"),
        ({"caps": [{"name": "c", "venues": ["A"]}]}, "caps.0", "needs a quantity or a notional"),
        ({"caps": [{"name": "c", "venues": ["Z"], "quantity": "1"}]}, "caps.0.venues", "names no venue"),
        ({"fx": {"USD": "0"}}, "fx.USD", "must be more than zero"),
        ({"fee": "1"}, "fee", "is not a field of this case"),
    ],
)
def test_a_case_that_is_wrong_is_one_sentence(change: dict[str, Any], field: str, says: str) -> None:
    """Exit code 2, the field by name."""
    code, said = whatif("split", case("A BTC/USD : 1x1", "1") | change)

    assert (code, said["field"]) == (2, field)
    assert says in said["error"]
