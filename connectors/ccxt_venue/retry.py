"""One table: what is asked again, how often, after how long. Executed by tenacity.

A row is (kind of call, what went wrong). No row, no repetition: above all, an order that may have left is never sent
again from here (D6, D7). Stops by attempts, never by the clock. `asyncio.CancelledError` is not in the table and
is neither retried nor swallowed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from connectors.ccxt_venue.calls import AnswerMissing, AnswerUnusable, CallFailed, CallKind, NotReached, VenueBusy

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """At most `attempts` in all, the n-th pause `first_s * 2**(n-1)`. The budget sees to a venue's `Retry-After`."""

    attempts: int
    first_s: float = 0.0


ONCE = Policy(attempts=1)
_READ = Policy(attempts=3, first_s=0.1)

RETRIES: dict[tuple[CallKind, type[CallFailed]], Policy] = {
    # Provably not sent: the same copy may go, once more, at once. The gate is asked again.
    (CallKind.PLACE, NotReached): Policy(attempts=2),
    (CallKind.CANCEL, NotReached): Policy(attempts=3, first_s=0.05),
    # A cancel may be repeated: it only ever takes risk off, and its answer proves nothing either way.
    (CallKind.CANCEL, AnswerMissing): Policy(attempts=2, first_s=0.05),
    (CallKind.CANCEL, AnswerUnusable): Policy(attempts=2, first_s=0.05),
    **{
        (kind, failure): _READ
        for kind in (
            CallKind.TIMER,
            CallKind.LOOK_UP,
            CallKind.ACCOUNT,
            CallKind.OPENING,
            CallKind.SET_UP,
            CallKind.BOOK,
        )
        for failure in (NotReached, AnswerMissing, AnswerUnusable)
    },
    # The budget waits out what the venue asked for; here it only counts.
    (CallKind.ACCOUNT, VenueBusy): Policy(attempts=3, first_s=0.5),
    (CallKind.OPENING, VenueBusy): Policy(attempts=3, first_s=0.5),
    (CallKind.SET_UP, VenueBusy): Policy(attempts=3, first_s=0.5),
    (CallKind.LOOK_UP, VenueBusy): Policy(attempts=2, first_s=0.5),
}


def policy(kind: CallKind, error: BaseException | None) -> Policy:
    """The row for this failure; `ONCE` when there is none."""
    return ONCE if not isinstance(error, CallFailed) else RETRIES.get((kind, type(error)), ONCE)


async def asked(kind: CallKind, call: Callable[[], Awaitable[Result]]) -> Result:
    """The call's result, asked again as the table says; the last failure is raised as it is."""

    def enough(state: RetryCallState) -> bool:
        return state.attempt_number >= policy(kind, _failure(state)).attempts

    def pause(state: RetryCallState) -> float:
        return float(policy(kind, _failure(state)).first_s * 2 ** (state.attempt_number - 1))

    async def once() -> Result:
        return await call()

    retrying = AsyncRetrying(stop=enough, wait=pause, retry=retry_if_exception_type(CallFailed), reraise=True)
    return await retrying(once)


def _failure(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()
