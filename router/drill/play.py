"""One case: a row, on one protocol, by one subject, on a lab of its own."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind
from connectors.lab.process import Lab
from router.drill.judge import Told, Truth, Verdict, judge
from router.drill.process import Started
from router.drill.quotes import Quotes
from router.drill.rows import LIMIT, QUANTITY, Fault, Moment, Row, Script
from router.drill.stand import BIDS, UNFENCED, Seat, lab_settings, urls_of, write_config
from router.drill.subjects import END_S, Errand, Ran, Subject
from router.model.errors import SorError

_LOOK_S = 0.003
_STOPPED_S = 1.2
_TIMEOUT_MS = 700
"""Of one request, for every subject."""
_POOR = Decimal(50)
"""What is left of the quote: not enough for anything of the order's size."""
_LATE_S = 1.3
"""By then a request that was held up has reached the engine."""
_UNFENCED = frozenset(seat.name for seat in UNFENCED)
_SLOW_MARKETS = Fault(kind=FaultKind.SLOW, times=1, params={"delay_ms": 250})


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is played."""

    row: Row
    seat: Seat
    subject: Subject

    @property
    def person_is_right(self) -> bool:
        """May it end with a question to a person? Where no rule can prove what became of an order, it has to."""
        if self.row.halted and self.seat.protocol == "bitstamp":
            return True  # its answer to a halt proves nothing and it takes no deadline: a person's, in bounded time
        return self.seat.name in _UNFENCED and self.row.never_arrives


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What it came to. `reached`: each fault of the row met something of the subject's, and a kill met it alive."""

    case: Case
    verdict: Verdict
    reached: bool
    said: str
    seconds: float

    @property
    def fits(self) -> bool:
        """Is this how the row should end?"""
        row = self.case.row
        return self.verdict.fits(short_is_right=row.short_is_right, person_is_right=self.case.person_is_right)


async def play(case: Case, folder: Path) -> Outcome:
    """Play it in this folder, made for it. Nothing runs any more when this returns, or is cancelled."""
    began = time.monotonic()
    await asyncio.to_thread(folder.mkdir)
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab(lab_settings([case.seat], read_lag_ms=case.row.read_lag_ms)))
        control = await stack.enter_async_context(LabControl(lab.control_url))
        quotes = await stack.enter_async_context(Quotes(case.seat, control, case.row.quote_old_ms))
        stage = _Stage(case, lab, control, folder, quotes)
        try:
            told, reached = await stage.play()
            truth = await stage.truth()
        finally:
            stage.clear_away()
    verdict = judge(truth, told, wanted=Decimal(QUANTITY), limit=Decimal(LIMIT))
    said = "" if told is None else told.words
    return Outcome(case=case, verdict=verdict, reached=reached, said=said, seconds=time.monotonic() - began)


