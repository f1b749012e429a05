"""The venues' own dead-man timers: cancel everything open at the account unless told otherwise in time.

Account-wide at every venue that has one (kucoin's takes symbols, and none means all): it ends orders of whoever else
trades there too, which is why it runs only where an operator asked for it. Bybit's is for institutions and hangs on a
socket, bitfinex' and crypto.com's on a socket, gemini's on the kind of key: none of them can be refreshed by a call.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from router.model.errors import BadInput


@dataclass(frozen=True, kw_only=True, slots=True)
class Timer:
    """One venue's call. `field` takes whole seconds within the bounds, or `off`, which disarms."""

    endpoint: str
    field: str
    seconds_min: int
    seconds_max: int
    off: int = 0

    def params(self, seconds: int | None) -> Mapping[str, object]:
        """Count down from `seconds`, from now; None disarms."""
        return {self.field: str(self.off if seconds is None else seconds)}


TIMERS: Mapping[str, Timer] = {
    # "timeout: duration (in seconds)"; the venue advises 60, repeated every 15 to 30.
    "kraken": Timer(endpoint="privatePostCancelAllOrdersAfter", field="timeout", seconds_min=3, seconds_max=3_600),
    "okx": Timer(endpoint="privatePostTradeCancelAllAfter", field="timeOut", seconds_min=10, seconds_max=120),
    "gate": Timer(endpoint="privateSpotPostCountdownCancelAll", field="timeout", seconds_min=5, seconds_max=3_600),
    "htx": Timer(
        endpoint="spotPrivatePostV2AlgoOrdersCancelAllAfter", field="timeout", seconds_min=5, seconds_max=3_600
    ),
    "kucoin": Timer(
        endpoint="privatePostHfOrdersDeadCancelAll", field="timeout", seconds_min=5, seconds_max=86_400, off=-1
    ),
}
"""By ccxt's id. Venues that are not here have no timer a call can set."""


def timer_of(ccxt_id: str, seconds: int, field: str) -> Timer:
    """The venue's timer. Raises `BadInput` when it has none, or not of this length."""
    timer = TIMERS.get(ccxt_id)
    if timer is None:
        raise BadInput(field, f"{ccxt_id} has no dead-man timer; {', '.join(sorted(TIMERS))} have one")
    if not timer.seconds_min <= seconds <= timer.seconds_max:
        raise BadInput(field, f"must be {timer.seconds_min} to {timer.seconds_max} seconds at {ccxt_id}")
    return timer
