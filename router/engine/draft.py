"""One decision in the making. Each fact is folded into the state as it is noted, so that the next one sees it."""

from dataclasses import dataclass, field
from decimal import Decimal

from router.engine.state import State
from router.model.commands import Command, Wake
from router.model.facts import Fact, TimerCleared, TimerSet
from router.model.ids import Nanos, ParentId, TimerId
from router.orders.records import Parent
from router.split.plan import Plan, SplitRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a round asked the splitter and what it answered: for watchers, who prove and compare it later."""

    parent_id: ParentId
    round: int
    request: SplitRequest
    reach_bps: Decimal | None
    plan: Plan


@dataclass(slots=True)
class Draft:
    """Facts and commands so far, and the parents whose standing must be looked at before the decision ends."""

    state: State
    now_ns: Nanos
    facts: list[Fact] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    touched: dict[ParentId, None] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    barred: set[ParentId] = field(default_factory=set)
    """Legs of baskets that may send nothing more until others have come further: no market is looked at for them."""
    renewed: set[ParentId] = field(default_factory=set)
    """Legs that others' progress gave more to do."""

    def note(self, fact: Fact) -> None:
        """This happened."""
        self.state.apply(fact)
        self.facts.append(fact)

    def do(self, command: Command) -> None:
        """Have this done, once the facts are durable."""
        self.commands.append(command)

    def touch(self, parent: Parent) -> None:
        """Something changed for this parent."""
        self.touched[parent.order.id] = None

    def touch_all(self) -> None:
        """Something changed for everybody."""
        for parent in self.state.blotter.working_parents():
            self.touch(parent)

    def wake(self, timer_id: TimerId, due_ns: Nanos) -> None:
        """Come back at `due_ns`; a later call replaces an earlier one."""
        if self.state.timers.get(timer_id) == due_ns:
            return
        self.note(TimerSet(timer_id=timer_id, due_ns=due_ns))
        self.do(Wake(timer_id=timer_id, due_ns=due_ns))

    def let_sleep(self, timer_id: TimerId) -> None:
        """The reason to come back is gone."""
        if timer_id in self.state.timers:
            self.note(TimerCleared(timer_id=timer_id))
