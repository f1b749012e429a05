"""`sor whatif split`: the router's own split of a case in a file: plan, exact cost, bound, reasons."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.cli.case import Case, case_of
from router.model.errors import BadInput
from router.model.ids import AccountId, Asset, InstrumentId, ListingId, Nanos, VenueId, account_id, listing_id
from router.model.instruments import FeeIn, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.money import ONE, ZERO, cut, plain, ratio
from router.model.side import Side
from router.requests.fields import ASSET, PAIR, SHARE, Amount, Body, Name, Signed, text_only
from router.split.cash import CashPrice, price_of_cash
from router.split.certificate import Certificate, Duals, Proof
from router.split.check import violations
from router.split.compare import Counterfactual, compare
from router.split.plan import Cap, Landing, Plan, Reserve, SplitOptions, SplitRequest
from router.split.proof import Effort, prove
from router.split.verify import faults

Report = dict[str, Any]
Chance = Annotated[str, BeforeValidator(text_only), Field(pattern=SHARE)]
Symbol = Annotated[str, Field(pattern=PAIR)]
Currency = Annotated[str, Field(pattern=ASSET)]
_ACCOUNT = "main"
_PLACES = 12
_LEVELS_MAX = 10_000


class LevelBody(Body):
    """One level: price in quote, size in base. Best first."""

    price: Amount
    size: Amount


class BookBody(Body):
    """One listing and what it shows on the side that is taken. `account`: books of one share its balances.

    `order_cost` in reporting currency counts against each order here. `survival`: how likely each level is to be there
    when an order arrives, best first, the last for all deeper ones; needs the case's `fallback_price`.
    """

    venue: Name
    account: Name = _ACCOUNT
    symbol: Symbol = "BTC/USD"
    fee_bps: Signed = "0"
    fee_in: Literal["QUOTE", "BASE", "RECEIVED"] = "QUOTE"
    tick: Amount = "0.01"
    step: Amount = "0.00000001"
    min_quantity: Amount = "0"
    min_notional: Amount = "0"
    max_quantity: Amount | None = None
    order_cost: Amount | None = None
    levels: list[LevelBody] = Field(max_length=_LEVELS_MAX)
    survival: list[Chance] | None = Field(default=None, min_length=1, max_length=_LEVELS_MAX)


class BalanceBody(Body):
    """What may be spent: a buy's quote, a sell's base."""

    venue: Name
    account: Name = _ACCOUNT
    asset: Currency
    free: Amount


class CapBody(Body):
    """No more than so much at these venues together: `quantity` in base, `notional` in reporting currency."""

    name: Name
    venues: list[Name] = Field(min_length=1, max_length=30)
    quantity: Amount | None = None
    notional: Amount | None = None


class ParametersBody(Body):
    """The splitter's knobs; what is left out has the router's own default."""

    short_bps: Amount = "50"
    residual_price: Amount | None = None
    reserve: Literal["WORST", "WALK"] = "WORST"
    child_notional_max: Amount | None = None
    children_max: int | None = Field(default=None, ge=1, le=1_000)
    order_cost: Amount = "0"
    orders_each_max: int = Field(default=1, ge=1, le=100)
    tolerance_bps: Amount = "0.01"
    nodes_max: int | None = Field(default=None, ge=0, le=100_000)


class SplitCase(Case):
    """What to divide, and over what. `fx`: value of quote currencies in the reporting one, 1 where not named.

    `balances` absent: they do not matter; given: what is not named is nothing.
    """

    side: Literal["BUY", "SELL"]
    quantity: Amount
    reporting: Currency = "USD"
    limit_price: Amount | None = None
    all_in_limit_price: Amount | None = None
    fx: dict[Currency, Amount] = Field(default_factory=dict)
    books: list[BookBody] = Field(min_length=1, max_length=100)
    balances: list[BalanceBody] | None = Field(default=None, max_length=1_000)
    caps: list[CapBody] = Field(default_factory=list, max_length=100)
    fallback_price: Amount | None = None
    parameters: ParametersBody = Field(default_factory=ParametersBody)


def split_report(data: object) -> Report:
    """The split of a case, proven and checked. Raises `BadInput` for a case that is not one."""
    case = case_of(SplitCase, data)
    request = request_of(case)
    effort = Effort(tolerance_bps=Decimal(case.parameters.tolerance_bps), nodes_max=case.parameters.nodes_max)
    proof = prove(request, effort)
    plan, certificate = proof.plan, proof.certificate
    cash = price_of_cash(request)
    return plan_report(plan, request) | {
        "certificate": None if certificate is None else certificate_report(certificate),
        "better": None if proof.better is None else _better(proof),
        "faults": [
            *violations(request, plan),
            *(() if certificate is None else faults(request, plan, certificate)),
        ],
        "against": against_report(request, plan),
        "cash": None if cash is None else cash_report(cash),
    }


def cash_report(cash: CashPrice) -> Report:
    """What it costs that the cash lies where it lies, and what one more unit of a balance would save."""
    return {
        "lost": plain(cash.lost),
        "lost_bps": cut(cash.lost_bps, _PLACES),
        "shadow_prices": [
            {"account": one.account, "asset": one.asset, "worth": cut(one.worth, _PLACES)} for one in cash.shadows
        ],
    }


def request_of(case: SplitCase) -> SplitRequest:
    """The request a case describes. Raises `BadInput`."""
    if Decimal(case.quantity) == 0:
        raise BadInput("quantity", "must be more than zero")
    side = Side(case.side)
    listings = [_listing_view(case, number, one, side) for number, one in enumerate(case.books)]
    ids = [one.listing.id for one in listings]
    twice = next((number for number, one in enumerate(ids) if one in ids[:number]), None)
    if twice is not None:
        raise BadInput(f"books.{twice}", f"{ids[twice]} is given twice")
    bases = {one.listing.base for one in listings}
    if len(bases) > 1:
        raise BadInput("books", f"are of different assets: {', '.join(sorted(bases))}")
    [base] = bases
    quotes = sorted({one.listing.quote for one in listings} | {Asset(case.reporting)})
    return SplitRequest(
        view=MarketView(
            instrument=InstrumentId(f"{base}/{case.reporting}"),
            at_ns=Nanos(0),
            listings=tuple(listings),
            fx=tuple(FxMark(asset=quote, rate=_rate(case, quote), age_ns=0, source="the case") for quote in quotes),
        ),
        side=side,
        quantity=Decimal(case.quantity),
        limit_price=_number(case.limit_price),
        all_in_limit_price=_number(case.all_in_limit_price),
        spendable=None if case.balances is None else _balances(case.balances),
        caps=tuple(_cap(number, one, listings) for number, one in enumerate(case.caps)),
        landing=_landing(case, ids),
        options=_options(case, ids),
    )


def _listing_view(case: SplitCase, number: int, one: BookBody, side: Side) -> ListingView:
    where = f"books.{number}"
    for field, text in (("tick", one.tick), ("step", one.step)):
        if Decimal(text) == 0:
            raise BadInput(f"{where}.{field}", "must be more than zero")
    levels = tuple(Level(Decimal(level.price), Decimal(level.size)) for level in one.levels)
    for index, level in enumerate(levels):
        if level.price == 0 or level.size == 0:
            raise BadInput(f"{where}.levels.{index}", "price and size must be more than zero")
        if index and (level.price - levels[index - 1].price) * side.sign <= 0:
            raise BadInput(f"{where}.levels.{index}.price", "levels go from the best price to the worst")
    base, _, quote = one.symbol.partition("/")
    account = account_id(VenueId(one.venue), one.account)
    return ListingView(
        listing=Listing(
            id=listing_id(account, one.symbol),
            instrument=InstrumentId(f"{base}/{case.reporting}"),
            venue=VenueId(one.venue),
            account=account,
            symbol=one.symbol,
            base=Asset(base),
            quote=Asset(quote),
            tick=Decimal(one.tick),
            step=Decimal(one.step),
            min_quantity=Decimal(one.min_quantity),
            min_notional=Decimal(one.min_notional),
            max_quantity=_number(one.max_quantity),
            taker_fee_bps=Decimal(one.fee_bps),
            fee_in=FeeIn(one.fee_in),
        ),
        bids=() if side is Side.BUY else levels,
        asks=levels if side is Side.BUY else (),
        book_age_ns=0,
        book_seq=1,
    )


def _rate(case: SplitCase, quote: Asset) -> Decimal:
    text = case.fx.get(quote)
    if text is None:
        return ONE
    if Decimal(text) == 0:
        raise BadInput(f"fx.{quote}", "must be more than zero")
    return Decimal(text)


def _balances(given: list[BalanceBody]) -> dict[tuple[AccountId, Asset], Decimal]:
    return {(account_id(VenueId(one.venue), one.account), Asset(one.asset)): Decimal(one.free) for one in given}


def _cap(number: int, one: CapBody, listings: list[ListingView]) -> Cap:
    if one.quantity is None and one.notional is None:
        raise BadInput(f"caps.{number}", "needs a quantity or a notional")
    meant = frozenset(each.listing.id for each in listings if each.listing.venue in one.venues)
    if not meant:
        raise BadInput(f"caps.{number}.venues", "names no venue of the books")
    return Cap(name=one.name, listings=meant, quantity=_number(one.quantity), notional=_number(one.notional))


def _landing(case: SplitCase, ids: list[ListingId]) -> Landing | None:
    survival = {}
    for number, (one, listing) in enumerate(zip(case.books, ids, strict=True)):
        if one.survival is None:
            continue
        chances = tuple(Decimal(chance) for chance in one.survival)
        if any(later > earlier for earlier, later in pairwise(chances)):
            raise BadInput(f"books.{number}.survival", "must not rise: a deeper level is no likelier to be there")
        survival[listing] = chances
    if not survival:
        return None
    if case.fallback_price is None:
        raise BadInput("fallback_price", "is needed where survival is given: what a missed unit costs in the end")
    return Landing(survival=survival, fallback_price=Decimal(case.fallback_price))


def _options(case: SplitCase, ids: list[ListingId]) -> SplitOptions:
    given = case.parameters
    return SplitOptions(
        short_bps=Decimal(given.short_bps),
        residual_price=_number(given.residual_price),
        reserve=Reserve(given.reserve),
        child_notional_max=_number(given.child_notional_max),
        children_max=given.children_max,
        order_cost=Decimal(given.order_cost),
        order_costs={
            listing: Decimal(one.order_cost)
            for one, listing in zip(case.books, ids, strict=True)
            if one.order_cost is not None
        },
        orders_each_max=given.orders_each_max,
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _shown(value: Decimal | None) -> str | None:
    return None if value is None else cut(value, _PLACES)


def plan_report(plan: Plan, request: SplitRequest) -> Report:
    """The lines, what they cost, what is left and why."""
    planned = sum((line.quantity for line in plan.lines), ZERO)
    return {
        "side": request.side.value,
        "quantity": plain(request.quantity),
        "lines": [
            {
                "listing": line.listing_id,
                "quantity": plain(line.quantity),
                "limit_price": plain(line.limit_price),
                "expected_price": _shown(line.expected_price),
                "all_in_price": _shown(line.effective_price),
                "fee": _shown(line.expected_fee),
                "fee_asset": line.fee_asset,
            }
            for line in plan.lines
        ],
        "all_in_cost": None if plan.all_in_cost is None else plain(plan.all_in_cost),
        "all_in_price": None if plan.all_in_cost is None else _shown(ratio(plan.all_in_cost, planned)),
        "marginal_price": _shown(plan.marginal_price),
        "residual": plain(plan.residual),
        "residual_reason": plan.residual_reason,
        "residual_price": _shown(plan.residual_price),
        "reasons": {str(one.listing_id): one.reason for one in plan.exclusions},
    }


def certificate_report(found: Certificate) -> Report:
    """Costs are signed, less is better: a sell's proceeds are negative."""
    return {
        "status": found.status.value,
        "upper": plain(found.upper),
        "lower": plain(found.lower),
        "lower_hull": plain(found.lower_hull),
        "lower_lp": plain(found.lower_lp),
        "gap_bps": cut(found.gap_bps, _PLACES),
        "nodes": found.nodes,
        "duals": _duals(found.root),
    }


