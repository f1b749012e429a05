"""Every parent and child we know, and the sums that bound what may be sent."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from router.model.ids import AccountId, ClientOrderId, Nanos, ParentId, VenueOrderId
from router.model.money import ZERO
from router.model.orders import VenueTrade
from router.orders.records import Child, Parent

_CLOCKS_APART_NS = 60_000_000_000
"""A venue's clock may be behind ours by so much."""


class Blotter:
    """Parents and children by id. Sums are recomputed from the children, never kept beside them."""

    def __init__(self) -> None:
        self.parents: dict[ParentId, Parent] = {}
        self.children: dict[ClientOrderId, Child] = {}
        self._live: dict[ClientOrderId, Child] = {}
        self._drawing: dict[ClientOrderId, Child] = {}
        self._by_venue_order: dict[tuple[AccountId, str, VenueOrderId], ClientOrderId] = {}
        self._booked: dict[str, ClientOrderId] = {}
        self._legs: dict[ParentId, dict[int, ParentId]] = {}

    @classmethod
    def of(cls, parents: Iterable[Parent], children: Iterable[Child]) -> "Blotter":
        """A blotter of records that were kept elsewhere; parents name their children already."""
        blotter = cls()
        for parent in parents:
            blotter.add_parent(parent)
        for child in children:
            blotter.children[child.order.client_id] = child
            blotter.note_state(child)
            blotter._booked.update(dict.fromkeys(child.booked, child.order.client_id))
            if child.venue_order_id is not None:
                blotter.note_venue_order(child, child.venue_order_id)
        return blotter

    def add_parent(self, parent: Parent) -> None:
        """A parent is known once."""
        assert parent.order.id not in self.parents
        self.parents[parent.order.id] = parent
        if (leg := parent.order.leg) is not None:
            self._legs.setdefault(leg.basket_id, {})[leg.number] = parent.order.id

    def add_child(self, child: Child) -> None:
        """A child is known once, and belongs to a known parent."""
        order = child.order
        assert order.client_id not in self.children
        self.children[order.client_id] = child
        self.parents[order.parent_id].children.append(order.client_id)
        self.note_state(child)

    def forget(self, parent: Parent) -> None:
        """A parent that is over leaves, with its children. The journal keeps it."""
        for child in tuple(self.children_of(parent)):
            client_id, order = child.order.client_id, child.order
            assert child.state.ended
            del self.children[client_id]
            self._drawing.pop(client_id, None)
            for key in child.booked:
                del self._booked[key]
            if child.venue_order_id is not None:
                named = (order.account, order.symbol, child.venue_order_id)
                if self._by_venue_order.get(named) == client_id:
                    del self._by_venue_order[named]
        del self.parents[parent.order.id]
        if (leg := parent.order.leg) is not None:
            del self._legs[leg.basket_id][leg.number]
            if not self._legs[leg.basket_id]:
                del self._legs[leg.basket_id]

    def bring_back(self, parent: Parent, children: Iterable[Child]) -> None:
        """One that had left is here again."""
        self.add_parent(parent)
        for child in children:
            self.add_child(child)
            for key in child.booked:
                assert key not in self._booked
                self._booked[key] = child.order.client_id
            if child.venue_order_id is not None:
                self.note_venue_order(child, child.venue_order_id)

    def note_state(self, child: Child) -> None:
        """Keep the indices of children true after a state change."""
        self._drawing[child.order.client_id] = child
        if child.state.ended:
            self._live.pop(child.order.client_id, None)
        else:
            self._live[child.order.client_id] = child

    def note_venue_order(self, child: Child, venue_order_id: VenueOrderId) -> None:
        """Remember the venue's name for a child."""
        child.venue_order_id = venue_order_id
        self._by_venue_order[child.order.account, child.order.symbol, venue_order_id] = child.order.client_id

    def find(
        self, account: AccountId, symbol: str, client_id: ClientOrderId | None, venue_order_id: VenueOrderId
    ) -> Child | None:
        """The child a venue's row means, by our id, else by the venue's: which counts per symbol at several venues."""
        found = client_id if client_id in self.children else self._by_venue_order.get((account, symbol, venue_order_id))
        child = None if found is None else self.children.get(found)
        return child if child is not None and child.order.account == account else None

    def hinted(
        self, account: AccountId, client_id: ClientOrderId | None, venue_order_id: VenueOrderId | None
    ) -> Iterator[Child]:
        """Children a stream may mean: it is enough of a reason to look. Of those that ended, one it should not know."""
        ended = None if client_id is None else self.children.get(client_id)
        if ended is not None and ended.state.never_taken and ended.order.account == account:
            yield ended
        for child in self.living():
            named = child.order.client_id == client_id or (
                venue_order_id is not None and child.venue_order_id == venue_order_id
            )
            if named and child.order.account == account:
                yield child

    def may_have_made(self, trade: VenueTrade) -> Iterator[Child]:
        """Children that never were at the venue, and could have made this trade of nobody we know if they had been."""
        for child in self.children.values():
            order = child.order
            if (
                child.state.never_taken
                and (order.account, order.symbol, order.side) == (trade.account, trade.symbol, trade.side)
                and child.venue_order_id in {None, trade.venue_order_id}
                and trade.client_id is None
                and trade.quantity <= order.quantity - child.filled
                and (trade.price - order.limit_price) * order.side.sign <= 0
                and trade.venue_time_ns >= order.decided_at_ns - _CLOCKS_APART_NS
            ):
                yield child

    def suspects(self) -> Iterator[Child]:
        """Children that ended without ever being at the venue, and may have been there after all."""
        return (child for child in tuple(self.children.values()) if child.suspected_ns is not None)

    def note_booked(self, child: Child, booking_key: str) -> None:
        """A trade belongs to one child, for ever."""
        assert booking_key not in self._booked
        child.booked.add(booking_key)
        self._booked[booking_key] = child.order.client_id

    def booked_to(self, booking_key: str) -> ClientOrderId | None:
        """Whose trade it is, if it was booked."""
        return self._booked.get(booking_key)

    def living(self) -> Iterator[Child]:
        """Children that have not ended, oldest first."""
        return iter(tuple(self._live.values()))

    def drawing(self) -> Iterator[Child]:
        """Children that a balance report may not contain yet."""
        return iter(self._drawing.values())

    def reported(self, account: AccountId, asked_ns: Nanos) -> None:
        """The account's balances as of `asked_ns` are known: children that had ended by then are inside them."""
        for child in tuple(self._drawing.values()):
            if child.order.account == account and child.ended_ns is not None and child.ended_ns < asked_ns:
                del self._drawing[child.order.client_id]

    def working_parents(self) -> Iterator[Parent]:
        """Parents that have not ended, oldest first."""
        return (parent for parent in tuple(self.parents.values()) if not parent.state.ended)

    def legs(self, basket_id: ParentId) -> tuple[Parent, ...]:
        """The legs of a basket, by number; none of one that is not known here."""
        return tuple(self.parents[leg] for _, leg in sorted(self._legs.get(basket_id, {}).items()))

    def next_number(self, parent: Parent) -> int:
        """The number of a parent's next child: beyond every one it had, adopted ones too."""
        return 1 + max((self.children[client_id].order.number for client_id in parent.children), default=0)

    def children_of(self, parent: Parent) -> Iterator[Child]:
        """In the order they were decided."""
        return (self.children[client_id] for client_id in parent.children)

    def filled(self, parent: Parent) -> Decimal:
        """Base booked."""
        return sum((child.filled for child in self.children_of(parent)), ZERO)

    def exposure(self, parent: Parent) -> Decimal:
        """Base booked plus all that may still trade: what the parent's quantity bounds (I1)."""
        return sum((child.exposure for child in self.children_of(parent)), ZERO)

    def overfill(self, parent: Parent) -> Decimal | None:
        """What a parent is exposed to beyond what was asked for, if anything.

        Of one that was given lost children only what filled counts: what an old copy holds for doubtful was settled,
        and made up for, in the time that it lost.
        """
        most = self.filled(parent) if parent.adopted else self.exposure(parent)
        return most if most > parent.order.quantity else None

    def in_doubt(self, parent: Parent) -> bool:
        """Is the outcome of any child unknown?"""
        return any(child.state.in_doubt for child in self.children_of(parent))

    def outstanding(self, account: AccountId) -> int:
        """Children at an account that have not ended."""
        return sum(1 for child in self._live.values() if child.order.account == account)
