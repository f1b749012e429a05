"""The market and what an order would cost in it, without sending anything."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

import aiohttp

from policies import POLICIES
from policies.consolidated import mid
from policies.reach import reach_bps
from router.app.parts import Router, build_market, build_ports
from router.book.collar import reference_mid
from router.book.discounts import Purse, with_discounts
from router.config import Mode
from router.engine import sizing
from router.engine.arriving import smallest_slice
from router.engine.asking import split_request
from router.engine.quoting import priced
from router.journal import codec
from router.model.errors import BadInput, LeaseHeld, SorError
from router.model.ids import AccountId, Asset, InstrumentId, Nanos
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, cut, exactly
from router.model.orders import EstimateGiven, Fee, ParentOrder
from router.model.policies import SweepParams
from router.model.terms import RiskLimits
from router.model.trades import fees_by_asset
from router.ports import Progress, Target, VenuePort
from router.ports.policy import Quote
from router.requests.estimates import named
from router.requests.orders import order_written
from router.runtime.inbox import Inbox
from router.runtime.market import Market
from router.split.evaluate import levels_for
from router.split.plan import PlanLine
from router.tca.band import SAMPLE_MS, WATCH_MS, moves_per_second
from router.tca.estimate import Estimated
from router.tca.estimate import estimate as estimated

_BOOKS_S = 5.0
_LOOK_S = 0.02
_ASK_S = 5.0
_PLACES = 8


class NoMarket(SorError):
    """No venue shows a book: nobody's input is wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What an order would cost now; `fees` by asset."""

    given: EstimateGiven
    """Of the view, of what was asked and of what came of it: the same for the same, whoever asks."""
    order: ParentOrder
    view: MarketView
    found: Estimated
    due: sizing.Due
    """What was asked of the split, and what of it can be planned."""
    rests: tuple[Quote, ...]
    """What a policy that rests would let stand first; the plan is then the same order taken at once."""
    fees: dict[Asset, Decimal]


async def market_view(router: Router, instrument: InstrumentId, quantity: Decimal) -> MarketView:
    """The market now: the driver's, if one runs and shows it, else through connectors of our own.

    Two processes must not use one account's keys at once, so with a driver that shows nothing this is refused.
    Raises `BadInput` for an instrument that is not traded here, `NoMarket` where no venue shows a book of it.
    """
    view, _ = await watched(router, instrument, quantity, watch_ms=0)
    return view


async def watched(
    router: Router, instrument: InstrumentId, quantity: Decimal, *, watch_ms: int
) -> tuple[MarketView, Decimal | None]:
    """The market as `market_view` has it, after looking at it for a while, and how far its mid moved in a second.

    That is in bps; None where it was not looked at long enough.
    """
    if instrument not in {known.id for known in router.config.instruments}:
        known = ", ".join(known.id for known in router.config.instruments)
        raise BadInput("instrument", f"{instrument} is not one of {known}")
    if await router.store.holder() is not None:
        return await _watched(partial(_driver_s_view, router, instrument, quantity), router, watch_ms)
    async with _own_market(router, instrument) as market:

        async def look() -> MarketView:
            return market.view(instrument, quantity, router.clock.now())

        return await _watched(look, router, watch_ms)


