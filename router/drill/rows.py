"""What is rehearsed: every row of the table, in its order. A row is data; `play` knows how each script goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.lab.client import Levels
from connectors.lab.faults import Call, FaultKind, Param
from router.drill.faults import LOOK_UPS, NEVER_ARRIVES, PLACING, READING, STREAMS
from router.drill.stand import ASKS

QUANTITY = "0.4"
LIMIT = "60600"
"""No trade may be beyond it. Both subjects quote from 60,010."""
_BEYOND = ("61000", "50")


class Group(StrEnum):
    """What kind of row it is."""

    CONTROL = "control"
    """Nothing is wrong with the wire or the process; the market, the account or the asker may say no."""
    PLACE = "placing"
    READ = "reading"
    STREAM = "streams"
    PROCESS = "process"
    VENUE = "venue"


class Script(StrEnum):
    """What the person at the shell does. *The same command* is the same reference, quantity and limit."""

    ONCE = "the command"
    AGAIN = "the command, and when it has ended the same command again"
    TWICE_IN_ONE = "the command twice in one process"
    TWO_AT_ONCE = "the command twice at the same time, in two processes"
    KILLED = "the command, `kill -9` at the moment, the same command again"
    KILLED_TWICE = "as before, and the second one is killed at its first request"
    STOPPED = "the command, SIGSTOP at the moment, SIGCONT 1.2 s later"


class Moment(StrEnum):
    """When the first fault is given, or the process is killed or stopped."""

    START = "before the process starts"
    CONNECTED = "when its sockets stand"
    STRUCK = "when the row's first fault has met a request"
    TRADED = "when the venue has made the trade"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault of a row, on any of these calls."""

    kind: FaultKind
    calls: Sequence[Call] = (Call.ANY,)
    times: int | None = 1
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row. `short_is_right`: less than all of it, truly told, is as good an end as all of it.

    `given`: when the faults are given. `at`: when the process is killed or stopped. `asks`: what is on offer;
    `then_asks`, `then_faults`: from the moment on in which the first fault has met a request. `poor`: the account has
    little of the quote. `quote_old_ms`: how old a hosted quote is. `never_arrives`: the engine sees
    nothing of the first request.
    """

    name: str
    group: Group
    faults: Sequence[Fault] = ()
    then_faults: Sequence[Fault] = ()
    script: Script = Script.ONCE
    given: Moment = Moment.START
    at: Moment = Moment.STRUCK
    read_lag_ms: int = 0
    asks: Levels = ASKS
    then_asks: Levels | None = None
    halted: bool = False
    poor: bool = False
    quote_old_ms: int = 0
    short_is_right: bool = False
    never_arrives: bool = False

    @property
    def is_a_race(self) -> bool:
        """Milliseconds decide what meets what."""
        return self.script is Script.TWO_AT_ONCE or self.at is Moment.TRADED


def _longer(params: Mapping[str, Param]) -> Mapping[str, Param]:
    """A rehearsal shares its machine: its time-outs are twice a test's, and so is what has to outlast them."""
    delay_ms = params.get("delay_ms")
    return params if delay_ms is None else {**params, "delay_ms": 2 * float(delay_ms)}


def _placing() -> list[Row]:
    return [
        Row(
            name=f"order: {name}",
            group=Group.PLACE,
            faults=(Fault(kind=kind, calls=(Call.PLACE,), params=_longer(params)),),
            never_arrives=name in NEVER_ARRIVES,
        )
        for name, (kind, params) in PLACING.items()
    ]


_REPEATED = ("answer lost", "reset after the engine", "504 after the engine", "HTML", "JSON cut", "empty")


def _placing_and_again() -> list[Row]:
    return [
        Row(
            name=f"order: {name}; the same command again",
            group=Group.PLACE,
            faults=(Fault(kind=PLACING[name][0], calls=(Call.PLACE,), params=_longer(PLACING[name][1])),),
            script=Script.AGAIN,
        )
        for name in _REPEATED
    ]


def _reading() -> list[Row]:
    lost = Fault(kind=FaultKind.RESET_AFTER, calls=(Call.PLACE,))
    answered_late = Fault(kind=FaultKind.SLOW, calls=(Call.PLACE,), params={"delay_ms": 100})
    return [
        Row(
            name=f"order answered, look-up: {name}" if answered else f"order's answer lost, look-up: {name}",
            group=Group.READ,
            faults=(answered_late if answered else lost,),
            then_faults=(_look_up(name),),
        )
        for answered, names in ((True, ("503", "HTML", "empty", "id missing")), (False, tuple(READING)))
        for name in names
    ]


