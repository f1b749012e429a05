"""Which listings may be reckoned at their token's discount: those whose account holds enough of it for all that is due.

Enough is judged for the whole quantity at the worst price that is shown, with what is under way at the account, and
with something over: the venue turns a fee into tokens at a rate of its own. All listings of an account share its
tokens, so they have the discount together or not at all. What is not known (the switch, the balance, the token's
value) leaves the undiscounted rate, which is the dearer one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from router.book.consolidated import usable
from router.model import rounding
from router.model.ids import AccountId, Asset
from router.model.instruments import Listing, TokenDiscount
from router.model.market import FeeBasis, FxMark, Level, ListingView, MarketView
from router.model.money import ZERO, cut, exactly, fraction_of_bps, ratio
from router.model.side import Side

HEADROOM = Decimal("1.1")
"""How much more than reckoned has to be there."""
_SHOWN = 8
_PLACES = Decimal("1E-24")


@dataclass(frozen=True, kw_only=True, slots=True)
class Purse:
    """What an account has of a token, and what fees under way will take from it, in reporting currency."""

    available: Decimal
    owed: Decimal = ZERO


Purses = Mapping[tuple[AccountId, Asset], Purse]


def with_discounts(
    view: MarketView, side: Side, quantity: Decimal, purses: Purses
) -> tuple[MarketView, tuple[FeeBasis, ...]]:
    """The view a quantity is to be planned on, with the discounts that can be counted on, and what each rests on."""
    if all(_discount(one.listing) is None for one in view.listings):
        return view, ()
    with exactly():
        worst = _worst_fees(view, side, quantity)
        bases = {
            one.listing.id: _basis(view, one.listing, discount, worst, purses)
            for one in view.listings
            if (discount := _discount(one.listing)) is not None
        }
    told = tuple(bases.values())
    return as_reckoned(view, told), told


def as_reckoned(view: MarketView, bases: Iterable[FeeBasis]) -> MarketView:
    """The view with the discounts that were counted on when it was decided on."""
    counted_on = {basis.listing_id: basis for basis in bases if basis.why_not is None}
    listings = tuple(
        replace(one, listing=_discounted(one.listing, counted_on[one.listing.id]))
        if one.listing.id in counted_on
        else one
        for one in view.listings
    )
    return replace(view, listings=listings) if counted_on else view


def _discount(listing: Listing) -> TokenDiscount | None:
    """The discount, where the account has it switched on, and where it is one."""
    discount = listing.discount
    return discount if discount is not None and discount.on and discount.taker_fee_bps < listing.taker_fee_bps else None


def _worst_fees(view: MarketView, side: Side, quantity: Decimal) -> dict[AccountId, Decimal]:
    """By account, the most that trading all of the quantity there may be charged, in reporting currency."""
    worst: dict[AccountId, Decimal] = {}
    for one, rate in usable(view):
        if (discount := _discount(one.listing)) is not None:
            dearest = max((level.price for level in _levels(one, side)), default=ZERO)
            fee = quantity * dearest * rate * fraction_of_bps(discount.taker_fee_bps)
            worst[one.listing.account] = max(worst.get(one.listing.account, ZERO), fee)
    return worst


def _levels(one: ListingView, side: Side) -> Iterable[Level]:
    return one.asks if side is Side.BUY else one.bids


def _basis(
    view: MarketView, listing: Listing, discount: TokenDiscount, worst: Mapping[AccountId, Decimal], purses: Purses
) -> FeeBasis:
    mark, purse = view.fx_mark(discount.token), purses.get((listing.account, discount.token))
    needed = None
    if mark is not None:
        value = worst.get(listing.account, ZERO) + (ZERO if purse is None else purse.owed)
        needed = rounding.up(ratio(value * HEADROOM, mark.rate), _PLACES)
    return FeeBasis(
        listing_id=listing.id,
        account=listing.account,
        token=discount.token,
        taker_fee_bps=discount.taker_fee_bps,
        needed=needed,
        held=None if purse is None else purse.available,
        token_rate=None if mark is None else mark.rate,
        quote_rate=view.fx_rate(listing.quote),
        source="" if mark is None else mark.source,
        age_ns=0 if mark is None else mark.age_ns,
        why_not=_why_not(view, listing, discount, mark, purse, needed),
    )


def _why_not(
    view: MarketView,
    listing: Listing,
    discount: TokenDiscount,
    mark: FxMark | None,
    purse: Purse | None,
    needed: Decimal | None,
) -> str | None:
    if discount.token in {listing.base, listing.quote}:
        return f"{discount.token} itself is traded"
    if mark is None or needed is None or mark.rate <= 0:
        return f"nobody values {discount.token}"
    if view.fx_rate(listing.quote) is None:
        return f"nobody values {listing.quote}"
    if purse is None:
        return f"the balance of {discount.token} is not known"
    if purse.available < needed:
        return f"{cut(needed, _SHOWN)} {discount.token} may be needed, {cut(purse.available, _SHOWN)} are there"
    return None


def _discounted(listing: Listing, basis: FeeBasis) -> Listing:
    assert basis.token_rate is not None
    assert basis.quote_rate is not None
    return replace(listing, token_price=rounding.down(ratio(basis.token_rate, basis.quote_rate), _PLACES))
