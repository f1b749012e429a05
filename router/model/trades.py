"""What some trades come to: the one place where traded quantities, notionals and fees are added up."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import Asset
from router.model.money import ZERO, exactly, ratio
from router.model.orders import Fee


@dataclass(frozen=True, kw_only=True, slots=True)
class Traded:
    """One execution, as far as money goes: `quantity` of base at `price` in `quote`."""

    quote: Asset
    quantity: Decimal
    price: Decimal
    fees: tuple[Fee, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteTotal:
    """What was traded against one quote currency. `average` is `notional / quantity`, to 60 digits."""

    quote: Asset
    quantity: Decimal
    notional: Decimal
    average: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """The sums of some fills. `quantity` in base; prices are per quote currency: they cannot be added up without FX."""

    fills: int
    quantity: Decimal
    by_quote: tuple[QuoteTotal, ...]
    fees: dict[Asset, Decimal]

    @property
    def average(self) -> Decimal | None:
        """The average price, where all fills were in one quote currency."""
        return self.by_quote[0].average if len(self.by_quote) == 1 else None

    @property
    def notional(self) -> Decimal | None:
        """In quote, where all fills were in one quote currency."""
        return self.by_quote[0].notional if len(self.by_quote) == 1 else None


def totals(trades: Iterable[Traded]) -> Totals:
    """The sums, exactly."""
    quantities: defaultdict[Asset, Decimal] = defaultdict(lambda: ZERO)
    notionals: defaultdict[Asset, Decimal] = defaultdict(lambda: ZERO)
    known = tuple(trades)
    with exactly():
        for trade in known:
            quantities[trade.quote] += trade.quantity
            notionals[trade.quote] += trade.quantity * trade.price
        quantity = sum(quantities.values(), ZERO)
    by_quote = tuple(
        QuoteTotal(quote=quote, quantity=done, notional=notionals[quote], average=ratio(notionals[quote], done))
        for quote, done in sorted(quantities.items())
        if done
    )
    fees = fees_by_asset(fee for trade in known for fee in trade.fees)
    return Totals(fills=len(known), quantity=quantity, by_quote=by_quote, fees=fees)


def fees_by_asset(fees: Iterable[Fee]) -> dict[Asset, Decimal]:
    """Fees added up, by asset in its order; rebates count against charges."""
    found: defaultdict[Asset, Decimal] = defaultdict(lambda: ZERO)
    with exactly():
        for fee in fees:
            found[fee.asset] += fee.amount
    return dict(sorted(found.items()))
