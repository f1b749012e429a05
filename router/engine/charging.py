"""What a venue charges against what it lists: a rate that changed is told, and a fee that does not fit it, once.

A fill is judged by what was listed when it was made. When a rate changed is not told, only when it was read: a fill of
the time before may have been charged either way. Where the account has a token's discount switched on, the fee is
taken in the token at the lower rate or, when the token ran short, as it is without: both are as listed.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from router.book.discounts import Purse
from router.engine.draft import Draft
from router.engine.image import FeeTerms
from router.engine.state import State
from router.model import facts as f
from router.model.ids import AccountId, Asset, ListingId, Nanos
from router.model.market import FeeBasis, MarketView
from router.model.money import ONE, ZERO, bps_of, fraction_of_bps, plain
from router.model.orders import VenueTrade
from router.model.outcomes import AccountRead

_FINEST, _COARSEST = -8, -2
"""Digits after the point that venues charge to: cents at the coarsest."""
_SKEW_NS = 2_000_000_000
"""How far a fill's time, by the venue's clock, may be from ours."""
_TOKENS_OFF = Decimal("0.2")
"""How far a venue's rate for its token may be from the mark the round was planned on: part of it."""


def on_read(draft: Draft, read: AccountRead) -> None:
    """Rates the account's listings have now. After its fills: those were charged by the rates of before."""
    for listed in read.fees:
        before = draft.state.fees.get(listed.listing_id)
        terms = draft.state.fee_terms.get(listed.listing_id)
        discount_before = terms[-1].discount if terms else None
        if listed.taker_fee_bps != before or listed.discount != discount_before:
            draft.note(
                f.FeeTold(
                    account=read.account,
                    listing_id=listed.listing_id,
                    taker_fee_bps=listed.taker_fee_bps,
                    before_bps=before,
                    at_ns=draft.now_ns,
                    discount=listed.discount,
                )
            )


def purses(state: State, view: MarketView) -> dict[tuple[AccountId, Asset], Purse]:
    """What the accounts of a view have of the tokens that take something off their fees."""
    tokens = {(one.listing.account, one.listing.discount.token) for one in view.listings if one.listing.discount}
    return {
        (account, token): Purse(available=state.available(account, token), owed=_owed(state, account))
        for account, token in sorted(tokens)
        if account in state.balances.holdings
    }


def _owed(state: State, account: AccountId) -> Decimal:
    """What the fees of all that is under way, or not in the balance yet, may come to, in reporting currency."""
    return sum(
        (
            child.notional * fraction_of_bps(max(ZERO, state.fees.get(child.order.listing_id, ZERO)))
            for child in state.blotter.drawing()
            if child.order.account == account
        ),
        ZERO,
    )


def note_discounts(draft: Draft, bases: Iterable[FeeBasis]) -> None:
    """Say where a discount is counted on from now on, and where it is not any more."""
    for basis in bases:
        holds = basis.why_not is None
        if draft.state.discounts.get(basis.listing_id) is not holds:
            draft.note(
                f.DiscountMoved(
                    account=basis.account,
                    listing_id=basis.listing_id,
                    token=basis.token,
                    holds=holds,
                    taker_fee_bps=draft.state.fees.get(basis.listing_id, ZERO) if not holds else basis.taker_fee_bps,
                    why=_why(basis),
                    at_ns=draft.now_ns,
                )
            )


def _why(basis: FeeBasis) -> str:
    if basis.why_not is not None or basis.token_rate is None:
        return basis.why_not or ""
    return f"1 {basis.token} is {plain(basis.token_rate)} by {basis.source}"


def on_booked(draft: Draft, listing_id: ListingId, trade: VenueTrade) -> None:
    """Was this fill charged as listed then? If not, say so, once until another rate is listed."""
    if listing_id in draft.state.fee_surprises or trade.maker:
        return
    terms = tuple(in_force(draft.state, listing_id, trade.venue_time_ns))
    if not terms or any(not is_surprise(one, trade, draft.state.fee_bases.get(listing_id)) for one in terms):
        return
    draft.note(
        f.FeeSurprised(
            account=trade.account,
            listing_id=listing_id,
            trade_id=trade.trade_id,
            listed_bps=terms[-1].taker_fee_bps,
            charged_bps=None if in_third_asset(trade) else bps_of(_paid(trade), trade.price * trade.quantity),
            fees=trade.fees,
            at_ns=draft.now_ns,
        )
    )


def in_force(state: State, listing_id: ListingId, at_ns: Nanos) -> Iterator[FeeTerms]:
    """What may have been charged at that time, oldest first: what was told last, and what was told next."""
    listed_bps = state.fees.get(listing_id)
    if listed_bps is None:
        return
    told = state.fee_terms.get(listing_id) or [FeeTerms(taker_fee_bps=listed_bps, discount=None, told_ns=Nanos(0))]
    for index, terms in enumerate(told):
        until_ns = told[index + 1].told_ns if index + 1 < len(told) else None
        since_ns = told[index - 1].told_ns if index > 0 else None
        if (until_ns is None or at_ns <= until_ns + _SKEW_NS) and (since_ns is None or at_ns >= since_ns - _SKEW_NS):
            yield terms


def is_surprise(terms: FeeTerms, trade: VenueTrade, basis: FeeBasis | None = None) -> bool:
    """Does what was charged differ from the terms by more than the venue's rounding? An asset they do not name does."""
    discount = terms.discount
    if discount is not None and discount.on is not False and _only_in(trade, discount.token):
        return not _is_discounted(discount.taker_fee_bps, trade, discount.token, basis)
    if in_third_asset(trade):
        return True
    expected = fraction_of_bps(terms.taker_fee_bps) * trade.price * trade.quantity
    return abs(_paid(trade) - expected) > _rounding(trade)


def _only_in(trade: VenueTrade, token: Asset) -> bool:
    """Was the whole fee taken in the token?"""
    return bool(trade.fees) and all(fee.asset == token for fee in trade.fees)


def _is_discounted(rate_bps: Decimal, trade: VenueTrade, token: Asset, basis: FeeBasis | None) -> bool:
    """Is it about what the rate makes, by the mark the newest round was planned on? Without any it is not judged."""
    expected = fraction_of_bps(rate_bps) * trade.price * trade.quantity
    if token in _assets(trade):
        return abs(_paid(trade) - expected) <= _rounding(trade)
    if basis is None or basis.token != token or basis.token_rate is None or basis.quote_rate is None:
        return True
    worth = expected * basis.quote_rate
    charged = sum((fee.amount for fee in trade.fees), ZERO) * basis.token_rate
    return abs(charged - worth) <= abs(worth) * _TOKENS_OFF + ONE.scaleb(_FINEST) * basis.token_rate


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