class _Stage:
    def __init__(self, case: Case, lab: Lab, control: LabControl, folder: Path, quotes: Quotes) -> None:
        self._case = case
        self._row = case.row
        self._lab = lab
        self._venue = lab.venues[case.seat.name]
        self._control = control
        self._folder = folder
        self._quotes = quotes
        self._given: list[list[int]] = []
        self._runs: list[Started] = []
        self._helpers: list[asyncio.Task[None]] = []
        self._met = True

    async def play(self) -> tuple[Told | None, bool]:
        """What the subject says, and whether the row's troubles met it."""
        await self._set_up()
        ran: list[Ran] = []
        try:
            for run in await self._acted():
                code = await run.ended(END_S)
                if code != -signal.SIGKILL:
                    ran.append(Ran(code=code, printed=run.out.read_text()))
        except SorError:
            return None, self._reached()
        return self._case.subject.told(ran), self._reached()

    async def truth(self) -> Truth:
        """What the venue has, once nothing is on its way to it any more."""
        if any(fault.kind is FaultKind.DELAY_REQUEST for fault in self._row.faults):
            await asyncio.sleep(_LATE_S)
        name = self._case.seat.name
        [venue] = await self._control.venues()
        return Truth(
            orders=await self._control.orders(name),
            trades=await self._control.trades(name),
            redirects_followed=venue["redirects_followed"],
        )

    def clear_away(self) -> None:
        """End what still runs."""
        for helper in self._helpers:
            helper.cancel()
        for run in self._runs:
            if run.process.is_alive():
                run.send(signal.SIGKILL)

    async def _set_up(self) -> None:
        row, seat = self._row, self._case.seat
        [symbol] = seat.symbols
        await self._control.set_book(seat.name, symbol, bids=BIDS, asks=row.asks)
        if row.halted:
            await self._control.halt(seat.name, symbol)
        if row.poor:
            quote = symbol.partition("/")[2]
            [held] = (await self._control.balances(seat.name)).values()
            await self._control.deposit(seat.name, quote, _POOR - Decimal(held[quote]["total"]))
        if row.given is Moment.START:
            await self._give(row.faults)
        else:
            self._helper(self._give_when_connected())
        if row.then_asks is not None or row.then_faults:
            self._helper(self._go_on_when_struck())

    def _helper(self, work: Coroutine[Any, Any, None]) -> None:
        self._helpers.append(asyncio.create_task(work))

    async def _give(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            self._given.append([await self._inject(fault, call) for call in fault.calls])

    async def _inject(self, fault: Fault, call: str) -> int:
        params: dict[str, Any] = dict(fault.params)
        return await self._control.inject(self._case.seat.name, fault.kind, call=call, times=fault.times, **params)

    async def _give_when_connected(self) -> None:
        [channel, *_] = {str(fault.params.get("channel", "any")) for fault in self._row.faults}
        wanted = {"public", "private"} if channel == "any" else {channel}
        await _until(lambda: wanted <= {session.channel for session in self._venue.sessions})
        await self._give(self._row.faults)

    async def _go_on_when_struck(self) -> None:
        await _until(self._struck)
        await self._give(self._row.then_faults)
        if self._row.then_asks is not None:
            [symbol] = self._case.seat.symbols
            await self._control.set_book(self._case.seat.name, symbol, bids=BIDS, asks=self._row.then_asks)

    async def _acted(self) -> Sequence[Started]:
        """The runs, in their order; the last may still run."""
        match self._row.script:
            case Script.ONCE:
                self._start()
            case Script.TWICE_IN_ONE:
                self._start(times=2)
            case Script.TWO_AT_ONCE:
                self._start()
                self._start()
            case Script.AGAIN:
                await self._start().ended(END_S)
                self._start()
            case Script.KILLED:
                await self._killed(self._moment)
                self._start()
            case Script.KILLED_TWICE:
                await self._killed(self._moment)
                rule = await self._inject(_SLOW_MARKETS, "any")
                await self._killed(lambda: self._matched(rule))
                self._start()
            case Script.STOPPED:
                await self._stopped()
        return self._runs

    def _start(self, times: int = 1) -> Started:
        seat = self._case.seat
        terms = {**seat.terms, "request_ttl_ms": 500}
        if seat.name not in _UNFENCED:
            # A killed process costs time in which a doubt grows old: not so fast that it would be a person's.
            terms["quarantine_after_ms"] = 10_000
        seat = replace(seat, terms=terms, more={"timeout_ms": _TIMEOUT_MS})
        config = write_config(self._folder, urls_of(self._lab), [seat])
        errand = Errand(config=config, quotes=self._quotes.url, times=times)
        run = self._case.subject.start(errand, f"run-{len(self._runs) + 1}")
        self._runs.append(run)
        return run

    async def _killed(self, due: Callable[[], bool]) -> None:
        run = self._start()
        await _until(lambda: due() or not run.process.is_alive())
        run.send(signal.SIGKILL)
        self._met &= await run.ended(END_S) == -signal.SIGKILL
        await self._control.clear_faults()

    async def _stopped(self) -> None:
        run = self._start()
        await _until(lambda: self._moment() or not run.process.is_alive())
        self._met &= run.process.is_alive()
        run.send(signal.SIGSTOP)
        await asyncio.sleep(_STOPPED_S)
        run.send(signal.SIGCONT)

    def _moment(self) -> bool:
        if self._row.at is Moment.TRADED:
            return any(self._venue.exchange.trades(name) for name in self._venue.exchange.accounts())
        return self._struck()

    def _struck(self) -> bool:
        return bool(self._given) and any(self._matched(rule) for rule in self._given[0])

    def _matched(self, rule: int) -> bool:
        return any(count.id == rule and count.matched for count in self._lab.faults.counts())

    def _reached(self) -> bool:
        if self._row.quote_old_ms and self._quotes.asked:
            return True  # whoever asks for quotes has his stale book there
        fired = {count.id for count in self._lab.faults.counts() if count.fired}
        given = len(self._given) == len(self._row.faults) + len(self._row.then_faults)
        return self._met and given and all(fired & set(rules) for rules in self._given)


async def _until(due: Callable[[], bool]) -> None:
    """Moments are milliseconds long, and what tells of them is asked, not heard."""
    while not due():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)
