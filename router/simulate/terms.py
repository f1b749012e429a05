"""What each order was promised about when, where and how much, held against its children. Knows no policy's code."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from router.model import facts as f
from router.model.ids import ClientOrderId, Nanos, ParentId
from router.model.money import ONE, ZERO, roughly
from router.model.orders import ChildOrder, ParentOrder
from router.model.policies import BestSingleParams, CatchUp, InForce, SniperParams, Tolerance, TwapParams
from router.simulate.scene import KINDS
from router.simulate.sizes import slack, small

_LOT = Decimal("0.0001")
_NEARLY = Decimal("0.995")
"""All of it, less what fees may come to."""
_COMPLETING_NS = 60_000_000_000
_SMALLEST = Decimal("0.001")
"""More than any venue here asks for at least: a slice may carry so much, and leave so much for the next."""


@dataclass(slots=True)
class Terms:
    """Orders as they were taken, and when. An amended one is held to its new terms where time did not matter."""

    orders: dict[ParentId, ParentOrder] = field(default_factory=dict)
    since_ns: dict[ParentId, Nanos] = field(default_factory=dict)
    changed: set[ParentId] = field(default_factory=set)
    rounds: dict[ParentId, set[ClientOrderId]] = field(default_factory=dict)
    """Of an order for one round: the first child of each that sent something, unless one of it never left."""
    first: dict[ClientOrderId, ClientOrderId] = field(default_factory=dict)
    done: dict[ClientOrderId, tuple[ParentId, Decimal, Decimal]] = field(default_factory=dict)
    """By child: whose, what filled, and its whole size until it has ended."""
    confirmed: set[ParentId] = field(default_factory=set)
    """Whose pilot a person has let pass."""
    newest_ns: dict[ParentId, Nanos] = field(default_factory=dict)
    """When the newest of its children that a venue accepted was decided."""

    def broken_by(self, fact: f.Fact) -> Iterator[str]:
        """Follow a fact that has become durable; what it breaks."""
        match fact:
            case f.ParentTaken(order=order, at_ns=at_ns):
                self.orders[order.id], self.since_ns[order.id] = order, at_ns
            case f.ParentAmended(order=order):
                self.orders[order.id] = order
                self.changed.add(order.id)
            case f.FillBooked(fill=fill):
                done = self.done.get(fill.client_id)
                if done is not None:
                    self.done[fill.client_id] = (done[0], done[1] + fill.trade.quantity, done[2])
            case f.ChildMoved():
                self._of_moved(fact)
            case f.RoundPlanned(parent_id=parent_id, children=children):
                yield from self._behind(fact)
                yield from self._of_round(parent_id, len(children), len({one.listing_id for one in children}))
                yield from self._of_one_round(parent_id, children)
            case f.PilotConfirmed(parent_id=parent_id):
                self.confirmed.add(parent_id)
            case f.ChildIntended(order=child):
                yield from self._of_child(child)
            case _:
                pass

    def _of_moved(self, moved: f.ChildMoved) -> None:
        """What has ended may fill no more; a round of which something never left does not count."""
        if moved.state.ended and moved.client_id in self.done:
            parent_id, filled, _ = self.done[moved.client_id]
            self.done[moved.client_id] = (parent_id, filled, ZERO)
        if moved.not_sent:
            for rounds in self.rounds.values():
                rounds.discard(self.first.get(moved.client_id, moved.client_id))

    def _of_round(self, parent_id: ParentId, children: int, listings: int) -> Iterator[str]:
        order = self.orders.get(parent_id)
        if order is None:
            return
        most = order.envelope.max_venues
        if most is not None and listings > most:
            yield f"{parent_id}: {listings} venues in a round, {most} is the most"
        sweeps = order.envelope.would_price is not None or order.envelope.must_complete
        if isinstance(order.params, BestSingleParams) and children > 1 and not sweeps:
            yield f"{parent_id}: {children} children in a round of BEST_SINGLE"

    def _behind(self, planned: f.RoundPlanned) -> Iterator[str]:
        """What a TWAP plans brings it into its band again, if its market lets it: by the even line, a slice late."""
        order = self.orders.get(planned.parent_id)
        line = None if order is None else self._behind_line(order, planned.at_ns)
        if order is None or line is None:
            return
        known = [one for one in self.done.values() if one[0] == order.id]
        committed = sum((max(filled, size) for _, filled, size in known), ZERO)
        if committed + planned.due < line:
            yield f"{order.id} plans {planned.due} beside {committed}, where its band begins at {line}"

    def _behind_line(self, order: ParentOrder, at_ns: Nanos) -> Decimal | None:
        envelope, since_ns, params = order.envelope, self.since_ns[order.id], order.params
        begins_ns, ends_ns = envelope.starts_ns(since_ns), envelope.ends_ns(since_ns)
        if envelope.tolerance is None or not isinstance(params, TwapParams) or not params.slicing.slices:
            return None
        other = (envelope.would_price, envelope.stop_price, envelope.pilot_pct, envelope.randomize, order.asked)
        bound = params.slicing.catch_up is CatchUp.NONE or any(one is not None for one in other)
        if bound or order.id in self.changed or ends_ns is None or at_ns >= ends_ns:
            return None
        share = {Tolerance.NARROW: Decimal("0.05"), Tolerance.STANDARD: Decimal("0.1"), Tolerance.WIDE: Decimal("0.25")}
        with roughly():
            one_slice = order.size / params.slicing.slices
            wide = max(one_slice, order.size * share[envelope.tolerance])
            return order.size * (at_ns - begins_ns) / (ends_ns - begins_ns) - one_slice - wide - _SMALLEST

    def _of_one_round(self, parent_id: ParentId, children: tuple[f.PlannedChild, ...]) -> Iterator[str]:
        """IOC and FOK have one round; FOK's is for all of it, by what its children may come to at their limits."""
        order = self.orders.get(parent_id)
        if order is None or not children or not order.envelope.in_force.one_round:
            return
        rounds = self.rounds.setdefault(parent_id, set())
        rounds.add(children[0].client_id)
        self.first |= {one.client_id: children[0].client_id for one in children}
        if len(rounds) > 1:
            yield f"{parent_id}: a second round of {order.envelope.in_force}"
        sent = sum((one.quantity for one in children), ZERO)
        if order.quantity_basis.by_value:
            sent = sum((one.quantity * one.limit_price for one in children), ZERO)
        if order.envelope.in_force is InForce.FOK and sent < order.size * _NEARLY - small(order, _LOT):
            yield f"{parent_id}: {sent} of {order.size} in the round of a FOK"

    def _of_child(self, child: ChildOrder) -> Iterator[str]:
        order = self.orders.get(child.parent_id)
        self.done[child.client_id] = (child.parent_id, ZERO, child.quantity)
        if order is None:
            return
        envelope, since_ns = order.envelope, self.since_ns[order.id]
        ends_ns = envelope.ends_ns(since_ns)
        late_ns = 0 if ends_ns is None else child.decided_at_ns - ends_ns
        if child.decided_at_ns < envelope.starts_ns(since_ns):
            yield f"{child.client_id} is decided before its order's start"
        if (
            not envelope.past_end
            and ends_ns is not None
            and late_ns >= (_COMPLETING_NS if envelope.must_complete else 0)
        ):
            yield f"{child.client_id} is decided {late_ns} ns after its order's end"
        if envelope.max_child_quantity is not None and child.quantity > envelope.max_child_quantity:
            yield f"{child.client_id} is of {child.quantity}, a child's most is {envelope.max_child_quantity}"
        fee_bps = KINDS[str(child.venue)].fee_bps
        if envelope.max_fee_bps is not None and fee_bps > envelope.max_fee_bps:
            yield f"{child.client_id} goes where {fee_bps} bp are charged, {envelope.max_fee_bps} is the most"
        in_time = ends_ns is None or late_ns < 0
        if isinstance(order.params, SniperParams) and in_time and envelope.would_price is None:  # noqa: SIM102
            if (child.limit_price - order.params.trigger_price) * order.side.sign > 0:
                yield f"{child.client_id} at {child.limit_price}, the trigger is {order.params.trigger_price}"

    def ahead(self, child: ChildOrder, exposure: Decimal, at_venue: Decimal) -> str | None:
        """More at the venues than a schedule, or a venue's share, allows by the time the child was decided.

        In what the order counts.
        """
        order = self.orders[child.parent_id]
        envelope = order.envelope
        if order.id in self.changed:
            return None
        pilot = envelope.pilot_pct
        if pilot is not None and order.id not in self.confirmed:
            part = order.size * pilot / 100
            if exposure > part + slack(order):
                return f"{order.id} is exposed to {exposure} before its pilot of {part} is confirmed"
        share = envelope.max_share_per_venue
        if share is not None and at_venue > order.size * share + slack(order):
            return f"{order.id} has {at_venue} at {child.venue}, {share} of {order.size} is the most"
        newest_ns = max(child.decided_at_ns, self.newest_ns.get(order.id, child.decided_at_ns))
        self.newest_ns[order.id] = newest_ns  # one that was decided later may have overtaken this one
        line = self._line(order, newest_ns)
        if line is not None and exposure > line:
            return f"{order.id} is exposed to {exposure} where its schedule allows {line}"
        return None

    def _line(self, order: ParentOrder, at_ns: Nanos) -> Decimal | None:
        """A TWAP never runs ahead of its even line by more than a slice; None where nothing is promised."""
        envelope, since_ns = order.envelope, self.since_ns[order.id]
        begins_ns, ends_ns = envelope.starts_ns(since_ns), envelope.ends_ns(since_ns)
        if not isinstance(order.params, TwapParams) or ends_ns is None or at_ns >= ends_ns:
            return None
        if envelope.would_price is not None or envelope.stop_price is not None or not order.params.slicing.slices:
            return None
        chance = Decimal(0 if envelope.randomize is None else envelope.randomize.size_pct).scaleb(-2)
        with roughly():
            one_slice = order.size / order.params.slicing.slices * (ONE + chance)
            return order.size * (at_ns - begins_ns) / (ends_ns - begins_ns) + one_slice + small(order, _SMALLEST)
