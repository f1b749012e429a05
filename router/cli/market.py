"""The market as a command sees it: now, or as a decision saw it, from the journal."""

from decimal import Decimal
from typing import TYPE_CHECKING

from router.model.errors import BadInput
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
    """All books of an instrument now. Raises `BadInput` when it is not configured, or no venue shows a book."""
    from router.app.estimate import market_view as seen  # noqa: PLC0415 - brings ccxt with it

    view = await seen(router, InstrumentId(instrument), _DEEP)
    refuse_darkness(view, router)
    return view


def refuse_darkness(view: MarketView, router: "Router") -> None:
    """Without a single book there is nothing to show; in the lab the reason is nearly always the same."""
    if any(one.bids or one.asks for one in view.listings):
        return
    hint = "; is `sor lab` running?" if any(venue.in_lab for venue in router.config.venues) else ""
    raise BadInput("venues", f"none of them shows a book of {view.instrument}{hint}")


def against(one: Explanation, side: Side, limit_price: Decimal | None) -> Comparison | None:
    """What others would have done, on the view a decision was made on; balances aside."""
    if one.view is None or one.planned.due <= 0:
        return None
    request = SplitRequest(view=one.view, side=side, quantity=one.planned.due, limit_price=limit_price)
    return compare(request, split(request))
