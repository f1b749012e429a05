"""Fills in one currency: what each was worth when it happened, and where every rate came from."""

from dataclasses import dataclass
from decimal import Decimal

from router.book.effective import replaced_here
from router.model.ids import Asset
from router.model.money import ONE, ZERO, exactly
from router.model.orders import Fee
from router.tca.path import Path
from router.tca.record import FillSeen, Instant, OrderRecord
from router.tca.shortfall import Execution

THEN, DECIDED, REPLACED = "then", "at its decision", "what replacing it there costs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """Reporting currency per unit of an asset, and whence: seen then, at the decision, or the fill's own price."""

    asset: Asset
    rate: Decimal
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Valued:
    """A fill in reporting currency. `price` per unit of base; `fee` > 0 is a charge; `rates` are those it rests on."""

    seen: FillSeen
    price: Decimal
    mark: Decimal
    arrival_mark: Decimal
    fee: Decimal
    rates: tuple[Rate, ...]

    @property
    def execution(self) -> Execution:
        """As the shortfall wants it."""
        return Execution(
            quantity=self.seen.quantity,
            price=self.seen.price,
            mark=self.mark,
            arrival_mark=self.arrival_mark,
            fee=self.fee,
        )


def valued(
    record: OrderRecord, fill: FillSeen, path: Path, arrival: Instant | None, decided: Instant | None
) -> Valued | None:
    """None where its quote or one of its fees cannot be valued: then the order's cost is unknown, not a little low.

    `arrival`: the market at the first decision, `decided`: at the one that planned the fill's child.
    """
    quote = _quote_rate(record, fill, path, decided)
    if quote is None:
        return None
    with exactly():
        price = fill.price * quote.rate
    fees = [_fee(record, fill, fee, path, decided) for fee in fill.fees if fee.asset not in {record.base, fill.quote}]
    known = [one for one in fees if one is not None]
    if len(known) < len(fees):
        return None
    known += _on_the_spot(record, fill, quote, price)
    with exactly():
        charged = sum((amount for amount, _ in known), ZERO)
    at_arrival = _of(record, fill.quote, arrival)
    return Valued(
        seen=fill,
        price=price,
        mark=quote.rate,
        arrival_mark=quote.rate if at_arrival is None else at_arrival,
        fee=charged,
        rates=(quote, *(rate for _, rate in known)),
    )


def _quote_rate(record: OrderRecord, fill: FillSeen, path: Path, decided: Instant | None) -> Rate | None:
    if fill.quote == record.reporting:
        return Rate(asset=fill.quote, rate=ONE, source=THEN)
    return _rate(record, fill.quote, fill, path, decided)


def _on_the_spot(record: OrderRecord, fill: FillSeen, quote: Rate, price: Decimal) -> list[tuple[Decimal, Rate]]:
    """Fees in quote at the quote's own rate; in base at what replacing it costs, as plans and results value them."""
    with exactly():
        in_quote = sum((fee.amount for fee in fill.fees if fee.asset == fill.quote), ZERO)
        in_base = sum((fee.amount for fee in fill.fees if fee.asset == record.base), ZERO)
        found = [(in_quote * quote.rate, quote)] if in_quote else []
        if in_base:
            value = fill.quantity * price
            with_fee = replaced_here(record.side, value, fill.quantity, in_base)
            rate = Rate(asset=record.base, rate=price, source=REPLACED)
            found.append((record.side.sign * (with_fee - value), rate))
    return found


def _fee(
    record: OrderRecord, fill: FillSeen, fee: Fee, path: Path, decided: Instant | None
) -> tuple[Decimal, Rate] | None:
    rate = _rate(record, fee.asset, fill, path, decided)
    if rate is None:
        return None
    with exactly():
        return fee.amount * rate.rate, rate


def _rate(record: OrderRecord, asset: Asset, fill: FillSeen, path: Path, decided: Instant | None) -> Rate | None:
    if asset == record.reporting:
        return Rate(asset=asset, rate=ONE, source=THEN)
    then = path.mark(asset, fill.at_ns)
    if then is not None:
        return Rate(asset=asset, rate=then, source=THEN)
    known = _of(record, asset, decided)
    return None if known is None else Rate(asset=asset, rate=known, source=DECIDED)


def _of(record: OrderRecord, asset: Asset, then: Instant | None) -> Decimal | None:
    if asset == record.reporting:
        return ONE
    return None if then is None else then.marks.get(asset)
