"""What a connector tells of an account's streams and clock besides what they bring: for people and metrics."""

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """Which of an account's streams."""

    BOOKS = "books"
    TRADES = "trades"
    ORDERS = "orders"


class Oddity(StrEnum):
    """What is odd about a frame."""

    UNKNOWN = "unknown"
    """Of a kind that nobody here reads: it was left alone."""
    MALFORMED = "malformed"
    """It could not be read: what it told is lost, so the stream starts over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameOdd:
    """One frame. `says`: by which words it can be known, never what it holds."""

    channel: Channel
    oddity: Oddity
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSuspect:
    """A stream that stands and is not believed: it is rebuilt."""

    channel: Channel
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockCompared:
    """The venue's clock was read: it is `offset_ns` ahead of ours, give or take `error_ns`.

    `skewed`: why that is more than two clocks may be apart; None when it is not.
    """

    offset_ns: int
    error_ns: int
    skewed: str | None


StreamNote = FrameOdd | StreamSuspect | ClockCompared
