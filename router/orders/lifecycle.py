"""The child's lifecycle as a literal table.

A child is born PENDING_NEW: its intent is durable, a copy may or may not have left. From there it moves only on what
the venue proves. An answer that is missing or unusable puts it IN_DOUBT; the venue's own record puts it to WORKING,
or ends it. An end is reached only when every executed unit is booked; until then the child is CLOSING and its full
exposure stays. Reports race each other (a terminal report before the REST answer, a fill before its acknowledgement,
a cancel repeated): the table says so with the state it is already in. Only 'alive again after an end' is an ANOMALY:
it moves nothing and suspends the venue. 'Not found' is not in this table at all: it is evidence, and only the
resolver's ABSENCE_PROVEN, weighed from it, leads to NEVER_PLACED. A person's word (SETTLED) counts in quarantine and
nowhere else: what can still be decided by evidence is not decided by anybody.
"""

from enum import Enum, StrEnum
from typing import Literal

from router.model.orders import ChildState


class Heard(StrEnum):
    """What was learnt of a child, stripped of everything the lifecycle does not depend on."""

    TAKEN = "TAKEN"
    """The venue accepted it, some time ago: a REST answer says nothing about now."""
    ALIVE = "ALIVE"
    """The venue's record, asked for after all we know, shows it open."""
    DOUBTED = "DOUBTED"
    """A copy left and its answer is lost or unusable; or the venue says the id exists and nothing more."""
    REFUSED = "REFUSED"
    """A whitelisted refusal of the only copy."""
    NOT_SENT = "NOT_SENT"
    """The only copy never left."""
    CANCEL_SENT = "CANCEL_SENT"
    EXECUTED = "EXECUTED"
    """A fill was booked: proof that the venue accepted it."""
    ENDED_UNBOOKED = "ENDED_UNBOOKED"
    """The venue says it ended; fills are still missing here."""
    ENDED_FILLED = "ENDED_FILLED"
    ENDED_CANCELLED = "ENDED_CANCELLED"
    ENDED_EXPIRED = "ENDED_EXPIRED"
    ENDED_REJECTED = "ENDED_REJECTED"
    ABSENCE_PROVEN = "ABSENCE_PROVEN"
    UNDECIDABLE = "UNDECIDABLE"
    """No rule can settle the doubt: a person decides, with evidence."""
    SETTLED_FILLED = "SETTLED_FILLED"
    """People say, with the venue's trade ids, that it is over and filled whole."""
    SETTLED_PART = "SETTLED_PART"
    """The same, and only a part of it filled."""
    SETTLED_ABSENT = "SETTLED_ABSENT"
    """People say that the venue never had it."""


class Cell(Enum):
    """What a cell of the table holds when it is no other state."""

    SAME = "same"
    """The report is true and teaches nothing new."""
    ANOMALY = "anomaly"
    """It cannot be: nothing moves, the venue is suspended."""


_S = ChildState
_H = Heard

# Ends that carry all fills are final from every living state.
_TO_END = {
    _H.ENDED_FILLED: _S.FILLED,
    _H.ENDED_CANCELLED: _S.CANCELLED,
    _H.ENDED_EXPIRED: _S.EXPIRED,
    _H.ENDED_REJECTED: _S.REJECTED,
}

# Outside quarantine nobody is asked.
_NOT_ASKED: dict[Heard, ChildState | Cell] = {
    _H.SETTLED_FILLED: Cell.SAME,
    _H.SETTLED_PART: Cell.SAME,
    _H.SETTLED_ABSENT: Cell.SAME,
}

# After an end: repeated and late reports change nothing, life is an anomaly, a late fill is booked and moves no state.
_AFTER_END: dict[Heard, ChildState | Cell] = {
    # The terminal report overtook the answer to the submit.
    _H.TAKEN: Cell.SAME,
    _H.ALIVE: Cell.ANOMALY,
    _H.DOUBTED: Cell.SAME,
    _H.REFUSED: Cell.SAME,
    _H.NOT_SENT: Cell.SAME,
    _H.CANCEL_SENT: Cell.SAME,
    _H.EXECUTED: Cell.SAME,
    _H.ENDED_UNBOOKED: Cell.SAME,
    _H.ENDED_FILLED: Cell.SAME,
    _H.ENDED_CANCELLED: Cell.SAME,
    _H.ENDED_EXPIRED: Cell.SAME,
    _H.ENDED_REJECTED: Cell.SAME,
    _H.ABSENCE_PROVEN: Cell.SAME,
    _H.UNDECIDABLE: Cell.SAME,
    **_NOT_ASKED,
}

# What was proven absent cannot have been accepted.
_AFTER_NEVER_PLACED = _AFTER_END | {_H.TAKEN: Cell.ANOMALY}

