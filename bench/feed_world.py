"""`python -m bench.feed_world VENUES SYMBOLS RATE`: a lab in a process of its own whose books change at a steady pace.

Prints one line of JSON, where its venues listen, and runs until its input is closed. Changes are spread evenly: at each
step of five milliseconds some books change, never all of them.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from connectors.lab.process import Lab
from connectors.lab.protocols import PROTOCOLS
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.lab.venue import LabVenue

BASES = ("BTC", "ETH", "SOL", "ADA", "DOT", "LTC", "LINK", "AVAX", "UNI", "ATOM")
_STEP_S = 0.005
_LEVELS = 20
_MID = Decimal(1000)
_TICK = Decimal("0.1")


def symbols_of(protocol: str, count: int) -> list[str]:
    """Unified symbols, in the quote currency the protocol's first book has."""
    quote = PROTOCOLS[protocol].default_symbols()[0].quote
    return [f"{base}/{quote}" for base in BASES[:count]]


def settings(protocols: Iterable[str], count: int) -> LabSettings:
    """A lab with so many books at each venue."""
    venues = []
    for protocol in protocols:
        first = PROTOCOLS[protocol].default_symbols()[0]
        rules = [
            replace(first, symbol=symbol, base=symbol.partition("/")[0], tick=_TICK)
            for symbol in symbols_of(protocol, count)
        ]
        venues.append(LabVenueSettings(name=protocol, protocol=protocol, symbols=tuple(rules)))
    return LabSettings(venues=tuple(venues), static=True, breath_ms=0)


class World:
    """Changes one level of one book at a time, near the top, never crossing."""

    def __init__(self, venues: Iterable[LabVenue]) -> None:
        self._draw = random.Random(11)
        self._books = [(venue, symbol) for venue in venues for symbol in venue.exchange.symbols]
        self._draw.shuffle(self._books)
        self._next = 0
        for venue, symbol in self._books:
            sides = [[(_MID + sign * _TICK * n, Decimal(n)) for n in range(1, _LEVELS + 1)] for sign in (-1, 1)]
            venue.exchange.set_outside(symbol, *sides, venue.now_ns())

    def change(self) -> None:
        """The next book's turn: a new size, or a level that comes or goes."""
        venue, symbol = self._books[self._next % len(self._books)]
        self._next += 1
        sign = self._draw.choice((-1, 1))
        price = _MID + sign * _TICK * self._draw.randint(2, _LEVELS)
        size = Decimal(self._draw.choice((0, 1, 2, 3, 4, 5)))
        sides: list[list[tuple[Decimal, Decimal]]] = [[], []]
        sides[sign > 0].append((price, size))
        venue.exchange.set_outside(symbol, *sides, venue.now_ns())
        venue.touch()

    async def run(self, changes_per_s: float) -> None:
        loop = asyncio.get_running_loop()
        began, made = loop.time(), 0
        while True:
            await asyncio.sleep(_STEP_S)
            due = int((loop.time() - began) * changes_per_s)
            for _ in range(min(due - made, 200)):
                self.change()
            made = due


async def main(protocols: list[str], count: int, rate: float) -> None:
    async with Lab(settings(protocols, count)) as lab:
        world = World(lab.venues.values())
        there = {
            name: {"url": venue.url, "key": lab.keys[name][0].key, "secret": lab.keys[name][0].secret}
            for name, venue in lab.venues.items()
        }
        print(json.dumps(there), flush=True)
        running = asyncio.ensure_future(world.run(rate * count * len(protocols)))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        running.cancel()


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    asyncio.run(main(sys.argv[1].split(","), int(sys.argv[2]), float(sys.argv[3])))
