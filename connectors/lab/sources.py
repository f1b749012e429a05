"""Where books come from. A source is stepped with the time and tells its exchange what the world did since."""

from typing import Protocol

from connectors.lab.core import Exchange


class Source(Protocol):
    """The origin of one venue's outside liquidity."""

    def step(self, elapsed_ns: int, now_ns: int) -> None:
        """Bring the exchange up to date. `elapsed_ns`: how long the world has run, pauses left out."""


class Breath:
    """Static books that show they are alive: their best levels are restated at a steady pace."""

    def __init__(self, exchange: Exchange, every_ns: int) -> None:
        self._exchange = exchange
        self._every_ns = every_ns
        self._due_ns = 0

    def step(self, elapsed_ns: int, now_ns: int) -> None:  # noqa: ARG002 - nothing here has a date
        """Restate when it is time."""
        if self._every_ns <= 0 or elapsed_ns < self._due_ns:
            return
        self._due_ns = elapsed_ns + self._every_ns
        for symbol in self._exchange.symbols:
            self._exchange.restate(symbol)
