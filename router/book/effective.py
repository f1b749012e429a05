"""What a price really is: fee and FX included, in reporting currency. The only place that knows the fee formulas.

| fee taken in | buy: cost per unit of base | sell: proceeds per unit of base |
|---|---|---|
| quote | p x (1 + tau) | p x (1 - tau) |
| base | p x / (1 - tau) | p x / (1 + tau) |
| the venue's token | p x (1 + tau) | p x (1 - tau) |

A fee in base makes the quotient: it values the base that goes missing at what replacing it here would cost.
A fee in a token is worth what it is charged for: the venue turns it into tokens at its own rate.
Exact for quote fees; for base fees exact but for one rounding at the 24th decimal place, never in our favour.
"""

from decimal import Decimal

from router.model import rounding
from router.model.instruments import Listing
from router.model.money import ONE, ZERO, exactly, fraction_of_bps, ratio
from router.model.orders import Fee
from router.model.side import Side

_PLACES = Decimal("1E-24")


def effective_price(listing: Listing, side: Side, price: Decimal, rate: Decimal) -> Decimal:
    """One unit of base at `price`, all in; `rate` is the quote's value in reporting currency."""
    with exactly():
        return all_in_here(listing, side, price, rate)


def all_in(listing: Listing, side: Side, notional: Decimal, rate: Decimal) -> Decimal:
    """What trading for `notional` of quote costs (buy) or brings (sell) in reporting currency, fee included."""
    with exactly():
        return all_in_here(listing, side, notional, rate)


def all_in_here(listing: Listing, side: Side, notional: Decimal, rate: Decimal) -> Decimal:
    """`all_in` (of 1 unit at a price: `effective_price`) for a caller who is under `exactly()` already."""
    in_base = listing.paid_in is None and listing.fee_in_base(side)
    return _with_fee(side, notional * rate, listing.charged_bps, in_base=in_base)


def factor_here(listing: Listing, side: Side, rate: Decimal) -> Decimal | None:
    """What `all_in_here` multiplies every price by; None where a fee in base makes it a quotient. For many levels."""
    if listing.paid_in is None and listing.fee_in_base(side):
        return None
    return _with_fee(side, rate, listing.charged_bps, in_base=False)


def all_in_at_most_here(listing: Listing, side: Side, notional: Decimal, rate: Decimal) -> Decimal:
    """`all_in_here` without any token's discount, which may run out on the way: what a limit is held against."""
    return _with_fee(side, notional * rate, listing.taker_fee_bps, in_base=listing.fee_in_base(side))


def _with_fee(side: Side, value: Decimal, fee_bps: Decimal, *, in_base: bool) -> Decimal:
    tau = fraction_of_bps(fee_bps)
    return replaced_here(side, value, ONE, tau) if in_base else value * (ONE + side.sign * tau)


def replaced_here(side: Side, value: Decimal, quantity: Decimal, fee: Decimal) -> Decimal:
    """What trading `quantity` of base for `value` comes to where the venue keeps `fee` of that base.

    The base that goes missing is valued at what replacing it here would cost. For a caller under `exactly()`.
    """
    quotient = ratio(value * quantity, quantity - side.sign * fee)
    return rounding.up(quotient, _PLACES) if side is Side.BUY else rounding.down(quotient, _PLACES)


def expected_fee(listing: Listing, side: Side, quantity: Decimal, notional: Decimal) -> Fee:
    """The fee the venue should take for `quantity` of base traded for `notional` of quote; negative is a rebate."""
    with exactly():
        return expected_fee_here(listing, side, quantity, notional)


def expected_fee_here(listing: Listing, side: Side, quantity: Decimal, notional: Decimal) -> Fee:
    """`expected_fee` for a caller who is under `exactly()` already."""
    tau = fraction_of_bps(listing.charged_bps)
    if listing.token_price is not None and listing.discount is not None:
        amount = rounding.up(ratio(notional * tau, listing.token_price), _PLACES)
        return Fee(asset=listing.discount.token, amount=amount)
    if listing.fee_in_base(side):
        return Fee(asset=listing.base, amount=quantity * tau)
    return Fee(asset=listing.quote, amount=notional * tau)


def spend_factor(listing: Listing, side: Side) -> Decimal:
    """How much of the asset given goes per unit of it traded: 1, or 1 + fee where the fee comes out of it too.

    A rebate is not counted on before it is paid, nor is a token's discount: it may run out on the way.
    """
    gives_base = side is Side.SELL
    if listing.fee_in_base(side) is not gives_base:
        return ONE
    return ONE + max(ZERO, fraction_of_bps(listing.taker_fee_bps))


def gross_for_net(listing: Listing, side: Side, net: Decimal) -> Decimal:
    """What must be traded so that `net` of base arrives (buy, rounded up) or leaves (sell, rounded down).

    Without any token's discount: then it arrives even if the token runs out.
    """
    tau = fraction_of_bps(listing.taker_fee_bps) if listing.fee_in_base(side) else ZERO
    gross = ratio(net, ONE - side.sign * tau)
    return rounding.up(gross, listing.step) if side is Side.BUY else rounding.down(gross, listing.step)
