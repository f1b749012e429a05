"""`python -m tests.soak --minutes 30`: run the soak and print what it came to."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.soak import PER_MINUTE, soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--per-minute", type=float, default=PER_MINUTE, help="orders")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sor-soak-") as folder:
        url = f"sqlite:///{Path(folder) / 'sor.db'}"
        found = asyncio.run(soak(Path(folder), url, asked.minutes, asked.per_minute))
    sys.stdout.write(found.told() + "\n")


if __name__ == "__main__":
    main()
