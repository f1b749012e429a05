"""The market and what an order would cost in it, without sending anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import aiohttp

from router.app.parts import Router, build_market, build_ports
from router.book.consolidated import top
from router.journal import codec
from router.model.errors import BadInput, LeaseHeld, SorError
from router.model.ids import AccountId, Asset, InstrumentId
from router.model.market import MarketView
from router.model.money import bps_of, exactly, ratio
from router.model.orders import ParentOrder
from router.ports import VenuePort
from router.risk import collar_price
from router.runtime.inbox import Inbox
from router.runtime.market import Market
from router.split.compare import Comparison, compare
from router.split.plan import PlanLine, SplitOptions, SplitRequest
from router.split.split import split

_BOOKS_S = 5.0
_LOOK_S = 0.02
_ASK_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What an order would cost now. Prices in reporting currency per unit of base, `slippage_bps` all-in from `mid`.

    Positive slippage hurts. `average` is None when nothing could be done.
    """

    order: ParentOrder
    view: MarketView
    comparison: Comparison
    mid: Decimal | None
    average: Decimal | None
    slippage_bps: Decimal | None
    fees: dict[Asset, Decimal]


async def market_view(router: Router, instrument: InstrumentId, quantity: Decimal) -> MarketView:
    """The market now: the driver's, if one runs and shows it, else through connectors of our own.

    Two processes must not use one account's keys at once, so with a driver that shows nothing this is refused.
    """
    if instrument not in {known.id for known in router.config.instruments}:
        known = ", ".join(known.id for known in router.config.instruments)
        raise BadInput("instrument", f"{instrument} is not one of {known}")
    if await router.store.holder() is not None:
        return await _driver_s_view(router, instrument, quantity)
    async with _own_market(router, instrument) as market:
        return market.view(instrument, quantity, router.clock.now())


async def estimate(router: Router, order: ParentOrder) -> Estimate:
    """Plan the order on the market of this moment and compare it with what others would do."""
    view = await market_view(router, order.instrument, order.quantity)
    mid = top(view).mid
    limits = router.config.limits
    request = SplitRequest(
        view=view,
        side=order.side,
        quantity=order.quantity,
        limit_price=order.limit_price,
        spendable=await _balances(router),
        venues_include=order.venues_include,
        venues_exclude=order.venues_exclude,
        collar_price=None if mid is None else collar_price(order.side, mid, limits.collar_bps),
        options=SplitOptions(child_notional_max=limits.child_notional_max),
    )
    plan = split(request)
    average = None if plan.all_in_cost is None else ratio(plan.all_in_cost, order.quantity - plan.residual)
    return Estimate(
        order=order,
        view=view,
        comparison=compare(request, plan),
        mid=mid,
        average=average,
        slippage_bps=None if average is None or mid is None else _slippage_bps(order, average, mid),
        fees=_fees(plan.lines),
    )


def _slippage_bps(order: ParentOrder, average: Decimal, mid: Decimal) -> Decimal:
    return order.side.sign * bps_of(average - mid, mid)


def _fees(lines: tuple[PlanLine, ...]) -> dict[Asset, Decimal]:
    fees: dict[Asset, Decimal] = {}
    for line in lines:
        with exactly():
            fees[line.fee_asset] = fees.get(line.fee_asset, Decimal(0)) + line.expected_fee
    return fees


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
    ports = build_ports(router.config, router.clock)
    try:
        await asyncio.gather(*(_started(router, market, port) for port in ports.values()))
        give_up = asyncio.get_running_loop().time() + _BOOKS_S
        while _waiting(market, instrument, router) and asyncio.get_running_loop().time() < give_up:  # noqa: ASYNC110 - many streams, no one event
            await asyncio.sleep(_LOOK_S)
        yield market
    finally:
        await asyncio.gather(*(port.stop() for port in ports.values()), return_exceptions=True)


async def _started(router: Router, market: Market, port: VenuePort) -> None:
    try:
        market.add(await port.start(market))
    except SorError as error:
        router.observe.venue_lost(port.account, str(error))


def _waiting(market: Market, instrument: InstrumentId, router: Router) -> bool:
    view = market.view(instrument, Decimal(0), router.clock.now())
    return not view.listings or any(book.unusable is not None for book in view.listings)