def _look_up(name: str) -> Fault:
    kind, params = READING[name]
    times = 1 if "times" in params else 3
    return Fault(
        kind=kind,
        calls=(*LOOK_UPS, Call.TRADES),
        times=times,
        params=_longer({key: value for key, value in params.items() if key != "times"}),
    )


def _streams() -> list[Row]:
    rows = []
    for name, (kind, params) in STREAMS.items():
        rest = {key: value for key, value in params.items() if key not in {"times", "call"}}
        call = Call(str(params.get("call", Call.ANY)))
        at_once = kind in {FaultKind.WS_KILL, FaultKind.WS_SILENCE}
        rows.append(
            Row(
                name=f"stream: {name}",
                group=Group.STREAM,
                faults=(Fault(kind=kind, calls=(call,), times=None if "times" in params else 1, params=rest),),
                given=Moment.CONNECTED if at_once else Moment.START,
            )
        )
    return rows


_SLOW_PLACE = Fault(kind=FaultKind.SLOW, calls=(Call.PLACE,), times=None, params={"delay_ms": 500})
_LATE_PLACE = Fault(kind=FaultKind.DELAY_REQUEST, calls=(Call.PLACE,), params={"delay_ms": 200})
_SLOW_MARKETS = Fault(kind=FaultKind.SLOW, calls=(Call.MARKETS,), params={"delay_ms": 250})

ROWS: tuple[Row, ...] = (
    Row(name="nothing goes wrong", group=Group.CONTROL),
    Row(name="twice in one process", group=Group.CONTROL, script=Script.TWICE_IN_ONE),
    Row(name="symbol halted", group=Group.CONTROL, halted=True, short_is_right=True),
    Row(name="too little money", group=Group.CONTROL, poor=True, short_is_right=True),
    Row(
        name="only 0.25 on offer within the limit",
        group=Group.CONTROL,
        asks=(("60010", "0.25"), _BEYOND),
        short_is_right=True,
    ),
    Row(
        name="offer gone while the order is on its way",
        group=Group.CONTROL,
        faults=(_LATE_PLACE,),
        then_asks=(_BEYOND,),
        short_is_right=True,
    ),
    Row(name="nothing on offer", group=Group.CONTROL, asks=(), short_is_right=True),
    *_placing(),
    *_placing_and_again(),
    *_reading(),
    *_streams(),
    Row(
        name="look-ups lag 300 ms behind, order's answer lost",
        group=Group.VENUE,
        faults=(Fault(kind=FaultKind.RESET_AFTER, calls=(Call.PLACE,)),),
        read_lag_ms=300,
    ),
    Row(name="look-ups lag 300 ms behind", group=Group.VENUE, read_lag_ms=300),
    Row(
        name="market list fails once",
        group=Group.VENUE,
        faults=(Fault(kind=FaultKind.HTTP_5XX, calls=(Call.MARKETS,)),),
        short_is_right=True,
    ),
    Row(
        name="book gone stale",
        group=Group.VENUE,
        faults=(Fault(kind=FaultKind.WS_SILENCE, params={"duration_ms": 1_500, "channel": "public"}),),
        given=Moment.CONNECTED,
        quote_old_ms=10_000,
        short_is_right=True,
    ),
    Row(
        name="venue's clock 30 s off",
        group=Group.VENUE,
        faults=(Fault(kind=FaultKind.CLOCK_OFF),),
        short_is_right=True,
    ),
    Row(name="the same command again", group=Group.PROCESS, script=Script.AGAIN),
    Row(name="the same command twice at once", group=Group.PROCESS, script=Script.TWO_AT_ONCE),
    Row(
        name="killed before anything was sent, run again",
        group=Group.PROCESS,
        faults=(_SLOW_MARKETS,),
        script=Script.KILLED,
    ),
    Row(
        name="killed with the order on its way, run again",
        group=Group.PROCESS,
        faults=(_LATE_PLACE,),
        script=Script.KILLED,
    ),
    Row(
        name="killed before the answer, run again",
        group=Group.PROCESS,
        faults=(_SLOW_PLACE,),
        script=Script.KILLED,
    ),
    Row(
        name="killed before the answer, and again while recovering, run again",
        group=Group.PROCESS,
        faults=(_SLOW_PLACE,),
        script=Script.KILLED_TWICE,
    ),
    Row(
        name="killed as the trade is made, run again",
        group=Group.PROCESS,
        script=Script.KILLED,
        at=Moment.TRADED,
    ),
    Row(
        name="stopped for 1.2 s before the answer",
        group=Group.PROCESS,
        faults=(_SLOW_PLACE,),
        script=Script.STOPPED,
    ),
)
NAMES = tuple(row.name for row in ROWS)
