"""What it costs that the cash lies where it lies: the same split with balances free, and what more of one is worth."""

from dataclasses import dataclass, replace
from decimal import Decimal

from router.book.effective import spend_factor
from router.model.ids import AccountId, Asset
from router.model.money import ZERO, bps_of, exactly, ratio
from router.model.side import Side
from router.split.curve import Curve, End
from router.split.evaluate import objective, priced
from router.split.plan import Plan, SplitRequest
from router.split.proof import notional
from router.split.split import Splitter


@dataclass(frozen=True, kw_only=True, slots=True)
class Shadow:
    """One more unit of `asset` at `account` would save `worth` in reporting currency, a little of it at least."""

    account: AccountId
    asset: Asset
    worth: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class CashPrice:
    """`lost` (reporting currency; `lost_bps` of quantity x mid) against `free`, the plan if every balance were enough.

    `shadows`: the balances that bind, dearest first.
    """

    free: Plan
    lost: Decimal
    lost_bps: Decimal
    shadows: tuple[Shadow, ...]


def price_of_cash(request: SplitRequest) -> CashPrice | None:
    """None where balances were not asked for, or no listing could be used whatever the balance."""
    if request.spendable is None:
        return None
    with exactly():
        price = Splitter(request).rest_price
        if price is None:  # no balance is enough for any minimum: then what a free plan leaves behind counts
            price = Splitter(replace(request, spendable=None)).rest_price
        if price is None:
            return None
        same = replace(request, options=replace(request.options, residual_price=price))
        free_request = replace(same, spendable=None)
        splitter, freed = Splitter(same), Splitter(free_request)
        plan, free = splitter.plan(), freed.plan()
        lost = objective(same, plan, price) - objective(free_request, free, price)
        whole = notional(freed)
        return CashPrice(free=free, lost=lost, lost_bps=bps_of(lost, whole), shadows=_shadows(splitter, request))


def _shadows(splitter: Splitter, request: SplitRequest) -> tuple[Shadow, ...]:
    if not splitter.curves:
        return ()
    worth: dict[tuple[AccountId, Asset], Decimal] = {}
    _, solved = splitter.search.hull()
    for group, share in zip(splitter.groups, solved.shares, strict=True):
        if group.balance is not None and share > 0:
            worth[group.balance] = Decimal(repr(share))
    marginal = Decimal(repr(solved.marginal))
    for curve, taken in zip(splitter.curves, splitter.units(), strict=True):
        listing = curve.view.listing
        balance = (listing.account, listing.quote if request.side is Side.BUY else listing.base)
        if balance in worth or not taken or curve.end is not End.BALANCE or taken + curve.step <= curve.most():
            continue
        saved = marginal - _next_price(splitter, curve, taken)
        drawn = spend_factor(listing, request.side)
        if request.side is Side.BUY:
            drawn *= curve.native_price(taken)
        if saved > 0:
            worth[balance] = ratio(saved, drawn)
    found = [Shadow(account=account, asset=asset, worth=each) for (account, asset), each in worth.items()]
    return tuple(sorted(found, key=lambda one: (-one.worth, one.account, one.asset)))


def _next_price(splitter: Splitter, curve: Curve, taken: int) -> Decimal:
    """The signed all-in price of the unit after `taken`."""
    request, walked = splitter.request, ZERO
    last = ZERO
    for price, size in priced(curve.view, request.side, curve.rate, request.landing):
        last = request.side.sign * price
        walked += size * splitter.scale
        if walked > taken:
            break
    return last
