"""PASSIVE_THEN_SWEEP: per slice, rest at the touch of the best venues; take what did not fill in its time."""

from decimal import Decimal

from policies.consolidated import usable
from policies.pacing import again, lot_of
from policies.queueing import by_queues, two_sided
from policies.resting import as_quotes, own_side, passive, standing, takes, taking_out
from policies.slices import Slice, borders_ns, even_shares, middles_ns, number_of_slices, schedule
from router.model.ids import Nanos
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, ratio, roughly
from router.model.orders import ParentOrder
from router.model.policies import PassiveThenSweepParams, Placement, Randomize
from router.model.rounding import down
from router.model.side import Side
from router.ports.policy import Progress, Quote, Resting, Target

_MS = 1_000_000


class PassiveThenSweep:
    """Behind a slice's patience, or further from the market than `stop_ticks`, what rests is withdrawn and taken."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """What should stand, or be taken, of the slices whose time has come."""
        order, params = progress.order, progress.order.params
        assert isinstance(params, PassiveThenSweepParams)
        assert progress.ends_ns is not None
        if progress.filled >= order.quantity:
            return Target(quantity=order.quantity, finished=True, reason="filled")
        here = standing(progress)
        if taking_out(progress) > 0:
            return Target(quantity=progress.committed, quotes=as_quotes(here), reason="a round is out")
        slices, window_ns = slices_of(
            order.quantity,
            params,
            (progress.starts_ns, progress.ends_ns),
            order.envelope.randomize,
            lot_of(progress),
            progress.slice_min,
        )
        reached = sum(1 for one in slices if one.at_ns <= now_ns)
        if not reached:
            first = slices[0].at_ns if slices else None
            return Target(quantity=progress.committed, not_before_ns=first, finished=not slices, reason="not begun")
        current = slices[reached - 1]
        over_ns = patient_ns(current, window_ns, params)
        next_ns = slices[reached].at_ns if reached < len(slices) else progress.ends_ns
        missing = current.cumulative - progress.filled - progress.in_doubt
        if missing <= 0 or (missing < progress.slice_min and reached < len(slices)):
            return Target(quantity=progress.committed, quotes=(), not_before_ns=next_ns, reason="this slice is done")
        if now_ns >= over_ns and not order.envelope.passive_only:
            return _sweep(progress, now_ns, params, missing, next_ns)
        look_ns = Nanos(now_ns + params.repeg_ms * _MS)
        if not order.envelope.passive_only:
            look_ns = min(look_ns, over_ns)
        if view is None:
            return Target(quantity=progress.committed, quotes=as_quotes(here), look=True, not_before_ns=look_ns)
        if _ran_away(progress, view, current, params) and not order.envelope.passive_only:
            return _sweep(progress, now_ns, params, missing, look_ns)
        if here and all(_ticks_behind(progress, view, one) == 0 for one in here):
            return Target(quantity=progress.committed, quotes=as_quotes(here), not_before_ns=look_ns, reason="rests")
        if here:
            return Target(quantity=progress.committed, quotes=(), not_before_ns=look_ns, reason="the touch has moved")
        taken, quotes = _placed(progress, now_ns, view, missing, over_ns)
        if taken > 0 and not _had_a_round(progress, current) and not order.envelope.passive_only:
            return Target(quantity=progress.committed + taken, not_before_ns=look_ns, reason="queues too long for all")
        placed = sum((one.quantity for one in quotes), ZERO)
        return Target(quantity=progress.committed + placed, quotes=quotes, not_before_ns=look_ns, reason="rests anew")


def _had_a_round(progress: Progress, current: Slice) -> bool:
    return progress.last_round_ns is not None and progress.last_round_ns >= current.at_ns


def _placed(
    progress: Progress, now_ns: Nanos, view: MarketView, missing: Decimal, over_ns: Nanos
) -> tuple[Decimal, tuple[Quote, ...]]:
    """What to take at once, and what stands where."""
    order, params = progress.order, progress.order.params
    assert isinstance(params, PassiveThenSweepParams)
    books = _best_touches(progress, view, missing)
    if params.placement is Placement.QUEUES:
        both = two_sided(books, order.side)[: params.venues_max]
        lot, horizon_ns = lot_of(progress), max(over_ns - now_ns, 0)
        found = by_queues(both, order.side, missing, lot, progress.slice_min, horizon_ns) if both else None
        if found is not None:
            taken, parts = found
            return taken, tuple(
                _quote(book, rate, order, parts[book.listing.id]) for book, rate in both if book.listing.id in parts
            )
    return ZERO, at_touches(progress, books, missing, params.venues_max)


def slices_of(
    quantity: Decimal,
    params: PassiveThenSweepParams,
    times_ns: tuple[Nanos, Nanos],
    chance: Randomize | None,
    lot: Decimal,
    smallest: Decimal,
) -> tuple[tuple[Slice, ...], int]:
    """The slices between two times, and how long the time of each is; a single one begins at once."""
    starts_ns, ends_ns = times_ns
    count = number_of_slices(params.slicing, starts_ns, ends_ns)
    middles = (starts_ns,) if count == 1 else middles_ns(borders_ns(starts_ns, ends_ns, count), chance)
    found = schedule(quantity, even_shares(count, chance), middles, lot, smallest)
    return found, (ends_ns - starts_ns) // count


def patient_ns(one: Slice, window_ns: int, params: PassiveThenSweepParams) -> Nanos:
    """From when on what is left of a slice is taken."""
    return Nanos(one.at_ns + window_ns * params.patience_pct // 100)


def _sweep(
    progress: Progress, now_ns: Nanos, params: PassiveThenSweepParams, missing: Decimal, next_ns: Nanos
) -> Target:
    if standing(progress):
        return Target(quantity=progress.committed, quotes=(), reason="its patience is over: withdraw first")
    if (pause := again(progress, now_ns, params.slicing.round_wait_ms)) is not None:
        return pause
    return Target(quantity=progress.committed + missing, not_before_ns=next_ns, reason="takes what did not fill")


def _ran_away(progress: Progress, view: MarketView, current: Slice, params: PassiveThenSweepParams) -> bool:
    """Is the touch `stop_ticks` away from where it was when something last rested in this slice?"""
    last = progress.last_rested
    if last is None or last.since_ns < current.at_ns:
        return False
    return _ticks_behind(progress, view, last) >= params.stop_ticks


def _ticks_behind(progress: Progress, view: MarketView, one: Resting) -> int:
    """By how many ticks the touch has moved away from a resting order; 0 while it is at the touch or ahead of it."""
    order = progress.order
    book = next((book for book in view.listings if book.listing.id == one.listing_id), None)
    rate = None if book is None else view.fx_rate(book.listing.quote)
    if book is None or rate is None or book.unusable is not None:
        return 1
    if not own_side(book, order.side):
        return 0  # nobody else stands there
    behind = (_at_touch(book, rate, order) - one.price) * order.side.sign
    return int(ratio(max(behind, ZERO), book.listing.tick))


def _at_touch(book: ListingView, rate: Decimal, order: ParentOrder) -> Decimal:
    """The touch of the order's own side, within its limit."""
    touch = own_side(book, order.side)[0].price
    if order.limit_price is not None:
        limit = ratio(order.limit_price, rate)
        touch = min(touch, limit) if order.side is Side.BUY else max(touch, limit)
    return passive(book, order.side, touch)