async def _watched(
    look: Callable[[], Awaitable[MarketView]], router: Router, watch_ms: int
) -> tuple[MarketView, Decimal | None]:
    seen: list[tuple[Nanos, Decimal]] = []
    for _ in range(watch_ms // SAMPLE_MS):
        view = await look()
        mid = reference_mid(view)
        if mid is not None:
            seen.append((view.at_ns, mid))
        await asyncio.sleep(SAMPLE_MS / 1_000)
    view = await look()
    if not any(one.bids or one.asks for one in view.listings):
        raise _dark(router, view.instrument)
    return view, moves_per_second(seen)


def _dark(router: Router, instrument: InstrumentId, why: Sequence[str] = ()) -> NoMarket:
    """One sentence; in the lab the reason is nearly always the same."""
    hint = "; is `sor lab` running?" if router.config.mode is Mode.LAB else ""
    reasons = f" ({'; '.join(why)})" if why and not hint else ""
    return NoMarket(f"no venue shows a book of {instrument}{hint}{reasons}")


Pairs = Sequence[tuple[ListingView, ListingView, Decimal]]
"""Two books that can be chained, second leg first, and how much of the asset between them is there."""


async def estimate(router: Router, order: ParentOrder, *, watch_ms: int = WATCH_MS, bridges: bool = False) -> Estimate:
    """Plan the order on the market of this moment and compare it with what others would do. Sends nothing.

    With `bridges` also what routes through a third asset would save, which nothing sends.
    """
    seen, moves_bps = await watched(
        router,
        order.instrument,
        sizing.accepted(order, router.config.limits, None).quantity,
        watch_ms=watch_ms,
    )
    balances = await _balances(router)
    pairs = await _pairs(router, seen, order, balances) if bridges else ()
    limits = router.config.limits
    return estimate_on(seen, order, limits=limits, balances=balances, moves_bps=moves_bps, pairs=pairs)


async def _pairs(
    router: Router, seen: MarketView, order: ParentOrder, balances: Mapping[tuple[AccountId, Asset], Decimal] | None
) -> Pairs:
    """Every book of the base against an asset that is itself traded here, with every book of that asset.

    Funded by what the second leg's account holds of it; by as much as it takes where no balance is known.
    """
    reporting = {known.id: known.reporting for known in router.config.instruments}[order.instrument]
    pairs: list[tuple[ListingView, ListingView, Decimal]] = []
    for second in seen.listings:
        between = second.listing.quote
        through = next((known.id for known in router.config.instruments if known.base == between), None)
        shown = levels_for(second, order.side)
        if through is None or between == reporting or not shown:
            continue
        needed = order.quantity * shown[-1].price * 2
        funded = needed if balances is None else balances.get((second.listing.account, between), ZERO)
        first_legs = await market_view(router, through, needed)
        pairs += [(second, first, funded) for first in first_legs.listings if funded > 0]
    return pairs


def estimate_on(
    seen: MarketView,
    order: ParentOrder,
    *,
    limits: RiskLimits,
    balances: Mapping[tuple[AccountId, Asset], Decimal] | None,
    moves_bps: Decimal | None = None,
    pairs: Pairs = (),
) -> Estimate:
    """The estimate on this view; `balances` None binds nothing."""
    purses = {key: Purse(available=amount) for key, amount in _with_zeros(seen, balances or {}).items()}
    asked, order = order, sizing.accepted(order, limits, seen)
    size = sizing.sized(order, seen, order.size, order.quantity)
    view, _ = with_discounts(seen, order.side, size.quantity, purses)
    target = _first_target(order, view)
    request = split_request(order, view, size, target, limits, spendable=balances)
    found = estimated(request, reaches=_reaches(order), moves_bps=moves_bps, pairs=pairs)
    lines = found.plan.lines
    return Estimate(
        given=_given(view, asked, found),
        order=order,
        view=view,
        found=found,
        rests=tuple(one for one in (priced(order, view, target, quote) for quote in target.quotes or ()) if one),
        due=sizing.due_of(order, smallest_slice(view, order)[1], order.size, size, _sent(order, view, lines)),
        fees=fees_by_asset(Fee(asset=line.fee_asset, amount=line.expected_fee) for line in lines),
    )


def _sent(order: ParentOrder, view: MarketView, lines: Sequence[PlanLine]) -> list[tuple[Decimal, Decimal | None]]:
    """Each line's quantity, and what it counts."""
    books = {book.listing.id: book for book in view.listings}
    sent = []
    for line in lines:
        book = books[line.listing_id]
        rate = view.fx_rate(book.listing.quote)
        assert rate is not None
        with exactly():
            sent.append((line.quantity, sizing.counts(order, book, line.quantity, line.limit_price, rate)))
    return sent


def _first_target(order: ParentOrder, view: MarketView) -> Target:
    """What its policy would say to this market if the order came now: its bounds hold for the estimate, too."""
    smallest, lot = smallest_slice(view, order)
    progress = Progress(
        order=sizing.as_counted(order),
        accepted_ns=view.at_ns,
        filled=ZERO,
        working=ZERO,
        in_doubt=ZERO,
        rounds=0,
        last_round_ns=None,
        last_round_sent=False,
        lot=lot,
        slice_min=smallest or ZERO,
        arrival_mid=mid(view, order.may_use),
    )
    return POLICIES[order.policy].target(progress, view.at_ns, view)


def _reaches(order: ParentOrder) -> tuple[Decimal | None, ...]:
    """How far SWEEP's rounds go, one after the other; other policies go as far as it takes."""
    if not isinstance(order.params, SweepParams):
        return (None,)
    return tuple(reach_bps(order.params.reach_bps, rounds) for rounds in range(order.params.rounds_max))


def _given(view: MarketView, order: ParentOrder, found: Estimated) -> EstimateGiven:
    """What an order can be handed in with: named by what was asked, what was seen and what came of it."""
    given = EstimateGiven(
        id="",
        at_ns=view.at_ns,
        view=hashlib.sha256(codec.dumps(view)).hexdigest(),
        all_in_price=_cut(found.all_in_price),
        slippage_bps=_cut(found.slippage_bps),
    )
    return named(order_written(replace(order, estimate=None)), given)


def _cut(figure: Decimal | None) -> Decimal | None:
    return None if figure is None else Decimal(cut(figure, _PLACES))


def _with_zeros(
    view: MarketView, balances: Mapping[tuple[AccountId, Asset], Decimal]
) -> dict[tuple[AccountId, Asset], Decimal]:
    """With the tokens that an account which was read holds nothing of."""
    read = {account for account, _ in balances}
    listings = [one.listing for one in view.listings if one.listing.account in read]
    zeros = {(one.account, one.discount.token): Decimal(0) for one in listings if one.discount is not None}
    return {**zeros, **balances}


async def _balances(router: Router) -> dict[tuple[AccountId, Asset], Decimal] | None:
    """The balances last read; None, which binds nothing, before the first driver has read any."""
    await router.projector.catch_up()
    rows = await router.queries.balances()
    return {(AccountId(row.account), Asset(row.asset)): row.free for row in rows} or None


async def _driver_s_view(router: Router, instrument: InstrumentId, quantity: Decimal) -> MarketView:
    status = router.config.status
    url = f"http://{status.host}:{status.port}/view"
    try:
        timeout = aiohttp.ClientTimeout(total=_ASK_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, params={"instrument": instrument, "quantity": f"{quantity:f}"}) as answer,
        ):
            answer.raise_for_status()
            view = codec.loads(await answer.read())
    except (aiohttp.ClientError, TimeoutError):
        message = f"another process drives, and shows no market at {status.host}:{status.port}"
        raise LeaseHeld(message) from None
    assert isinstance(view, MarketView)
    return view


