"""What an average price is held against: the market's own averages while the order lived.

Prices are reporting currency per unit of base. The tape is what was traded in public, in pieces of time: how many
prints a piece holds is not known, so a piece that is only partly wanted counts in proportion.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import Nanos
from router.model.money import ONE, ZERO, exactly, ratio, roughly
from router.model.side import Side


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """What was traded in public from one time to the next: base, and its worth in reporting currency."""

    from_ns: Nanos
    to_ns: Nanos
    quantity: Decimal
    notional: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """Our own prints on that tape: a fill the tape does not show must not be taken off it."""

    quantity: Decimal
    notional: Decimal


def vwap(tape: Iterable[Piece], own: Own | None = None) -> Decimal | None:
    """The volume-weighted price, of others only if `own` is given; None where nobody traded.

    Raises ValueError where more is taken off than the tape shows: then the two are not of one market.
    """
    with exactly():
        known = tuple(tape)
        quantity = sum((one.quantity for one in known), ZERO)
        notional = sum((one.notional for one in known), ZERO)
        if own is not None:
            quantity, notional = quantity - own.quantity, notional - own.notional
    if quantity < 0:
        raise ValueError(f"own prints of {own.quantity if own else ZERO} are more than the tape shows")
    return ratio(notional, quantity) if quantity else None


def twap(mids: Sequence[tuple[Nanos, Decimal | None]], from_ns: Nanos, to_ns: Nanos) -> tuple[Decimal | None, Decimal]:
    """The time-weighted mid, and which share of the time a mid was known.

    `mids` oldest first: each stands until the next; None from where none is known. Of no time: the mid at that moment.
    """
    if from_ns == to_ns:
        standing = [mid for at_ns, mid in mids if at_ns <= from_ns]
        last = standing[-1] if standing else None
        return last, ZERO if last is None else ONE
    known, total = 0, ZERO
    ends = [*(at_ns for at_ns, _ in mids[1:]), to_ns]
    with exactly():
        for (at_ns, mid), until_ns in zip(mids, ends, strict=False):
            lasted = min(until_ns, to_ns) - max(at_ns, from_ns)
            if mid is not None and lasted > 0:
                known += lasted
                total += mid * lasted
    return (ratio(total, Decimal(known)) if known else None), ratio(Decimal(known), Decimal(to_ns - from_ns))


def pwp(tape: Iterable[Piece], quantity: Decimal, rate: Decimal) -> Decimal | None:
    """The market's VWAP from arrival until `quantity` / `rate` was traded; None where the tape ends before.

    `rate` in (0, 1]: the share of the volume that `quantity` would have been.
    """
    with roughly():
        left = ratio(quantity, rate)
        wanted, notional = left, ZERO
        for one in tape:
            taken = min(left, one.quantity)
            if taken > 0:
                notional += one.notional * taken / one.quantity
                left -= taken
            if left <= 0:
                return ratio(notional, wanted)
    return None


def participation(own: Own, tape: Iterable[Piece]) -> Decimal | None:
    """Our share of what was traded in public; None where nobody traded."""
    with exactly():
        quantity = sum((one.quantity for one in tape), ZERO)
    return ratio(own.quantity, quantity) if quantity else None


def improvement_bps(side: Side, price: Decimal, touch: Decimal) -> Decimal:
    """How much better than the far touch: plain prices, or both with their fees. Positive helped."""
    with roughly():
        return ratio(side.sign * (touch - price) * 10_000, touch)
