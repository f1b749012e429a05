"""Faults a venue commits on request. A rule says where, when and how often; the desk says whether it is due now.

A rule is data, and comes over the control surface. It fires on matching calls (or frames) number `after + 1` to
`after + times`; with a `probability` below one each of those is drawn from the rule's own seed. Of several rules that
match one call, the oldest that is due fires; the others have seen the call too.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Call(StrEnum):
    """What a REST request asks for, in words common to all protocols."""

    PLACE = "place"
    CANCEL = "cancel"
    ORDER = "order"
    OPEN_ORDERS = "open_orders"
    ORDERS = "orders"
    """Lists that show ended orders too."""
    TRADES = "trades"
    BALANCES = "balances"
    MARKETS = "markets"
    BOOK = "book"
    FEES = "fees"
    PRINTS = "prints"
    """The newest public trades."""
    TIMER = "timer"
    """The dead-man timer."""
    STREAM_KEY = "stream_key"
    """What a private websocket asks for first."""
    OTHER = "other"
    ANY = "any"


class FrameKind(StrEnum):
    """What a websocket frame carries, in words common to all protocols."""

    SNAPSHOT = "snapshot"
    DELTA = "delta"
    PRINT = "print"
    """Public trades."""
    REPORT = "report"
    """The private stream: orders, executions, balances."""
    HEARTBEAT = "heartbeat"
    REPLY = "reply"
    """Answers to what the client sent; no fault touches them but `ws_kill`."""


class FaultKind(StrEnum):
    """What goes wrong. Unless said otherwise the request reached the engine and did its work.

    Parameters in brackets; `when`: "before" or "after" the engine, where it makes sense.
    """

    ANSWER_LOST = "answer_lost"
    """No answer, ever: the connection is held open [hold_ms = 60000]."""
    RESET_BEFORE = "reset_before"
    """The connection is reset before the engine saw the request."""
    RESET_AFTER = "reset_after"
    HTTP_5XX = "http_5xx"
    """An error page [when = after, status = 503]."""
    HTTP_429 = "http_429"
    """Refused for its rate, before the engine [status = 429, retry_after = "1"; null leaves the header out]."""
    SLOW = "slow"
    """The answer comes late [delay_ms = 500]."""
    CUT_BODY = "cut_body"
    """Half of the announced body, then the connection closes [when = after]."""
    HTML_200 = "html_200"
    """[when = after]."""
    EMPTY_200 = "empty_200"
    """[when = after]."""
    PARTIAL_JSON_200 = "partial_json_200"
    """The first half of the body, announced as all of it [when = after]."""
    MISSING_ID_200 = "missing_id_200"
    """The answer without its order ids."""
    REDIRECT = "redirect"
    """Sent elsewhere before the engine saw it [status = 307, location = "/redirected/..." at the same venue]."""
    DELAY_REQUEST = "delay_request"
    """The request itself is late at the engine [delay_ms = 1000]."""
    REPORT_BEFORE_ANSWER = "report_before_answer"
    """The private stream tells the end of it first [hold_ms = 50]."""
    WS_KILL = "ws_kill"
    """Sockets are reset [channel = any | public | private]: at once when `after` is 0, else in place of a frame.

    With `frames` (a `FrameKind`): the one socket that is to carry the next such frame, in its place.
    """
    WS_GAP = "ws_gap"
    """A frame is not sent [frames = delta]."""
    WS_SILENCE = "ws_silence"
    """Nothing is sent but answers to pings [duration_ms = 1000, channel = any | public | private], at once."""
    REPORT_REPEAT = "report_repeat"
    """A private frame is sent twice."""
    REPORT_REORDER = "report_reorder"
    """A private frame is sent after its successor, or after a while [hold_ms = 200]."""
    WS_FORGET = "ws_forget"
    """The venue itself loses changes of its books: what it streams is numbered and summed without a hole, and wrong."""
    WS_HALF_OPEN = "ws_half_open"
    """Nothing moves on any socket, no ping is answered, no FIN comes, and new sockets are taken and never greeted
    [duration_ms = 1000], at once."""
    WS_GARBAGE = "ws_garbage"
    """A frame that is not what it should be, on every socket [text = half a JSON object], at once."""
    WS_REFUSED = "ws_refused"
    """New sockets are answered 503 instead of being opened."""
    WS_FLOOD = "ws_flood"
    """Frames nobody asked for, on every public socket [rate_per_s = 2000, duration_ms = 1000, text = an odd object],
    at once."""
    CLOCK_OFF = "clock_off"
    """The venue's clock is set [offset_ms = 30000], at once."""


