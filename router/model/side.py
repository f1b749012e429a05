"""Which way an order goes."""

from enum import StrEnum


class Side(StrEnum):
    """Buy or sell, as the parent's owner sees it."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: costs are positive when they hurt."""
        return 1 if self is Side.BUY else -1

    @property
    def other(self) -> "Side":
        """The side it trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY
