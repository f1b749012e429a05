"""The facts worth knowing, by name. Watchers only: nothing in here can change what the router does."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, generate_latest
from structlog.typing import FilteringBoundLogger

from router.model import facts as f
from router.model.events import HaltLevel
from router.model.ids import AccountId, ClientOrderId, ListingId, Nanos
from router.model.money import cut, plain
from router.model.orders import ChildState
from router.model.outcomes import NotSent, PlaceOutcome
from router.model.requests import RequestKind
from router.model.stream_notes import ClockCompared, FrameOdd, StreamNote, StreamSuspect
from router.observe.metrics import Metrics
from router.observe.redaction import Redactor

_NS_PER_S = 1_000_000_000
_NEWS = frozenset({ChildState.IN_DOUBT, ChildState.QUARANTINED, ChildState.NEVER_PLACED, ChildState.REJECTED})
"""Moves of a child that are logged louder than the rest."""

_LOSSES = ("gap", "checksum", "crossed", "disagreement", "nonsense", "no data", "not read")
"""What books are lost of, as connectors and books word it; everything else is the stream's end."""


class Decided(Protocol):
    """A journal row, as far as it is of interest here."""

    @property
    def facts(self) -> Iterable[f.Fact]:
        """What was decided."""
        ...


class Observe:
    """One log and one set of metrics. Silent until it is told where to write."""

    def __init__(
        self, log: FilteringBoundLogger, metrics: Metrics | None = None, redactor: Redactor | None = None
    ) -> None:
        self._log = log
        self._redactor = redactor
        self._metrics = metrics or Metrics()
        self._doubted: dict[ClientOrderId, Nanos] = {}
        self._of_fact: Mapping[type, Callable[[Any], None]] = {
            f.DriverStarted: self.driver_started,
            f.ParentTaken: self.parent_taken,
            f.ParentTurnedDown: self.parent_turned_down,
            f.ParentMoved: self.parent_moved,
            f.ParentTriggered: self.parent_triggered,
            f.PilotEnded: self.pilot_ended,
            f.PilotConfirmed: self.pilot_confirmed,
            f.LegReleased: self.leg_released,
            f.BasketEnded: self.basket_ended,
            f.ParentAmended: self.parent_amended,
            f.AmendRefused: self.amend_refused,
            f.RoundPlanned: self.round_planned,
            f.ChildIntended: self.child_intended,
            f.CopyCounted: self.copy_counted,
            f.ChildMoved: self.child_moved,
            f.EvidenceNoted: self.evidence_noted,
            f.LateFillSuspected: self.late_fill_suspected,
            f.FillBooked: self.fill_booked,
            f.KeyTold: self.key_told,
            f.FeeTold: self.fee_told,
            f.DiscountMoved: self.discount_moved,
            f.FeeSurprised: self.fee_surprised,
            f.HoldingJudged: self.holding_judged,
            f.DifferenceExplained: self.difference_explained,
            f.MovementCounted: self.movement_counted,
            f.LedgerOpened: self.ledger_opened,
            f.OthersTradeCounted: self.others_trade_counted,
            f.GateMoved: self.gate_moved,
            f.AccountPaused: self.account_paused,
            f.HaltMoved: self.halt_moved,
            f.StrangerSeen: self.stranger_seen,
            f.BreachRaised: self.breach_raised,
            f.ChildAdopted: self.child_adopted,
            f.TaggedTradeSeen: self.tagged_trade_seen,
            f.RestoreBegun: self.restore_begun,
            f.RestoreEnded: self.restore_ended,
            f.HuntBegun: self.hunt_begun,
            f.HuntEnded: self.hunt_ended,
            f.ParentRecalled: self.parent_recalled,
            f.ResolutionProposed: self.resolution_proposed,
            f.ResolutionTaken: self.resolution_taken,
            f.ResolutionRefused: self.resolution_refused,
            f.DedupeNoted: self.dedupe_noted,
            f.DecisionFailed: self.decision_failure_noted,
        }

    @property
    def registry(self) -> CollectorRegistry:
        """Where the metrics live."""
        return self._metrics.registry

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._metrics.registry)

    def facts(self, row: Decided) -> None:
        """Tell of every fact of a journal row that has become durable."""
        for fact in row.facts:
            self.fact(fact)

    def fact(self, fact: f.Fact) -> None:
        """Tell of a fact by its own function. Timers, balances and watermarks are nobody's news."""
        tell = self._of_fact.get(type(fact))
        if tell is not None:
            tell(fact)

    def secrets_read(self, secrets: Iterable[str]) -> None:
        """Secrets came in while running: none of them is ever written."""
        if self._redactor is not None:
            self._redactor.learn(secrets)

    # What was decided

    def driver_started(self, fact: f.DriverStarted) -> None:
        """A driver took over."""
        started = fact.started
        self._metrics.leading.set(1)
        self._log.info("driver started", epoch=started.epoch, version=started.version)

    def parent_taken(self, fact: f.ParentTaken) -> None:
        """A parent was accepted."""
        order = fact.order
        self._metrics.parents.labels("ACCEPTED").inc()
        self._log.info(
            "parent taken",
            parent=order.id,
            ref_id=order.ref_id,
            side=order.side,
            quantity=plain(order.quantity),
            instrument=order.instrument,
            policy=order.policy,
        )

    def parent_turned_down(self, fact: f.ParentTurnedDown) -> None:
        """A parent was refused at the door."""
        self._metrics.parents.labels(fact.state).inc()
        self._log.warning("parent turned down", ref_id=fact.order.ref_id, reason=fact.reason)

    def parent_moved(self, fact: f.ParentMoved) -> None:
        """A parent changed state."""
        self._metrics.parents.labels(fact.state).inc()
        self._log.info("parent moved", parent=fact.parent_id, state=fact.state, reason=fact.reason)

    def parent_triggered(self, fact: f.ParentTriggered) -> None:
        """A parent's stop price was reached."""
        self._log.info("stop price reached", parent=fact.parent_id, mid=plain(fact.mid))

    def pilot_ended(self, fact: f.PilotEnded) -> None:
        """A parent's pilot is done."""
        measured = None if fact.measured_bps is None else cut(fact.measured_bps, 4)
        self._log.info("pilot over", parent=fact.parent_id, counted=plain(fact.counted), measured_bps=measured)

    def pilot_confirmed(self, fact: f.PilotConfirmed) -> None:
        """Somebody lets the rest go."""
        self._log.info("pilot confirmed", parent=fact.parent_id, principal=fact.principal)

    def leg_released(self, fact: f.LegReleased) -> None:
        """A leg of a basket may go further, or no further for now."""
        self._log.info("leg released", parent=fact.parent_id, verdict=fact.verdict)

    def basket_ended(self, fact: f.BasketEnded) -> None:
        """The last leg of a basket has ended."""
        self._log.info("basket ended", basket=fact.basket_id, state=fact.state)

    def parent_amended(self, fact: f.ParentAmended) -> None:
        """A parent goes on under other terms."""
        order = fact.order
        limit = None if order.limit_price is None else plain(order.limit_price)
        self._log.info(
            "parent amended", parent=order.id, quantity=plain(order.quantity), limit=limit, principal=fact.principal
        )

    def amend_refused(self, fact: f.AmendRefused) -> None:
        """Somebody asked for terms that a parent cannot be worked under."""
        self._log.warning("amend refused", parent=fact.parent_id, why=fact.why, principal=fact.principal)

    def round_planned(self, fact: f.RoundPlanned) -> None:
        """A round was planned."""
        self._log.info(
            "round planned",
            parent=fact.parent_id,
            round=fact.round,
            due=plain(fact.due),
            children=len(fact.children),
            residual=plain(fact.residual),
            residual_reason=fact.residual_reason,
        )

    def child_intended(self, fact: f.ChildIntended) -> None:
        """An intent to place a child is durable."""
        order = fact.order
        self._metrics.intents.labels(order.account).inc()
        self._log.info(
            "child intended",
            child=order.client_id,
            parent=order.parent_id,
            listing=order.listing_id,
            side=order.side,
            quantity=plain(order.quantity),
            limit_price=plain(order.limit_price),
        )

    def copy_counted(self, fact: f.CopyCounted) -> None:
        """A further copy of an intent may leave."""
        self._metrics.copies.inc()
        self._log.warning("copy counted", child=fact.client_id, copy=fact.copy)

    def child_moved(self, fact: f.ChildMoved) -> None:
        """A child changed state. How long it was in doubt is measured here."""
        self._metrics.children.labels(fact.state).inc()
        if fact.state is ChildState.IN_DOUBT:
            self.child_in_doubt(fact)
        elif fact.client_id in self._doubted:
            self.child_resolved(fact)
        else:
            tell = self._log.warning if fact.state in _NEWS else self._log.info
            tell("child moved", child=fact.client_id, state=fact.state, reason=fact.reason)

    def child_in_doubt(self, fact: f.ChildMoved) -> None:
        """A copy left and its outcome is unknown."""
        self._doubted.setdefault(fact.client_id, fact.at_ns)
        self._metrics.in_doubt.set(len(self._doubted))
        self._log.warning("child IN_DOUBT", child=fact.client_id, reason=fact.reason)

    def child_resolved(self, fact: f.ChildMoved) -> None:
        """What became of a child in doubt is known now."""
        after_s = (fact.at_ns - self._doubted.pop(fact.client_id)) / _NS_PER_S
        self._metrics.in_doubt.set(len(self._doubted))
        self._metrics.doubt.observe(after_s)
        self._log.warning("child resolved", child=fact.client_id, state=fact.state, after_s=after_s, reason=fact.reason)

    def evidence_noted(self, fact: f.EvidenceNoted) -> None:
        """A look-up did not find a child."""
        self._metrics.evidence.labels(fact.kind).inc()
        self._log.info("evidence noted", child=fact.client_id, kind=fact.kind, endpoints=list(fact.endpoints))

    def late_fill_suspected(self, fact: f.LateFillSuspected) -> None:
        """A child that was refused, or proven absent, may be at its venue after all."""
        self._log.warning("late fill suspected", child=fact.client_id, why=fact.why)

    def fill_booked(self, fact: f.FillBooked) -> None:
        """A venue trade was booked."""
        trade = fact.fill.trade
        self._metrics.fills.labels(trade.account).inc()
        self._log.info(
            "fill booked",
            child=fact.fill.client_id,
            account=trade.account,
            symbol=trade.symbol,
            trade=trade.trade_id,
            quantity=plain(trade.quantity),
            price=plain(trade.price),
        )

    def key_told(self, fact: f.KeyTold) -> None:
        """A key was checked: loud when something is wrong with it."""
        self._metrics.key_doubts.labels(fact.account).set(len(fact.key.doubts))
        if fact.key.doubts:
            self._log.warning("key in doubt", account=fact.account, doubts=list(fact.key.doubts))

    def fee_told(self, fact: f.FeeTold) -> None:
        """What taking costs on a listing: news when it is not what it was."""
        self._metrics.taker_fee.labels(fact.listing_id).set(float(fact.taker_fee_bps))
        if fact.before_bps is not None:
            self._log.warning(
                "fee changed",
                listing=fact.listing_id,
                taker_fee_bps=plain(fact.taker_fee_bps),
                before_bps=plain(fact.before_bps),
            )

    def discount_moved(self, fact: f.DiscountMoved) -> None:
        """A token pays the fees at its discount, or is not enough for what is due."""
        self._metrics.token_discount.labels(fact.listing_id, fact.token).set(1 if fact.holds else 0)
        log = self._log.info if fact.holds else self._log.warning
        log(
            "token discount",
            listing=fact.listing_id,
            token=fact.token,
            holds=fact.holds,
            taker_fee_bps=plain(fact.taker_fee_bps),
            why=fact.why,
        )

    def fee_surprised(self, fact: f.FeeSurprised) -> None:
        """A venue charges something else than it lists."""
        self._metrics.fee_surprises.labels(fact.listing_id).inc()
        self._log.warning(
            "fee surprise",
            listing=fact.listing_id,
            trade=fact.trade_id,
            listed_bps=plain(fact.listed_bps),
            charged_bps=None if fact.charged_bps is None else cut(fact.charged_bps, 4),
            charged={fee.asset: plain(fee.amount) for fee in fact.fees},
        )

    def holding_judged(self, fact: f.HoldingJudged) -> None:
        """What an account holds agrees with our books again, or does not."""
        if not fact.stays:
            return
        self._metrics.unexplained.labels(fact.account, fact.asset).set(float(fact.difference))
        if fact.difference:
            self._log.error(
                "balance not explained",
                account=fact.account,
                asset=fact.asset,
                found=plain(fact.found),
                expected=plain(fact.expected),
                difference=plain(fact.difference),
            )

    def difference_explained(self, fact: f.DifferenceExplained) -> None:
        """Somebody gave their word for it."""
        self._log.info(
            "difference explained",
            account=fact.account,
            asset=fact.asset,
            amount=plain(fact.amount),
            principal=fact.principal,
            reason=fact.reason,
        )

    def ledger_opened(self, fact: f.LedgerOpened) -> None:
        """From here on an account's balances are held against our books."""
        self._log.info("books opened", account=fact.account, assets=len(fact.holdings))

    def others_trade_counted(self, fact: f.OthersTradeCounted) -> None:
        """Somebody else traded on our account."""
        trade = fact.trade
        self._log.warning(
            "a trade that is not ours",
            account=trade.account,
            symbol=trade.symbol,
            side=trade.side,
            quantity=plain(trade.quantity),
        )

    def movements_unreadable(self, account: AccountId) -> None:
        """The venue's list of deposits and withdrawals did not come: balances are not judged this time."""
        self._log.warning("deposits and withdrawals unreadable", account=account)

    def movement_counted(self, fact: f.MovementCounted) -> None:
        """A deposit or a withdrawal was read from the venue's list."""
        moved = fact.movement
        self._log.info(
            "assets moved", account=fact.account, asset=moved.asset, amount=plain(fact.change), kind=moved.kind
        )

    def gate_moved(self, fact: f.GateMoved) -> None:
        """An account's gate opened or closed."""
        self._metrics.gate.labels(fact.account).set(1 if fact.open else 0)
        tell = self._log.info if fact.open else self._log.warning
        tell("gate opened" if fact.open else "gate closed", account=fact.account, reason=fact.reason)

    def account_paused(self, fact: f.AccountPaused) -> None:
        """An account is left alone for a while."""
        self._log.warning("account paused", account=fact.account, reason=fact.reason)

    def halt_moved(self, fact: f.HaltMoved) -> None:
        """The router was halted or resumed."""
        halted = fact.level is not HaltLevel.NONE
        self._metrics.halted.set(1 if halted else 0)
        self._log.warning("halted" if halted else "resumed", reason=fact.reason, principal=fact.principal)

    def stranger_seen(self, fact: f.StrangerSeen) -> None:
        """A venue holds an order that no intent of ours explains."""
        self._metrics.strangers.labels(fact.order.account).inc()
        self._log.warning(
            "stranger seen", account=fact.order.account, order=fact.order.venue_order_id, ours_by_tag=fact.ours_by_tag
        )

    def breach_raised(self, fact: f.BreachRaised) -> None:
        """Something that must never happen, did."""
        self._metrics.breaches.labels(fact.kind).inc()
        self._log.error("BREACH", kind=fact.kind, account=fact.account, child=fact.client_id, detail=fact.detail)

    def child_adopted(self, fact: f.ChildAdopted) -> None:
        """An order that no intent explained is a child from now on."""
        order = fact.order
        self._log.warning("child adopted", child=order.client_id, parent=order.parent_id, account=order.account)

    def tagged_trade_seen(self, fact: f.TaggedTradeSeen) -> None:
        """A trade of an order of ours that is not in this database."""
        self._log.warning("tagged trade seen", child=fact.client_id, account=fact.account, excused=fact.excused)

    def restore_begun(self, fact: f.RestoreBegun) -> None:
        """RECOVERY: nothing new leaves."""
        self._metrics.recovering.set(1)
        self._log.warning("recovery begun", incarnation=fact.incarnation, since_ns=fact.since_ns)

    def restore_ended(self, _fact: f.RestoreEnded) -> None:
        """RECOVERY is over."""
        self._metrics.recovering.set(0)
        self._log.warning("recovery ended")

    def hunt_begun(self, fact: f.HuntBegun) -> None:
        """The children a parent may have lost are looked for."""
        self._log.info("hunt begun", parent=fact.parent_id)

    def parent_recalled(self, fact: f.ParentRecalled) -> None:
        """Somebody spoke of a parent that is long over."""
        self._log.info("parent recalled", parent=fact.parent.id, ref_id=fact.parent.order.ref_id)

    def hunt_ended(self, fact: f.HuntEnded) -> None:
        """Nothing more of a parent is to be found."""
        self._log.info("hunt ended", parent=fact.parent_id)

    def resolution_proposed(self, fact: f.ResolutionProposed) -> None:
        """One person's word on a quarantined child; a second one is needed."""
        word = fact.resolution
        self._log.warning("resolution proposed", child=word.client_id, verdict=word.verdict, by=word.principal)

    def resolution_taken(self, fact: f.ResolutionTaken) -> None:
        """People have ended a quarantine."""
        word = fact.resolution
        self._log.warning(
            "resolved", child=word.client_id, verdict=word.verdict, by=word.principal, proposed_by=fact.proposed_by
        )

    def resolution_refused(self, fact: f.ResolutionRefused) -> None:
        """A person's word that cannot be taken."""
        word = fact.resolution
        self._log.warning("resolution refused", child=word.client_id, by=word.principal, why=fact.why)

    def dedupe_noted(self, fact: f.DedupeNoted) -> None:
        """A used id is sent once more on purpose, or what the venue made of that is known."""
        probe = fact.probe
        self._log.info(
            "dedupe probe", account=probe.account, child=probe.client_id, verdict=probe.verdict, detail=probe.detail
        )

    def decision_failure_noted(self, fact: f.DecisionFailed) -> None:
        """Our own bug is in the journal; nothing new leaves until a person has looked."""
        self._metrics.failed_decisions.inc()
        self._metrics.halted.set(1)
        self._log.error("decision failed, halted", error=fact.error)

    def decision_failed(self, event: str, error: BaseException) -> None:
        """Our own bug, with its traceback."""
        self._log.error("decision raised", on=event, exc_info=error)

    # What was done

    def child_sent(self, account: AccountId, client_id: ClientOrderId, durable_ns: Nanos, sent_ns: Nanos) -> None:
        """The first byte of a child left."""
        after_s = (sent_ns - durable_ns) / _NS_PER_S
        self._metrics.to_wire.observe(after_s)
        self._log.info("child sent", account=account, child=client_id, after_s=after_s)

    def child_answered(self, account: AccountId, client_id: ClientOrderId, outcome: PlaceOutcome) -> None:
        """Placing came to this."""
        kind = type(outcome).__name__
        self._metrics.answers.labels(account, kind).inc()
        if isinstance(outcome, NotSent):
            self._metrics.not_sent.labels(account).inc()
        self._log.info("child answered", account=account, child=client_id, outcome=kind, detail=str(outcome))

    def connector_raised(self, account: AccountId, call: str, error: BaseException) -> None:
        """A connector raised where it should have answered: its bug, taken as the most doubtful outcome."""
        self._metrics.surprises.labels("connector").inc()
        self._log.error("connector raised", account=account, call=call, exc_info=error)

    def dead_man_failed(self, account: AccountId, why: str) -> None:
        """A venue's dead-man timer is not as it should be: what rests there would outlive us, or we could not tell."""
        self._metrics.dead_man_failures.labels(account).inc()
        self._log.warning("dead-man timer", account=account, why=why)

    def request_taken(self, kind: RequestKind) -> None:
        """A request became an event."""
        self._metrics.requests.labels(kind, "taken").inc()
        self._log.info("request taken", kind=kind)

    def request_refused(self, kind: RequestKind, field: str, reason: str) -> None:
        """A request was refused at the door, nothing half-done."""
        self._metrics.requests.labels(kind, "refused").inc()
        self._log.warning("request refused", kind=kind, field=field, reason=reason)

    # What was seen

    def book_lost(self, account: AccountId, listing: ListingId, why: str) -> None:
        """A book cannot be trusted until its next snapshot."""
        cause = next((each for each in _LOSSES if why.startswith(each)), "stream")
        self._metrics.books_lost.labels(account, listing, cause).inc()
        self._log.warning("book lost", listing=listing, why=why)

    def trades_lost(self, account: AccountId, listing: ListingId, why: str) -> None:
        """Public trades may be missing until they start again."""
        self._metrics.trades_lost.labels(account).inc()
        self._log.warning("public trades lost", listing=listing, why=why)

    def stream_noted(self, account: AccountId, note: StreamNote, news: bool) -> None:
        """A frame nobody can read, a stream that is not believed, a clock that was compared."""
        match note:
            case FrameOdd(channel=channel, oddity=oddity, says=says):
                self._metrics.odd_frames.labels(account, channel, oddity).inc()
                if news:
                    self._log.warning("odd frame", account=account, channel=channel, oddity=oddity, says=says)
            case StreamSuspect(channel=channel, why=why):
                self._metrics.streams_suspected.labels(account, channel).inc()
                self._log.warning("stream suspected", account=account, channel=channel, why=why)
            case ClockCompared():
                self._metrics.clock_offset.labels(account).set(note.offset_ns / _NS_PER_S)
                self._metrics.clock_skewed.labels(account).set(0 if note.skewed is None else 1)
                if news and note.skewed is not None:
                    self._log.error("clocks apart", account=account, why=note.skewed)
                elif news:
                    self._log.info("clocks agree again", account=account)

    def samples_taken(self, count: int) -> None:
        """So many samples of the market are in the record."""
        self._metrics.samples.inc(count)
        self._log.debug("market recorded", samples=count)

    def samples_lost(self, count: int, why: str) -> None:
        """So many samples of the market were thrown away; the record says where."""
        self._metrics.samples_lost.inc(count)
        self._log.warning("market samples lost", count=count, why=why)

    def record_unwritten(self, why: str) -> None:
        """The market record could not be written; it is tried again, and orders do not wait for it."""
        self._log.warning("market record not written", why=why)

    def recorder_raised(self, error: BaseException) -> None:
        """The recorder's own bug: it starts anew, and the record has a gap."""
        self._metrics.surprises.labels("recorder").inc()
        self._log.error("recorder raised", exc_info=error)

    def decisions_proven(self, count: int, left_out: int) -> None:
        """So many decisions were proven beside the driver; `left_out` had to be passed over."""
        self._metrics.proven.inc(count)
        if left_out:
            self._metrics.unproven.inc(left_out)
            self._log.warning("decisions not proven", count=left_out, why="too many at once")

    def proof_failed(self, decision: str, why: str) -> None:
        """What was decided does not stand up to its own proof: a bug."""
        self._metrics.proofs_failed.inc()
        self._log.error("proof failed", decision=decision, why=why)

    def replay_diverged(self, why: str) -> None:
        """A row of the journal is decided otherwise than it was written: a bug, and the end of proving."""
        self._metrics.proofs_failed.inc()
        self._log.error("replay diverged", why=why)

    def prover_raised(self, why: str) -> None:
        """The prover's own bug, or its database is away."""
        self._metrics.surprises.labels("prover").inc()
        self._log.error("prover raised", why=why)

    def prover_ended(self) -> None:
        """The process that proves decisions went; another is started, and orders did not notice."""
        self._log.warning("prover ended")

    def book_aged(self, listing: ListingId, age_ns: int, *, usable: bool) -> None:
        """How old a book is now, and whether it is routed on: the most important alerts."""
        self._metrics.book_age.labels(listing).set(age_ns / _NS_PER_S)
        self._metrics.book_usable.labels(listing).set(1 if usable else 0)

    def venue_configured(self, account: AccountId, tier: str) -> None:
        """How far its connector was ever proven: A lab, B wire-captured, C testnet, D live (D10)."""
        self._metrics.tier.labels(account, tier).set(1)

    def venue_lost(self, account: AccountId, why: str) -> None:
        """A venue cannot be traded on for now."""
        self._metrics.venue_losses.labels(account).inc()
        self._log.warning("venue lost", account=account, why=why)

    # How we are doing

    def appended(self, *, rows: int, took_ns: int) -> None:
        """Rows became durable."""
        self._metrics.append.observe(took_ns / _NS_PER_S)
        self._log.debug("appended", rows=rows, took_ms=took_ns / 1_000_000)

    def decided(self, took_ns: int) -> None:
        """A decision was made."""
        self._metrics.decide.observe(took_ns / _NS_PER_S)

    def loop_lagged(self, lag_ns: int, tasks: int) -> None:
        """The event loop was late by so much."""
        self._metrics.loop_lag.observe(lag_ns / _NS_PER_S)
        self._metrics.tasks.set(tasks)

    def recovered(self, *, seq: int, living: int, halted: str | None, recovering: bool) -> None:
        """State was rebuilt from the journal up to `seq`; so many children had not ended. `recovering`: in RECOVERY."""
        self._metrics.halted.set(0 if halted is None else 1)
        self._metrics.recovering.set(1 if recovering else 0)
        self._log.info("recovered", seq=seq, living=living, halted=halted)

    def lease_lost(self, why: str) -> None:
        """Another process drives, or may: stop."""
        self._metrics.leading.set(0)
        self._log.error("lease lost", why=why)

    def snapshot_refused(self, error: Exception) -> None:
        """A snapshot did not lead to the journal's end; the journal is read from its first row instead."""
        self._metrics.surprises.labels("snapshot").inc()
        self._log.error("snapshot refused", exc_info=error)

    def head_not_exported(self, file: str, why: str) -> None:
        """The journal's signed head could not be put down in its second place: a rewrite would go unseen."""
        self._metrics.surprises.labels("head_not_exported").inc()
        self._log.error("head not exported", file=file, why=why)

    def serving(self, url: str) -> None:
        """The status pages are up."""
        self._log.info("status pages", url=url)

    def api_serving(self, url: str) -> None:
        """The HTTP API is up."""
        self._log.info("http api", url=url)

    def answered(self, route: str, status: int) -> None:
        """A request over HTTP was answered. `route` is as the table has it, never with an id in it."""
        self._metrics.http_answers.labels(route, f"{status // 100}xx").inc()

    def request_failed(self, request_id: str, error: BaseException) -> None:
        """A mistake of ours while answering."""
        self._log.error("http request failed", request_id=request_id, exc_info=error)

    def asking_not_forgotten(self, why: str) -> None:
        """Old idempotency keys could not be deleted; it is tried again."""
        self._log.warning("old idempotency keys not deleted", why=why)

    def pages_unavailable(self, host: str, port: int, why: str) -> None:
        """The status pages cannot be shown, which keeps nobody from driving."""
        self._log.warning("no status pages", host=host, port=port, why=why)

    def stopped(self, why: str) -> None:
        """The driver stops."""
        self._metrics.leading.set(0)
        self._log.info("stopped", why=why)
