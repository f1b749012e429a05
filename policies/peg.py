"""PEG: rest at a price that follows the market. A move costs a rate-limit token and the place in the queue."""

from collections.abc import Sequence
from decimal import Decimal

from policies.consolidated import other_side
from policies.resting import as_quotes, own_side, passive, standing, taking_out, where_to_rest
from router.model.ids import Nanos
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, fraction_of_bps, ratio, roughly
from router.model.orders import ParentOrder
from router.model.policies import OffsetIn, PegParams, PegTo, RestVenue
from router.model.rounding import limit_price
from router.ports.policy import Progress, Quote, Resting, Target

_MS = 1_000_000
_HALF = Decimal("0.5")


class Peg:
    """One quote, moved by at least a tick, at most every so often, and never beyond the limit."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """Where it should stand now."""
        order, params = progress.order, progress.order.params
        assert isinstance(params, PegParams)
        if progress.filled >= order.quantity:
            return Target(quantity=order.quantity, finished=True, reason="filled")
        here = standing(progress)
        next_ns = Nanos(now_ns + params.min_reprice_interval_ms * _MS)
        if taking_out(progress) > 0:
            return Target(quantity=progress.committed, quotes=as_quotes(here), reason="a move is under way")
        if not here and progress.open_quantity <= 0:
            return Target(quantity=progress.committed, quotes=(), not_before_ns=next_ns, reason="the rest is in doubt")
        if here and now_ns < (due_ns := Nanos(here[0].since_ns + params.min_reprice_interval_ms * _MS)):
            return Target(quantity=progress.committed, quotes=as_quotes(here), not_before_ns=due_ns, reason="stands")
        if view is None:
            return Target(quantity=progress.committed, quotes=as_quotes(here), look=True, not_before_ns=next_ns)
        found = _its_book(progress, view, here)
        price = None if found is None else pegged(found, view, order, params)
        if found is None or price is None:
            return Target(quantity=progress.committed, not_before_ns=next_ns, quotes=(), reason="no price to follow")
        quote = Quote(
            listing_id=found.listing.id,
            price=price,
            quantity=progress.open_quantity + sum((one.left for one in here), ZERO),
            post_only=params.peg_to is not PegTo.FAR or order.envelope.passive_only,
        )
        if here and price == here[0].price:
            return Target(quantity=progress.committed, quotes=as_quotes(here), not_before_ns=next_ns, reason="stands")
        return Target(quantity=order.quantity, quotes=(quote,), not_before_ns=next_ns, reason="follows the market")


def _its_book(progress: Progress, view: MarketView, here: Sequence[Resting]) -> ListingView | None:
    """The book it stands in; before it stands, the one to stand in."""
    if here:
        return next((book for book in view.listings if book.listing.id == here[0].listing_id), None)
    found = where_to_rest(view, progress.order, progress.open_quantity, RestVenue.BEST_TOUCH)
    return None if found is None else found[0]


def pegged(book: ListingView, view: MarketView, order: ParentOrder, params: PegParams) -> Decimal | None:
    """The price to stand at in this book, on its ticks, within the limit; None without both sides.

    Passive, but where it follows the far side and may take: there it may reach into the book.
    """
    near, far, rate = own_side(book, order.side), other_side(book, order.side), view.fx_rate(book.listing.quote)
    if not near or not far or rate is None or book.unusable is not None:
        return None
    with roughly():
        price = {
            PegTo.NEAR: near[0].price,
            PegTo.MID: (near[0].price + far[0].price) * _HALF,
            PegTo.FAR: far[0].price,
        }[params.peg_to]
        match params.offset_in:
            case OffsetIn.PRICE:
                price -= order.side.sign * params.offset
            case OffsetIn.BPS:
                price -= order.side.sign * price * fraction_of_bps(params.offset)
            case OffsetIn.DEPTH:
                price = near[min(int(params.offset), len(near) - 1)].price
        if order.limit_price is not None:
            limit = ratio(order.limit_price, rate)
            price = min(price, limit) if order.side.sign > 0 else max(price, limit)
    if params.peg_to is PegTo.FAR and not order.envelope.passive_only:
        return limit_price(order.side, price, book.listing.tick)
    return passive(book, order.side, price)