@asynccontextmanager
async def _own_market(router: Router, instrument: InstrumentId) -> AsyncIterator[Market]:
    """Books through connectors of our own, as soon as every listing has one, or after a moment without."""
    market = build_market(router.config, Inbox(), router.observe)
    ports = build_ports(router.config, router.clock, router.observe)
    try:
        answers = await asyncio.gather(*(_started(market, port) for port in ports.values()))
        lost = {port.account: why for port, why in zip(ports.values(), answers, strict=True) if why is not None}
        if len(lost) == len(ports):
            raise _dark(router, instrument, [f"{account}: {why}" for account, why in lost.items()])
        for account, why in lost.items():
            router.observe.venue_lost(account, why)
        give_up = asyncio.get_running_loop().time() + _BOOKS_S
        while _waiting(market, instrument, router) and asyncio.get_running_loop().time() < give_up:  # noqa: ASYNC110 - many streams, no one event
            await asyncio.sleep(_LOOK_S)
        yield market
    finally:
        await asyncio.gather(*(port.stop() for port in ports.values()), return_exceptions=True)


async def _started(market: Market, port: VenuePort) -> str | None:
    """None, or why the venue cannot be seen."""
    try:
        market.add(await port.start(market))
    except SorError as error:
        return str(error)
    return None


def _waiting(market: Market, instrument: InstrumentId, router: Router) -> bool:
    view = market.view(instrument, Decimal(0), router.clock.now())
    return not view.listings or any(book.unusable is not None for book in view.listings)
