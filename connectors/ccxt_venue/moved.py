"""One deposit, withdrawal or transfer as a `Movement`, and the reading of a list whose pages end by themselves."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal

from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.mapping import Row, text
from router.model.balances import Movement
from router.model.ids import Asset, Nanos

PAGES_MAX = 100


def movement(desk: Desk, key: str, asset_id: str, amount: Decimal, at_ns: Nanos) -> Movement:
    """`key` names it among all the account's; its first word is what the venue calls it."""
    return Movement(
        key=f"{desk.account} {key}",
        asset=Asset(desk.names.asset(asset_id)),
        amount=amount,
        at_ns=at_ns,
        kind=key.partition(" ")[0],
    )


async def paged(
    what: str,
    page_of: Callable[[Mapping[str, object]], Awaitable[list[Row]]],
    size: int,
    id_field: str,
    after: Callable[[list[Row]], Mapping[str, object]],
) -> list[Row]:
    """Every row once, by id. `after` says what the page behind this one is asked with; a short page is the last."""
    found: dict[str, Row] = {}
    further: Mapping[str, object] = {}
    for _ in range(PAGES_MAX):
        page = await page_of(further)
        fresh = {text(each, id_field): each for each in page}
        if page and not fresh.keys() - found.keys():
            raise AnswerUnusable(f"{what}: the venue's pages repeat themselves")
        found.update(fresh)
        if len(page) < size:
            return list(found.values())
        further = after(page)
    raise AnswerUnusable(f"more than {PAGES_MAX} pages of {what}")
