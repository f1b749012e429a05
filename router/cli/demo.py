"""`sor demo`: one order over three exchanges, with an answer lost and the router killed on the way.

What it prints is asked of the venues and of the database, never of the process that is being shown.
"""

import asyncio
import json
from contextlib import AsyncExitStack

from rich.console import Console
from rich.text import Text

from connectors.lab.faults import Call, FaultKind
from router.app.estimate import estimate
from router.app.exits import ExitCode
from router.app.parts import Router, opened
from router.cli import report, tables, verdict
from router.cli.market import against
from router.cli.rehearsal import Rehearsal, kill
from router.cli.report import Report
from router.model.errors import SorError
from router.model.ids import RefId
from router.model.orders import ChildState, ParentState
from router.model.side import Side
from router.observe import Observe, silent
from router.requests import OrderBody, parent_order
from router.requests.bodies import parse
from router.store.audit import audit
from router.store.queries import ParentDetail

REF = RefId("demo-1")
_LOOK_S = 0.01
_PATIENCE_S = 120
_ROUNDS_MOST = 100
"""A copy that a busy machine sends past its deadline costs a round."""
_LADDER_DEPTH = 4


async def play(stage: Rehearsal, quantity: str, out: Console, *, with_kill: bool) -> tuple[Report, ExitCode]:
    """Tell the story on `out`. The report and the exit code are how it ended."""
    async with AsyncExitStack() as stack:
        watcher = await stack.enter_async_context(opened(stage.config, Observe(silent())))
        return await _Demo(stage, watcher, quantity, out).play(with_kill=with_kill)


