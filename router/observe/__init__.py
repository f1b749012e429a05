"""One named function per fact worth knowing: log line and metric together.

A process has one log and one page of metrics, as it has one standard error, so these are functions of the module.
`start` says once where lines go; until then nothing is written, only counted. A test, or a second driver in one
process, makes an `Observe` of its own.
"""

from collections.abc import Iterable
from typing import TextIO

from router.observe.logs import open_log, silent
from router.observe.observe import Observe
from router.observe.redaction import Redactor

_here = Observe(silent())

fact = _here.fact
exposition = _here.exposition
write_to = _here.write_to
facts = _here.facts
decision_failed = _here.decision_failed
child_sent = _here.child_sent
child_answered = _here.child_answered
connector_raised = _here.connector_raised
request_taken = _here.request_taken
request_refused = _here.request_refused
book_lost = _here.book_lost
book_age = _here.book_age
venue_lost = _here.venue_lost
unknown_message = _here.unknown_message
appended = _here.appended
decided = _here.decided
loop_lagged = _here.loop_lagged
recovered = _here.recovered
lease_lost = _here.lease_lost
stopped = _here.stopped
surprise = _here.surprise


def start(stream: TextIO, *, level: str, json: bool, secrets: Iterable[str]) -> None:
    """Write to `stream`, without any of these secrets in it."""
    write_to(open_log(stream, level=level, json=json, redactor=Redactor(secrets)))


__all__ = [
    "Observe",
    "Redactor",
    "appended",
    "book_age",
    "book_lost",
    "child_answered",
    "child_sent",
    "connector_raised",
    "decided",
    "decision_failed",
    "exposition",
    "fact",
    "facts",
    "lease_lost",
    "loop_lagged",
    "open_log",
    "recovered",
    "request_refused",
    "request_taken",
    "start",
    "stopped",
    "surprise",
    "unknown_message",
    "venue_lost",
    "write_to",
]
