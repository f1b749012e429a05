"""A driver ended without letting go: where nothing fences what it may still send, its successor waits (I9)."""

from router.engine import Engine, State
from router.model import facts as f
from router.model.ids import Nanos
from router.model.orders import ChildState
from router.model.outcomes import Missing
from router.model.terms import Fence
from router.runtime.recovery import SNAPSHOTS
from tests.engine.desk import MS, Desk, account, terms

Z_MS = 5_000
GEMINI = account("gemini")
VENUES = (terms("kraken"), terms("gemini", Fence.NONE, outstanding_max=1, quarantine_after_ms=Z_MS))


def taken_over(*, unreleased: bool) -> Desk:
    desk = Desk(venues=VENUES).start(epoch=1)
    desk.later(60_000)
    successor = desk.restarted()
    return successor.start(epoch=2, unreleased=unreleased)


def opens(desk: Desk) -> list[str]:
    """Accounts in the order in which they opened."""
    return [fact.account for fact in desk.facts if isinstance(fact, f.GateMoved) and fact.open]


def test_an_unfenced_account_gets_nothing_new_until_it_was_read_after_the_bound() -> None:
    """Not at its first read, not when the bound has passed, but at the first read asked after that."""
    desk = taken_over(unreleased=True)
    assert opens(desk) == [account("kraken")]
    desk.market("gemini ask 100.00 5.0")
    desk.submit("P1 buy 1 rounds 100")

    desk.later(Z_MS - 1)
    desk.read(GEMINI)
    assert desk.sent == []
    asked_too_early = desk.now_ns
    desk.later(2)
    assert desk.now_ns > asked_too_early
    assert not desk.engine.state.gate_open(GEMINI)
    desk.read(GEMINI)

    assert opens(desk) == [account("kraken"), GEMINI]
    desk.later(1_000)
    assert desk.sent == ["gemini buy 1 @ 100.00"]


def test_the_account_is_read_as_soon_as_the_bound_has_passed() -> None:
    """Nobody waits for the next read of the cadence."""
    desk = taken_over(unreleased=True)
    due_ns = desk.engine.state.timers
    assert desk.now_ns + Z_MS * 1_000_000 + 1 in due_ns.values()


def test_a_driver_that_let_go_has_nothing_more_to_send() -> None:
    """A planned hand-over opens every account at its first read."""
    assert sorted(opens(taken_over(unreleased=False))) == [GEMINI, account("kraken")]


def test_the_bound_outlives_the_successor() -> None:
    """A clean hand-over within the bound does not end it: the first driver may still stand there."""
    desk = taken_over(unreleased=True)
    desk.later(Z_MS // 2)
    third = desk.restarted().start(epoch=3)
    assert GEMINI not in opens(third)
    third.engine = Engine({}, State.of(SNAPSHOTS.loads(SNAPSHOTS.dumps(third.engine.state.image()))))  # type: ignore[arg-type]
    third.later(Z_MS // 2 + 1)
    third.read(GEMINI)
    assert GEMINI in opens(third)


def test_a_driver_that_recovers_within_its_tenure_does_not_start_the_wait_anew() -> None:
    """The same epoch is the same take-over."""
    desk = taken_over(unreleased=True)
    desk.later(Z_MS - 1)
    desk.start(epoch=2, unreleased=True)
    desk.later(2)
    desk.read(GEMINI)
    assert desk.engine.state.gate_open(GEMINI)


def test_a_clock_that_was_set_between_two_drivers_proves_no_absence() -> None:
    """What the driver before sent lives as long as it lives, whatever our clock shows: we count from our own start."""
    desk = Desk().start(epoch=1)
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.later(1)
    successor = desk.restarted()
    successor.now_ns = Nanos(desk.now_ns + 60_000 * MS)
    successor.start(epoch=2)

    child = successor.child("kraken")

    for _ in range(4):
        successor.looked_up(child, Missing(endpoints=("order", "trades")))
        successor.later(30)
    assert child.state is ChildState.IN_DOUBT

    successor.later(300)
    for _ in range(3):
        successor.looked_up(child, Missing(endpoints=("order", "trades")))
    assert child.state is ChildState.NEVER_PLACED