_ON_FRAMES: Mapping[FaultKind, frozenset[FrameKind]] = MappingProxyType(
    {
        FaultKind.WS_KILL: frozenset(set(FrameKind) - {FrameKind.REPLY}),
        FaultKind.WS_GAP: frozenset({FrameKind.DELTA}),
        FaultKind.REPORT_REPEAT: frozenset({FrameKind.REPORT}),
        FaultKind.REPORT_REORDER: frozenset({FrameKind.REPORT}),
        FaultKind.WS_SILENCE: frozenset(),
        FaultKind.WS_FORGET: frozenset(),
        FaultKind.WS_HALF_OPEN: frozenset(),
        FaultKind.WS_GARBAGE: frozenset(),
        FaultKind.WS_REFUSED: frozenset(),
        FaultKind.WS_FLOOD: frozenset(),
        FaultKind.CLOCK_OFF: frozenset(),
    }
)
AT_ONCE = frozenset(
    {FaultKind.WS_SILENCE, FaultKind.WS_HALF_OPEN, FaultKind.WS_GARBAGE, FaultKind.WS_FLOOD, FaultKind.CLOCK_OFF}
)
"""Struck when they are given, and never again."""
_ASKED_BY_NAME = frozenset(
    {
        FaultKind.WS_FORGET,
        FaultKind.WS_HALF_OPEN,
        FaultKind.WS_REFUSED,
        FaultKind.WS_GARBAGE,
        FaultKind.WS_FLOOD,
        FaultKind.CLOCK_OFF,
    }
)
"""Never drawn: what a seed drew stays what it drew."""
Param = str | int | float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultRule:
    """One fault to commit. `times` None is for ever; `method`, `path_contains` and `call` narrow the REST calls."""

    venue: str
    fault: FaultKind
    call: Call = Call.ANY
    method: str | None = None
    path_contains: str | None = None
    after: int = 0
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    params: Mapping[str, Param] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        assert self.frames is not None  # a kind of frame that does not exist raises ValueError here

    def number(self, name: str, default: float) -> float:
        """A numeric parameter."""
        value = self.params.get(name, default)
        return default if value is None else float(value)

    @property
    def frames(self) -> frozenset[FrameKind]:
        """The frames it may befall."""
        named = self.params.get("frames")
        return _ON_FRAMES.get(self.fault, frozenset()) if named is None else frozenset({FrameKind(str(named))})

    def text(self, name: str, default: str) -> str:
        """A textual parameter."""
        value = self.params.get(name, default)
        return default if value is None else str(value)


@dataclass(kw_only=True, slots=True)
class _Standing:
    id: int
    rule: FaultRule
    draws: random.Random
    matched: int = 0
    fired: int = 0

    def due(self) -> bool:
        """Count a match; is it one that fires."""
        self.matched += 1
        times = self.rule.times
        if self.matched <= self.rule.after or (times is not None and self.fired >= times):
            return False
        return self.rule.probability >= 1.0 or self.draws.random() < self.rule.probability


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultCount:
    """How often a rule's place came up and how often it fired."""

    id: int
    rule: FaultRule
    matched: int
    fired: int


