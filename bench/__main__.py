"""`python -m bench [names] [--quick]`: run the benchmarks named, or all."""

import argparse
import importlib
from pathlib import Path

from bench.measure import facts

BENCHES = ("book", "feeds", "split", "engine", "journal", "wire", "recovery")
"""Modules of this folder. Each has `run(quick: bool) -> Iterable[Table]`; a new one is added here."""
APART = ("evaluate", "curves", "accept")
"""Run only when named: they measure something else than time, or take minutes."""
PAGES = {"evaluate": "docs/EVALUATION.md"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = ", ".join(BENCHES + APART)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {known}; all but {' and '.join(APART)} when none is given"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds on less work: does it run, not how fast")
    parser.add_argument("--write", action="store_true", help="write the page of those that have one")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHES + APART]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {known}")
    print(facts())
    for name in asked.names or BENCHES:
        for found in importlib.import_module(f"bench.{name}").run(quick=asked.quick):
            print(found, flush=True)
            if asked.write and name in PAGES:
                Path(PAGES[name]).write_text(str(found))


if __name__ == "__main__":
    main()
