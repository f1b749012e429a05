"""A desk to tell stories on: the engine alone, with a market written as text and answers given by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from policies import POLICIES
from router.engine import Engine, told, unknown
from router.journal import codec
from router.model import events as e
from router.model import facts as f
from router.model import terms as t
from router.model.balances import Balance, Movement
from router.model.commands import Cancel, Command, Look, Place, Query, ReadAccount, Wake
from router.model.fill_chances import FillChances
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    Nanos,
    RefId,
    TradeId,
    VenueId,
    VenueOrderId,
    listing_id,
)
from router.model.instruments import FeeIn, Instrument, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.money import plain
from router.model.orders import (
    ChildState,
    Fee,
    ParentOrder,
    ParentState,
    TimeInForce,
    VenueOrder,
    VenueOrderStatus,
    VenueTrade,
    booking_key,
)
from router.model.outcomes import (
    Accepted,
    AccountRead,
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
from router.model.policies import SweepParams
from router.model.public_trades import TradeCounters
from router.model.side import Side
from router.orders.client_ids import parent_id
from router.orders.records import Child, Parent
from router.ports import JournalRow
from router.requests import OrderBody
from router.requests.bodies import parse
from router.requests.orders import order_model
from router.simulate.journal import SimJournal

MS = 1_000_000
START_NS = Nanos(1_700_000_000_000_000_000)
DEPLOYMENT = "test"
BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))
LIMITS = t.RiskLimits(
    parent_quantity_max=Decimal(1_000),
    parent_notional_max=Decimal(1_000_000),
    child_notional_max=Decimal(1_000_000),
    day_notional_max=Decimal(10_000_000),
    collar_bps=Decimal(500),
    book_age_ms_max=2_000,
)


def terms(venue: str, fence: t.Fence = t.Fence.DEADLINE, **changes: int) -> t.VenueTerms:
    """Short times: a request lives 200 ms, may be invisible for another 150."""
    times = {
        "request_ttl_ms": 200,
        "engine_wait_ms": 50,
        "read_lag_ms": 100,
        "look_up_wait_ms": 20,
        "quarantine_after_ms": 5_000,
    } | changes
    return t.VenueTerms(account=account(venue), fence=fence, **times)  # type: ignore[arg-type]


def account(venue: str) -> AccountId:
    """Every venue of these stories has one account."""
    return AccountId(f"{venue}/main")


@dataclass
class Desk:
    """The engine, what it wants done, and everything it has decided."""

    venues: tuple[t.VenueTerms, ...] = (terms("kraken"), terms("binance"), terms("coinbase", t.Fence.NONE))
    limits: t.RiskLimits = LIMITS
    engine: Engine = field(default_factory=lambda: Engine(POLICIES))
    now_ns: Nanos = START_NS
    facts: list[f.Fact] = field(default_factory=list)
    rows: list[tuple[Nanos, tuple[f.Fact, ...]]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    books: dict[str, ListingView] = field(default_factory=dict)
    archive_after_ms: int | None = None
    journal: SimJournal = field(default_factory=SimJournal)
    """What its shell can ask for parents that have left the state."""

    # Setting the scene.

    def start(
        self,
        *,
        free: str = "1000000",
        base: str = "1000",
        epoch: int = 1,
        read: bool = True,
        unreleased: bool = False,
        chances: FillChances | None = None,
    ) -> "Desk":
        """A driver takes over; with `read` every account is read at once and its gate opens."""
        self.tell(
            e.Started(
                deployment=DEPLOYMENT,
                incarnation=1,
                epoch=epoch,
                version="test",
                instruments=(BTC_USD,),
                terms=self.venues,
                limits=self.limits,
                unreleased=unreleased,
                archive_after_ms=self.archive_after_ms,
                fill_chances=chances,
            )
        )
        if read:
            for venue in self.venues:
                self.read(venue.account, free=free, base=base)
        return self

    def read(
        self,
        of: AccountId,
        *,
        free: str = "1000000",
        base: str = "1000",
        open_orders: tuple[VenueOrder, ...] = (),
        trades: tuple[VenueTrade, ...] = (),
        movements: tuple[Movement, ...] | None = None,
        holds: Mapping[str, str] | None = None,
    ) -> None:
        """An account is read in full; its balances are judged only where a test tells `movements`."""
        held = {"USD": free, "USDT": free, "BTC": base} if holds is None else holds
        balances = tuple(
            Balance(account=of, asset=Asset(asset), total=Decimal(amount), free=Decimal(amount))
            for asset, amount in held.items()
        )
        read = AccountRead(
            account=of,
            asked_ns=self.now_ns,
            balances=balances,
            open_orders=open_orders,
            trades=trades,
            movements=movements,
        )
        self.tell(e.AccountSeen(read=read))

    def market(self, text: str) -> None:
        """Lines like `kraken ask 100.00 1.0 fee 26bp`, several per venue and side, best first."""
        levels: dict[tuple[str, str], list[Level]] = {}
        fees: dict[str, str] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            venue, side, price, size, *rest = line.split()
            levels.setdefault((venue, side), []).append(Level(Decimal(price), Decimal(size)))
            if rest:
                fees[venue] = rest[1].removesuffix("bp")
        for venue in {venue for venue, _ in levels}:
            self.books[venue] = ListingView(
                listing=_listing(venue, fees.get(venue, "0")),
                bids=tuple(levels.get((venue, "bid"), [Level(Decimal(99), Decimal(1_000))])),
                asks=tuple(levels.get((venue, "ask"), [Level(Decimal("100.5"), Decimal("0.0001"))])),
                book_age_ns=0,
                book_seq=1,
            )

    def submit(self, text: str) -> Parent:
        """`P1 buy 1.5 limit 101 rounds 3`; the policy is SWEEP."""
        ref, side, quantity, *rest = text.split()
        options = dict(zip(rest[::2], rest[1::2], strict=True))
        order = ParentOrder(
            id=parent_id(deployment=DEPLOYMENT, entity=EntityId("acme"), ref_id=RefId(ref)),
            entity=EntityId("acme"),
            ref_id=RefId(ref),
            instrument=InstrumentId(options.get("of", "BTC/USD")),
            side=Side(side.upper()),
            quantity=Decimal(quantity),
            limit_price=Decimal(options["limit"]) if "limit" in options else None,
            policy=options.get("policy", "SWEEP"),
            params=SweepParams(rounds_max=int(options.get("rounds", "12"))),
        )
        self.tell(e.ParentSubmitted(order=order))
        return self.engine.state.parent(order.id)

    def order(self, ref: str, policy: str, quantity: str | None = "1", **fields: Any) -> Parent:
        """An order as its owner writes it, in full; a buy unless it says otherwise. Comes with the market as it is."""
        data = {"ref_id": ref, "instrument": "BTC/USD", "side": "BUY", "base_quantity": quantity, "policy": policy}
        body = parse(OrderBody, {name: said for name, said in (data | fields).items() if said is not None})
        ref_id = parent_id(deployment=DEPLOYMENT, entity=EntityId("acme"), ref_id=RefId(ref))
        order = order_model(body, ref_id, EntityId("acme"), "ann")
        self.tell(e.ParentSubmitted(order=order, view=self.view()))
        return self.engine.state.parent(order.id)

    def printed(self, venue: str, quantity: str, *, epoch_ns: int = 1) -> None:
        """All prints of a venue so far, since the epoch's beginning."""
        base = Decimal(quantity)
        counters = TradeCounters(Nanos(epoch_ns), 1, base, base * 100, base, Decimal(0), self.now_ns)
        self.books[venue] = replace(self.books[venue], trades=counters)

    # Telling what happens.

    def tell(self, event: e.Event) -> tuple[f.Fact, ...]:
        """One event through the door, and the looks at the market it leads to."""
        state = self.engine.state
        noted: tuple[f.Fact, ...] = ()
        for part in told(state, event, self.journal.recall(unknown(state, (event,)))):
            noted += self._decide(part)
        return noted

    def _decide(self, event: e.Event) -> tuple[f.Fact, ...]:
        stamped = e.Stamped(at_ns=self.now_ns, event=event)
        decision = self.engine.decide(stamped)
        noted = decision.facts
        self._keep(stamped, decision.facts)
        for command in decision.commands:
            if isinstance(command, Look):
                noted += self._decide(e.MarketSeen(view=self.view()))
            else:
                self.commands.append(command)
        return noted

    def answer(self, venue: str, outcome: PlaceOutcome, *, copy: int = 1) -> tuple[f.Fact, ...]:
        """The newest child at a venue is answered."""
        child = self.child(venue)
        return self.tell(
            e.PlaceAnswered(
                client_id=child.order.client_id,
                copy=copy,
                outcome=outcome,
                durable_ns=self.now_ns,
                sent_ns=None if isinstance(outcome, NotSent) else self.now_ns,
                answered_ns=self.now_ns,
            )
        )

    def accept(self, venue: str) -> tuple[f.Fact, ...]:
        """The venue takes the newest child."""
        return self.answer(venue, Accepted(venue_order_id=self.venue_order_id(venue)))

    def found(self, venue: str, status: str, *fills: str, executed: str | None = None) -> tuple[f.Fact, ...]:
        """A look-up finds the newest child: `found("kraken", "FILLED", "1.0@100.00#T1")`."""
        child = self.child(venue)
        trades = tuple(self.trade(venue, fill) for fill in fills)
        done = sum((trade.quantity for trade in trades), Decimal(0)) if executed is None else Decimal(executed)
        order = self.record(venue, status, done)
        return self.looked_up(child, Found(order=order, trades=trades))

    def fill(self, venue: str, quantity: str | None = None) -> None:
        """The venue takes the newest child and fills it, or so much of it, at its limit."""
        order = self.child(venue).order
        done = order.quantity if quantity is None else Decimal(quantity)
        self.accept(venue)
        fills = [f"{plain(done)}@{order.limit_price}#T{order.number}"] if done else []
        self.found(venue, "FILLED" if done == order.quantity else "CANCELLED", *fills)

    def missing(self, venue: str, *, asked_ns: Nanos | None = None) -> tuple[f.Fact, ...]:
        """Every endpoint answers cleanly and knows nothing of the newest child."""
        return self.looked_up(self.child(venue), Missing(endpoints=("order", "closed", "trades")), asked_ns=asked_ns)

    def looked_up(self, child: Child, result: LookUpResult, *, asked_ns: Nanos | None = None) -> tuple[f.Fact, ...]:
        """Any answer to a look-up."""
        asked = self.now_ns if asked_ns is None else asked_ns
        return self.tell(e.LookedUp(client_id=child.order.client_id, look_up=LookUp(asked_ns=asked, result=result)))

    def later(self, ms: int) -> None:
        """Time passes; what falls due meanwhile fires, in order."""
        end_ns = Nanos(self.now_ns + ms * MS)
        while due := min(
            ((due_ns, timer_id) for timer_id, due_ns in self.engine.state.timers.items() if due_ns <= end_ns),
            default=None,
        ):
            self.now_ns = Nanos(max(self.now_ns, due[0]))
            self.tell(e.TimerFired(timer_id=due[1]))
        self.now_ns = end_ns

    # Reading what came of it.

    @property
    def sent(self) -> list[str]:
        """Children told to leave since this was last read, in order: `kraken buy 0.5 @ 100.00`."""
        placed = [command for command in self.commands if isinstance(command, Place)]
        self.commands = [command for command in self.commands if not isinstance(command, Place)]
        return [
            f"{one.order.value.venue} {one.order.value.side.lower()} {plain(one.order.value.quantity)}"
            f" @ {one.order.value.limit_price}"
            + (f" copy {one.copy}" if one.copy > 1 else "")
            + (" resting" if one.order.value.time_in_force is TimeInForce.GTC else "")
            for one in placed
        ]

    def wanted(self, kind: type[Query] | type[Cancel] | type[ReadAccount] | type[Wake]) -> list[Command]:
        """Commands of one kind since this was last read."""
        found: list[Command] = [command for command in self.commands if isinstance(command, kind)]
        self.commands = [command for command in self.commands if not isinstance(command, kind)]
        return found

    def child(self, venue: str) -> Child:
        """The newest child at a venue."""
        return [c for c in self.engine.state.blotter.children.values() if c.order.venue == venue][-1]

    def states(self, venue: str) -> list[ChildState]:
        """Of all children at a venue, oldest first."""
        return [c.state for c in self.engine.state.blotter.children.values() if c.order.venue == venue]

    def breaches(self) -> list[f.BreachKind]:
        """Alarms raised so far."""
        return [fact.kind for fact in self.facts if isinstance(fact, f.BreachRaised)]

    def view(self) -> MarketView:
        """The market now."""
        return MarketView(
            instrument=BTC_USD.id,
            at_ns=self.now_ns,
            listings=tuple(self.books[venue] for venue in sorted(self.books)),
            fx=(FxMark(asset=Asset("USD"), rate=Decimal(1), age_ns=0, source="reporting currency"),),
        )

    # Making venue records.

    def record(self, venue: str, status: str, executed: Decimal) -> VenueOrder:
        """The newest child as its venue tells it."""
        order = self.child(venue).order
        return VenueOrder(
            account=order.account,
            symbol=order.symbol,
            venue_order_id=self.venue_order_id(venue),
            client_id=order.client_id,
            side=order.side,
            status=VenueOrderStatus(status),
            quantity=order.quantity,
            executed=executed,
            limit_price=order.limit_price,
        )

    def trade(self, venue: str, text: str) -> VenueTrade:
        """`1.0@100.00#T1` of the newest child."""
        order = self.child(venue).order
        quantity, _, rest = text.partition("@")
        price, _, trade_id = rest.partition("#")
        return VenueTrade(
            account=order.account,
            symbol=order.symbol,
            trade_id=TradeId(trade_id),
            venue_order_id=self.venue_order_id(venue),
            side=order.side,
            price=Decimal(price),
            quantity=Decimal(quantity),
            fees=(Fee(asset=order.quote, amount=Decimal("0.01")),),
            maker=False,
            venue_time_ns=self.now_ns,
        )

    def venue_order_id(self, venue: str) -> VenueOrderId:
        """Each child has its own."""
        return VenueOrderId(f"{venue}-{self.child(venue).order.client_id[-8:]}")

    def restarted(self) -> "Desk":
        """A new process that reads what this one journaled. Its facts go through their stored form."""
        successor = Desk(
            venues=self.venues,
            limits=self.limits,
            now_ns=self.now_ns,
            books=dict(self.books),
            archive_after_ms=self.archive_after_ms,
            journal=self.journal,
        )
        for at_ns, facts in self.rows:
            stored = tuple(codec.loads(codec.dumps(fact)) for fact in facts)
            successor.engine.recover(at_ns, stored)  # type: ignore[arg-type]
            successor.rows.append((at_ns, facts))
        return successor

    def _keep(self, stamped: e.Stamped, facts: tuple[f.Fact, ...]) -> None:
        if facts:
            self.facts += facts
            self.rows.append((self.now_ns, facts))
            self.journal.rows.append(JournalRow(stamped=stamped, facts=facts))


def _listing(venue: str, fee_bps: str) -> Listing:
    quote = "USD"
    return Listing(
        id=listing_id(account(venue), f"BTC/{quote}"),
        instrument=BTC_USD.id,
        venue=VenueId(venue),
        account=account(venue),
        symbol=f"BTC/{quote}",
        base=Asset("BTC"),
        quote=Asset(quote),
        tick=Decimal("0.01"),
        step=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal("0.01"),
        max_quantity=None,
        taker_fee_bps=Decimal(fee_bps),
        fee_in=FeeIn.QUOTE,
    )


__all__ = [
    "LIMITS",
    "Accepted",
    "ChildState",
    "ClientOrderId",
    "Desk",
    "Exists",
    "Lost",
    "Missing",
    "NotSent",
    "ParentState",
    "Refused",
    "Unclear",
    "account",
    "booking_key",
    "terms",
]
