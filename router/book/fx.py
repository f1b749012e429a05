"""What one unit of a quote currency is worth, and when it must not be believed.

A mark is the mid of a book such as USDT/USD, with that book's age, or a constant somebody declared. No rule for a
currency, no book, a book too old, or a rate too far from its peg: then there is no mark, and every listing quoted in
that currency stands aside. An error of 1 bp here re-orders markets by 1 bp.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from router.book.venue_book import VenueBook
from router.model.ids import Asset, ListingId, Nanos
from router.model.instruments import Listing
from router.model.market import FxMark
from router.model.money import ONE, bps_of, exactly, plain
from router.model.side import Side

_HALF = Decimal("0.5")
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FxRule:
    """How one currency is valued.

    `declared` fixes its rate; otherwise the mid of the first usable of `listings` is taken, or, when none are named,
    of any listing of the currency against the reporting currency. `depeg_bps_max` is the widest distance from 1, for
    currencies meant to be worth 1; None for others.
    """

    asset: Asset
    declared: Decimal | None = None
    listings: tuple[ListingId, ...] = ()
    age_ms_max: int = 5_000
    depeg_bps_max: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FxPolicy:
    """One rule per currency; the reporting currency needs none."""

    rules: tuple[FxRule, ...] = ()

    def rule(self, asset: Asset) -> FxRule | None:
        """The rule for `asset`, if there is one."""
        return next((rule for rule in self.rules if rule.asset == asset), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoMark:
    """Why a currency has no value to rely on."""

    reason: str


def mark(
    asset: Asset,
    reporting: Asset,
    policy: FxPolicy,
    listings: Iterable[Listing],
    book_of: Callable[[ListingId], VenueBook | None],
    now_ns: Nanos,
) -> FxMark | NoMark:
    """Value `asset` in `reporting`, by the policy's rule for it."""
    if asset == reporting:
        return FxMark(asset=asset, rate=ONE, age_ns=0, source="reporting currency")
    rule = policy.rule(asset)
    if rule is None:
        return NoMark(reason=f"no FX rule for {asset}")
    if rule.declared is not None:
        found: FxMark | NoMark = FxMark(asset=asset, rate=rule.declared, age_ns=0, source="declared")
    else:
        found = _from_books(rule, _sources(rule, reporting, listings), book_of, now_ns)
    return _depegged(rule, found) or found if isinstance(found, FxMark) else found


def _sources(rule: FxRule, reporting: Asset, listings: Iterable[Listing]) -> tuple[ListingId, ...]:
    if rule.listings:
        return rule.listings
    return tuple(sorted(one.id for one in listings if one.base == rule.asset and one.quote == reporting))


def _from_books(
    rule: FxRule,
    sources: tuple[ListingId, ...],
    book_of: Callable[[ListingId], VenueBook | None],
    now_ns: Nanos,
) -> FxMark | NoMark:
    reasons = []
    for source in sources:
        found = _from_book(rule, source, book_of(source), now_ns)
        if isinstance(found, FxMark):
            return found
        reasons.append(found.reason)
    return NoMark(reason=f"no mark for {rule.asset}: " + ("; ".join(reasons) or "no book of it"))


def _from_book(rule: FxRule, source: ListingId, book: VenueBook | None, now_ns: Nanos) -> FxMark | NoMark:
    if book is None:
        return NoMark(reason=f"{source} has no book yet")
    if book.unusable is not None:
        return NoMark(reason=f"{source}: {book.unusable}")
    age_ns = book.age_ns(now_ns)
    if age_ns > rule.age_ms_max * _NS_PER_MS:
        return NoMark(reason=f"{source} is {age_ns // _NS_PER_MS} ms old, limit {rule.age_ms_max} ms")
    bid, ask = book.best(Side.SELL), book.best(Side.BUY)
    if bid is None or ask is None:
        return NoMark(reason=f"{source} has an empty side")
    with exactly():
        rate = (Decimal(repr(bid[0])) + Decimal(repr(ask[0]))) * _HALF
    return FxMark(asset=rule.asset, rate=rate, age_ns=age_ns, source=source)


def _depegged(rule: FxRule, found: FxMark) -> NoMark | None:
    if rule.depeg_bps_max is None:
        return None
    with exactly():
        off_bps = bps_of(abs(found.rate - ONE), ONE)
    if off_bps <= rule.depeg_bps_max:
        return None
    rate, limit = plain(found.rate), plain(rule.depeg_bps_max)
    return NoMark(reason=f"{rule.asset} is off its peg: {rate} by {found.source}, limit {limit} bps")
