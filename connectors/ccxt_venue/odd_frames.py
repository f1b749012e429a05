"""Frames that a stream brings and nobody can read: each is told of, and too many of them end the stream.

One that is malformed has told something that is now lost: its stream starts over at once. One of an unknown kind is
harmless by itself, because new kinds appear at venues without a word; but a stream that brings little else may have
become another one. More than `UNKNOWN_PER_S` of them in every second for `UNKNOWN_FOR_S` on end make it suspect, and it
is rebuilt; if that does not help, it is left alone for longer and longer, so that a busy new kind breaks nothing.
"""

from connectors.budget import NS_PER_S
from connectors.ccxt_venue.calls import AnswerUnusable, StreamRefused
from connectors.ccxt_venue.decoders import Json
from connectors.ccxt_venue.familiar import is_familiar, named
from router.model.ids import AccountId, Nanos
from router.model.stream_notes import Channel, FrameOdd, Oddity, StreamSuspect
from router.ports.clock import Clock
from router.ports.venue import VenueSink

UNKNOWN_PER_S = 10
UNKNOWN_FOR_S = 3
AGAIN_S = 60
"""A stream that is no better for being rebuilt is not rebuilt again within so long, twice as long each time..."""
AGAIN_S_MAX = 3_600
"""...up to so long."""
_TEXTS = frozenset({"ping", "pong"})
"""What some venues send besides JSON."""


class Rate:
    """Seconds on end with more events than there may be. Pure; only told of events, so silence costs nothing."""

    def __init__(self, per_s: int, for_s: int) -> None:
        self._per_s = per_s
        self._for_s = for_s
        self._second = 0
        self._count = 0
        self._full = 0

    def heard(self, now_ns: int) -> bool:
        """One event. Is it too much by now?"""
        second = now_ns // NS_PER_S
        if second != self._second:
            follows = second == self._second + 1 and self._count > self._per_s
            self._full = self._full + 1 if follows else 0
            self._second, self._count = second, 0
        self._count += 1
        return self._full >= self._for_s


class OddFrames:
    """What one stream of an account brought that is no book, trade or order."""

    def __init__(self, *, ccxt_id: str, account: AccountId, channel: Channel, sink: VenueSink, clock: Clock) -> None:
        self._ccxt_id = ccxt_id
        self._account = account
        self._channel = channel
        self._sink = sink
        self._clock = clock
        self._rate = Rate(UNKNOWN_PER_S, UNKNOWN_FOR_S)
        self._suspected = 0
        self._suspected_ns = Nanos(0)

    def check_text(self, message: Json) -> None:
        """Before a decoder looks: a text that is no JSON. Raises `AnswerUnusable`, which ends the connection."""
        if isinstance(message, str) and message not in _TEXTS:
            self.malformed(AnswerUnusable("no JSON"))
            raise AnswerUnusable("a frame that is no JSON")

    def malformed(self, error: BaseException | None = None) -> None:
        """A frame could not be read; whoever met it ends the connection. A refusal is a frame that was read."""
        if isinstance(error, StreamRefused):
            return
        says = type(error).__name__ if error is not None else "not parsed"
        self._sink.noted(self._account, FrameOdd(channel=self._channel, oddity=Oddity.MALFORMED, says=says))

    def passed_on(self, message: Json) -> None:
        """No decoder of ours took it. Raises `AnswerUnusable` when there is too much of what nobody knows."""
        if isinstance(message, str) or is_familiar(self._ccxt_id, message):
            return
        said = named(message)
        self._sink.noted(self._account, FrameOdd(channel=self._channel, oddity=Oddity.UNKNOWN, says=said))
        if self._rate.heard(self._clock.now()) and self._may_suspect():
            why = f"more than {UNKNOWN_PER_S} unknown frames a second for {UNKNOWN_FOR_S} s, the last: {said}"
            self._sink.noted(self._account, StreamSuspect(channel=self._channel, why=why))
            raise AnswerUnusable(why)

    def _may_suspect(self) -> bool:
        """Was the last time long enough ago? Remembers this one if so."""
        now = self._clock.now()
        wait_s = min(AGAIN_S * 2 ** min(self._suspected - 1, 10), AGAIN_S_MAX) if self._suspected else 0
        if now - self._suspected_ns < wait_s * NS_PER_S:
            return False
        long_ago = now - self._suspected_ns > 2 * AGAIN_S_MAX * NS_PER_S
        self._suspected = 1 if long_ago else self._suspected + 1
        self._suspected_ns = now
        return True
