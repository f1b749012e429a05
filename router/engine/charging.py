"""What a venue charges against what it lists: a rate that changed is told, and a fee that does not fit it, once."""

from decimal import Decimal

from router.engine.draft import Draft
from router.model import facts as f
from router.model.ids import Asset, ListingId
from router.model.money import ONE, ZERO, bps_of, fraction_of_bps
from router.model.orders import VenueTrade
from router.model.outcomes import AccountRead

_FINEST, _COARSEST = -8, -2
"""Digits after the point that venues charge to: cents at the coarsest."""


def on_read(draft: Draft, read: AccountRead) -> None:
    """Rates the account's listings have now. After its fills: those were charged by the rates of before."""
    for listed in read.fees:
        before = draft.state.fees.get(listed.listing_id)
        if listed.taker_fee_bps != before:
            draft.note(
                f.FeeTold(
                    account=read.account,
                    listing_id=listed.listing_id,
                    taker_fee_bps=listed.taker_fee_bps,
                    before_bps=before,
                    at_ns=draft.now_ns,
                )
            )


def on_booked(draft: Draft, listing_id: ListingId, trade: VenueTrade) -> None:
    """Was this fill charged as listed? If not, say so, once until another rate is listed."""
    listed_bps = draft.state.fees.get(listing_id)
    if listed_bps is None or listing_id in draft.state.fee_surprises or trade.maker:
        return
    if not is_surprise(listed_bps, trade):
        return
    draft.note(
        f.FeeSurprised(
            account=trade.account,
            listing_id=listing_id,
            trade_id=trade.trade_id,
            listed_bps=listed_bps,
            charged_bps=None if in_third_asset(trade) else bps_of(_paid(trade), trade.price * trade.quantity),
            fees=trade.fees,
            at_ns=draft.now_ns,
        )
    )


def is_surprise(listed_bps: Decimal, trade: VenueTrade) -> bool:
    """Does what was charged differ from the rate by more than the venue's rounding? A third asset is no rate at all."""
    if in_third_asset(trade):
        return True
    expected = fraction_of_bps(listed_bps) * trade.price * trade.quantity
    return abs(_paid(trade) - expected) > _rounding(trade)


def in_third_asset(trade: VenueTrade) -> bool:
    """Was something charged that is neither bought nor sold?"""
    return any(fee.amount and fee.asset not in _assets(trade) for fee in trade.fees)


def _paid(trade: VenueTrade) -> Decimal:
    """In quote; base at the trade's own price."""
    base, _ = _assets(trade)
    return sum((fee.amount * (trade.price if fee.asset == base else ONE) for fee in trade.fees), ZERO)


def _rounding(trade: VenueTrade) -> Decimal:
    """One step of the last digit charged, of each fee, in quote. Of nothing charged: a cent."""
    base, _ = _assets(trade)
    steps = [
        ONE.scaleb(_FINEST) * trade.price if fee.asset == base else ONE.scaleb(_last_digit(fee.amount))
        for fee in trade.fees
    ]
    return sum(steps, ZERO) or ONE.scaleb(_COARSEST)


def _last_digit(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    return min(max(exponent, _FINEST), _COARSEST)


def _assets(trade: VenueTrade) -> tuple[Asset, Asset]:
    base, quote = trade.symbol.split("/")
    return Asset(base), Asset(quote)