def _best_touches(progress: Progress, view: MarketView, quantity: Decimal) -> list[tuple[ListingView, Decimal]]:
    """Books to rest in with their currencies' marks, the best touch of the own side first."""
    order = progress.order
    books = [(book, rate) for book, rate in usable(view, order.may_use) if own_side(book, order.side)]
    books = [one for one in books if takes(one[0], one[1], order, quantity)] or books
    with roughly():
        books.sort(key=lambda one: -order.side.sign * own_side(one[0], order.side)[0].price * one[1])
    return books


def at_touches(
    progress: Progress, books: list[tuple[ListingView, Decimal]], quantity: Decimal, venues_max: int
) -> tuple[Quote, ...]:
    """Equal parts at the first of these touches; fewer venues where a part would be too small."""
    for count in range(min(venues_max, len(books)), 0, -1):
        part = down(ratio(quantity, Decimal(count)), lot_of(progress))
        if part >= progress.slice_min or count == 1:
            sizes = [quantity - part * (count - 1), *[part] * (count - 1)]
            found = zip(books, sizes, strict=False)
            return tuple(_quote(book, rate, progress.order, size) for (book, rate), size in found)
    return ()


def _quote(book: ListingView, rate: Decimal, order: ParentOrder, size: Decimal) -> Quote:
    price = _at_touch(book, rate, order)
    return Quote(listing_id=book.listing.id, price=price, quantity=down(size, book.listing.step))
