"""The kinds of calls made to a venue, and what can go wrong with a read."""

from enum import Enum

from connectors.budget import Urgency
from router.model.errors import SorError


class CallKind(Enum):
    """What a request is for: decides its retries, its urgency, and whether it may be repeated at all."""

    PLACE = "place"
    CANCEL = "cancel"
    LOOK_UP = "look-up"
    ACCOUNT = "account"
    OPENING = "account, not open yet"
    """The same reading, while the account is not traded on for want of it."""
    SET_UP = "set-up"
    BOOK = "book"
    CHECK = "check"
    """Holding a streamed book against REST's: worth a request only where nothing else wants one."""
    PRINTS = "public trades"
    """Polled while no stream brings them."""
    TOUCH = "touch"
    FEES = "fees"
    """What an account is charged now: it changes once a day at most, so it can wait for a quiet moment."""
    TIMER = "dead-man timer"

    @property
    def urgency(self) -> Urgency:
        """When it goes, and whether it may use the headroom."""
        return _URGENCIES.get(self, Urgency.NORMAL)


_URGENCIES = {
    CallKind.CANCEL: Urgency.FIRST,
    CallKind.LOOK_UP: Urgency.URGENT,
    CallKind.OPENING: Urgency.OPENING,
    CallKind.TIMER: Urgency.URGENT,
    CallKind.PLACE: Urgency.ORDER,
    CallKind.CHECK: Urgency.IDLE,
    CallKind.FEES: Urgency.IDLE,
}


class CallFailed(SorError):
    """A call to a venue brought no usable answer. Says nothing about what the venue did."""


class NotReached(CallFailed):
    """Not one byte left this machine."""


class AnswerMissing(CallFailed):
    """The request left; the answer did not come, or not whole."""


class AnswerUnusable(CallFailed):
    """An answer came that is not what this call answers: wrong status, not JSON, cut, or a field missing."""


class StreamRefused(AnswerUnusable):
    """A frame in which the venue turns a subscription down or ends a stream: it was read, and it is bad news."""


class VenueBusy(CallFailed):
    """The venue, in its own words, asked to come back later."""

    def __init__(self, why: str, retry_after_ms: int | None) -> None:
        self.retry_after_ms = retry_after_ms
        super().__init__(why)


class VenueSaid(CallFailed):
    """The venue answered with one of its own error codes."""

    def __init__(self, status: int, code: str, text: str) -> None:
        self.status = status
        self.code = code
        self.text = text
        super().__init__(code if text == code else f"{code}: {text}")


class GateShut(SorError):
    """The last gate did not let the copy pass; nothing was sent."""


class Forbidden(SorError):
    """A request no connector may make: money out, a host that is not the venue's, a second copy."""
