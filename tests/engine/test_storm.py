"""The engine against venues that lose, delay, repeat and reorder, with restarts in between; judged by the venues."""

import random
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from router.model import events as e
from router.model import terms as t
from router.model.commands import Cancel, Command, Place, Query, ReadAccount
from router.model.ids import AccountId, ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.outcomes import (
    Accepted,
    CancelUnclear,
    Exists,
    Found,
    LookUp,
    LookUpResult,
    Lost,
    Missing,
    NotSent,
    PlaceOutcome,
    Refused,
    Unclear,
)
from router.model.rounding import down
from tests.engine.desk import MS, Desk, terms

VENUES = (terms("kraken"), terms("binance"), terms("coinbase", t.Fence.PERMANENT_DEDUPE, quarantine_after_ms=20_000))
MARKET = """
    kraken    ask 100.00 0.7
    binance   ask 100.10 0.9
    coinbase  ask 100.20 1.1
"""


@dataclass
class Venue:
    """What really happened: orders by the venue's own word, visible only after a while."""

    dedupes: bool
    orders: dict[VenueOrderId, tuple[VenueOrder, tuple[VenueTrade, ...], Nanos]] = field(default_factory=dict)

    def accept(self, order: ChildOrder, rng: random.Random, now_ns: Nanos) -> VenueOrderId | None:
        """Match an IOC at once: all, part or nothing. None when the deadline has passed."""
        if order.deadline_ns is not None and now_ns > order.deadline_ns:
            return None
        if self.dedupes:
            known = next((k for k, (o, _, _) in self.orders.items() if o.client_id == order.client_id), None)
            if known is not None:
                return known
        name = VenueOrderId(f"{order.account}-{len(self.orders) + 1}")
        parts = rng.choice([(), ("1",), ("1",), ("0.5", "0.5"), ("0.3",), ("0.2", "0.1")])
        made = tuple(_trade(order, name, Decimal(part), place, now_ns) for place, part in enumerate(parts))
        trades = tuple(trade for trade in made if trade.quantity > 0)
        executed = sum((trade.quantity for trade in trades), Decimal(0))
        status = VenueOrderStatus.FILLED if executed == order.quantity else VenueOrderStatus.EXPIRED
        record = VenueOrder(
            account=order.account,
            symbol=order.symbol,
            venue_order_id=name,
            client_id=order.client_id,
            side=order.side,
            status=status,
            quantity=order.quantity,
            executed=executed,
            limit_price=order.limit_price,
        )
        self.orders[name] = (record, trades, Nanos(now_ns + rng.randrange(90) * MS))
        return name

    def look_up(self, order: ChildOrder, now_ns: Nanos) -> LookUpResult:
        """What a reader sees now."""
        for record, trades, visible_ns in self.orders.values():
            if record.client_id == order.client_id and visible_ns <= now_ns:
                return Found(order=record, trades=trades)
        return Missing(endpoints=("open", "closed", "trades"))


def _trade(order: ChildOrder, name: VenueOrderId, part: Decimal, place: int, now_ns: Nanos) -> VenueTrade:
    return VenueTrade(
        account=order.account,
        symbol=order.symbol,
        trade_id=TradeId(f"{name}-{place}"),
        venue_order_id=name,
        side=order.side,
        price=order.limit_price,
        quantity=order.quantity * part if part == 1 else down(order.quantity * part, Decimal("0.0001")),
        fees=(Fee(asset=order.quote, amount=Decimal("0.01")),),
        maker=False,
        venue_time_ns=now_ns,
    )


