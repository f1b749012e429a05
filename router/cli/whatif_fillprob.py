"""`sor whatif fillprob`: how likely displayed size is to be there, and what a price then is on average."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from rich.console import RenderableType
from rich.table import Table

from router.cli.case import Case, case_of
from router.model.errors import BadInput
from router.model.money import ZERO, cut, exactly, fraction_of_bps, plain, ratio, roughly
from router.model.rounding import on_grid, steps_in
from router.model.side import Side
from router.requests.fields import SHARE, Amount, Body, Name, Signed, text_only
from router.split.survival import Sent, Survival, by_units, greedy, kaplan_meier, landed_price

Report = dict[str, Any]
Chance = Annotated[str, BeforeValidator(text_only), Field(pattern=SHARE)]
_PLACES = 12
_STEPS_MAX = 10_000
_UNITS_MAX = 100_000


class FillBody(Body):
    """One immediate-or-cancel order: what was sent, what filled."""

    sent: Amount
    filled: Amount


class LevelBody(Body):
    """One displayed level, best first: price in quote, size in base."""

    price: Amount
    size: Amount


class VenueBody(Body):
    """One venue: own `fills`, or `survival`, the probability of the first lot, the second, and so on.

    `levels` and `fee_bps` ask for the expected price of sending the quantity there; the fee is taken in quote.
    """

    name: Name
    fills: list[FillBody] | None = Field(default=None, min_length=1, max_length=_STEPS_MAX)
    survival: list[Chance] | None = Field(default=None, min_length=1, max_length=_STEPS_MAX)
    levels: list[LevelBody] | None = Field(default=None, min_length=1, max_length=_STEPS_MAX)
    fee_bps: Signed = "0"


class FillprobCase(Case):
    """Venues, and what is to be sent. `fallback_price`: what a missed unit costs in the end, all in."""

    venues: list[VenueBody] = Field(min_length=1, max_length=30)
    quantity: Amount | None = None
    lot: Amount = "1"
    side: Literal["BUY", "SELL"] = "BUY"
    fallback_price: Amount | None = None


def fillprob_report(data: object) -> Report:
    """Survival by venue; where a quantity is given, where its lots are likeliest to fill, and at what price."""
    case = case_of(FillprobCase, data)
    lot = Decimal(case.lot)
    if lot == 0:
        raise BadInput("lot", "must be more than zero")
    curves = [_curve(number, one, lot) for number, one in enumerate(case.venues)]
    report: Report = {
        "venues": [
            {"name": one.name, "survival": _steps(curve)} for one, curve in zip(case.venues, curves, strict=True)
        ],
        "allocation": None,
    }
    if case.quantity is None:
        return report
    quantity = Decimal(case.quantity)
    report["allocation"] = _allocation(case, curves, quantity, lot)
    for number, (one, curve) in enumerate(zip(case.venues, curves, strict=True)):
        report["venues"][number]["alone"] = _alone(case, number, one, curve, quantity)
    return report


def _curve(number: int, one: VenueBody, lot: Decimal) -> Survival:
    where = f"venues.{number}"
    if (one.fills is None) == (one.survival is None):
        raise BadInput(where, "needs fills or survival, one of both")
    if one.survival is not None:
        chances = [Fraction(chance) for chance in one.survival]
        if any(later > earlier for earlier, later in pairwise(chances)):
            raise BadInput(f"{where}.survival", "must not rise: a larger size is no likelier to be there")
        return by_units(chances, lot)
    assert one.fills is not None
    seen = [Sent(sent=Decimal(each.sent), filled=Decimal(each.filled)) for each in one.fills]
    for index, each in enumerate(seen):
        if each.filled > each.sent:
            raise BadInput(f"{where}.fills.{index}.filled", "is more than was sent")
    return kaplan_meier(seen)


def _steps(curve: Survival) -> list[Report]:
    return [
        {
            "up_to": None if one.quantity is None else plain(one.quantity),
            "probability": _text(one.probability),
            "fraction": str(one.probability),
        }
        for one in curve.steps
    ]


def _allocation(case: FillprobCase, curves: list[Survival], quantity: Decimal, lot: Decimal) -> Report:
    if not on_grid(quantity, lot):
        raise BadInput("quantity", f"{plain(quantity)} is not a whole number of lots of {plain(lot)}")
    units = steps_in(quantity, lot)
    if units > _UNITS_MAX:
        raise BadInput("lot", f"makes {units} lots of the quantity: at most {_UNITS_MAX}")
    given = greedy(curves, units, lot)
    expected = sum((curve.expected(had * lot) for curve, had in zip(curves, given, strict=True)), Fraction(0))
    return {
        "lots": [{"name": one.name, "quantity": plain(had * lot)} for one, had in zip(case.venues, given, strict=True)],
        "expected_fill": _text(expected),
    }


def _alone(case: FillprobCase, number: int, one: VenueBody, curve: Survival, quantity: Decimal) -> Report:
    """The whole quantity sent to one venue: how much fills, and what all of it comes to."""
    report: Report = {"expected_fill": _text(curve.expected(quantity)), "expected_price": None, "levels": None}
    if one.levels is None:
        return report
    if case.fallback_price is None:
        raise BadInput("fallback_price", "is needed where levels are given: what a missed unit costs in the end")
    fallback, sign = Decimal(case.fallback_price), Side(case.side).sign
    with exactly():
        fee = 1 + sign * fraction_of_bps(Decimal(one.fee_bps))
    done, total, shown = ZERO, ZERO, []
    with roughly():
        for level in one.levels:
            size = min(Decimal(level.size), quantity - done)
            if size <= 0:
                break
            all_in = Decimal(level.price) * fee
            fills = curve.expected(done + size) - curve.expected(done)
            landed = landed_price(all_in, fills / Fraction(size), fallback)
            total += landed * size
            done += size
            shown.append({"price": level.price, "size": plain(size), "landed_price": cut(landed, _PLACES)})
        if done < quantity:
            raise BadInput(f"venues.{number}.levels", f"show {plain(done)}, less than the quantity {plain(quantity)}")
    return report | {"expected_price": cut(ratio(total, quantity), _PLACES), "levels": shown}


def _text(value: Fraction) -> str:
    return cut(ratio(Decimal(value.numerator), Decimal(value.denominator)), _PLACES)


def fillprob_table(report: Report) -> RenderableType:
    """The staircases."""
    table = Table("venue", "up to", "probability", "as a fraction", title="still there on arrival")
    for one in report["venues"]:
        for step in one["survival"]:
            table.add_row(one["name"], step["up_to"] or "beyond", step["probability"], step["fraction"])
    if report["allocation"]:
        for lot in report["allocation"]["lots"]:
            table.add_row(f"send to {lot['name']}", lot["quantity"], "", "")
        table.add_row("expected fill", report["allocation"]["expected_fill"], "", "")
    return table