def _duals(duals: Duals) -> Report:
    return {
        "marginal_price": plain(duals.marginal_price),
        "order_price": plain(duals.order_price),
        "shares": {name: plain(worth) for name, worth in duals.shares},
    }


def _better(proof: Proof) -> Report:
    assert proof.better is not None
    assert proof.better_bps is not None
    return {
        "all_in_cost": None if proof.better.all_in_cost is None else plain(proof.better.all_in_cost),
        "saving_bps": cut(proof.better_bps, _PLACES),
    }


def against_report(request: SplitRequest, plan: Plan) -> Report:
    """What others would do of the same: their cost and residual, and what our plan saves on them."""
    found = compare(request, plan)
    others: dict[str, Counterfactual | None] = {
        "best_single": found.best_single,
        "proportional": found.proportional,
        "sequential": found.sequential,
        "fee_blind": found.fee_blind,
    }
    return {
        name: None
        if one is None
        else {
            "venue": one.venue,
            "all_in_cost": None if one.plan.all_in_cost is None else plain(one.plan.all_in_cost),
            "residual": plain(one.plan.residual),
            "saving": plain(one.saving),
        }
        for name, one in others.items()
    }


def split_table(report: Report) -> RenderableType:
    """Lines, bound, what others would do, and why the rest got nothing."""
    lines = Table("listing", "quantity", "limit", "all-in price", title=f"{report['side']} {report['quantity']}")
    for one in report["lines"]:
        lines.add_row(one["listing"], one["quantity"], one["limit_price"], one["all_in_price"])
    ways = Table("way", "all-in cost", "left over", "saving")
    ways.add_row("this split", report["all_in_cost"], report["residual"], "")
    for name, other in report["against"].items():
        if other is not None:
            ways.add_row(name, other["all_in_cost"], other["residual"], other["saving"])
    found = report["certificate"]
    bound = "" if found is None else f"{found['status']}: within {found['gap_bps']} bps of the best there is"
    said = [f"{listing}: {why}" for listing, why in report["reasons"].items()]
    said += [f"wrong: {fault}" for fault in report["faults"]]
    return Group(lines, ways, Text(bound), *map(Text, said))