class _Demo:
    def __init__(self, stage: Rehearsal, watcher: Router, quantity: str, out: Console) -> None:
        self._stage = stage
        self._watcher = watcher
        self._out = out
        self._order = {
            "ref_id": REF,
            "instrument": "BTC/USD",
            "side": "BUY",
            "base_quantity": quantity,
            "params": {"rounds_max": _ROUNDS_MOST},
        }
        self._body = parse(OrderBody, self._order)

    async def play(self, *, with_kill: bool) -> tuple[Report, ExitCode]:
        await self._show_market()
        self._headline("The order is sent. The answer to the first child that arrives will be lost on purpose")
        await self._stage.control.inject("*", FaultKind.RESET_AFTER, call=Call.PLACE, times=1)
        router = await self._execute()
        try:
            doubted = await self._until_doubt(router)
            killed = doubted is not None and with_kill
            if doubted is None:
                self._headline("The order ended before a child of it was in doubt: there was nothing to recover from")
            elif killed:
                await kill(router)
                await self._tell_of_kill(doubted)
                router = await self._execute()
            else:
                self._show_children(doubted)
            printed, _ = await router.communicate()
        finally:
            await kill(router)
        told, code = await self._end(printed, router.returncode or 0)
        return told | {"doubted": doubted is not None, "killed": killed}, code

    async def _show_market(self) -> None:
        self._headline("Three exchanges on this machine, reached through unmodified ccxt")
        for venue in await self._stage.control.venues():
            fee = f"taker fee {venue['taker_fee_bps']} bps of {venue['fee_in'].lower()}"
            self._out.print(f"  {venue['venue']:<10} {venue['url']}  {fee}")
        config, router = self._stage.config, self._watcher
        order = parent_order(self._body, router.store.deployment, config.entity, "demo", router.offered)
        found = await estimate(router, order)
        self._headline("One ladder of all-in prices: fees and currencies included")
        self._out.print(tables.book(report.book_report(found.view, _LADDER_DEPTH)))
        self._headline("What the order should come to, before it is sent")
        self._out.print(tables.estimate(report.estimate_report(found)))

    async def _execute(self) -> asyncio.subprocess.Process:
        path = self._stage.folder / "order.json"
        path.write_text(json.dumps(self._order, indent=2))
        return await self._stage.router("execute", "--order", str(path), "--json", "--wait", str(_PATIENCE_S))

    async def _until_doubt(self, router: asyncio.subprocess.Process) -> ParentDetail | None:
        """The order as the journal has it the moment a child is in doubt; None if it ended without.

        The fault waits at the venues: a child that is not sent leaves it to the next one that is.
        """
        while router.returncode is None:
            await self._watcher.projector.catch_up()
            detail = await self._detail()
            if detail is not None:
                if any(child.state == ChildState.IN_DOUBT for child in detail.children):
                    return detail
                if ParentState(detail.parent.state).ended:
                    return None
            await asyncio.sleep(_LOOK_S)
        return None

    async def _detail(self) -> ParentDetail | None:
        return await self._watcher.queries.parent_by_ref(self._stage.config.entity, REF)

    def _show_children(self, detail: ParentDetail) -> None:
        self._out.print(tables.children(report.parent_report(detail, ())["children"]))

    async def _tell_of_kill(self, detail: ParentDetail) -> None:
        """The router is gone. What the journal and the venue know of the child in doubt."""
        self._show_children(detail)
        self._headline("The router was killed with -9 at that moment")
        walked = await audit(self._watcher.store)
        self._out.print(tables.walked({"clean": walked.clean, "rows": walked.rows, "head": walked.head, "breaks": []}))
        if not walked.clean:
            raise SorError(f"the journal does not verify: {walked.breaks[0].why}")
        for child in detail.children:
            if child.state == ChildState.IN_DOUBT:
                orders = await self._stage.control.orders(child.venue)
                there = sum(verdict.digits(order["client_id"]) == child.client_id for order in orders)
                self._out.print(
                    f"{child.venue} has {there} order under {child.client_id}: it has to be found, not sent again"
                )
        self._headline("Started again with the same reference: it recovers, asks the venues, and goes on")

    async def _end(self, printed: bytes, code: int) -> tuple[Report, ExitCode]:
        result = self._result(printed)
        self._out.print(tables.parent(result))
        await self._watcher.projector.catch_up()
        detail = await self._detail()
        assert detail is not None  # its result was printed
        judged = await verdict.judge(detail, self._stage.config.venues, self._stage.control)
        self._headline("The venues' own record beside ours")
        self._out.print(verdict.draw(judged))
        compared = await self._compared(detail)
        self._say_saving(compared)
        counts = f"duplicates {judged.duplicates}, lost {judged.lost}, in doubt {judged.in_doubt}"
        style = "bold green" if judged.clean else "bold red"
        self._out.print(Text(f"sent again {judged.sent_again}, {counts}", style=style))
        self._headline("What to type next")
        where = f"--config {self._stage.config_file}"
        self._out.print(f"  sor explain {REF} {where}\n  sor verify {where}\n  sor init")
        full = result | judged.report() | {"compared": compared}
        return full, ExitCode(code) if judged.clean else ExitCode.FAILED

    def _result(self, printed: bytes) -> Report:
        log = self._stage.folder / "router.log"
        try:
            result: Report = json.loads(printed)
        except ValueError:
            raise SorError(f"the router printed no result: see {log}") from None
        if "children" not in result:
            raise SorError(result.get("error") or f"the order was not taken: see {log}")
        return result

    async def _compared(self, detail: ParentDetail) -> Report | None:
        """The first round beside what others would have done on the view it was made on."""
        rounds = await self._watcher.queries.rounds_of(detail)
        first = next((one for one in rounds if one.view is not None), None)
        compared = None if first is None else against(first, Side(detail.parent.side), detail.parent.limit_price)
        if first is None or first.view is None or compared is None:
            return None
        return report.comparison_report(compared, Side(detail.parent.side), first.planned.due, first.view)

    def _say_saving(self, compared: Report | None) -> None:
        for name, others in (("best_single", "the best single venue"), ("fee_blind", "a sweep that ignores fees")):
            other = compared and compared[name]
            if other:
                saving, bps = tables.figure(other["saving"]), tables.figure(other["saving_bps"])
                self._out.print(f"saved {saving} USD ({bps} bps) against {others}, on the books of the first round")

    def _headline(self, text: str) -> None:
        self._out.print()
        self._out.rule(Text(text, style="bold"), align="left")
