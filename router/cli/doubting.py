"""What is not known, and how people end it: `sor doubts`, `sor resolve`."""

from typing import Annotated, Literal

import typer

from policies import POLICIES
from router.app.exits import ExitCode
from router.cli import tables
from router.cli.asking import Asked, ask, said_of
from router.cli.common import AsJson, ConfigFile, person, run, settings
from router.cli.out import Out
from router.cli.reading import Reading, order_of_ref, reading, store_if_there
from router.cli.report import Report, moment, number, price
from router.engine import State
from router.model.errors import BadInput
from router.model.ids import Nanos
from router.orders.doubts import Doubt, doubt_of
from router.requests import resolve_request
from router.requests.bodies import ResolveBody, parse
from router.runtime.clock import SystemClock
from router.runtime.recovery import recover
from router.store import JournalStore
from router.store.projection import NOT_RESOLVED, PROPOSED, RESOLUTIONS
from router.store.queries import ParentDetail
from router.store.tables import AlertTable, ChildTable

_NS = 1_000_000_000

Trades = Annotated[
    list[str] | None,
    typer.Option("--trade", metavar="ID:QUANTITY:PRICE[:FEE_ASSET:FEE]", help="One per trade, by the venue's own id."),
]


def doubts(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List every child whose outcome is unknown: since when, what it may come to, what is asked, when it will end.

    Exit code 4 while there is one.
    """

    async def work() -> ExitCode:
        found, out = settings(config), Out(as_json=as_json)
        async with store_if_there(found) as store:
            lines = [] if store is None else _doubts(await state_of(store))
        now_ns = SystemClock().now()
        out.show([_line(ref, one, now_ns) for ref, one in lines], tables.doubts)
        return ExitCode.IN_DOUBT if lines else ExitCode.OK

    run(work(), as_json=as_json)


def resolve(
    child: Annotated[str, typer.Argument(metavar="CHILD", help="Its id, or REF/NUMBER as `sor show REF` counts.")],
    verdict: Annotated[Literal["filled", "never-placed"], typer.Option("--as", help="What became of it.")],
    evidence: Annotated[str, typer.Option(help="What says so; it is journaled.")],
    trade: Trades = None,
    order_id: Annotated[str | None, typer.Option("--order-id", help="The venue's own id of the order.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """End a quarantine by a person's word. Outside mode lab a second person has to say the same within ten minutes.

    `filled`: it is over, and the trades named are all that is not booked yet. Waits a moment for a driver to take it.
    Exit codes: 0 taken, proposed, or recorded while no driver runs; 2 refused; 4 not taken in time.
    """

    async def work() -> ExitCode:
        found = settings(config)
        async with reading(found) as seen:
            row = await _child(seen, child)
        body = parse(
            ResolveBody,
            {"child": row.client_id, "verdict": verdict, "evidence": evidence, "trades": list(map(_told, trade or ()))}
            | ({} if order_id is None else {"venue_order_id": order_id}),
        )
        asked_ns = SystemClock().now()
        request = resolve_request(body, as_of_seq=row.seq, entity=found.entity, principal=person(), asked_ns=asked_ns)
        asked = await ask(found, request, wait=True)
        word = await said_of(found, asked, RESOLUTIONS)
        if word is not None and word.kind == NOT_RESOLVED:
            raise BadInput("child", word.detail)
        sentence = _sentence(asked, word)
        shown = {"child": row.client_id, "state": asked.request.state.value, "driver": asked.driven}
        Out(as_json=as_json).show(shown | {"sentence": sentence}, tables.sentence)
        return asked.exit_code

    run(work(), as_json=as_json)


async def state_of(store: JournalStore) -> State:
    """All that is known, as the journal tells it. Reads only."""
    return (await recover(store, POLICIES, lambda _: None)).engine.state


def _doubts(state: State) -> list[tuple[str, Doubt]]:
    two_people = state.started is not None and state.started.two_people
    return [
        (
            state.parent(child.order.parent_id).order.ref_id,
            doubt_of(child, state.terms(child.order.account), two_people=two_people, started_ns=state.started_ns),
        )
        for child in state.blotter.living()
        if child.state.in_doubt
    ]


def _line(ref: str, one: Doubt, now_ns: Nanos) -> Report:
    order = one.child.order
    return {
        "child": order.client_id,
        "ref_id": ref,
        "number": order.number,
        "account": order.account,
        "symbol": order.symbol,
        "side": order.side.value,
        "state": one.child.state.value,
        "since": moment(one.since_ns),
        "for_s": None if one.since_ns is None else max(now_ns - one.since_ns, 0) // _NS,
        "exposure": number(one.exposure),
        "base": order.base,
        "notional": price(one.notional),
        "asked": one.asked,
        "decided_by": moment(one.decided_by_ns),
        "why": one.why,
    }


async def _child(seen: Reading, child: str) -> ChildTable:
    ref, slash, number_ = child.rpartition("/")
    if not slash:
        found = await seen.queries.child(child)
    else:
        order = await order_of_ref(seen, ref)
        rows = order.children if isinstance(order, ParentDetail) else ()
        found = next((one for one in rows if str(one.number) == number_), None)
    if found is None:
        raise BadInput("child", f"{child} is not known here; `sor doubts` lists what can be resolved")
    return found


def _told(text: str) -> dict[str, str]:
    """`ID:QUANTITY:PRICE[:FEE_ASSET:FEE]`; the id may hold colons itself only where a fee is given."""
    parts = text.split(":")
    names = ("trade_id", "quantity", "price", "fee_asset", "fee")
    if len(parts) not in (3, 5):
        raise BadInput("trade", f"{text} is not ID:QUANTITY:PRICE, nor that with :FEE_ASSET:FEE")
    return dict(zip(names, parts, strict=False))


def _sentence(asked: Asked, word: AlertTable | None) -> str:
    if not asked.taken:
        return "recorded: a driver takes it " + ("soon" if asked.driven else "as soon as one runs")
    if word is None:
        return "taken"
    return f"{'proposed' if word.kind == PROPOSED else 'resolved'}: {word.detail}"
