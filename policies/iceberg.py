"""ICEBERG: at the limit, a small piece at a time; the next one after the last has filled, or in turn by the clock.

A piece of which nobody knows whether it stands is waited for: showing two at once would show more than was asked for.
"""

from decimal import Decimal

from policies.chance import MILLION, either_way
from policies.pacing import lot_of
from policies.resting import as_quotes, at_limit, standing, taking_out, where_to_rest
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.money import roughly
from router.model.policies import IcebergParams, Refresh, RestVenue
from router.model.rounding import down
from router.ports.policy import Progress, Quote, Target

_MS = 1_000_000
_LOOK_NS = 1_000 * _MS


class Iceberg:
    """One quote at a time, of about the displayed quantity."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """The piece that should be standing now."""
        order, params = progress.order, progress.order.params
        assert isinstance(params, IcebergParams)
        assert order.limit_price is not None
        if progress.filled >= order.quantity:
            return Target(quantity=order.quantity, finished=True, reason="filled")
        here = standing(progress)
        if taking_out(progress) > 0 or progress.in_doubt > 0:
            return Target(quantity=progress.committed, quotes=as_quotes(here), reason="a piece is on its way")
        if here:
            over_ns = Nanos(here[0].since_ns + params.refresh_ms * _MS)
            if params.refresh is Refresh.TIMED and now_ns >= over_ns:
                return Target(quantity=progress.committed, quotes=(), reason="its time is over: withdraw first")
            wake = over_ns if params.refresh is Refresh.TIMED else None
            return Target(quantity=progress.committed, quotes=as_quotes(here), not_before_ns=wake, reason="stands")
        if (pause := _pause(progress, now_ns, params)) is not None:
            return pause
        if view is None:
            return Target(quantity=order.quantity, look=True, reason="the next piece")
        piece = min(displayed(progress, params), progress.open_quantity)
        if progress.open_quantity - piece < progress.slice_min:
            piece = progress.open_quantity
        found = where_to_rest(view, order, piece, RestVenue.BEST_TOUCH)
        if found is None:
            next_ns = Nanos(now_ns + max(params.refresh_ms * _MS, _LOOK_NS))
            return Target(quantity=progress.committed, not_before_ns=next_ns, quotes=(), reason="no book to rest in")
        price = at_limit(found[0], found[1], order.side, order.limit_price)
        quote = Quote(listing_id=found[0].listing.id, price=price, quantity=piece)
        again_ns = Nanos(now_ns + _LOOK_NS)
        quantity = progress.committed + piece
        return Target(quantity=quantity, quotes=(quote,), not_before_ns=again_ns, reason="the next piece")


def displayed(progress: Progress, params: IcebergParams) -> Decimal:
    """This piece's size: the displayed quantity, by chance more or less, and what a venue takes at least."""
    randomize = progress.order.envelope.randomize
    if randomize is None or not params.variance_pct:
        return max(params.display_quantity, progress.slice_min)
    moved = params.variance_pct * either_way(randomize.seed, "display", progress.rounds)
    with roughly():
        size = params.display_quantity * (1 + Decimal(moved) / (100 * MILLION))
    return max(down(size, lot_of(progress)), progress.slice_min)


def _pause(progress: Progress, now_ns: Nanos, params: IcebergParams) -> Target | None:
    """Between two pieces, so that nobody sees them as one."""
    if progress.last_round_ns is None:
        return None
    next_ns = Nanos(progress.last_round_ns + params.refresh_ms * _MS)
    if now_ns >= next_ns:
        return None
    return Target(quantity=progress.committed, not_before_ns=next_ns, quotes=(), reason="between two pieces")
