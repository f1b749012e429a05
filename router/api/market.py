"""The market and the accounts: estimates, ladders, venues, holdings."""

from router.api.call import Answer, Call
from router.api.desk import Desk, NoMarketHere
from router.api.models import BookQuery
from router.api.problems import Code, Refused
from router.model.ids import InstrumentId
from router.requests import OrderBody, parent_order


async def estimate(desk: Desk, call: Call) -> Answer:
    """What an order should come to now, by the body of an order. Sends nothing and keeps nothing."""
    body = call.given(OrderBody)
    order = parent_order(
        await desk.in_full(body), desk.store.deployment, desk.entity, call.principal.name, desk.offered
    )
    try:
        return Answer(data=await desk.reports.estimate(order))
    except NoMarketHere as error:
        raise Refused(Code.NO_MARKET, str(error)) from None


async def book(desk: Desk, call: Call) -> Answer:
    """The consolidated ladder now, all in, with the age of every book."""
    asked = call.asked(BookQuery)
    if InstrumentId(asked.instrument) not in desk.offered.instruments:
        raise Refused(Code.NOT_FOUND, f"{asked.instrument} is not traded here")
    try:
        return Answer(data=await desk.reports.book(InstrumentId(asked.instrument), asked.depth))
    except NoMarketHere as error:
        raise Refused(Code.NO_MARKET, str(error)) from None


async def venues(desk: Desk, _: Call) -> Answer:
    """The configured accounts: tier, fence, gate, books, holdings."""
    return Answer(data={"items": await desk.reports.venues(), "next_page_cursor": None})


async def balances(desk: Desk, _: Call) -> Answer:
    """What the accounts hold: free, reserved, in doubt, unexplained, and how old that is."""
    return Answer(data={"items": await desk.reports.balances(), "next_page_cursor": None})
