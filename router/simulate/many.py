"""Many seeds: in this process or in several that share nothing, and always the same answer in the same order."""

import gc
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count, islice
from multiprocessing import get_context

from router.model.ids import Nanos
from router.simulate.judge import Breach
from router.simulate.live import simulate_live
from router.simulate.run import Outcome, again, simulate
from router.simulate.swarm import Profile

_AHEAD = 4
"""Seeds handed to each worker before the first answer is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """One seed and what it cost. An assertion that tripped is a breach like any other."""

    seed: int
    again: str
    breaches: tuple[Breach, ...]
    outcome: Outcome | None
    cpu_s: float


@dataclass(kw_only=True, slots=True)
class Tally:
    """Many seeds in sum."""

    seeds: int = 0
    parents: int = 0
    children: int = 0
    accepted: int = 0
    quarantined: int = 0
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    failed: list[Ran] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)

    def add(self, ran: Ran) -> None:
        """One more."""
        self.seeds += 1
        self.cpu_s += ran.cpu_s
        if ran.breaches:
            self.failed.append(ran)
        outcome = ran.outcome
        if outcome is not None:
            self.parents += outcome.parents
            self.children += outcome.children
            self.accepted += outcome.accepted
            self.quarantined += outcome.quarantined
            self.virtual_s += outcome.virtual_s
            self.reached.update(outcome.reached)

    @property
    def rate(self) -> float:
        """Children per second of processor time."""
        return self.children / self.cpu_s if self.cpu_s else 0.0


def run_one(seed: int, profile: Profile, *, live: bool = False) -> Ran:
    """One seed, whatever comes of it. `live`: the live shell's own tasks, instead of the engine alone."""
    started_s = time.process_time()
    outcome: Outcome | None = None
    try:
        outcome = simulate_live(seed, profile) if live else simulate(seed, profile)
        breaches = outcome.breaches
    except Exception as error:  # noqa: BLE001 - our own assertion: it must not hide the other seeds
        breaches = (Breach(invariant="assertion", at_ns=Nanos(0), detail=f"{type(error).__name__}: {error}"),)
    return Ran(
        seed=seed,
        again=again(seed, profile) + (" --shell live" if live else ""),
        breaches=breaches,
        outcome=outcome,
        cpu_s=time.process_time() - started_s,
    )


def run_seeds(first: int, seeds: int | None, profile: Profile, workers: int, *, live: bool = False) -> Iterator[Ran]:
    """From `first` on, in order; `seeds` None goes on until the caller has enough."""
    numbers = count(first) if seeds is None else iter(range(first, first + seeds))
    if workers == 1:
        for number in numbers:
            yield _collected(number, profile, live=live)
        return
    # A spawned worker has nothing of ours but its arguments.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Ran]] = deque()
        try:
            for number in islice(numbers, workers * _AHEAD):
                waiting.append(pool.submit(_collected, number, profile, live=live))
            while waiting:
                yield waiting.popleft().result()
                for number in islice(numbers, 1):
                    waiting.append(pool.submit(_collected, number, profile, live=live))
        finally:
            for one in waiting:
                one.cancel()


def _collected(seed: int, profile: Profile, *, live: bool) -> Ran:
    """Nothing of a world outlives it: garbage is looked for between seeds only, and only among what the seed made."""
    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        return run_one(seed, profile, live=live)
    finally:
        gc.collect()
        gc.unfreeze()
        if was_on:
            gc.enable()
