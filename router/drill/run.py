"""Many cases, a few at a time, in the order of the table."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from connectors.ccxt_venue.order_router import UNABLE
from router.drill.play import Case, Outcome, play
from router.drill.rows import ROWS, Row
from router.drill.stand import ALL_SEATS, NIGHTLY_SEATS, Seat
from router.drill.subjects import SUBJECTS, CcxtRouter
from router.model.errors import BadInput

SEATS: Mapping[str, Seat] = {seat.name: seat for seat in (*ALL_SEATS, *NIGHTLY_SEATS)}
"""By name. `unlicensed` is coinbase where nobody has licensed its dedupe: no rule decides there."""
USUAL = ("binance", "kraken", "coinbase")


def rows_named(words: Sequence[str]) -> tuple[Row, ...]:
    """Rows whose name holds, or whose group is, one of these words; all without any. Raises `BadInput` for none."""
    unknown = [word for word in words if not any(_is(row, word) for row in ROWS)]
    if unknown:
        raise BadInput("faults", f"no row is called {unknown[0]!r}")
    return tuple(row for row in ROWS if not words or any(_is(row, word) for word in words))


def cases_of(rows: Sequence[Row], protocols: Sequence[str], subject: str) -> tuple[Case, ...]:
    """Every row on every protocol. Raises `BadInput`."""
    if subject not in SUBJECTS:
        raise BadInput("subject", f"{subject} is not one of {', '.join(SUBJECTS)}")
    for name in protocols:
        if name not in SEATS:
            raise BadInput("protocols", f"{name} is not one of {', '.join(SEATS)}")
        if subject == CcxtRouter.name and SEATS[name].protocol in UNABLE:
            raise BadInput("protocols", f"{subject} cannot be driven on {name}: {UNABLE[SEATS[name].protocol]}")
    return tuple(Case(row=row, seat=SEATS[name], subject=SUBJECTS[subject]) for row in rows for name in protocols)


async def run(cases: Sequence[Case], workers: int) -> AsyncGenerator[Outcome]:
    """Each as it comes to its end, in the order given. What still runs is ended when the caller stops asking."""
    turn = asyncio.Semaphore(workers)

    async def one(case: Case, folder: Path) -> Outcome:
        async with turn:
            outcome = await play(case, folder / "1")
            # A machine with other work may let a time-out of its own come first; where it is no chance, it comes again.
            return outcome if outcome.reached else await play(case, folder / "2")

    with tempfile.TemporaryDirectory(prefix="sor-drill-", ignore_cleanup_errors=True) as place:
        tasks = [asyncio.create_task(one(case, Path(tempfile.mkdtemp(dir=place)))) for case in cases]
        try:
            for task in tasks:
                yield await task
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)


def counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How often each word was the verdict; `not_reached`: cases whose fault found nothing to meet."""
    words = Counter(str(outcome.verdict.word).lower() for outcome in outcomes)
    return {
        "cases": len(outcomes),
        **{word: words[word] for word in ("done", "short", "asks", "breach")},
        "not_reached": sum(not outcome.reached for outcome in outcomes),
    }


def _is(row: Row, word: str) -> bool:
    return word == row.group or word in row.name