TRANSITIONS: dict[ChildState, dict[Heard, ChildState | Cell]] = {
    _S.PENDING_NEW: {
        _H.TAKEN: _S.WORKING,
        _H.ALIVE: _S.WORKING,
        _H.DOUBTED: _S.IN_DOUBT,
        _H.REFUSED: _S.REJECTED,
        _H.NOT_SENT: _S.REJECTED,
        # A cancel is asked only of an order the venue is known to have.
        _H.CANCEL_SENT: Cell.SAME,
        # A fill can overtake its acknowledgement: different streams, no common order.
        _H.EXECUTED: _S.WORKING,
        _H.ENDED_UNBOOKED: _S.CLOSING,
        **_TO_END,
        _H.ABSENCE_PROVEN: _S.NEVER_PLACED,
        _H.UNDECIDABLE: _S.QUARANTINED,
        **_NOT_ASKED,
    },
    _S.IN_DOUBT: {
        _H.TAKEN: _S.WORKING,
        _H.ALIVE: _S.WORKING,
        _H.DOUBTED: Cell.SAME,
        # A late answer to the only copy settles it.
        _H.REFUSED: _S.REJECTED,
        _H.NOT_SENT: _S.REJECTED,
        # Asking to cancel what may not exist teaches nothing about whether it does.
        _H.CANCEL_SENT: Cell.SAME,
        _H.EXECUTED: _S.WORKING,
        _H.ENDED_UNBOOKED: _S.CLOSING,
        **_TO_END,
        _H.ABSENCE_PROVEN: _S.NEVER_PLACED,
        _H.UNDECIDABLE: _S.QUARANTINED,
        **_NOT_ASKED,
    },
    _S.WORKING: {
        _H.TAKEN: Cell.SAME,
        _H.ALIVE: Cell.SAME,
        # The stream or a look-up knew it before its REST answer got lost.
        _H.DOUBTED: Cell.SAME,
        # A venue that accepts and then refuses does so in its order record, not in a late answer.
        _H.REFUSED: Cell.ANOMALY,
        _H.NOT_SENT: Cell.ANOMALY,
        _H.CANCEL_SENT: _S.PENDING_CANCEL,
        _H.EXECUTED: Cell.SAME,
        _H.ENDED_UNBOOKED: _S.CLOSING,
        **_TO_END,
        _H.ABSENCE_PROVEN: Cell.ANOMALY,
        _H.UNDECIDABLE: _S.QUARANTINED,
        **_NOT_ASKED,
    },
    _S.PENDING_CANCEL: {
        _H.TAKEN: Cell.SAME,
        _H.ALIVE: Cell.SAME,
        _H.DOUBTED: Cell.SAME,
        # It was WORKING when the cancel left: what holds there holds here.
        _H.REFUSED: Cell.ANOMALY,
        _H.NOT_SENT: Cell.ANOMALY,
        _H.CANCEL_SENT: Cell.SAME,
        _H.EXECUTED: Cell.SAME,
        _H.ENDED_UNBOOKED: _S.CLOSING,
        **_TO_END,
        _H.ABSENCE_PROVEN: Cell.ANOMALY,
        _H.UNDECIDABLE: _S.QUARANTINED,
        **_NOT_ASKED,
    },
    _S.CLOSING: {
        _H.TAKEN: Cell.SAME,
        # A stale read behind a newer one: the venue has already said that it ended.
        _H.ALIVE: Cell.SAME,
        _H.DOUBTED: Cell.SAME,
        _H.REFUSED: Cell.SAME,
        _H.NOT_SENT: Cell.SAME,
        _H.CANCEL_SENT: Cell.SAME,
        _H.EXECUTED: Cell.SAME,
        _H.ENDED_UNBOOKED: Cell.SAME,
        **_TO_END,
        _H.ABSENCE_PROVEN: Cell.SAME,
        _H.UNDECIDABLE: _S.QUARANTINED,
        **_NOT_ASKED,
    },
    _S.QUARANTINED: {
        # Evidence may still turn up: the venue's word is as good as before.
        _H.TAKEN: _S.WORKING,
        _H.ALIVE: _S.WORKING,
        _H.DOUBTED: Cell.SAME,
        _H.REFUSED: _S.REJECTED,
        _H.NOT_SENT: _S.REJECTED,
        _H.CANCEL_SENT: Cell.SAME,
        _H.EXECUTED: _S.WORKING,
        _H.ENDED_UNBOOKED: _S.CLOSING,
        **_TO_END,
        _H.ABSENCE_PROVEN: Cell.SAME,
        _H.UNDECIDABLE: Cell.SAME,
        _H.SETTLED_FILLED: _S.FILLED,
        _H.SETTLED_PART: _S.CANCELLED,
        _H.SETTLED_ABSENT: _S.NEVER_PLACED,
    },
    _S.FILLED: _AFTER_END,
    _S.CANCELLED: _AFTER_END,
    _S.EXPIRED: _AFTER_END,
    _S.REJECTED: _AFTER_END,
    _S.NEVER_PLACED: _AFTER_NEVER_PLACED,
}


def after(state: ChildState, heard: Heard) -> ChildState | Literal[Cell.ANOMALY]:
    """The state that follows, which may be the same one."""
    cell = TRANSITIONS[state][heard]
    if cell is Cell.ANOMALY:
        return Cell.ANOMALY
    return state if cell is Cell.SAME else cell