class FaultDesk:
    """All standing rules of a lab, and what they have done."""

    def __init__(self) -> None:
        self._standing: list[_Standing] = []
        self._past: list[_Standing] = []
        self._next_id = 1

    def add(self, rule: FaultRule) -> int:
        """Let a rule stand. Returns its id."""
        standing = _Standing(id=self._next_id, rule=rule, draws=random.Random(rule.seed))
        self._next_id += 1
        self._standing.append(standing)
        return standing.id

    def clear(self, rule_id: int | None = None) -> None:
        """End one rule, or all; their counts remain readable."""
        over = [one for one in self._standing if rule_id in {None, one.id}]
        self._past += over
        self._standing = [one for one in self._standing if one not in over]

    def counts(self) -> tuple[FaultCount, ...]:
        """Every rule that ever stood, oldest first."""
        return tuple(
            FaultCount(id=one.id, rule=one.rule, matched=one.matched, fired=one.fired)
            for one in (*self._past, *self._standing)
        )

    def count_fired(self, rule_id: int) -> None:
        """A rule fired at the moment it was given."""
        for one in self._standing:
            if one.id == rule_id:
                one.matched += 1
                one.fired += 1

    def on_call(self, venue: str, call: Call, method: str, path: str) -> FaultRule | None:
        """The rule that is due on this REST call, if any."""
        return _first_due([one for one in self._standing if _matches_call(one.rule, venue, call, method, path)])

    def on_books(self, venue: str) -> FaultRule | None:
        """The rule that is due on changes of books that are about to be published, if any."""
        return self._of_kind(FaultKind.WS_FORGET, venue)

    def on_connect(self, venue: str) -> FaultRule | None:
        """The rule that is due on a socket that is about to be opened, if any."""
        return self._of_kind(FaultKind.WS_REFUSED, venue)

    def _of_kind(self, kind: FaultKind, venue: str) -> FaultRule | None:
        return _first_due([one for one in self._standing if one.rule.fault is kind and one.rule.venue in {venue, "*"}])

    def on_frame(self, venue: str, kind: FrameKind) -> FaultRule | None:
        """The rule that is due on this websocket frame, if any."""
        return _first_due([one for one in self._standing if one.rule.venue in {venue, "*"} and kind in one.rule.frames])


_DRAWN_CALLS = (
    Call.PLACE,
    Call.PLACE,
    Call.PLACE,
    Call.CANCEL,
    Call.ORDER,
    Call.OPEN_ORDERS,
    Call.TRADES,
    Call.BALANCES,
)


def draw_plan(seed: int, venues: Sequence[str], count: int) -> tuple[FaultRule, ...]:
    """A plan of `count` single faults drawn from a seed, with short delays: placing is hit most often."""
    draws = random.Random(seed)
    kinds = [kind for kind in FaultKind if kind not in _ASKED_BY_NAME]
    plan = []
    for _ in range(count):
        fault = draws.choice(kinds)
        on_calls = fault not in _ON_FRAMES
        plan.append(
            FaultRule(
                venue=draws.choice(list(venues)),
                fault=fault,
                call=draws.choice(_DRAWN_CALLS) if on_calls else Call.ANY,
                after=draws.randrange(6) if on_calls else draws.randrange(40),
                seed=draws.randrange(2**31),
                params=MappingProxyType({"delay_ms": draws.choice((50, 200, 600)), "duration_ms": 500}),
            )
        )
    return tuple(plan)


def _first_due(matching: Sequence[_Standing]) -> FaultRule | None:
    due = [one for one in matching if one.due()]
    if not due:
        return None
    due[0].fired += 1
    return due[0].rule


def _matches_call(rule: FaultRule, venue: str, call: Call, method: str, path: str) -> bool:
    return (
        rule.fault not in _ON_FRAMES
        and rule.venue in {venue, "*"}
        and rule.call in {call, Call.ANY}
        and (rule.method is None or rule.method.upper() == method)
        and (rule.path_contains is None or rule.path_contains in path)
    )
