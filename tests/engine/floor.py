"""A desk with several instruments and venues that keep accounts: what is placed is filled as the test says, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from router.model import events as e
from router.model import facts as f
from router.model.balances import Balance
from router.model.commands import Look, Place, ReadAccount
from router.model.ids import AccountId, Asset, EntityId, InstrumentId, Nanos, RefId, TradeId, VenueId, listing_id
from router.model.instruments import FeeIn, Instrument, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.money import exactly
from router.model.orders import Fee, ParentState, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.outcomes import Accepted, AccountRead, Found, LookUp, Lost, Missing
from router.model.side import Side
from router.model.terms import RiskLimits, VenueTerms
from router.orders.client_ids import parent_id
from router.orders.records import Child, Parent
from router.requests.baskets import basket_legs, parse_basket
from tests.engine.desk import DEPLOYMENT, LIMITS, Desk, account, terms

Fills = Callable[[Child], Decimal]


_ROOMY = replace(LIMITS, parent_quantity_max=Decimal(1_000_000))


def whole(child: Child) -> Decimal:
    """All of it."""
    return child.order.quantity


def part(share: str) -> Fills:
    """So much of each child, down to the lot."""
    return lambda child: (child.order.quantity * Decimal(share)).quantize(Decimal("0.0001"), rounding="ROUND_FLOOR")


@dataclass
class Floor(Desk):
    """`money`: what each account holds, as its venue knows it."""

    venues: tuple[VenueTerms, ...] = (terms("kraken", outstanding_max=None), terms("binance"))  # type: ignore[arg-type]
    limits: RiskLimits = _ROOMY
    money: dict[AccountId, dict[Asset, Decimal]] = field(default_factory=dict)
    ladders: dict[tuple[str, str], ListingView] = field(default_factory=dict)
    reads_at_once: bool = True
    """Answer every reading as it is asked for."""

    def open(self, money: Mapping[str, str], base: str = "1000000") -> "Floor":
        """Quote currency by venue, and plenty of every base; prices come with `price`."""
        bases = {Asset(base_of): Decimal(base) for base_of in ("BTC", "ETH", "SOL")}
        for venue, amount in money.items():
            self.money[account(venue)] = {Asset("USD"): Decimal(amount), **bases}
        instruments = tuple(
            Instrument(id=InstrumentId(f"{one}/USD"), base=Asset(one), reporting=Asset("USD"))
            for one in ("BTC", "ETH", "SOL")
        )
        self.tell(
            e.Started(
                deployment=DEPLOYMENT,
                incarnation=1,
                epoch=1,
                version="test",
                instruments=instruments,
                terms=tuple(one for one in self.venues if one.account in self.money),
                limits=self.limits,
                archive_after_ms=self.archive_after_ms,
            )
        )
        self.read_all()
        return self

    def price(
        self, venue: str, base: str, price: str, *, size: str = "100000", fee_bps: str = "10", **rules: str
    ) -> None:
        """One level a side, at the same price: what is bought and sold costs the fee alone."""
        of = account(venue)
        rule = {name: Decimal(value) for name, value in rules.items()}
        listing = Listing(
            id=listing_id(of, f"{base}/USD"),
            instrument=InstrumentId(f"{base}/USD"),
            venue=VenueId(venue),
            account=of,
            symbol=f"{base}/USD",
            base=Asset(base),
            quote=Asset("USD"),
            tick=rule.get("tick", Decimal("0.01")),
            step=rule.get("step", Decimal("0.0001")),
            min_quantity=rule.get("min_quantity", Decimal("0.0001")),
            min_notional=rule.get("min_notional", Decimal("0.01")),
            max_quantity=None,
            taker_fee_bps=Decimal(fee_bps),
            fee_in=FeeIn.QUOTE,
        )
        level = (Level(Decimal(price), Decimal(size)),)
        self.ladders[venue, base] = ListingView(listing=listing, bids=level, asks=level, book_age_ns=0, book_seq=1)

    def basket(self, *legs: str, ref: str = "B1", **terms_given: Any) -> tuple[Parent, ...]:
        """`sell 10 BTC`, `buy 5 ETH limit 101 rounds 3`; terms as their owner writes them."""
        body = parse_basket({"ref_id": ref, "legs": [_leg(text) for text in legs], **terms_given})
        basket_id = parent_id(deployment=DEPLOYMENT, entity=EntityId("acme"), ref_id=RefId(ref))
        orders = basket_legs(body, basket_id, EntityId("acme"), "ann")
        views = tuple(self.view_of(one.instrument) for one in orders)
        self.tell(e.BasketSubmitted(legs=orders, views=views))
        return self.engine.state.blotter.legs(basket_id)

    def view_of(self, instrument: InstrumentId) -> MarketView:
        """Its market now."""
        books = [book for _, book in sorted(self.ladders.items()) if book.listing.instrument == instrument]
        usd = FxMark(asset=Asset("USD"), rate=Decimal(1), age_ns=0, source="reporting currency")
        return MarketView(instrument=instrument, at_ns=self.now_ns, listings=tuple(books), fx=(usd,))

    def _decide(self, event: e.Event) -> tuple[f.Fact, ...]:
        stamped = e.Stamped(at_ns=self.now_ns, event=event)
        decision = self.engine.decide(stamped)
        noted = decision.facts
        self._keep(stamped, decision.facts)
        for command in decision.commands:
            if isinstance(command, Look):
                noted += self._decide(e.MarketSeen(view=self.view_of(command.instrument)))
            else:
                self.commands.append(command)
        return noted

    # What the venues do.

    def placed(self) -> list[Child]:
        """Children told to leave since this was last asked."""
        found = [command for command in self.commands if isinstance(command, Place)]
        self.commands = [command for command in self.commands if not isinstance(command, Place)]
        return [self.engine.state.blotter.children[one.order.value.client_id] for one in found]

    def fill(self, child: Child, quantity: Decimal) -> None:  # type: ignore[override]
        """The venue takes the child and executes so much of it, at its limit; what is left expires."""
        self.now_ns = Nanos(self.now_ns + 1_000_000)
        order = child.order
        self.tell(
            e.PlaceAnswered(
                client_id=order.client_id,
                copy=1,
                outcome=Accepted(venue_order_id=_venue_order(child)),
                durable_ns=self.now_ns,
                sent_ns=self.now_ns,
                answered_ns=self.now_ns,
            )
        )
        trades = self.executed(child, quantity)
        status = VenueOrderStatus.FILLED if quantity == order.quantity else VenueOrderStatus.EXPIRED
        record = VenueOrder(
            account=order.account,
            symbol=order.symbol,
            venue_order_id=_venue_order(child),
            client_id=order.client_id,
            side=order.side,
            status=status,
            quantity=order.quantity,
            executed=quantity,
            limit_price=order.limit_price,
        )
        self.looked_up(child, Found(order=record, trades=trades))

    def executed(self, child: Child, quantity: Decimal) -> tuple[VenueTrade, ...]:
        """At the venue, whatever we know of it: money moves."""
        if not quantity:
            return ()
        order, money = child.order, self.money[child.order.account]
        book = self.ladders[str(order.venue), str(order.base)]
        with exactly():
            value = quantity * order.limit_price
            fee = value * book.listing.taker_fee_bps / 10_000
            money[order.quote] -= order.side.sign * value + fee
            money[order.base] += order.side.sign * quantity
        return (
            VenueTrade(
                account=order.account,
                symbol=order.symbol,
                trade_id=TradeId(f"T{order.client_id[-6:]}"),
                venue_order_id=_venue_order(child),
                side=order.side,
                price=order.limit_price,
                quantity=quantity,
                fees=(Fee(asset=order.quote, amount=fee),),
                maker=False,
                venue_time_ns=self.now_ns,
            ),
        )

    def lose(self, child: Child) -> None:
        """The answer is lost."""
        self.tell(
            e.PlaceAnswered(
                client_id=child.order.client_id,
                copy=1,
                outcome=Lost(why="timed out"),
                durable_ns=self.now_ns,
                sent_ns=self.now_ns,
                answered_ns=self.now_ns,
            )
        )

    def nowhere(self, child: Child) -> None:
        """Every endpoint answers cleanly that it knows nothing of it."""
        missing = Missing(endpoints=("order", "closed", "trades"))
        self.tell(e.LookedUp(client_id=child.order.client_id, look_up=LookUp(asked_ns=self.now_ns, result=missing)))

    def read_all(self) -> None:
        """Every account, as its venue has it."""
        for of in self.money:
            self.read_one(of)

    def read_one(self, of: AccountId) -> None:
        """One account."""
        self.now_ns = Nanos(self.now_ns + 1_000_000)
        balances = tuple(
            Balance(account=of, asset=asset, total=amount, free=amount) for asset, amount in self.money[of].items()
        )
        read = AccountRead(account=of, asked_ns=self.now_ns, balances=balances, open_orders=(), trades=())
        self.tell(e.AccountSeen(read=read))

    def run(self, fills: Fills = whole, *, steps: int = 400) -> None:
        """Until nothing is placed and nothing waits any more: each child fills as `fills` says."""
        for _ in range(steps):
            for child in self.placed():
                self.fill(child, fills(child))
            wanted = [one for one in self.commands if isinstance(one, ReadAccount)]
            self.commands = [one for one in self.commands if not isinstance(one, ReadAccount)]
            if self.reads_at_once:
                for of in sorted({one.account for one in wanted}):
                    self.read_one(of)
            if all(parent.state.ended for parent in self.engine.state.blotter.parents.values()):
                return
            self.later(100)

    # What came of it.

    def ended(self) -> list[f.BasketEnded]:
        """Baskets that ended."""
        return [fact for fact in self.facts if isinstance(fact, f.BasketEnded)]

    def bought(self, base: str) -> Decimal:
        """Value of all buys of an asset, before fees."""
        children = self.engine.state.blotter.children.values()
        return sum((one.spent for one in children if one.order.base == base and one.order.side is Side.BUY), Decimal(0))

    def cash(self) -> Decimal:
        """Of all accounts."""
        return sum((held[Asset("USD")] for held in self.money.values()), Decimal(0))

    def states(self, ref: str = "B1") -> list[ParentState]:  # type: ignore[override]
        """Of the legs, by number."""
        basket_id = parent_id(deployment=DEPLOYMENT, entity=EntityId("acme"), ref_id=RefId(ref))
        return [leg.state for leg in self.engine.state.blotter.legs(basket_id)]


def _leg(text: str) -> dict[str, Any]:
    side, quantity, base, *rest = text.split()
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    leg: dict[str, Any] = {"instrument": f"{base}/USD", "side": side.upper(), "base_quantity": quantity}
    if "limit" in options:
        leg["limit_price"] = options["limit"]
    if "tif" in options:
        leg["time_in_force"] = options["tif"]
    if "rounds" in options:
        leg["params"] = {"rounds_max": int(options["rounds"])}
    return leg


def _venue_order(child: Child) -> Any:
    return f"{child.order.venue}-{child.order.client_id[-8:]}"
