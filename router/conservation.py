"""Conservation (I12): what an account holds is what our books explain of it, or somebody has to look.

From the first quiet reading on, an account's books say what each asset should come to: every fill booked, every fee in
its own asset, every trade of somebody else's on the same account, every deposit and withdrawal the venue lists or the
operator acknowledges. A reading that says something else is suspected at first, because lists and balances are not read
in the same instant, and a finding when the next reading, a read lag later, says so too.

While a child is under way its account moves by itself: a difference that the child alone could make is neither
agreement nor suspicion. What is beyond all that could be its doing is a finding even then.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from router.model.balances import Balance, Movement
from router.model.ids import Asset, Nanos
from router.model.money import ZERO, plain
from router.model.orders import VenueTrade
from router.model.side import Side
from router.model.terms import ConservationTerms
from router.orders.records import Child

ROUNDING = Decimal("0.00000001")
"""What one booking may be off by: venues round what they charge, and show so many digits."""
COUNTED_FOR_NS = 7 * 86_400_000_000_000
"""Trades of others and movements older than this are not counted any more, so that their names can be forgotten."""


@dataclass(kw_only=True, slots=True)
class Ledger:
    """What an account should hold. `counted`: trades of others and movements that are in it, by key and when.

    `amounts`: what each movement was counted for, as a withdrawal may fail later. `bookings` since the last agreement
    bound the rounding. `suspected` is a difference seen once, `unexplained` one that stayed.
    """

    opened_ns: Nanos
    expected: dict[Asset, Decimal]
    counted: dict[str, Nanos] = field(default_factory=dict)
    amounts: dict[str, Decimal] = field(default_factory=dict)
    bookings: dict[Asset, int] = field(default_factory=dict)
    fee_assets: set[Asset] = field(default_factory=set)
    suspected: dict[Asset, Decimal] = field(default_factory=dict)
    unexplained: dict[Asset, Decimal] = field(default_factory=dict)

    def add(self, asset: Asset, amount: Decimal) -> None:
        """The books say so much more."""
        self.expected[asset] = self.expected.get(asset, ZERO) + amount
        self.bookings[asset] = self.bookings.get(asset, 0) + 1

    def trade(self, trade: VenueTrade) -> None:
        """Both sides of a trade, and its fees in whatever they were taken."""
        base, quote = (Asset(name) for name in trade.symbol.split("/"))
        way = 1 if trade.side is Side.BUY else -1
        self.add(base, trade.quantity * way)
        self.add(quote, trade.price * trade.quantity * -way)
        for fee in trade.fees:
            self.add(fee.asset, -fee.amount)
            if fee.asset not in {base, quote}:
                self.fee_assets.add(fee.asset)

    def judged(self, asset: Asset, found: Decimal, difference: Decimal, *, stays: bool) -> None:
        """Take in what a reading said: agreement is believed to the last digit, a difference is remembered."""
        if not difference:
            self.expected[asset] = found
            self.bookings.pop(asset, None)
        self.suspected.pop(asset, None)
        self.unexplained.pop(asset, None)
        if difference:
            (self.unexplained if stays else self.suspected)[asset] = difference

    def forget_before(self, oldest_ns: Nanos) -> None:
        """Names of what is too old to be counted again."""
        for key in [key for key, at_ns in self.counted.items() if at_ns < oldest_ns]:
            del self.counted[key]
            self.amounts.pop(key, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a reading says of one asset: as expected (`difference` 0), or by how much not."""

    asset: Asset
    found: Decimal
    difference: Decimal
    """To be remembered as unexplained, or as suspected when not `stays`."""
    stays: bool


def judge(
    ledger: Ledger, balances: Iterable[Balance], under_way: Iterable[Child], terms: ConservationTerms
) -> Iterator[Finding]:
    """What is news in a reading: differences, and agreement where there was a difference, or a rounding, before."""
    children = tuple(under_way)
    found = {balance.asset: balance.total for balance in balances}
    for asset in sorted({*found, *ledger.expected}):
        if children and asset in ledger.fee_assets and not _moves(children, asset):
            continue  # fees of what is under way may be taken in it
        total, expected = found.get(asset, ZERO), ledger.expected.get(asset, ZERO)
        off = total - expected
        down, up = _room(children, asset)
        tolerance = _tolerance(ledger, asset, terms)
        if -(down + tolerance) <= off and (up is None or off <= up + tolerance):
            settled = not _moves(children, asset)
            if settled and (off or asset in ledger.suspected or asset in ledger.unexplained):
                yield Finding(asset=asset, found=total, difference=ZERO, stays=True)
            continue
        known, suspected = ledger.unexplained.get(asset), ledger.suspected.get(asset)
        if known is not None and (known == off or (_moves(children, asset) and _same_way(known, off))):
            continue
        stays = known is not None or (suspected is not None and _same_way(suspected, off))
        yield Finding(asset=asset, found=total, difference=off, stays=stays)


def _same_way(one: Decimal, other: Decimal) -> bool:
    return (one > 0) == (other > 0)


def _moves(children: Iterable[Child], asset: Asset) -> bool:
    return any(asset in {child.order.base, child.order.quote} for child in children)


def _room(children: Iterable[Child], asset: Asset) -> tuple[Decimal, Decimal | None]:
    """How far below and above our books the children under way can have moved an asset. None: no bound."""
    down, up, bounded = ZERO, ZERO, True
    for child in children:
        order = child.order
        if asset == child.reserved_asset:
            down, up = down + child.reserved, up + child.reserved
        elif asset == order.base:
            down, up = down + order.quantity, up + order.quantity
        elif asset == order.quote:
            # A sale brings what the book pays, which may be any price above its limit.
            down, bounded = down + child.spent, False
    return down, up if bounded else None


def _tolerance(ledger: Ledger, asset: Asset, terms: ConservationTerms) -> Decimal:
    said = next((amount for name, amount in terms.tolerance if name == asset), ZERO)
    return max(said, ROUNDING * (1 + ledger.bookings.get(asset, 0)))


def new_movements(ledger: Ledger, movements: Iterable[Movement], asked_ns: Nanos) -> Iterator[tuple[Movement, Decimal]]:
    """Movements the books do not contain, or contain with another amount; with what they add to them."""
    for movement in movements:
        if movement.at_ns < asked_ns - COUNTED_FOR_NS:
            continue
        if movement.key in ledger.counted and movement.key not in ledger.amounts:
            continue  # from before the books were opened, by a release that did not write down for how much
        change = movement.amount - ledger.amounts.get(movement.key, ZERO)
        if change:
            yield movement, change


def why_shut(ledger: Ledger | None, terms: ConservationTerms) -> str | None:
    """The difference that keeps an account shut, as a sentence; None when there is none."""
    for asset, off in sorted({} if ledger is None else ledger.unexplained.items()):
        if (off < 0 and terms.shut_on_minus) or (off > 0 and terms.shut_on_plus):
            return f"{plain(abs(off))} {asset} {'less' if off < 0 else 'more'} than our books explain"
    return None
