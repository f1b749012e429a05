"""The engine's whole decision on a market view: policy, split, risk, ids, facts and commands, beside the split in it.

`decide` is one `MarketSeen` for one parent that is due; `view + decide` reads the books too, as the live shell does.
What is not in here: the commit, the request, the wire. Those are in `wire`.
"""

from collections.abc import Iterator
from decimal import Decimal

from bench.markets import BTC_USD, Case, case
from bench.measure import Contestant, Table, in_turn, table
from policies import POLICIES
from router.engine import Engine
from router.model.balances import Balance
from router.model.events import AccountSeen, Event, MarketSeen, ParentSubmitted, Stamped, Started
from router.model.facts import ChildIntended
from router.model.ids import AccountId, EntityId, ListingId, Nanos, ParentId, RefId
from router.model.market import MarketView
from router.model.orders import ParentOrder
from router.model.outcomes import AccountRead
from router.model.policies import SweepParams
from router.model.side import Side
from router.model.terms import Fence, RiskLimits, VenueTerms
from router.split.split import split

_NOW = Nanos(0)
_HUGE = Decimal(10) ** 9
_LIMITS = RiskLimits(
    parent_quantity_max=_HUGE,
    parent_notional_max=_HUGE,
    child_notional_max=_HUGE,
    day_notional_max=_HUGE,
    collar_bps=Decimal(5_000),
    book_age_ms_max=1_000,
)


def run(*, quick: bool) -> Iterator[Table]:
    rounds, count = (3, 3) if quick else (9, 20)
    for venues in (3, 10):
        for reached in (5, 50, 500):
            yield _table(venues, reached, rounds, count)


def _table(venues: int, reached: int, rounds: int, count: int) -> Table:
    cases = [_two_sided(case(f"{venues}/{reached}/{each}", venues, reached)) for each in range(count)]
    views = [_view(one) for one in cases]
    requests = [one.request() for one in cases]
    decided = [_decide(_engine(one), view) for one, view in zip(cases, views, strict=True)]
    assert all(decided)
    spent = in_turn(
        {
            "split": Contestant(setup=lambda: requests, run=lambda given: [split(one) for one in given], units=count),
            "decide": Contestant(
                setup=lambda: [(_engine(one), view) for one, view in zip(cases, views, strict=True)],
                run=lambda given: [_decide(engine, view) for engine, view in given],
                units=count,
            ),
            "view + decide": Contestant(
                setup=lambda: [(_engine(one), one) for one in cases],
                run=lambda given: [_decide(engine, _view(one)) for engine, one in given],
                units=count,
            ),
        },
        rounds,
    )
    children = sum(decided) / count
    return table(
        f"engine: us per decision, {venues} venues, {reached} levels reached",
        spent,
        unit="us",
        notes=[f"{children:.1f} children a decision, {count} parents"],
    )


def _two_sided(one: Case) -> Case:
    """A collar needs a mid: every listing gets a bid just below its best ask."""
    for listing in one.listings:
        book = one.books.book(listing.id)
        assert book is not None
        best = book.best(Side.BUY)
        assert best is not None
        one.books.book_delta(ListingId(listing.id), [(best[0] - 10.0, 1.0)], [], _NOW)
    return one


def _view(one: Case) -> MarketView:
    return one.view()


def _engine(one: Case) -> Engine:
    """Started, every account read and open, one parent due."""
    engine = Engine(POLICIES)
    accounts = sorted({listing.account for listing in one.listings})
    _tell(
        engine,
        Started(
            deployment="bench",
            incarnation=1,
            epoch=1,
            version="bench",
            instruments=(BTC_USD,),
            terms=tuple(_terms(account) for account in accounts),
            limits=_LIMITS,
        ),
    )
    for account in accounts:
        balances = tuple(
            Balance(account=account, asset=asset, total=amount, free=amount)
            for (of, asset), amount in one.spendable.items()
            if of == account
        )
        read = AccountRead(account=account, asked_ns=_NOW, balances=balances, open_orders=(), trades=())
        _tell(engine, AccountSeen(read=read))
    order = ParentOrder(
        id=ParentId("P"),
        entity=EntityId("bench"),
        ref_id=RefId("P"),
        instrument=BTC_USD.id,
        side=Side.BUY,
        quantity=one.quantity,
        limit_price=None,
        policy="SWEEP",
        params=SweepParams(),
    )
    _tell(engine, ParentSubmitted(order=order))
    return engine


def _decide(engine: Engine, view: MarketView) -> int:
    decision = engine.decide(Stamped(at_ns=_NOW, event=MarketSeen(view=view)))
    return sum(isinstance(fact, ChildIntended) for fact in decision.facts)


def _tell(engine: Engine, event: Event) -> None:
    engine.decide(Stamped(at_ns=_NOW, event=event))


def _terms(account: AccountId) -> VenueTerms:
    return VenueTerms(
        account=account,
        fence=Fence.DEADLINE,
        request_ttl_ms=2_500,
        engine_wait_ms=10_000,
        read_lag_ms=15_000,
        look_up_wait_ms=250,
        quarantine_after_ms=900_000,
    )
