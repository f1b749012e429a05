"""`python -m bench evaluate`: execution quality beside the rivals, on recorded and on seeded markets.

Prints the page; `--write` puts it into docs/EVALUATION.md. `--quick` replays a tenth of the parents.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context

from bench.evaluation import page
from bench.evaluation.bands import Banded, banded
from bench.evaluation.cells import DELAYS, FEES, OURS, PATIENT, REACHES, RULES, SIZES, SLACKS, Cell, cell
from bench.evaluation.halves import judged, taught
from bench.evaluation.seeded import known
from bench.evaluation.tapes import charged, recorded
from connectors.lab.tapes import find_tapes
from router.evaluation.history import MarketHistory

PARENTS = 300
SECONDS = 900
HARDER = "harder"
HALVES, HALVES_HARDER = "halves", "halves, harder"
LARGE = SIZES[2:]
Job = tuple[str, str, str, str, int]
"""Market, fee table, what is asked (main, harder, halves, limits, reaches), size, parents."""

_histories: dict[str, MarketHistory] = {}


def run(*, quick: bool) -> Iterator[str]:
    """The page, once everything was replayed."""
    folder = find_tapes()
    if folder is not None:
        _histories["recorded"] = recorded(folder, FEES["tiers"])
    _histories["seeded"] = known(FEES["tiers"], seconds=SECONDS)
    count = PARENTS // 10 if quick else PARENTS
    jobs: list[Job] = []
    for market in _histories:
        for fees in FEES:
            jobs += [(market, fees, "main", size, count) for size in SIZES]
        jobs += [(market, "tiers", HARDER, size, count) for size in LARGE]
        jobs += [(market, "tiers", asked, size, count // 2) for asked in (HALVES, HALVES_HARDER) for size in LARGE]
    first = next(iter(_histories))
    jobs += [(first, "tiers", asked, size, count) for asked in ("limits", "reaches") for size in LARGE]
    done: dict[Job, Cell] = {}
    bands: dict[str, list[Banded]] = {}
    # The histories are read by forked workers where they stand: they are too large to be sent.
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1), mp_context=get_context("fork")) as pool:
        asked = {pool.submit(_cell, job): job for job in jobs}
        estimated = {market: [pool.submit(_banded, market, size, count) for size in SIZES] for market in _histories}
        for ready in as_completed(asked):
            done[asked[ready]] = ready.result()
        for market, parts in estimated.items():
            bands[market] = [one for part in parts for one in part.result()]
    lessons = {market: taught(history) for market, history in _histories.items()}
    yield page.page({job: done[job] for job in jobs}, bands, lessons, tapes=folder is not None)


def _banded(market: str, size: str, count: int) -> list[Banded]:
    return banded(_histories[market], size, count)


def _cell(job: Job) -> Cell:
    market, fees, asked, size, count = job
    history = charged(_histories[market], FEES[fees])
    if asked in {HALVES, HALVES_HARDER}:
        return judged(market, fees, history, size, count, replace(DELAYS, from_top=asked == HALVES_HARDER))
    rules = {
        "main": RULES,
        HARDER: {name: RULES[name] for name in (OURS, PATIENT, "sequential", "merged levels (ccxt.OrderRouter)")},
        "limits": {OURS: RULES[OURS], **SLACKS},
        "reaches": {OURS: RULES[OURS], PATIENT: RULES[PATIENT], **REACHES},
    }[asked]
    return cell(market, fees, history, size, count, rules, replace(DELAYS, from_top=asked == HARDER))
