"""`python -m bench [names] [--quick]`: run the benchmarks named, or all."""

import argparse
import importlib

from bench.measure import facts

BENCHES = ("book", "feeds", "split", "engine", "journal", "wire", "recovery")
"""Modules of this folder. Each has `run(quick: bool) -> Iterable[Table]`; a new one is added here."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHES)}; all when none is given")
    parser.add_argument("--quick", action="store_true", help="fewer rounds on less work: does it run, not how fast")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    print(facts())
    for name in asked.names or BENCHES:
        for found in importlib.import_module(f"bench.{name}").run(quick=asked.quick):
            print(found, flush=True)


if __name__ == "__main__":
    main()
