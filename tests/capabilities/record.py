"""Write the record of the wire anew, after an upgrade of ccxt was reviewed: `python -m tests.capabilities.record`."""

import asyncio
import json
import sys
from pathlib import Path

import ccxt.pro

from connectors.ccxt_venue import capabilities, endpoints
from connectors.ccxt_venue.capabilities import CAPABILITIES
from tests.capabilities.capture import record

FOLDER = Path(capabilities.__file__).parent / "wire"
MOVERS = Path(__file__).parent / "movers.txt"


def text_of(made: object) -> str:
    """As the file holds it."""
    return json.dumps(made, indent=1) + "\n"


def movers() -> list[str]:
    """What the installed ccxt can call that changes something and names a move of money, and we may not."""
    return sorted(
        f"{venue} {entry.method} {entry.path} {name}"
        for venue in endpoints.ALLOWED
        for attribute, name, entry in endpoints.entries(getattr(ccxt.pro, venue))
        if attribute == name and entry.method != "GET" and endpoints.MONEY_WORDS.search(entry.path)
        if not endpoints.is_allowed(venue, name, entry)
    )


async def main(venues: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    MOVERS.write_text("".join(f"{line}\n" for line in movers()))
    for venue in venues:
        (FOLDER / f"{venue}.json").write_text(text_of(await record(venue)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(CAPABILITIES)))
