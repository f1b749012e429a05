"""LIMIT_OR_BETTER: take what crosses inside the limit; rest what is left at one listing, and move only for a reason."""

from policies.consolidated import depth
from policies.pacing import again
from policies.resting import as_quotes, at_limit, own_side, standing, taking_out, where_to_rest
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.money import ZERO, ratio
from router.model.policies import LimitOrBetterParams
from router.ports.policy import Progress, Quote, Resting, Target

_LOOK_NS = 1_000_000_000
_NS_PER_MS = 1_000_000


class LimitOrBetter:
    """Nothing is ever sent twice: what rests is withdrawn, and known to be gone, before its quantity goes elsewhere."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """What crosses now is taken; else one quote for the whole rest."""
        order, params = progress.order, progress.order.params
        assert isinstance(params, LimitOrBetterParams)
        assert order.limit_price is not None
        if progress.filled >= order.quantity:
            return Target(quantity=order.quantity, finished=True, reason="filled")
        here, next_ns = standing(progress), Nanos(now_ns + _LOOK_NS)
        stays = Target(quantity=progress.committed, quotes=as_quotes(here), not_before_ns=next_ns, reason="rests")
        if taking_out(progress) > 0:
            return Target(quantity=progress.committed, quotes=as_quotes(here), reason="a round is out")
        left = progress.open_quantity + sum((one.left for one in here), ZERO)
        if left <= 0:
            return Target(quantity=progress.committed, quotes=(), not_before_ns=next_ns, reason="the rest is in doubt")
        if view is None:
            return Target(quantity=progress.committed, look=True, not_before_ns=next_ns, quotes=as_quotes(here))
        crossing = (
            ZERO
            if order.envelope.passive_only
            else min(depth(view, order.side, order.limit_price, order.may_use), left)
        )
        if crossing > 0 and crossing >= min(progress.slice_min, left) and not _just_tried(progress, now_ns, params):
            if here:
                return Target(
                    quantity=progress.committed,
                    quotes=(),
                    takes=crossing,
                    not_before_ns=next_ns,
                    reason="a price inside the limit: withdraw first",
                )
            return Target(quantity=progress.committed + crossing, reason="takes")
        if here:
            moves = _stood(here[0], now_ns, params) and _better_elsewhere(progress, view, here[0], params)
            return _leave(progress) if moves else stays
        found = where_to_rest(view, order, left, params.rest_venue_rule)
        if found is None:
            return Target(quantity=progress.committed, quotes=(), not_before_ns=next_ns, reason="no book to rest in")
        price = at_limit(found[0], found[1], order.side, order.limit_price)
        quote = Quote(listing_id=found[0].listing.id, price=price, quantity=left)
        return Target(quantity=order.quantity, quotes=(quote,), not_before_ns=next_ns, reason="rests what is left")


def _just_tried(progress: Progress, now_ns: Nanos, params: LimitOrBetterParams) -> bool:
    """Did a round just now find nothing it could take?"""
    return not progress.last_round_sent and again(progress, now_ns, params.round_wait_ms) is not None


def _stood(here: Resting, now_ns: Nanos, params: LimitOrBetterParams) -> bool:
    """Long enough to move: whoever follows every touch stands at the end of every queue."""
    return now_ns - here.since_ns >= params.stand_ms * _NS_PER_MS


def _leave(progress: Progress) -> Target:
    return Target(quantity=progress.committed, quotes=(), reason="a better place to rest: withdraw first")


def _better_elsewhere(progress: Progress, view: MarketView, here: Resting, params: LimitOrBetterParams) -> bool:
    """Is another book's touch better than this one's by enough ticks?"""
    order = progress.order
    found = where_to_rest(view, order, here.left, params.rest_venue_rule)
    mine = next((book for book in view.listings if book.listing.id == here.listing_id), None)
    if found is None or found[0].listing.id == here.listing_id:
        return False
    if mine is None or mine.unusable is not None or not own_side(mine, order.side):
        return True
    rate, touches = view.fx_rate(mine.listing.quote), own_side(found[0], order.side)
    if rate is None:
        return True
    if not touches:
        return False  # nobody stands there: no touch is better
    ahead = (ratio(touches[0].price * found[1], rate) - own_side(mine, order.side)[0].price) * order.side.sign
    return ahead >= params.reprice_ticks * mine.listing.tick
