"""Where to rest by how long the queues are and how fast they move: Cont and Kukanov's placement on what a view tells.

Of a queue the view tells the size that stands before us and what takers have traded since its tape's epoch began. So
outflows are taken for exponential with that mean, in nine equally likely scenarios, all venues moving together. What a
maker is granted is not listed: he pays as a taker does. It is coarse, and it stays switched off until an evaluation on
recorded markets shows a gain.
"""

from collections.abc import Sequence
from decimal import Decimal

from policies.consolidated import other_side
from policies.cont_kukanov import Costs, Problem, Queue, place
from policies.resting import own_side
from router.model.ids import ListingId
from router.model.market import ListingView
from router.model.money import ZERO, fraction_of_bps, ratio, roughly
from router.model.rounding import down, steps_in, up
from router.model.side import Side

_UNITS = 20
"""Into so many parts a quantity is cut at most: the search is part of a decision."""
_KNOWN_NS = 10_000_000_000
"""A tape that was heard for less tells no rate."""
_QUANTILES = tuple(map(Decimal, "0.057 0.182 0.325 0.492 0.693 0.944 1.281 1.792 2.890".split()))
"""-ln(1 - u) in the middle of each ninth: the exponential of mean 1."""
_IMPACT = Decimal("0.01")
_NEVER = 1_000
"""Times the cost of taking, for what fills beyond the quantity: nothing may."""
Books = Sequence[tuple[ListingView, Decimal]]


def by_queues(
    books: Books, side: Side, quantity: Decimal, lot: Decimal, smallest: Decimal, horizon_ns: int
) -> tuple[Decimal, dict[ListingId, Decimal]] | None:
    """What to take now, and what to rest at which touch (base); None where a rate of outflow is not known.

    `books`: each with its currency's mark and both sides. `horizon_ns`: for how long there is patience.
    """
    unit = max(down(ratio(quantity, Decimal(_UNITS)), lot), lot)
    units = steps_in(quantity, unit)
    queues = [_queue(book, rate, side, unit, smallest, horizon_ns) for book, rate in books]
    known = [one for one in queues if one is not None]
    if not known or len(known) < len(queues) or units == 0:
        return None
    least = max(steps_in(up(smallest, unit), unit), 1)
    problem = Problem(quantity=units, costs=_costs(books), queues=tuple(known), taken_smallest=least)
    found = place(problem)
    resting, left = {}, quantity - found.taken * unit
    for (book, _), number in zip(books, found.resting, strict=True):
        part = min(number * unit, left)
        left -= part
        if part > 0:
            resting[book.listing.id] = part
    return found.taken * unit, resting


def _queue(
    book: ListingView, rate: Decimal, side: Side, unit: Decimal, smallest: Decimal, horizon_ns: int
) -> Queue | None:
    tape, touch = book.trades, own_side(book, side)[0]
    heard_ns = 0 if tape is None else (tape.last_ns or 0) - tape.epoch_ns
    if tape is None or heard_ns < _KNOWN_NS:
        return None
    against = tape.sold if side is Side.BUY else tape.bought
    with roughly():
        if tape.bought + tape.sold < tape.quantity:
            against = tape.quantity / 2  # the venue does not say who took
        mean = against * horizon_ns / heard_ns
        outflows = tuple(steps_in(mean * one, unit) for one in _QUANTILES)
        fee = touch.price * rate * fraction_of_bps(book.listing.taker_fee_bps)
    least = max(steps_in(up(smallest, unit), unit), 1)
    return Queue(ahead=steps_in(touch.size, unit), rebate=-fee, outflows=outflows, smallest=least)


def _costs(books: Books) -> Costs:
    """Of the narrowest book; who has to catch up crosses a spread more."""
    with roughly():
        halves = [(book.asks[0].price - book.bids[0].price) * rate / 2 for book, rate in books]
        fees = [
            book.asks[0].price * rate * fraction_of_bps(max(book.listing.taker_fee_bps, ZERO)) for book, rate in books
        ]
        half, fee = max(min(halves), ZERO), max(min(fees), ZERO)
        return Costs(
            half_spread=half,
            taker_fee=fee,
            impact=half * _IMPACT,
            under=3 * half + fee,
            over=_NEVER * (half + fee),
        )


def two_sided(books: Books, side: Side) -> Books:
    """Those with somebody on both sides."""
    return [one for one in books if own_side(one[0], side) and other_side(one[0], side)]
