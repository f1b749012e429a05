"""Exact arithmetic: the router's own decimal context, and the only divisions money may go through.

The ambient context is not ours: its 28 digits round silently and ccxt changes its rounding mode. Arithmetic that
claims exactness therefore runs inside `exactly()`, where any inexact result raises; a quotient, which cannot claim it,
goes through one of the functions below, whose names say how the remainder is treated.
"""

import decimal
from contextlib import AbstractContextManager
from decimal import Decimal

_DIGITS = 60

_EXACT = decimal.Context(
    prec=_DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[
        decimal.Inexact,
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
        decimal.FloatOperation,
    ],
)
_ROUNDED = decimal.Context(
    prec=_DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow, decimal.FloatOperation],
)

ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal(10_000)

_LARGE = 100
_PLACES = 4


def exactly() -> AbstractContextManager[object]:
    """Sums and products inside are exact to 60 digits, or raise `decimal.Inexact`."""
    return decimal.localcontext(_EXACT)


def roughly() -> AbstractContextManager[object]:
    """Products and quotients inside are rounded half-even to 60 digits: for curves, shares and estimates.

    What becomes a quantity or a price of them goes through `router.model.rounding`.
    """
    return decimal.localcontext(_ROUNDED)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """A quotient to 60 digits, half-even. For prices, averages and bps: never for a quantity that is sent."""
    return _ROUNDED.divide(numerator, denominator)


def bps_of(part: Decimal, whole: Decimal) -> Decimal:
    """`part` in basis points of `whole`, to 60 digits."""
    return ratio(_ROUNDED.multiply(part, BPS), whole)


def bps_above(value: Decimal, base: Decimal) -> Decimal:
    """How far `value` lies above `base`, in basis points of `base`, to 60 digits; negative below."""
    return bps_of(_ROUNDED.subtract(value, base), base)


def fraction_of_bps(bps: Decimal) -> Decimal:
    """10 bps -> 0.001, exactly."""
    return bps.scaleb(-4, _EXACT)


def plain(value: Decimal) -> str:
    """The number without exponent or trailing zeros: what people, wires and tables are shown."""
    if value == 0:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cut(value: Decimal, places: int) -> str:
    """A quotient, cut to so many places for a report: nothing that is sent or booked is made of it."""
    return plain(Decimal(_formatted(value, f".{places}f")))


def readable(value: Decimal) -> str:
    """As much of a figure as a person reads: cents and thousands of a large one, four digits or more of a small one."""
    if abs(value) >= _LARGE:
        return _formatted(value, ",.2f")
    places = _PLACES if value == 0 else max(_PLACES, _PLACES - 1 - value.adjusted())
    return plain(Decimal(_formatted(value, f".{places}f")))


def grouped(value: Decimal) -> str:
    """Every digit, with thousands apart: a limit is never shown rounded."""
    whole, point, rest = plain(value).partition(".")
    return f"{int(whole):,}{point}{rest}" if not whole.startswith("-0") else plain(value)


def _formatted(value: Decimal, spec: str) -> str:
    """Formatting rounds by the ambient context, which is not ours: halves go to the even digit here, always."""
    with decimal.localcontext(_ROUNDED):
        return format(value, spec)
