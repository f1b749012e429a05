"""The market as a command sees it: now, or as a decision saw it, from the journal."""

from decimal import Decimal
from typing import TYPE_CHECKING

from router.book.discounts import as_reckoned
from router.model.ids import InstrumentId
from router.model.market import MarketView
from router.model.side import Side
from router.split.compare import Comparison, compare
from router.split.plan import SplitRequest
from router.split.split import split
from router.store.queries import Explanation

if TYPE_CHECKING:
    from router.app.parts import Router

_DEEP = Decimal(1_000)
"""Base: enough that a ladder is never cut short."""


async def market_view(router: "Router", instrument: str) -> MarketView:
    """All books of an instrument now. Raises `BadInput` when it is not configured, `NoMarket` without any book."""
    from router.app.estimate import market_view as seen  # noqa: PLC0415 - brings ccxt with it

    return await seen(router, InstrumentId(instrument), _DEEP)


def against(one: Explanation, side: Side, limit_price: Decimal | None) -> Comparison | None:
    """What others would have done, on the view a decision was made on; balances aside."""
    if one.view is None or one.planned.due <= 0:
        return None
    view = as_reckoned(one.view, one.planned.fee_bases)
    request = SplitRequest(view=view, side=side, quantity=one.planned.due, limit_price=limit_price)
    return compare(request, split(request))
