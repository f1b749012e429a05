"""`sor whatif fillprob`: the worked examples as case files, and one sentence for a case that is wrong."""

import json
from fractions import Fraction
from typing import Any

import pytest

from tests.cli.test_whatif import SCHEMAS, whatif

SEEN = [(5, 3), (5, 5), (2, 2), (4, 1), (3, 3), (6, 4), (6, 6), (1, 1), (4, 0), (5, 2)]
TAILS = {"a": "0.9 0.7 0.4 0.1", "b": "0.8 0.75 0.3 0.2", "c": "0.6 0.5 0.45 0.4"}


def fills(*pairs: tuple[int, int]) -> list[dict[str, str]]:
    return [{"sent": str(sent), "filled": str(filled)} for sent, filled in pairs]


def at(steps: list[dict[str, Any]], quantity: int) -> Fraction:
    return next(Fraction(one["fraction"]) for one in steps if one["up_to"] is None or quantity <= int(one["up_to"]))


def test_kaplan_meier_from_censored_fills() -> None:
    """W10: a complete fill only says that its size was there."""
    code, report = whatif("fillprob", {"venues": [{"name": "A", "fills": fills(*SEEN)}]})

    steps = report["venues"][0]["survival"]
    assert code == 0
    assert [str(at(steps, size)) for size in range(1, 7)] == ["9/10", "63/80", "21/32", "63/128", "21/64", "21/64"]


@pytest.mark.parametrize(
    ("quantity", "lots", "expected"),
    [("3", ["1", "2", "0"], "2.45"), ("5", ["2", "2", "1"], "3.75"), ("8", ["3", "2", "3"], "5.1")],
)
def test_lots_go_where_they_are_likeliest_to_fill(quantity: str, lots: list[str], expected: str) -> None:
    """W9."""
    venues = [{"name": name, "survival": tail.split()} for name, tail in TAILS.items()]

    code, report = whatif("fillprob", {"venues": venues, "quantity": quantity})

    assert code == 0
    assert [one["quantity"] for one in report["allocation"]["lots"]] == lots
    assert report["allocation"]["expected_fill"] == expected


def test_the_expected_price_of_a_sure_and_of_an_unsure_level() -> None:
    """0.60 of a unit at 100.00 and 0.40 of it at the fallback, 100.30: the landed price of W8."""
    venue = {"name": "A", "survival": ["0.6"], "levels": [{"price": "100.00", "size": "4"}]}

    code, report = whatif("fillprob", {"venues": [venue], "quantity": "4", "lot": "4", "fallback_price": "100.30"})

    assert code == 0
    assert report["venues"][0]["alone"]["expected_price"] == "100.12"
    assert report["venues"][0]["alone"]["expected_fill"] == "2.4"


def test_the_example_works() -> None:
    code, report = whatif("fillprob", (SCHEMAS / "whatif-fillprob.example.json").read_text())

    assert code == 0
    assert [one["name"] for one in report["venues"]] == ["binance", "kraken"]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"fills": fills((2, 3))}, "venues.0.fills.0.filled", "is more than was sent"),
        ({"fills": None}, "venues.0", "needs fills or survival, one of both"),
        ({"survival": ["0.5"]}, "venues.0", "needs fills or survival, one of both"),
        ({"fills": None, "survival": ["0.5", "0.6"]}, "venues.0.survival", "must not rise"),
        ({"fills": [{"sent": 5, "filled": "3"}]}, "venues.0.fills.0.sent", "must be text"),
        ({"depth": "1"}, "venues.0.depth", "is not a field of this case"),
        ({"levels": [{"price": "1", "size": "9"}]}, "fallback_price", "is needed where levels are given"),
    ],
)
def test_a_case_that_is_wrong_is_one_sentence(change: dict[str, Any], field: str, says: str) -> None:
    """Exit code 2, the field by name."""
    venue = {"name": "A", "fills": fills((5, 3))} | change

    code, said = whatif("fillprob", json.dumps({"venues": [venue], "quantity": "1"}))

    assert (code, said["field"]) == (2, field)
    assert says in said["error"]
