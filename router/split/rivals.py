"""What others would send under the same rules, each costed like our own plan: the counterfactuals of a decision."""

from router.model.money import ZERO, exactly
from router.split.curve import Curve
from router.split.evaluate import levels_for
from router.split.plan import Plan, SplitRequest
from router.split.search import Units
from router.split.split import Splitter


def fee_blind(request: SplitRequest) -> Plan:
    """A router that ignores fees: the raw-price sweep."""
    with exactly():
        splitter = Splitter(request)
        return splitter.planned(splitter.blind_units())


def proportional(request: SplitRequest) -> Plan:
    """Each listing gets its share of what is displayed; what a minimum, a lot or a balance forbids goes to the rest."""
    with exactly():
        splitter = Splitter(request)
        return splitter.planned(_shared_out(splitter))


def sequential(request: SplitRequest) -> Plan:
    """One listing after another, the best top of book first, each for all that it can take of what is left."""
    with exactly():
        splitter = Splitter(request)
        return splitter.planned(_in_order(splitter))


def _shared_out(splitter: Splitter) -> Units:
    curves, search = splitter.curves, splitter.search
    depths = [_displayed(splitter, curve) for curve in curves]
    active = sorted(range(len(curves)), key=lambda rank: (-depths[rank], rank))
    if splitter.request.options.children_max is not None:
        active = active[: splitter.request.options.children_max]
    while active:
        shown = sum(depths[rank] for rank in active)
        wanted = min(splitter.quantity, shown)
        units = [0] * len(curves)
        for rank in active:
            share = min(wanted * depths[rank] // shown, curves[rank].most())
            units[rank] = share // curves[rank].step * curves[rank].step
        short = [rank for rank in active if units[rank] < curves[rank].minimum]
        if not short:
            return search.within_rules(units)
        active.remove(min(short, key=lambda rank: (units[rank], rank)))
    return [0] * len(curves)


def _displayed(splitter: Splitter, curve: Curve) -> int:
    """Everything the listing shows, in units, whatever of it may be taken."""
    return int(sum((level.size for level in levels_for(curve.view, splitter.request.side)), ZERO) * splitter.scale)


def _in_order(splitter: Splitter) -> Units:
    curves = splitter.curves
    units = [0] * len(curves)
    for rank in sorted(range(len(curves)), key=lambda rank: (curves[rank].prices[0], rank)):
        units = splitter.search.taking(units, rank)
    return units
