"""The instruments on the wall. Labels are account, state and kind: never an id, so their number stays small."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_FAST_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SLOW_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


@dataclass(slots=True)
class Metrics:
    """All of them, in a registry of their own: two drivers in one process do not share figures."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    parents: Counter = field(init=False)
    children: Counter = field(init=False)
    intents: Counter = field(init=False)
    copies: Counter = field(init=False)
    answers: Counter = field(init=False)
    not_sent: Counter = field(init=False)
    evidence: Counter = field(init=False)
    fills: Counter = field(init=False)
    proven: Counter = field(init=False)
    unproven: Counter = field(init=False)
    proofs_failed: Counter = field(init=False)
    breaches: Counter = field(init=False)
    strangers: Counter = field(init=False)
    books_lost: Counter = field(init=False)
    trades_lost: Counter = field(init=False)
    odd_frames: Counter = field(init=False)
    http_answers: Counter = field(init=False)
    streams_suspected: Counter = field(init=False)
    samples: Counter = field(init=False)
    samples_lost: Counter = field(init=False)
    venue_losses: Counter = field(init=False)
    requests: Counter = field(init=False)
    failed_decisions: Counter = field(init=False)
    surprises: Counter = field(init=False)
    dead_man_failures: Counter = field(init=False)
    fee_surprises: Counter = field(init=False)
    gate: Gauge = field(init=False)
    key_doubts: Gauge = field(init=False)
    taker_fee: Gauge = field(init=False)
    token_discount: Gauge = field(init=False)
    unexplained: Gauge = field(init=False)
    halted: Gauge = field(init=False)
    in_doubt: Gauge = field(init=False)
    leading: Gauge = field(init=False)
    tasks: Gauge = field(init=False)
    recovering: Gauge = field(init=False)
    book_age: Gauge = field(init=False)
    book_usable: Gauge = field(init=False)
    tier: Gauge = field(init=False)
    clock_offset: Gauge = field(init=False)
    clock_skewed: Gauge = field(init=False)
    append: Histogram = field(init=False)
    decide: Histogram = field(init=False)
    to_wire: Histogram = field(init=False)
    loop_lag: Histogram = field(init=False)
    doubt: Histogram = field(init=False)

    def __post_init__(self) -> None:
        self._count_orders()
        self._count_the_world()
        self._gauges()
        self._times()

    def _count_orders(self) -> None:
        self.parents = self._counter("sor_parents", "Parents by the state they moved to", "state")
        self.children = self._counter("sor_children", "Children by the state they moved to", "state")
        self.intents = self._counter("sor_intents", "Children written down to be sent", "account")
        self.copies = self._counter("sor_copies", "Further copies of an intent counted before they left")
        self.answers = self._counter("sor_answers", "What placing came to", "account", "outcome")
        self.not_sent = self._counter("sor_not_sent", "Copies stopped at the last gate", "account")
        self.evidence = self._counter("sor_evidence", "Look-ups that did not find a child", "kind")
        self.fills = self._counter("sor_fills", "Venue trades booked", "account")
        self.requests = self._counter("sor_requests", "Requests at the door", "kind", "outcome")

    def _count_the_world(self) -> None:
        self.breaches = self._counter("sor_breaches", "Things that must never happen, and did", "kind")
        self.strangers = self._counter("sor_strangers", "Orders at a venue no intent explains", "account")
        self.books_lost = self._counter(
            "sor_books_lost", "Books that could not be trusted any more", "account", "listing", "cause"
        )
        self.trades_lost = self._counter("sor_trades_lost", "Times public trades may have been missed", "account")
        self.odd_frames = self._counter(
            "sor_odd_frames", "Frames of a stream that nobody could read", "account", "channel", "oddity"
        )
        self.http_answers = self._counter("sor_http_answers", "Requests over HTTP that were answered", "route", "kind")
        self.streams_suspected = self._counter(
            "sor_streams_suspected", "Times a stream that stood was not believed and rebuilt", "account", "channel"
        )
        self.samples = self._counter("sor_market_samples", "Samples of the market written to its record")
        self.samples_lost = self._counter("sor_market_samples_lost", "Samples of the market thrown away unwritten")
        self.proven = self._counter("sor_decisions_proven", "Decisions proven beside the driver")
        self.unproven = self._counter("sor_decisions_unproven", "Decisions passed over, too many at once")
        self.proofs_failed = self._counter("sor_proofs_failed", "Decisions that do not stand up to their own proof")
        self.venue_losses = self._counter("sor_venue_losses", "Times a venue could not be traded on", "account")
        self.failed_decisions = self._counter("sor_failed_decisions", "Decisions that raised: our own bugs")
        self.dead_man_failures = self._counter(
            "sor_dead_man_failures", "Times a venue's dead-man timer was not set as it should be", "account"
        )
        self.fee_surprises = self._counter("sor_fee_surprises", "Fills not charged as listed", "listing")
        self.surprises = self._counter("sor_surprises", "Exceptions nobody expected", "where")

    def _gauges(self) -> None:
        self.gate = self._gauge("sor_gate_open", "1 while new children may go to the account", "account")
        self.unexplained = self._gauge(
            "sor_unexplained", "Held beyond what our books explain; negative is missing", "account", "asset"
        )
        self.key_doubts = self._gauge("sor_key_doubts", "What is wrong with the account's key; 0 is nothing", "account")
        self.token_discount = self._gauge(
            "sor_token_discount", "1 while the listing's fees are reckoned at its token's discount", "listing", "token"
        )
        self.taker_fee = self._gauge("sor_taker_fee_bps", "What the account is told taking costs", "listing")
        self.halted = self._gauge("sor_halted", "1 while no new child may leave")
        self.in_doubt = self._gauge("sor_children_in_doubt", "Children whose outcome is unknown")
        self.leading = self._gauge("sor_leading", "1 while this process holds the lease")
        self.tasks = self._gauge("sor_tasks", "Tasks of the event loop: flat while nothing leaks")
        self.recovering = self._gauge("sor_recovering", "1 while what a restored backup lost is looked for")
        self.book_age = self._gauge("sor_book_age_seconds", "Age of the book", "listing")
        self.book_usable = self._gauge("sor_book_usable", "1 while the book is routed on", "listing")
        self.clock_offset = self._gauge("sor_clock_offset_seconds", "How far the venue's clock is ahead", "account")
        self.clock_skewed = self._gauge("sor_clock_skewed", "1 while that is more than the stated bound", "account")
        self.tier = self._gauge("sor_venue_tier", "1 for the tier its connector has reached", "account", "tier")

    def _times(self) -> None:
        self.append = self._histogram("sor_append_seconds", "Until an append was durable", _FAST_S)
        self.decide = self._histogram("sor_decide_seconds", "One decision", _FAST_S)
        self.to_wire = self._histogram("sor_to_wire_seconds", "Durable intent to first byte", _FAST_S)
        self.loop_lag = self._histogram("sor_loop_lag_seconds", "How late the event loop was", _FAST_S)
        self.doubt = self._histogram("sor_doubt_seconds", "How long a child was in doubt", _SLOW_S)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, buckets=buckets, registry=self.registry)
