"""The last gate: what is asked of a copy right before its first byte.

The halt is set here, in memory, before its event even queues; the journal makes it durable a moment later.
"""

from router.model.ids import Nanos
from router.model.orders import Approved, ChildOrder
from router.ports import Clock, Gate

_MS = 1_000_000


class Switch:
    """May a copy leave now? `approval_age_ms_max`: how old risk's approval may be at the socket."""

    def __init__(self, clock: Clock, approval_age_ms_max: int) -> None:
        self._clock = clock
        self._approval_age_ns_max = approval_age_ms_max * _MS
        self._halted: str | None = None
        self._asked: dict[int | None, str] = {}
        self._halt_epoch = 0
        self._lease_until_ns = Nanos(0)

    def halt_now(self, reason: str, request_id: int | None) -> None:
        """Nothing leaves from here on, whatever has been approved; until this very halt is journaled."""
        self._asked[request_id] = reason

    def journaled(self, request_id: int | None) -> None:
        """The request's halt (or resume) is durable: from here on the journal speaks for it."""
        self._asked.pop(request_id, None)

    def follow(self, halted: str | None, halt_epoch: int) -> None:
        """What the journal says. A halt that is asked for and not durable yet stands beside it."""
        if halted is not None:
            self._asked.pop(None, None)  # our own, of a decision that failed
        self._halted, self._halt_epoch = halted, halt_epoch

    def lease_good_until(self, until_ns: Nanos) -> None:
        """Our right to drive, by our own clock."""
        self._lease_until_ns = until_ns

    @property
    def drives(self) -> bool:
        """Is the lease ours, by our own clock?"""
        return self._clock.now() < self._lease_until_ns

    def gate(self, order: Approved[ChildOrder], deadline_ns: Nanos | None) -> Gate:
        """The question for one copy."""

        def ask() -> str | None:
            now_ns = self._clock.now()
            halted = next(iter(self._asked.values()), self._halted)
            if halted is not None:
                return f"halted: {halted}"
            if order.halt_epoch != self._halt_epoch:
                return "halted since it was approved"
            if now_ns >= self._lease_until_ns:
                return "the lease is lost"
            if deadline_ns is not None and now_ns >= deadline_ns:
                return "its deadline has passed"
            if now_ns - order.approved_at_ns > self._approval_age_ns_max:
                return f"its approval is {(now_ns - order.approved_at_ns) // _MS} ms old"
            return None

        return ask
