"""All the router knows, and the only place it changes: `apply` folds facts into it.

State is the fold of the journal's facts. A snapshot is an image of it at some sequence number; recovery is the newest
image plus the facts after it, and decides nothing again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from router.balances import Balances
from router.conservation import COUNTED_FOR_NS, Ledger
from router.engine.image import AccountGate, DayNotional, FeeTerms, Hunt, Restoring, StateImage, Worth
from router.model import facts as f
from router.model.events import HaltLevel, Started
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    ListingId,
    Nanos,
    ParentId,
    TimerId,
)
from router.model.instruments import Instrument
from router.model.keys import KeyReading
from router.model.market import FeeBasis
from router.model.money import ZERO, fraction_of_bps
from router.model.orders import ChildState, ParentState, VenueOrder, booking_key
from router.model.side import Side
from router.model.terms import Fence, RiskLimits, VenueTerms
from router.orders import archive
from router.orders.blotter import Blotter
from router.orders.counting import committed
from router.orders.records import Child, Evidence, Parent, Proposal

_WELCOME = frozenset({ChildState.FILLED, ChildState.CANCELLED, ChildState.EXPIRED})
_BOUNCED = frozenset({ChildState.REJECTED, ChildState.CANCELLED, ChildState.EXPIRED})
_AT_THE_VENUE = frozenset({ChildState.WORKING, ChildState.PENDING_CANCEL})
_MISSES_KEPT = 9
_FEE_TERMS_KEPT = 16
_STOPPED_MOST = 50
_MS = 1_000_000
DAY_NS = 86_400_000_000_000
AGAIN_NS = 7 * DAY_NS
"""How long after a restore something of the time that was lost may still turn up."""
_EPOCH = Nanos(0)


@dataclass(slots=True)
class State:
    """Everything a decision may depend on besides the event itself."""

    blotter: Blotter = field(default_factory=Blotter)
    balances: Balances = field(default_factory=Balances)
    started: Started | None = None
    started_ns: Nanos = _EPOCH
    last_ns: Nanos = _EPOCH
    gates: dict[AccountId, AccountGate] = field(default_factory=dict)
    pauses: dict[AccountId, Nanos] = field(default_factory=dict)
    watermarks: dict[AccountId, Nanos] = field(default_factory=dict)
    timers: dict[TimerId, Nanos] = field(default_factory=dict)
    halt_level: HaltLevel = HaltLevel.NONE
    halt_reason: str = ""
    halt_epoch: int = 0
    days: dict[EntityId, DayNotional] = field(default_factory=dict)
    keys: dict[AccountId, KeyReading] = field(default_factory=dict)
    ledgers: dict[AccountId, Ledger] = field(default_factory=dict)
    fees: dict[ListingId, Decimal] = field(default_factory=dict)
    """The rate for taking, in basis points, as last told."""
    fee_terms: dict[ListingId, list[FeeTerms]] = field(default_factory=dict)
    """What was told to be charged, oldest first: a fill is judged by the terms of its time."""
    fee_bases: dict[ListingId, FeeBasis] = field(default_factory=dict)
    """What the newest round reckoned a token's discount by."""
    discounts: dict[ListingId, bool] = field(default_factory=dict)
    """Is the token's discount counted on? Absent where there is none."""
    fee_surprises: set[ListingId] = field(default_factory=set)
    """Where a fill was charged otherwise than that, and it was said."""
    printed: dict[ListingId, Decimal] = field(default_factory=dict)
    """All that we ever filled, by listing (base): prints that are not others'."""
    strangers: set[str] = field(default_factory=set)
    """Open orders that are not ours and were reported once."""
    strangers_gone: dict[str, Nanos] = field(default_factory=dict)
    """Those of them that their account shows no more, and since which reading."""
    unreleased_ns: Nanos | None = None
    """When a driver last took over from one that had not let go."""
    restoring: Restoring | None = None
    hunts: dict[ParentId, Hunt] = field(default_factory=dict)
    restored_ns: Nanos | None = None
    """When RECOVERY last began; and the backup's time."""
    restored_since_ns: Nanos | None = None
    tagged: dict[ClientOrderId, AccountId] = field(default_factory=dict)
    """Orders with our tag that nothing explains, known by their trades only."""
    excused: set[ClientOrderId] = field(default_factory=set)
    """Such orders that a restore explains."""
    worths: dict[Asset, Worth] = field(default_factory=dict)
    """By quote currency, what the newest child in it was worth in reporting currency; it outlives the child."""

    # Settings, as the driver that decides was started with.

    @property
    def settings(self) -> Started:
        """What the driver came up with. There is no decision before it did."""
        assert self.started is not None
        return self.started

    @property
    def limits(self) -> RiskLimits:
        """Bounds in force."""
        return self.settings.limits

    @property
    def halted(self) -> bool:
        """May no new child leave?"""
        return self.halt_level is not HaltLevel.NONE

    def terms(self, account: AccountId) -> VenueTerms | None:
        """The account's terms; None when it is no longer configured."""
        return next((terms for terms in self.settings.terms if terms.account == account), None)

    def instrument(self, instrument: InstrumentId) -> Instrument | None:
        """The instrument, if it is configured."""
        return next((known for known in self.settings.instruments if known.id == instrument), None)

    def quiet_until_ns(self, account: AccountId) -> Nanos | None:
        """Until when nothing new goes to an account because a driver before may still wake and send.

        Only where the venue would take what it sends: neither a deadline nor a memory for ids refuses it there.
        """
        terms = self.terms(account)
        if terms is None or terms.fence is not Fence.NONE or self.unreleased_ns is None:
            return None
        return Nanos(self.unreleased_ns + terms.quarantine_after_ms * _MS)

    def gate_open(self, account: AccountId) -> bool:
        """Was the account read and found in order?"""
        gate = self.gates.get(account)
        return gate is not None and gate.open

    def day_notional(self, entity: EntityId, now_ns: Nanos) -> Decimal:
        """Reporting currency sent since UTC midnight."""
        day = self.days.get(entity)
        return day.notional if day is not None and day.day == now_ns // DAY_NS else ZERO

    def available(self, account: AccountId, asset: Asset) -> Decimal:
        """What the account may spend of the asset."""
        return self.balances.available(account, asset, self.blotter.drawing())

    def parent(self, parent_id: ParentId) -> Parent:
        """A parent that is known to exist."""
        return self.blotter.parents[parent_id]

    # Snapshots.

    def image(self) -> StateImage:
        """Everything, as plain records."""
        return StateImage(
            started=self.started,
            started_ns=self.started_ns,
            last_ns=self.last_ns,
            parents=list(self.blotter.parents.values()),
            children=list(self.blotter.children.values()),
            holdings=self.balances.holdings,
            gates=self.gates,
            pauses=self.pauses,
            watermarks=self.watermarks,
            timers=self.timers,
            halt_level=self.halt_level,
            halt_reason=self.halt_reason,
            halt_epoch=self.halt_epoch,
            days=self.days,
            strangers=self.strangers,
            strangers_gone=self.strangers_gone,
            keys=self.keys,
            ledgers=self.ledgers,
            fees=self.fees,
            fee_surprises=self.fee_surprises,
            printed=self.printed,
            fee_terms=self.fee_terms,
            fee_bases=self.fee_bases,
            discounts=self.discounts,
            unreleased_ns=self.unreleased_ns,
            restoring=self.restoring,
            hunts=self.hunts,
            restored_ns=self.restored_ns,
            restored_since_ns=self.restored_since_ns,
            tagged=self.tagged,
            excused=self.excused,
            worths=self.worths,
        )

    @classmethod
    def of(cls, image: StateImage) -> "State":
        """The state an image was taken of. The image is consumed: its records become the state's own."""
        return cls(
            blotter=Blotter.of(image.parents, image.children),
            balances=Balances(image.holdings),
            started=image.started,
            started_ns=image.started_ns,
            last_ns=image.last_ns,
            gates=image.gates,
            pauses=image.pauses,
            watermarks=image.watermarks,
            timers=image.timers,
            halt_level=image.halt_level,
            halt_reason=image.halt_reason,
            halt_epoch=image.halt_epoch,
            days=image.days,
            strangers=image.strangers,
            strangers_gone=image.strangers_gone,
            keys=image.keys,
            ledgers=image.ledgers,
            fees=image.fees,
            fee_surprises=image.fee_surprises,
            printed=image.printed,
            fee_terms=image.fee_terms,
            fee_bases=image.fee_bases,
            discounts=image.discounts,
            unreleased_ns=image.unreleased_ns,
            restoring=image.restoring,
            hunts=image.hunts,
            restored_ns=image.restored_ns,
            restored_since_ns=image.restored_since_ns,
            tagged=image.tagged,
            excused=image.excused,
            worths=image.worths,
        )

    # The fold.

    def apply(self, fact: f.Fact) -> None:
        """Fold one fact in."""
        self._FOLDS[type(fact)](self, fact)

    def _driver_started(self, fact: f.DriverStarted) -> None:
        if fact.started.unreleased and (self.started is None or fact.started.epoch != self.started.epoch):
            self.unreleased_ns = self.last_ns  # not again when one driver recovers within its tenure
        self.started = fact.started
        self.started_ns = self.last_ns
        for terms in fact.started.terms:
            self.gates[terms.account] = AccountGate(open=False, starting=True, reason="not read yet")

    def _parent_taken(self, fact: f.ParentTaken) -> None:
        self.blotter.add_parent(Parent(order=fact.order, accepted_ns=fact.at_ns))

    def _parent_turned_down(self, fact: f.ParentTurnedDown) -> None:
        parent = Parent(order=fact.order, accepted_ns=fact.at_ns)
        parent.state, parent.reason, parent.ended_ns = fact.state, fact.reason, fact.at_ns
        self.blotter.add_parent(parent)

    def _parent_moved(self, fact: f.ParentMoved) -> None:
        parent = self.parent(fact.parent_id)
        assert not parent.state.ended
        if fact.state.ended:
            assert all(child.state.ended for child in self.blotter.children_of(parent))  # I17
            parent.ended_ns = fact.at_ns
        parent.state, parent.reason, parent.held = fact.state, fact.reason, fact.held

    def _arrival_seen(self, fact: f.ArrivalSeen) -> None:
        self.parent(fact.parent_id).arrival = fact

    def _parent_triggered(self, fact: f.ParentTriggered) -> None:
        self.parent(fact.parent_id).triggered_ns = fact.at_ns

    def _pilot_ended(self, fact: f.PilotEnded) -> None:
        self.parent(fact.parent_id).pilot = fact

    def _pilot_confirmed(self, fact: f.PilotConfirmed) -> None:
        self.parent(fact.parent_id).pilot_confirmed = True

    def _leg_released(self, fact: f.LegReleased) -> None:
        parent = self.parent(fact.parent_id)
        before = parent.released
        if before is None or (before.credited, before.ended, before.pace) != (
            fact.credited,
            fact.ended,
            fact.pace,
        ):
            parent.rounds_before = parent.rounds - parent.rounds_stopped
        parent.released = fact

    def _basket_ended(self, fact: f.BasketEnded) -> None:
        assert all(leg.state.ended for leg in self.blotter.legs(fact.basket_id))

    def _volume_seen(self, fact: f.VolumeSeen) -> None:
        self.parent(fact.parent_id).volume = fact

    def _parent_amended(self, fact: f.ParentAmended) -> None:
        parent = self.parent(fact.order.id)
        assert not parent.state.ended
        assert self.blotter.exposure(parent) <= fact.order.quantity  # I1
        parent.order, parent.dust = fact.order, None
        parent.amended_from = self.blotter.next_number(parent)

    def _amend_refused(self, fact: f.AmendRefused) -> None:
        """For the record."""

    def _round_planned(self, fact: f.RoundPlanned) -> None:
        parent = self.parent(fact.parent_id)
        parent.rounds = fact.round
        parent.last_round_ns = fact.at_ns
        parent.last_round_sent = bool(fact.children)
        parent.last_round_rests = fact.rests
        if fact.children and parent.volume is not None:
            parent.volume_before = max(parent.volume_before, parent.volume.total)
        parent.residual_reason = fact.residual_reason or ""
        due = fact.due if fact.counted is None else fact.counted
        parent.dust = due if fact.dust else None
        self.fee_bases.update({basis.listing_id: basis for basis in fact.fee_bases})

    def _child_intended(self, fact: f.ChildIntended) -> None:
        order = fact.order
        parent = self.parent(order.parent_id)
        assert not parent.state.ended  # I17
        child = Child(
            order=order,
            reserved_asset=Asset(fact.reserved_asset),
            reserved=fact.reserved,
            notional=fact.notional,
            deadline_ns=order.deadline_ns,
            counts=fact.counts,
            effective_price=fact.effective_price,
        )
        self.blotter.add_child(child)
        assert self.blotter.exposure(parent) <= parent.order.quantity  # I1
        assert not parent.order.quantity_basis.by_value or committed(self.blotter, parent) <= parent.order.size  # I1
        self.worths[order.quote] = Worth(sent=order.quantity * order.limit_price, notional=fact.notional)
        day = order.decided_at_ns // DAY_NS
        sent = self.day_notional(order.entity, order.decided_at_ns)
        self.days[order.entity] = DayNotional(day=day, notional=sent + fact.notional)

    def _copy_counted(self, fact: f.CopyCounted) -> None:
        child = self.blotter.children[fact.client_id]
        assert fact.copy == child.copies + 1
        child.copies, child.deadline_ns = fact.copy, fact.deadline_ns
        child.misses.clear()  # what was not there before this copy says nothing about it: look before the next one

    def _child_moved(self, fact: f.ChildMoved) -> None:
        child = self.blotter.children[fact.client_id]
        if fact.venue_order_id is not None:
            self.blotter.note_venue_order(child, fact.venue_order_id)
        if fact.executed is not None:
            child.executed = fact.executed
        if fact.sent_ns is not None:
            child.sent_ns = fact.sent_ns
        if child.rests:
            self._count_bounce(child, fact)
        if fact.refused_for_good:
            self._count_refusal(child)
        elif fact.state in _WELCOME or fact.state is ChildState.WORKING:
            self.parent(child.order.parent_id).refusals.pop(child.order.listing_id, None)
        if fact.not_sent:
            self._give_back(child)
        if fact.state.in_doubt and not child.state.in_doubt:
            child.doubt_since_ns = fact.at_ns
        if fact.state.ended:
            child.ended_ns = fact.at_ns
        if fact.state is ChildState.QUARANTINED and child.state is not ChildState.QUARANTINED:
            child.looks = 0  # from here on it is looked up at another pace
        if fact.state is ChildState.WORKING and child.acked_ns is None:
            child.acked_ns = fact.at_ns
        child.missing_since_ns = None
        child.state, child.reason = fact.state, fact.reason
        self.blotter.note_state(child)

    def _evidence_noted(self, fact: f.EvidenceNoted) -> None:
        child = self.blotter.children[fact.client_id]
        child.looks += 1
        child.strangers = fact.kind is f.EvidenceKind.STRANGERS
        gone = fact.kind is not f.EvidenceKind.UNCLEAR and child.state in _AT_THE_VENUE
        if gone and child.missing_since_ns is None:
            child.missing_since_ns = fact.asked_ns
        if fact.kind is f.EvidenceKind.MISSING and child.state is ChildState.IN_DOUBT:
            del child.misses[:-_MISSES_KEPT]
            child.misses.append(Evidence(asked_ns=fact.asked_ns, endpoints=fact.endpoints))

    def _late_fill_suspected(self, fact: f.LateFillSuspected) -> None:
        child = self.blotter.children[fact.client_id]
        child.suspected_ns, child.looks = fact.settles_ns, 0

    def _suspicion_ended(self, fact: f.SuspicionEnded) -> None:
        self.blotter.children[fact.client_id].suspected_ns = None

    def _fill_booked(self, fact: f.FillBooked) -> None:
        child = self.blotter.children[fact.fill.client_id]
        trade, key = fact.fill.trade, fact.fill.booking_key
        self.blotter.note_booked(child, key)  # I3
        if (ledger := self.ledgers.get(trade.account)) is not None and key not in ledger.counted:
            ledger.trade(trade)  # else it was counted as somebody's before its order was known for ours
        child.filled += trade.quantity
        listing_id = child.order.listing_id
        self.printed[listing_id] = self.printed.get(listing_id, ZERO) + trade.quantity
        child.spent += trade.price * trade.quantity
        child.fee_drawn += sum((fee.amount for fee in trade.fees if fee.asset == child.reserved_asset), ZERO)
        child.fee_base += sum((fee.amount for fee in trade.fees if fee.asset == child.order.base), ZERO)
        child.fee_quote += sum((fee.amount for fee in trade.fees if fee.asset == child.order.quote), ZERO)
        if any(fee.asset not in (child.order.base, child.order.quote) for fee in trade.fees):
            child.fee_quote += fraction_of_bps(self.fees.get(listing_id, ZERO)) * trade.price * trade.quantity
        brought = child.order.base if child.order.side is Side.BUY else child.order.quote
        child.fee_received += sum((fee.amount for fee in trade.fees if fee.asset == brought), ZERO)
        if child.venue_order_id is None:
            self.blotter.note_venue_order(child, trade.venue_order_id)

    def _timer_set(self, fact: f.TimerSet) -> None:
        self.timers[fact.timer_id] = fact.due_ns

    def _timer_cleared(self, fact: f.TimerCleared) -> None:
        self.timers.pop(fact.timer_id, None)

    def _balances_taken(self, fact: f.BalancesTaken) -> None:
        self.balances.take(fact.account, fact.asked_ns, fact.balances)
        self.blotter.reported(fact.account, fact.asked_ns)

    def _key_told(self, fact: f.KeyTold) -> None:
        self.keys[fact.account] = fact.key

    def _fee_told(self, fact: f.FeeTold) -> None:
        self.fees[fact.listing_id] = fact.taker_fee_bps
        terms = self.fee_terms.setdefault(fact.listing_id, [])
        terms.append(FeeTerms(taker_fee_bps=fact.taker_fee_bps, discount=fact.discount, told_ns=fact.at_ns))
        del terms[:-_FEE_TERMS_KEPT]
        if fact.discount is None or not fact.discount.on:
            self.discounts.pop(fact.listing_id, None)
        self.fee_surprises.discard(fact.listing_id)

    def _discount_moved(self, fact: f.DiscountMoved) -> None:
        self.discounts[fact.listing_id] = fact.holds

    def _fee_surprised(self, fact: f.FeeSurprised) -> None:
        self.fee_surprises.add(fact.listing_id)

    def _ledger_opened(self, fact: f.LedgerOpened) -> None:
        expected = {balance.asset: balance.total for balance in fact.holdings}
        self.ledgers[fact.account] = Ledger(
            opened_ns=fact.at_ns, expected=expected, counted=dict(fact.counted), amounts=dict(fact.amounts)
        )

    def _movement_counted(self, fact: f.MovementCounted) -> None:
        ledger, movement = self.ledgers[fact.account], fact.movement
        ledger.add(movement.asset, fact.change)
        ledger.counted[movement.key], ledger.amounts[movement.key] = movement.at_ns, movement.amount

    def _others_trade_counted(self, fact: f.OthersTradeCounted) -> None:
        ledger = self.ledgers[fact.trade.account]
        ledger.trade(fact.trade)
        ledger.counted[booking_key(fact.trade)] = fact.trade.venue_time_ns

    def _holding_judged(self, fact: f.HoldingJudged) -> None:
        self.ledgers[fact.account].judged(fact.asset, fact.found, fact.difference, stays=fact.stays)

    def _difference_explained(self, fact: f.DifferenceExplained) -> None:
        self.ledgers[fact.account].add(fact.asset, fact.amount)

    def _gate_moved(self, fact: f.GateMoved) -> None:
        self.gates[fact.account] = AccountGate(open=fact.open, starting=False, reason=fact.reason)

    def _account_paused(self, fact: f.AccountPaused) -> None:
        self.pauses[fact.account] = fact.until_ns

    def _watermark_moved(self, fact: f.WatermarkMoved) -> None:
        self.watermarks[fact.account] = fact.trades_until_ns
        if (ledger := self.ledgers.get(fact.account)) is not None:
            ledger.forget_before(Nanos(fact.trades_until_ns - COUNTED_FOR_NS - DAY_NS))

    def _halt_moved(self, fact: f.HaltMoved) -> None:
        self.halt_level, self.halt_reason = fact.level, fact.reason
        self.halt_epoch += 1

    def _stranger_seen(self, fact: f.StrangerSeen) -> None:
        self.strangers.add(stranger_key(fact.order))

    def _strangers_followed(self, fact: f.StrangersFollowed) -> None:
        for key in (*fact.back, *fact.forgotten):
            self.strangers_gone.pop(key, None)
        self.strangers_gone.update(dict.fromkeys(fact.missed, fact.asked_ns))
        self.strangers.difference_update(fact.forgotten)

    def _breach_raised(self, fact: f.BreachRaised) -> None:
        child = None if fact.client_id is None else self.blotter.children.get(fact.client_id)
        if child is not None:
            child.breaches.add(f"{fact.kind}|{fact.detail}")
            self.parent(child.order.parent_id).breached = True

    def _parent_recovered(self, fact: f.ParentRecovered) -> None:
        known = self.blotter.parents.get(fact.order.id)
        if known is not None:
            known.order = fact.order
            return
        parent = Parent(order=fact.order, accepted_ns=fact.at_ns)
        parent.state, parent.reason = ParentState.PAUSED, "orders with our tag whose parent is not known"
        self.blotter.add_parent(parent)

    def _child_adopted(self, fact: f.ChildAdopted) -> None:
        order = fact.order
        child = Child(
            order=order,
            reserved_asset=Asset(fact.reserved_asset),
            reserved=fact.reserved,
            notional=fact.notional,
            state=ChildState.IN_DOUBT,
            doubt_since_ns=fact.at_ns,
            reason="adopted",
        )
        self.blotter.add_child(child)
        self.blotter.note_venue_order(child, fact.venue_order_id)
        parent = self.parent(order.parent_id)
        stopped = parent.rounds_stopped + parent.rounds_before
        parent.adopted, parent.rounds = True, max(parent.rounds, stopped + 1)  # a round that was lost counted, too
        day = order.decided_at_ns // DAY_NS
        known = self.days.get(order.entity)
        if known is None or day >= known.day:
            sent = self.day_notional(order.entity, order.decided_at_ns)
            self.days[order.entity] = DayNotional(day=day, notional=sent + fact.notional)

    def _tagged_trade_seen(self, fact: f.TaggedTradeSeen) -> None:
        if fact.excused:
            self.excused.add(fact.client_id)
        else:
            self.tagged[fact.client_id] = fact.account

    def _restore_begun(self, fact: f.RestoreBegun) -> None:
        self.restoring = Restoring(began_ns=fact.at_ns, unread=set(fact.accounts))
        self.restored_ns, self.restored_since_ns = fact.at_ns, fact.since_ns

    def _restore_read(self, fact: f.RestoreRead) -> None:
        assert self.restoring is not None
        self.restoring.unread.discard(fact.account)

    def _restore_ended(self, fact: f.RestoreEnded) -> None:
        """From here on it is as at any start: accounts are read, and planning waits for them a little."""
        self.restoring, self.started_ns = None, fact.at_ns
        for account in self.gates:
            self.gates[account] = AccountGate(open=False, starting=True, reason="not read yet")
        self.excused |= self.tagged.keys()
        self.tagged.clear()

    def _hunt_begun(self, fact: f.HuntBegun) -> None:
        self.hunts[fact.parent_id] = Hunt()

    def _hunt_asked(self, fact: f.HuntAsked) -> None:
        self.hunts[fact.parent_id] = Hunt(
            number=fact.number, misses=fact.misses, waiting=dict(fact.ids), found=fact.known
        )

    def _hunt_answered(self, fact: f.HuntAnswered) -> None:
        hunt = self.hunts[fact.parent_id]
        hunt.waiting.pop(fact.client_id)
        hunt.found = hunt.found or fact.found

    def _hunt_ended(self, fact: f.HuntEnded) -> None:
        del self.hunts[fact.parent_id]

    def _parent_archived(self, fact: f.ParentArchived) -> None:
        parent = self.parent(fact.parent.id)
        assert parent.state.ended
        assert parent.order.id not in self.hunts
        self.blotter.forget(parent)

    def _parent_recalled(self, fact: f.ParentRecalled) -> None:
        self.blotter.bring_back(*archive.recalled(fact.parent, fact.at_ns))

    def _resolution_proposed(self, fact: f.ResolutionProposed) -> None:
        child = self.blotter.children[fact.resolution.client_id]
        child.proposal = Proposal(resolution=fact.resolution, at_ns=fact.at_ns)

    def _resolution_taken(self, fact: f.ResolutionTaken) -> None:
        self.blotter.children[fact.resolution.client_id].proposal = None

    def _resolution_refused(self, fact: f.ResolutionRefused) -> None:
        """For the record."""

    def _dedupe_noted(self, fact: f.DedupeNoted) -> None:
        """For the record: what follows from it for an order is said by other facts."""

    def _decision_failed(self, fact: f.DecisionFailed) -> None:
        self.halt_level, self.halt_reason = HaltLevel.NEW, f"a decision failed: {fact.error}"
        self.halt_epoch += 1

    def _give_back(self, child: Child) -> None:
        """It never left: the day has its notional again, and the parent one round more, but not for ever."""
        day = self.days.get(child.order.entity)
        if day is not None and day.day == child.order.decided_at_ns // DAY_NS:
            self.days[child.order.entity] = DayNotional(day=day.day, notional=day.notional - child.notional)
        parent = self.parent(child.order.parent_id)
        if parent.last_stopped != parent.rounds and parent.rounds_stopped < _STOPPED_MOST:
            parent.last_stopped, parent.rounds_stopped = parent.rounds, parent.rounds_stopped + 1

    def _count_bounce(self, child: Child, fact: f.ChildMoved) -> None:
        """One that its venue would not let stand; whatever filled, or left because we asked, had stood."""
        parent, listing_id = self.parent(child.order.parent_id), child.order.listing_id
        withdrawn = child.state is ChildState.PENDING_CANCEL or fact.state is ChildState.PENDING_CANCEL
        if withdrawn or child.filled > 0:
            parent.bounces.pop(listing_id, None)
        elif fact.state in _BOUNCED and not fact.not_sent:
            parent.bounces[listing_id] = parent.bounces.get(listing_id, 0) + 1
            parent.bounced_ns[listing_id] = fact.at_ns

    def _count_refusal(self, child: Child) -> None:
        refusals = self.parent(child.order.parent_id).refusals
        refusals[child.order.listing_id] = refusals.get(child.order.listing_id, 0) + 1

    # One entry per fact: by the class, without a search for it.
    _FOLDS: ClassVar[Mapping[type[f.Fact], Callable[..., None]]] = {
        f.DriverStarted: _driver_started,
        f.ParentTaken: _parent_taken,
        f.ParentTurnedDown: _parent_turned_down,
        f.ParentMoved: _parent_moved,
        f.ArrivalSeen: _arrival_seen,
        f.ParentTriggered: _parent_triggered,
        f.PilotEnded: _pilot_ended,
        f.PilotConfirmed: _pilot_confirmed,
        f.LegReleased: _leg_released,
        f.BasketEnded: _basket_ended,
        f.VolumeSeen: _volume_seen,
        f.ParentAmended: _parent_amended,
        f.AmendRefused: _amend_refused,
        f.RoundPlanned: _round_planned,
        f.ChildIntended: _child_intended,
        f.CopyCounted: _copy_counted,
        f.ChildMoved: _child_moved,
        f.EvidenceNoted: _evidence_noted,
        f.LateFillSuspected: _late_fill_suspected,
        f.SuspicionEnded: _suspicion_ended,
        f.FillBooked: _fill_booked,
        f.TimerSet: _timer_set,
        f.TimerCleared: _timer_cleared,
        f.BalancesTaken: _balances_taken,
        f.KeyTold: _key_told,
        f.FeeTold: _fee_told,
        f.DiscountMoved: _discount_moved,
        f.FeeSurprised: _fee_surprised,
        f.LedgerOpened: _ledger_opened,
        f.MovementCounted: _movement_counted,
        f.OthersTradeCounted: _others_trade_counted,
        f.HoldingJudged: _holding_judged,
        f.DifferenceExplained: _difference_explained,
        f.GateMoved: _gate_moved,
        f.AccountPaused: _account_paused,
        f.WatermarkMoved: _watermark_moved,
        f.HaltMoved: _halt_moved,
        f.StrangerSeen: _stranger_seen,
        f.StrangersFollowed: _strangers_followed,
        f.BreachRaised: _breach_raised,
        f.ParentRecovered: _parent_recovered,
        f.ChildAdopted: _child_adopted,
        f.TaggedTradeSeen: _tagged_trade_seen,
        f.RestoreBegun: _restore_begun,
        f.RestoreRead: _restore_read,
        f.RestoreEnded: _restore_ended,
        f.HuntBegun: _hunt_begun,
        f.HuntAsked: _hunt_asked,
        f.HuntAnswered: _hunt_answered,
        f.HuntEnded: _hunt_ended,
        f.ParentArchived: _parent_archived,
        f.ParentRecalled: _parent_recalled,
        f.ResolutionProposed: _resolution_proposed,
        f.ResolutionTaken: _resolution_taken,
        f.ResolutionRefused: _resolution_refused,
        f.DedupeNoted: _dedupe_noted,
        f.DecisionFailed: _decision_failed,
    }


def stranger_key(order: VenueOrder) -> str:
    """Under which a stranger's order is reported once."""
    return f"{order.account}|{order.venue_order_id}"
