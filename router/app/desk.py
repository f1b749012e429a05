"""The HTTP API's desk: reports in the words of the command line, over the parts this process has."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial

from router.api import Desk, HttpServer
from router.api.desk import Json, NoMarketHere
from router.api.server import Listening
from router.app.access import Access, access_of
from router.app.curves import in_full
from router.app.estimate import NoMarket, estimate_on, market_view
from router.app.parts import Router
from router.cli import balances, report
from router.cli.market import against
from router.cli.people import change_report
from router.cli.shown import driver_shown
from router.config import Mode
from router.config.load import is_loopback
from router.config.settings import HttpSettings
from router.identity import MadeKey
from router.identity.changes import Change
from router.model.errors import BadInput, LeaseHeld
from router.model.ids import AccountId, Asset, InstrumentId
from router.model.market import MarketView
from router.model.orders import ParentOrder
from router.model.requests import Request
from router.model.side import Side
from router.store.queries import Explanation, ParentDetail
from router.store.tables import ParentTable

LADDER = 8
_MS = 1_000
_DEEP = Decimal(1_000)
View = Callable[[InstrumentId, Decimal], MarketView | None]


class Reports:
    """As `router.api.desk.Reports` asks. `view`: the market of a driver in this process; None where none is."""

    def __init__(self, router: Router, view: View) -> None:
        self._router = router
        self._view = view
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sor-estimate")

    def line(self, parent: ParentTable) -> Json:
        """One line of the blotter."""
        return report.parent_line(parent)

    def waiting(self, request: Request) -> Json:
        """The same of an order that no driver has taken."""
        return report.request_line(request)

    def parent(self, detail: ParentDetail, rounds: Sequence[Explanation]) -> Json:
        """An order and all that came of it."""
        return report.parent_report(detail, rounds)

    def explanation(self, one: Explanation, detail: ParentDetail) -> Json:
        """One planning round, beside what others would have done."""
        parent = detail.parent
        side = Side(parent.side)
        others = against(one, side, parent.limit_price)
        told = report.explanation_report(one, others, side, parent.instrument, LADDER)
        return report.with_fills(told, detail.fills)

    def change(self, change: Change) -> Json:
        """A proposal."""
        return change_report(change)

    async def venues(self) -> list[Json]:
        """Every configured account."""
        router = self._router
        gates, held = await router.queries.venue_accounts(), await router.queries.balances()
        return report.venues_report(router.config, gates, held, await driver_shown(router.config))

    async def balances(self) -> list[Json]:
        """What the accounts hold."""
        queries = self._router.queries
        return balances.report(await queries.balances(), await queries.reserving(), await queries.differences())

    async def book(self, instrument: InstrumentId, depth: int) -> Json:
        """The ladder now."""
        return report.book_report(await self._market(instrument, _DEEP), depth)

    async def estimate(self, order: ParentOrder) -> Json:
        """What an order should come to: on another thread, because a driver may share this one."""
        view = await self._market(order.instrument, order.quantity or _DEEP)
        held = {(AccountId(one.account), Asset(one.asset)): one.free for one in await self._router.queries.balances()}
        made = partial(estimate_on, view, order, limits=self._router.config.limits, balances=held or None)
        found = await asyncio.get_running_loop().run_in_executor(self._worker, made)
        return report.estimate_report(found)

    async def _market(self, instrument: InstrumentId, quantity: Decimal) -> MarketView:
        """Of the driver here, else of whoever drives elsewhere. No connector is opened because of a question."""
        view = self._view(instrument, quantity)
        if view is None and await self._router.store.holder() is None:
            raise NoMarketHere("nobody drives, so nobody sees the market: sor serve")
        try:
            view = view or await market_view(self._router, instrument, quantity)
        except (NoMarket, LeaseHeld, BadInput) as error:
            raise NoMarketHere(str(error)) from None
        if not any(one.bids or one.asks for one in view.listings):
            raise NoMarketHere(f"no venue shows a book of {instrument}")
        return view


def listening(http: HttpSettings) -> Listening:
    """Where it listens. Raises `BadInput` for a certificate that cannot be read."""
    assert http.host is not None
    tls = None
    if http.tls_cert is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            tls.load_cert_chain(http.tls_cert, http.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise BadInput("http.tls_cert", f"cannot be read with its key ({type(error).__name__})") from None
    return Listening(
        host=http.host,
        port=http.port,
        tls=tls,
        hosts=http.hosts,
        rate_per_s=http.rate_per_s,
        body_s=http.body_ms / _MS,
        heartbeat_s=http.heartbeat_ms / _MS,
        loopback=is_loopback(http.host),
    )


@asynccontextmanager
async def answering(
    router: Router,
    http: HttpSettings,
    *,
    view: View = lambda _instrument, _quantity: None,
    not_ready: Callable[[], Awaitable[str | None]] | None = None,
    first_key: Callable[[MadeKey], None] = lambda _: None,
) -> AsyncIterator[str]:
    """The HTTP API meanwhile; gives its URL. `first_key` shows the one-time key where nobody can come in yet."""
    config, where = router.config, listening(http)
    access = await access_of(config, router.store)
    demo = config.mode is Mode.LAB and where.loopback
    if not demo:
        made = await access.directory.first_key(frozenset({config.entity}))
        if made is not None:
            first_key(made)
    server = HttpServer(_desk(router, access, view, not_ready, demo=demo), where, router.observe)
    try:
        router.observe.api_serving(url := await _started(server, http))
        yield url
    finally:
        await server.stop()


async def _started(server: HttpServer, http: HttpSettings) -> str:
    try:
        return await server.start()
    except OSError as error:
        raise BadInput("http.listen", f"{http.host}:{http.port} cannot be listened on: {error.strerror}") from None


def _desk(
    router: Router, access: Access, view: View, not_ready: Callable[[], Awaitable[str | None]] | None, *, demo: bool
) -> Desk:
    return Desk(
        entity=router.config.entity,
        deployment=router.config.deployment,
        mode=router.config.mode.value,
        store=router.store,
        queries=router.queries,
        projector=router.projector,
        offered=router.offered,
        directory=access.directory,
        changes=access.changes,
        two_people=access.two_people,
        demo=demo,
        now=router.clock.now,
        in_full=partial(in_full, router.store),
        reports=Reports(router, view),
        not_ready=not_ready or partial(_driven, router),
        metrics=router.observe.exposition,
    )


async def _driven(router: Router) -> str | None:
    """A replica is ready when somebody takes what it puts on the table."""
    return None if await router.store.holder() is not None else "nobody drives"
