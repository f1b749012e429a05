"""Write the record of the wire anew, after an upgrade of ccxt was reviewed: `python -m tests.capabilities.record`."""

import asyncio
import json
import sys
from pathlib import Path

from connectors.ccxt_venue import capabilities
from connectors.ccxt_venue.capabilities import CAPABILITIES
from tests.capabilities.capture import record

FOLDER = Path(capabilities.__file__).parent / "wire"


def text_of(made: object) -> str:
    """As the file holds it."""
    return json.dumps(made, indent=1) + "\n"


async def main(venues: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for venue in venues:
        (FOLDER / f"{venue}.json").write_text(text_of(await record(venue)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(CAPABILITIES)))