@dataclass
class Storm:
    """A desk, its venues, and messages on their way that anything may happen to."""

    rng: random.Random
    desk: Desk
    venues: dict[AccountId, Venue]
    on_the_way: list[tuple[Nanos, e.Event]] = field(default_factory=list)
    flying: list[tuple[Nanos, ChildOrder]] = field(default_factory=list)
    calm: bool = False

    def run(self) -> None:
        """Until the parent ends; faults for three seconds of the engine's time, then calm."""
        start_ns = self.desk.now_ns
        while any(True for _ in self.desk.engine.state.blotter.working_parents()):
            self.calm = self.desk.now_ns - start_ns > 3_000 * MS
            assert self.desk.now_ns - start_ns < 60_000 * MS, "no end in sight"
            self._act()
            self._step()

    def _act(self) -> None:
        for command in self._commands():
            match command:
                case Place(order=approved, copy=copy):
                    self._place(approved.value, copy)
                case Query(order=order):
                    self._answer(self._looked_up(order))
                case ReadAccount(account=account):
                    self._answer(self._read(account))
                case Cancel(order=order):
                    self._answer(e.CancelAnswered(client_id=order.client_id, outcome=CancelUnclear(why="x")))
                case _:
                    pass

    def _commands(self) -> list[Command]:
        commands, self.desk.commands = self.desk.commands, []
        return commands

    def _place(self, order: ChildOrder, copy: int) -> None:
        fate = (
            "good" if self.calm else self.rng.choice(["good", "good", "lost", "late", "never", "refused", "not sent"])
        )
        outcome: PlaceOutcome
        match fate:
            case "good" | "lost":
                known = len(self.venues[order.account].orders)
                name = self.venues[order.account].accept(order, self.rng, self.desk.now_ns)
                repeated = len(self.venues[order.account].orders) == known
                if fate == "lost" or name is None:
                    outcome = Lost(why="cut")
                else:
                    outcome = Exists(code="dup") if repeated else Accepted(venue_order_id=name)
            case "late":
                self.flying.append((Nanos(self.desk.now_ns + self.rng.randrange(400) * MS), order))
                outcome = Lost(why="time-out")
            case "never":
                outcome = Lost(why="reset")
            case "refused":
                outcome = Refused(code="R", text="", transient=self.rng.random() < 0.5, retry_after_ms=50)
            case _:
                outcome = NotSent(why="gate")
        answered = e.PlaceAnswered(
            client_id=order.client_id,
            copy=copy,
            outcome=outcome,
            durable_ns=self.desk.now_ns,
            sent_ns=self.desk.now_ns,
            answered_ns=self.desk.now_ns,
        )
        self._answer(answered)

    def _looked_up(self, order: ChildOrder) -> e.Event:
        result: LookUpResult = self.venues[order.account].look_up(order, self.desk.now_ns)
        if not self.calm and self.rng.random() < 0.2:
            result = Unclear(why="502")
        return e.LookedUp(client_id=order.client_id, look_up=LookUp(asked_ns=self.desk.now_ns, result=result))

    def _read(self, account: AccountId) -> e.Event:
        if not self.calm and self.rng.random() < 0.2:
            return e.VenueLost(account=account, why="down")
        probe = Desk(venues=self.desk.venues)
        trades = tuple(
            trade
            for _, trades, seen_ns in self.venues[account].orders.values()
            if seen_ns <= self.desk.now_ns
            for trade in trades
        )
        heard: list[e.Event] = []
        probe.tell = lambda event: heard.append(event) or ()  # type: ignore[method-assign,assignment,func-returns-value]
        probe.now_ns = self.desk.now_ns
        probe.read(account, trades=trades)
        return heard[0]

    def _answer(self, event: e.Event) -> None:
        """Answers take their time, and overtake each other; look-ups come twice now and then."""
        delay = 1 if self.calm else self.rng.randrange(1, 120)
        self.on_the_way.append((Nanos(self.desk.now_ns + delay * MS), event))
        if isinstance(event, e.LookedUp) and self.rng.random() < 0.2:
            self.on_the_way.append((Nanos(self.desk.now_ns + self.rng.randrange(1, 400) * MS), event))

    def _step(self) -> None:
        self.desk.later(self.rng.randrange(1, 20))
        for due_ns, order in [flight for flight in self.flying if flight[0] <= self.desk.now_ns]:
            self.venues[order.account].accept(order, self.rng, due_ns)
            self.flying.remove((due_ns, order))
        if not self.calm and self.rng.random() < 0.02:
            self._restart()
        for message in [message for message in self.on_the_way if message[0] <= self.desk.now_ns]:
            self.on_the_way.remove(message)
            self.desk.tell(message[1])

    def _restart(self) -> None:
        """Kill -9: the successor knows what was journaled; answers on their way are never heard."""
        market = self.desk.books
        self.desk = self.desk.restarted().start(epoch=2, read=False)
        self.desk.books = market
        self.on_the_way.clear()


# Most by night: tests/simulate sends far more children through far worse by day.
@pytest.mark.parametrize(
    "seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(20, 150))]
)
def test_the_venues_and_the_blotter_agree_when_the_storm_is_over(seed: int) -> None:
    """One venue order per intent, every venue fill booked once, never over the parent, no order forgotten."""
    storm = Storm(
        rng=random.Random(seed),
        desk=Desk(venues=VENUES),
        venues={one.account: Venue(dedupes=one.fence is t.Fence.PERMANENT_DEDUPE) for one in VENUES},
    )
    storm.desk.start()
    storm.desk.commands.clear()
    storm.desk.market(MARKET)
    parent = storm.desk.submit("P1 buy 2 rounds 1000")

    storm.run()

    blotter = storm.desk.engine.state.blotter
    records = [kept for venue in storm.venues.values() for kept in venue.orders.values()]
    named = [record.client_id for record, _, _ in records]
    assert len(named) == len(set(named))
    assert set(named) <= set(blotter.children)
    filled: dict[ClientOrderId, Decimal] = {}
    for record, trades, _ in records:
        assert record.client_id is not None
        filled[record.client_id] = sum((trade.quantity for trade in trades), Decimal(0))
    assert filled == {name: child.filled for name, child in blotter.children.items() if name in filled}
    assert sum(filled.values()) == blotter.filled(blotter.parents[parent.order.id]) == 2
    assert storm.desk.breaches() == []
