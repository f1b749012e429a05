"""The last gate, asked at the socket."""

from router.model.ids import Nanos
from router.model.orders import Approved
from router.runtime.switch import Switch
from tests.risk.test_checks import ORDER

MS = 1_000_000


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now_ns = Nanos(1_000_000_000)

    def now(self) -> Nanos:
        """What the hand shows."""
        return self.now_ns


def gate_of(clock: Hands, *, age_ms: int = 0, halt_epoch: int = 0, deadline_ms: int | None = None):  # type: ignore[no-untyped-def]
    """A switch with a lease for ten seconds, and the gate of one copy."""
    switch = Switch(clock, approval_age_ms_max=50)
    switch.lease_good_until(Nanos(clock.now_ns + 10_000 * MS))
    approved = Approved(ORDER, approved_at_ns=Nanos(clock.now_ns - age_ms * MS), halt_epoch=halt_epoch)
    deadline_ns = None if deadline_ms is None else Nanos(clock.now_ns + deadline_ms * MS)
    return switch, switch.gate(approved, deadline_ns)


def test_a_fresh_approved_copy_may_leave() -> None:
    """Nothing speaks against it."""
    _, gate = gate_of(Hands())
    assert gate() is None


def test_each_reason_stops_it() -> None:
    """Old approval, passed deadline, lost lease, another halt epoch."""
    clock = Hands()
    assert "approval" in gate_of(clock, age_ms=51)[1]()
    assert "deadline" in gate_of(clock, deadline_ms=0)[1]()
    assert "halted since" in gate_of(clock, halt_epoch=1)[1]()
    switch, gate = gate_of(clock)
    switch.lease_good_until(clock.now_ns)
    assert "lease" in gate()


def test_a_halt_bites_before_it_is_journaled_and_until_a_resume_is() -> None:
    """In memory first; what the journal says of earlier times does not lift it."""
    switch, gate = gate_of(Hands())
    switch.halt_now("stop", 7)
    assert "stop" in gate()

    switch.follow(None, 0)  # a batch decided before the halt was
    switch.follow(None, 2)  # an older halt and its resume are journaled meanwhile
    assert "stop" in gate()

    switch.follow("stop", 3)
    switch.journaled(7)
    assert "halted" in gate()
    switch.follow(None, 4)
    assert gate() == "halted since it was approved"
