"""What every policy is kept within: its time, its trigger, its bounds on price and on its share of the volume.

A policy that is held back is asked again; it does not fail. At its end an order that must complete takes what is left
inside its limit, and for a minute at most.
"""

from dataclasses import replace
from decimal import Decimal

from policies.band import within_band
from policies.consolidated import best, counted, mid, mids
from policies.pacing import again, lot_of
from policies.pov import pov_quantity
from policies.resting import as_quotes, standing, taking_out
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.money import ONE, bps_above, fraction_of_bps, roughly
from router.model.policies import InForce
from router.model.side import Side
from router.ports.policy import Policy, Progress, Target

LOOK_NS = 1_000_000_000
"""How often an order that waits for a price looks at the market."""
COMPLETING_NS = 60_000_000_000
"""How long an order that must complete goes on taking after its end."""
_COMPLETING_WAIT_MS = 250


class Enveloped:
    """A policy within the envelope of its order."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """What the policy wants, as far as the order allows it now."""
        target = self._target(progress, now_ns, view)
        if progress.most is None or target.quantity <= progress.most:
            return target
        return replace(target, quantity=max(progress.most, progress.committed))

    def _target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        if progress.filled >= progress.order.quantity:
            return Target(quantity=progress.order.quantity, finished=True, reason="filled")
        if progress.rounds and progress.order.envelope.in_force.one_round:
            return _after_its_round(progress)
        over = progress.ends_ns is not None and now_ns >= progress.ends_ns
        if progress.ends_ns is not None and over and not progress.order.envelope.past_end:
            return _narrowed(progress, view, _at_its_end(progress, now_ns, progress.ends_ns))
        if (early := _not_yet(progress, now_ns, view)) is not None:
            return early
        if (held := _held(progress, now_ns, view)) is not None:
            return held
        if (would := _would(progress, now_ns, view)) is not None:
            return _narrowed(progress, view, would)
        return _bounded(progress, now_ns, view, self._policy.target(progress, now_ns, view))


def _after_its_round(progress: Progress) -> Target:
    if progress.last_round_sent:
        return Target(quantity=progress.committed, finished=True, reason="its one round is over")
    killed = progress.order.envelope.in_force is InForce.FOK
    reason = "all of it could not be filled at once: nothing was sent" if killed else "its one round found nothing"
    return Target(quantity=progress.committed, finished=True, reason=reason)


def _at_its_end(progress: Progress, now_ns: Nanos, ends_ns: Nanos) -> Target:
    committed = progress.committed
    if progress.working > 0:
        return Target(quantity=committed, quotes=(), reason="its time is over: what rests is withdrawn")
    if not progress.order.envelope.must_complete or now_ns >= ends_ns + COMPLETING_NS:
        return Target(quantity=committed, finished=True, reason="its time is over")
    return again(progress, now_ns, _COMPLETING_WAIT_MS) or Target(
        quantity=progress.order.quantity, not_before_ns=Nanos(ends_ns + COMPLETING_NS), reason="completes"
    )


def _not_yet(progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target | None:
    """Before its time, or before its price."""
    committed, envelope = progress.committed, progress.order.envelope
    begins_ns = envelope.starts_ns(progress.accepted_ns)
    if now_ns < begins_ns:
        return Target(quantity=committed, not_before_ns=begins_ns, reason="before its start")
    if envelope.stop_price is None or progress.triggered_ns is not None:
        return None
    next_ns = Nanos(now_ns + LOOK_NS)
    if view is None:
        return Target(quantity=committed, look=True, not_before_ns=next_ns, reason="waits for its stop price")
    fresh = mids(_fresh(view, envelope.stop_age_ms), progress.order.may_use)
    if not fresh:
        return Target(quantity=committed, not_before_ns=next_ns, reason="no fresh mid to hold its stop price against")
    beyond = sum((one - envelope.stop_price) * progress.order.side.sign >= 0 for one in fresh)
    reached = beyond * 2 > len(fresh)  # more than half, and so their median: a trigger is not taken back
    reason = "the mid has reached its stop price" if reached else "waits for its stop price"
    return Target(quantity=committed, not_before_ns=next_ns, triggered=reached, reason=reason)


def _fresh(view: MarketView, age_ms: int) -> MarketView:
    """The view without the books, and the marks, that are older."""
    return replace(
        view,
        listings=tuple(book for book in view.listings if book.book_age_ns <= age_ms * 1_000_000),
        fx=tuple(mark for mark in view.fx if mark.age_ns <= age_ms * 1_000_000),
    )


def _held(progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target | None:
    """Has the market run further from where it stood at arrival than the order allows?"""
    most = progress.order.envelope.max_slippage_bps
    if most is None or view is None or progress.arrival_mid is None:
        return None
    middle = mid(view, progress.order.may_use)
    if middle is None or bps_above(middle, progress.arrival_mid) * progress.order.side.sign <= most:
        return None
    reason = f"the mid is more than {most} bps from arrival"
    return Target(
        quantity=progress.committed, quotes=(), not_before_ns=Nanos(now_ns + LOOK_NS), held=True, reason=reason
    )


def _would(progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target | None:
    """All at once, at its would-price or better; what rests is withdrawn first."""
    would, order = progress.order.envelope.would_price, progress.order
    if would is None or view is None or progress.open_quantity + _resting(progress) <= 0:
        return None
    touch = best(view, order.side, order.may_use)
    if touch is None or (touch - would) * order.side.sign > 0:
        return None
    if taking_out(progress) > 0:
        return Target(quantity=progress.committed, quotes=as_quotes(standing(progress)), reason="a round is out")
    if standing(progress):
        return Target(quantity=progress.committed, quotes=(), reason="its would-price is there: withdraw first")
    if not progress.last_round_sent and (pause := again(progress, now_ns, _COMPLETING_WAIT_MS)) is not None:
        return pause
    return Target(quantity=order.quantity, limit_price=would, reason="its would-price is there")


def _resting(progress: Progress) -> Decimal:
    return sum((one.left for one in progress.resting), Decimal(0))


def _bounded(progress: Progress, now_ns: Nanos, view: MarketView | None, target: Target) -> Target:
    envelope = progress.order.envelope
    target = within_band(progress, now_ns, view, target)
    if target.finished and envelope.must_complete:
        target = Target(quantity=progress.committed, not_before_ns=progress.ends_ns, reason="completes at its end")
    if not target.finished and envelope.would_price is not None:
        target = replace(target, look=target.look or view is None, not_before_ns=_sooner(target, now_ns))
    if target.quotes is not None and progress.ends_ns is not None:  # what rests is taken off then
        ends_ns = progress.ends_ns if target.not_before_ns is None else min(target.not_before_ns, progress.ends_ns)
        target = replace(target, not_before_ns=ends_ns)
    if target.finished or target.quantity <= progress.committed:
        return target
    return _within_volume(progress, now_ns, view, _narrowed(progress, view, target))


def _narrowed(progress: Progress, view: MarketView | None, target: Target) -> Target:
    """Within the collar, and at no more venues than the order allows."""
    most = progress.order.envelope.max_venues
    if most is not None:
        target = replace(target, listings_max=min(most, target.listings_max or most))
    return _within_collar(progress, view, target)


def _sooner(target: Target, now_ns: Nanos) -> Nanos:
    look_ns = Nanos(now_ns + LOOK_NS)
    return look_ns if target.not_before_ns is None else min(target.not_before_ns, look_ns)


def _within_collar(progress: Progress, view: MarketView | None, target: Target) -> Target:
    collar, side = progress.order.envelope.price_collar_bps, progress.order.side
    middle = None if collar is None or view is None else mid(view, progress.order.may_use)
    if collar is None or middle is None:
        return target
    with roughly():
        edge = middle * (ONE + side.sign * fraction_of_bps(collar))
    return replace(target, limit_price=stricter(side, edge, target.limit_price))


def stricter(side: Side, one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Of two limits the one that allows less; None is no limit."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other) if side is Side.BUY else max(one, other)


def _within_volume(progress: Progress, now_ns: Nanos, view: MarketView | None, target: Target) -> Target:
    """At most its share of what all traded since the last round. What rests takes no share until it fills."""
    rate, volume = progress.order.envelope.max_participation_rate, progress.volume
    if rate is None or view is None or target.quotes is not None:
        return target
    next_ns = Nanos(now_ns + LOOK_NS)
    if volume is None or volume.gap:
        why = "the venues' trades are not counted yet" if volume is None else "prints may be missing"
        return Target(quantity=progress.committed, not_before_ns=next_ns, held=True, reason=why)
    most = pov_quantity(volume.recent, rate, lot_of(progress))
    due = min(target.quantity - progress.committed, counted(progress, most, view))
    if due < min(progress.slice_min, progress.open_quantity) or due <= 0:
        return Target(quantity=progress.committed, not_before_ns=next_ns, reason="its share of the volume is used up")
    most = most if target.base_max is None else min(most, target.base_max)
    return replace(target, quantity=progress.committed + due, not_before_ns=next_ns, base_max=most)
