"""How things are timed: thread CPU time, contestants in turn, medians, ratios.

The machine may be shared and its clock may change, so absolute figures move from run to run. Contestants therefore
take turns round by round, only this thread's CPU time counts, and what is worth reading is the ratio within a table.
"""

import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """`setup` makes fresh state outside the timed part; `run` does `units` of work on it."""

    setup: Callable[[], object]
    run: Callable[[object], object]
    units: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """Median, best and worst round, in `unit`s of time per unit of work; `ratio` to the table's first row."""

    name: str
    median: float
    best: float
    worst: float
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Table:
    """One question and its answers."""

    title: str
    unit: str
    rows: Sequence[Row]
    notes: Sequence[str] = field(default=())

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"\n{self.title}"]
        lines += [
            f"  {row.name:{width}}  {row.median:10.1f} {self.unit}  (best {row.best:.1f}, worst {row.worst:.1f})"
            f"  x{row.ratio:.2f}"
            for row in self.rows
        ]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)


def in_turn(contestants: Mapping[str, Contestant], rounds: int) -> dict[str, list[float]]:
    """Nanoseconds of this thread's CPU per unit of work, one figure per contestant and round."""
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            state = contestant.setup()
            gc.collect()
            gc.disable()
            started = time.thread_time_ns()
            contestant.run(state)
            spent[name].append((time.thread_time_ns() - started) / contestant.units)
            gc.enable()
    return spent


def table(title: str, spent: Mapping[str, Sequence[float]], *, unit: str = "ns", notes: Sequence[str] = ()) -> Table:
    """Medians, and their ratio to the first contestant's."""
    per = {"ns": 1.0, "us": 1e3, "ms": 1e6}[unit]
    base = statistics.median(next(iter(spent.values())))
    rows = [
        Row(
            name=name,
            median=statistics.median(times) / per,
            best=min(times) / per,
            worst=max(times) / per,
            ratio=statistics.median(times) / base,
        )
        for name, times in spent.items()
    ]
    return Table(title=title, unit=unit, rows=rows, notes=notes)


def facts() -> str:
    """The machine, the versions and the command, for whoever reads the figures later."""
    packages = []
    for name in ("ccxt", "aiohttp", "numpy", "scipy"):
        try:
            packages.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    return "\n".join(
        [
            f"machine  {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, load {load}",
            f"python   {platform.python_version()} ({platform.python_implementation()}); {', '.join(packages)}",
            f"command  python -m bench {' '.join(sys.argv[1:])}".rstrip(),
            "method   thread CPU time, contestants in turn, medians; xN is the ratio to the first row of its table",
        ]
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
