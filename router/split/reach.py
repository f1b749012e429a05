"""Not all of it at once: take only what stands within reach of the best all-in price, and come back for the rest."""

from dataclasses import replace
from decimal import Decimal

from router.book.consolidated import ladder
from router.model.money import ONE, exactly, fraction_of_bps
from router.split.plan import Plan, SplitRequest
from router.split.split import split


def split_within(request: SplitRequest, reach_bps: Decimal | None) -> Plan:
    """The split of what is less than `reach_bps` dearer, all in, than the best level; of everything where that is None.

    Where nothing that near can be sent (a minimum, a lot), nearness is given up: a round is never lost to it.
    """
    if reach_bps is None or request.options.residual_price is not None:
        return split(request)
    best = next(ladder(request.view, request.side), None)
    if best is None:
        return split(request)
    with exactly():
        edge = best.effective_price * (ONE + request.side.sign * fraction_of_bps(reach_bps))
    near = split(replace(request, options=replace(request.options, residual_price=edge)))
    return near if near.lines else split(request)
